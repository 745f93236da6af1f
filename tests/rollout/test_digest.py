"""The digest to the PMO: the published plan word for word, then what it does not have."""

import logging
import struct
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rollout import actions
from rollout.domain.reminders import State
from rollout.models import Cohort, PlanVersion, Reminder, ReminderRule, Wave
from rollout.outbox.digest import digest_picture, digest_text
from rollout.outbox.failures import failing_addresses
from rollout.recompute import recompute
from tests.conftest import SEED_NOW
from tests.factories import ContactFactory, ReminderRuleFactory, WaveFactory
from tests.rollout.ledger import at, make_wave

SEED_DIGEST = """\
GSS導入計画のまとめです（2026年11月23日 16:00 時点）。

■ 見込み
R8年度末　　　152,000人
　幅　　　　　146,000〜158,000人
　目標　　　　272,000人の 56%
現在の計画　　145,312人（R8.11まで）
利用確認済み　47,000人
時期未定　　　120,000人

■ 今後90日の切替　2件
・R8.12~　出入国在留管理庁
　　期間の初日まであと8日、3,344人（按分）
・R9.1~　財務局
　　期間の初日まであと39日、3,344人（按分）

■ 予定日経過・未確認　6件
・R7.10~　法務省（一部）
　　期間の最終日から388日経過、18,700人（公表・確認）
・R7.12~　公正取引委員会
　　期間の最終日から327日経過、1,006人（按分）
・R8.2~　気象庁
　　期間の最終日から268日経過、5,294人（按分）
・R8.6~　国税庁
　　期間の最終日から146日経過、68,600人（公表・確認）
・R8.6~　原子力規制庁
　　期間の最終日から146日経過、589人（按分）
・R8.7~　経済産業省
　　期間の最終日から115日経過、4,123人（按分）

■ 日程確認がない（90日以上）
ありません。

■ 送れなかった通知（先週から）
ありません。

■ くり返し届かない宛先
ありません。

■ 先週からの動き
計画の履歴は 2026年11月23日 16:00 からです。
2026年11月16日 16:00 の計画とは比べられません。"""

EMPTY_DIGEST = """\
GSS導入計画のまとめです（2027年1月18日 09:00 時点）。

■ 見込み
まだ計算されていません。

■ 今後90日の切替
ありません。

■ 予定日経過・未確認
ありません。

■ 日程確認がない（90日以上）
ありません。

■ 送れなかった通知（先週から）
ありません。

■ くり返し届かない宛先
ありません。

■ 先週からの動き
計画の履歴がまだありません。
2027年1月11日 09:00 の計画とは比べられません。"""

MONDAY = at("2027-01-18 09:00")


def section(title, now=MONDAY):
    """The lines below the heading that begins with these words, the heading first."""
    found = [text for text in digest_text(now).split("\n\n") if text.startswith(f"■ {title}")]
    return found[0].split("\n") if found else None


def entry(state=State.MISSED, due="2027-01-12 09:00", **values):
    """A row of the ledger; what was handed over was so when it was due."""
    due_at = at(due)
    tried = state in (State.SENT, State.FAILED, State.UNKNOWN)
    defaults = {
        "address": "a@example.go.jp",
        "occurrence": Reminder.objects.count(),
        "due_at": due_at,
        "claimed_at": due_at if tried else None,
        "sent_at": due_at if state is State.SENT else None,
    }
    return Reminder.objects.create(state=state, **{**defaults, **values})


@pytest.fixture
def rule(db):
    return ReminderRuleFactory(label="切替の30日前", grace_business_days=5)


@pytest.fixture
def wave(db):
    return make_wave()


@pytest.mark.usefixtures("seeded")
def test_digest_of_the_published_plan():
    assert digest_text(SEED_NOW) == SEED_DIGEST


@pytest.mark.django_db
def test_digest_before_there_is_a_plan():
    assert digest_text(MONDAY) == EMPTY_DIGEST


@pytest.mark.usefixtures("seeded")
def test_outlook_says_when_a_change_is_not_in_the_figures():
    PlanVersion.objects.raise_number()
    assert section("見込み", SEED_NOW)[-1] == (
        "※ 2026年11月23日 16:00 の計算です。その後の変更は入っていません。"
    )


@pytest.mark.usefixtures("seeded")
def test_picture_is_a_png():
    picture = digest_picture(SEED_NOW)
    assert (picture[:8], struct.unpack(">II", picture[16:24])) == (b"\x89PNG\r\n\x1a\n", (1020, 600))


@pytest.mark.django_db
def test_there_is_no_picture_before_the_first_computation():
    assert digest_picture(MONDAY) is None


# Waves


@pytest.mark.parametrize(
    ("cutover", "note"),
    [
        ("R9.1.18", "本日"),
        ("2027年1月20日", "あと2日"),
        ("R9.1~", "切替の期間中"),
        ("R9.4", "期間の初日まであと73日"),
    ],
)
def test_wave_to_come_has_its_date_as_written_and_what_is_left(cutover, note, db):
    make_wave(cutover)
    assert section("今後90日の切替") == [
        "■ 今後90日の切替　1件",
        f"・{cutover}　国税庁（地方拠点）",
        f"　　{note}、人数は不明",
    ]


@pytest.mark.parametrize(
    ("cutover", "note"), [("R9.1.15", "予定日から3日経過"), ("R8.12", "期間の最終日から18日経過")]
)
def test_overdue_wave_says_for_how_long(cutover, note, db):
    make_wave(cutover)
    assert section("予定日経過・未確認")[2] == f"　　{note}、人数は不明"


@pytest.mark.parametrize(
    ("confirmed_on", "note"),
    [
        (None, "2026年9月1日にこの日程になってから確認なし"),
        ("2026-08-31", "2026年9月1日にこの日程になってから確認なし"),
        ("2026-10-20", "最後の日程確認は2026年10月20日"),
        ("2026-10-21", None),
    ],
    ids=["never", "of another date", "90 days ago", "89 days ago"],
)
def test_wave_without_a_confirmation_for_long_is_listed(confirmed_on, note, db):
    make_wave("R10.3", confirmed_on=confirmed_on)
    for cutover in ("検討中", "R9.1.17"):
        WaveFactory(cutover=cutover)
    Wave.objects.update(cutover_since=at("2026-09-01 12:00"))
    later = WaveFactory(cutover="R10.3")
    Wave.objects.filter(pk=later.pk).update(cutover_since=at("2026-10-21 00:00"))
    listed = ["ありません。"] if note is None else ["・R10.3　国税庁（地方拠点）", f"　　{note}、人数は不明"]
    assert section("日程確認がない")[1:] == listed


def test_long_lists_are_cut(db):
    WaveFactory.create_batch(53, cutover="R9.1.20")
    lines = section("今後90日の切替")
    assert (lines[0], len(lines), lines[-1]) == ("■ 今後90日の切替　53件", 102, "ほか3件")


# Mail


def test_lost_mail_is_listed_with_whom_and_why(wave, rule):
    told = {"wave": wave, "rule": rule}
    entry(**told)
    entry(State.FAILED, **told, server_answer="550 5.1.1\r\n no such user")
    entry(State.FAILED, **told, claimed_at=None, state_note="通知ルールの文面に誤りがあります")
    entry(State.UNKNOWN, due="2026-06-01 09:00", rule=rule, state_note="届いたか確認してください。")
    for state in (State.SENT, State.DUE, State.PLANNED, State.CANCELLED, State.SKIPPED, State.SENDING):
        entry(state, **told, claimed_at=at("2027-01-12 09:00"))
    assert section("送れなかった通知") == [
        "■ 送れなかった通知（先週から）　4件",
        "期限切れ 1件、失敗 2件、不明（要確認） 1件",
        *("・不明（要確認）　PMO", "　　切替の30日前（2026年6月1日の分）", "　　a@example.go.jp"),
        "　　届いたか確認してください。",
        *("・期限切れ　国税庁（地方拠点）", "　　切替の30日前（2027年1月12日の分）", "　　a@example.go.jp"),
        *("・失敗　国税庁（地方拠点）", "　　切替の30日前（2027年1月12日の分）", "　　a@example.go.jp"),
        "　　550 5.1.1 no such user",
        *("・失敗　国税庁（地方拠点）", "　　切替の30日前（2027年1月12日の分）", "　　a@example.go.jp"),
        "　　通知ルールの文面に誤りがあります",
    ]


@pytest.mark.parametrize(
    ("state", "due", "listed"),
    [
        (State.MISSED, "2027-01-04 09:00", True),
        (State.MISSED, "2026-12-28 09:00", False),
        (State.FAILED, "2027-01-11 09:00", True),
        (State.FAILED, "2027-01-11 08:59", False),
        (State.UNKNOWN, "2026-01-11 09:00", True),
    ],
    ids=["grace ended in the week", "grace ended before", "refused in the week", "before", "nobody decided"],
)
def test_lost_mail_is_listed_once_a_week(wave, rule, state, due, listed):
    entry(state, due, wave=wave, rule=rule)
    assert (section("送れなかった通知")[1] != "ありません。") is listed


def test_digest_looks_back_to_the_last_one(wave, rule):
    digest = ReminderRuleFactory(kind="digest", unit="weeks", count=1)
    entry(State.SENT, "2026-12-14 09:00", rule=digest)
    entry(State.SENT, "2027-01-18 09:00", rule=digest)
    entry(State.FAILED, "2026-12-15 09:00", wave=wave, rule=rule)
    entry(State.FAILED, "2026-12-11 09:00", wave=wave, rule=rule)
    assert section("送れなかった通知")[:2] == ["■ 送れなかった通知（前回のまとめから）　1件", "失敗 1件"]


REFUSED, LATER = "550 no such user", "452 try again"


@pytest.mark.parametrize(
    ("states", "answers", "failures"),
    [
        ([State.FAILED], [REFUSED], 0),
        ([State.FAILED, State.FAILED], [REFUSED, REFUSED], 2),
        ([State.SENT, State.FAILED, State.FAILED], ["", REFUSED, REFUSED], 2),
        ([State.FAILED, State.FAILED, State.SENT], [REFUSED, REFUSED, ""], 0),
        ([State.FAILED, State.SENT, State.FAILED], [REFUSED, "", REFUSED], 0),
        ([State.FAILED, State.FAILED], [REFUSED, "メールを組み立てられません"], 0),
        ([State.FAILED, State.MISSED, State.FAILED], [REFUSED, LATER, REFUSED], 2),
    ],
    ids=[
        "once",
        "twice",
        "after a good one",
        "until a good one",
        "in turns",
        "our own fault",
        "missed between",
    ],
)
def test_address_fails_when_its_last_mails_were_refused(wave, rule, states, answers, failures):
    contact = ContactFactory(email="A@example.go.jp")
    for day, (state, answer) in enumerate(zip(states, answers, strict=True), start=1):
        entry(state, f"2026-10-0{day} 09:00", wave=wave, rule=rule, server_answer=answer)
    found = [(each.address, each.ministries, each.failures) for each in failing_addresses()]
    assert found == ([("a@example.go.jp", [contact.ministry.name], failures)] if failures else [])


@pytest.mark.parametrize("active", [True, False])
def test_address_that_is_used_no_more_is_not_failing(wave, rule, active):
    ContactFactory(email="a@example.go.jp", active=active)
    for _ in range(2):
        entry(State.FAILED, wave=wave, rule=rule, server_answer=REFUSED)
    assert [each.address for each in failing_addresses()] == ["a@example.go.jp"] * active


def test_failing_addresses_are_listed_with_the_last_answer(wave, rule):
    ContactFactory(email="a@example.go.jp", ministry=wave.rollout.lead_ministry)
    ContactFactory(email="a@example.go.jp", ministry__name="財務局")
    entry(State.FAILED, "2027-01-05 09:00", wave=wave, rule=rule, server_answer="550 full")
    entry(State.FAILED, "2027-01-12 09:00", wave=wave, rule=rule, server_answer="550 " + "x" * 200)
    assert section("くり返し届かない宛先") == [
        "■ くり返し届かない宛先　1件",
        "・a@example.go.jp（国税庁、財務局）",
        "　　続けて2回、最後は2027年1月12日",
        "　　550 " + "x" * 96 + "…",
    ]


def test_mail_that_waits_is_listed_with_the_reasons(wave, rule):
    digest = ReminderRuleFactory(kind="digest", unit="weeks", count=1)
    for note, answer in (("上限です。", ""), ("上限です。", ""), ("", "接続できません"), ("", "")):
        entry(State.DUE, "2027-01-18 09:00", wave=wave, rule=rule, state_note=note, server_answer=answer)
    entry(State.DUE, "2027-01-18 09:00", rule=digest)
    entry(State.DUE, "2027-01-18 09:10", wave=wave, rule=rule)
    assert section("送信待ち", at("2027-01-18 09:15")) == [
        "■ 送信待ちのままの通知　4件",
        "最も古いものは 2027年1月18日 09:00 の分",
        "・上限です。　2件",
        "・送信の順番を待っています。　1件",
        "・接続できません　1件",
    ]


@pytest.mark.parametrize(
    "now", ["2027-01-18 09:14", "2027-01-18 08:00", "2027-01-17 12:00"], ids=["soon", "too early", "Sunday"]
)
def test_mail_that_may_not_go_yet_does_not_wait(wave, rule, now):
    entry(State.DUE, "2027-01-15 17:00", wave=wave, rule=rule)
    assert section("送信待ち", at(now)) is None


# Movers


@pytest.mark.usefixtures("seeded")
def test_movers_since_last_week():
    with time_machine.travel(SEED_NOW + timedelta(days=2), tick=False):
        wave = Wave.objects.get(rollout__code="nta")
        wave.cutover = "R9.6"
        actions.save_row(row=wave, actor=None, reason="延期")
    assert section("先週からの動き", SEED_NOW + timedelta(days=7)) == [
        "■ 先週からの動き　1件",
        "R8年度末の計画　152,000人 → 83,400人（−68,600人）",
        "比べた時点　2026年11月23日 16:00",
        "・国税庁　−68,600人（日程の変更）",
    ]


@pytest.mark.usefixtures("seeded")
def test_movers_say_when_nothing_has_moved():
    assert section("先週からの動き", SEED_NOW + timedelta(days=7)) == [
        "■ 先週からの動き",
        "ありません。R8年度末の計画は 152,000人のままです。",
    ]


# Costs, and privacy


def add_rows(copies):
    rule, cohort = ReminderRule.objects.get(code="before-30"), Cohort.objects.first()
    for number in range(copies):
        waves = [
            WaveFactory(cutover=cutover, rollout__cohort=cohort)
            for cutover in ("R8.10.1", "R8.12.1", "R10.3")
        ]
        Wave.objects.filter(pk=waves[2].pk).update(cutover_since=at("2026-01-01 09:00"))
        address = ContactFactory(ministry=waves[0].rollout.lead_ministry).email
        for state in (State.MISSED, State.FAILED, State.FAILED, State.UNKNOWN, State.DUE):
            answer = f"550 {number}"
            entry(state, "2026-11-24 09:00", wave=waves[0], rule=rule, address=address, server_answer=answer)


def queries(now):
    with CaptureQueriesContext(connection) as found:
        digest_text(now)
    return len(found)


@pytest.mark.usefixtures("seeded")
def test_digest_takes_the_same_queries_for_more_rows_and_logs_nothing(caplog):
    now = at("2026-12-01 09:30")
    add_rows(1)
    recompute()
    caplog.set_level(logging.DEBUG, logger="rollout")
    few = queries(now)
    add_rows(5)
    recompute()
    assert queries(now) == few
    assert few <= 40
    assert caplog.text == ""
