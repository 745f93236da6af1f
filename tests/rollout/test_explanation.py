"""Why somebody got a mail, or did not, in words."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ministries.models import Contact
from rollout import outbox
from rollout.domain.reminders import State
from rollout.models import PlanVersion, Reminder, ReminderRule, RolloutCoverage, Wave
from rollout.outbox.explanation import explain
from tests.factories import ContactFactory, MinistryFactory, ReminderRuleFactory, WaveFactory
from tests.rollout.ledger import DUE, START, at, change, make_wave, owe
from tests.rollout.test_foresight import contents

pytestmark = pytest.mark.django_db

A = "a@example.go.jp"
NOTHING = "上の理由により、送るものがありません。"


@pytest.fixture(autouse=True)
def clock():
    """Time stands still at 10:00 in Tokyo on 2026-11-24."""
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def why(wave=None, address=A, now=START):
    """The sentences about everything, then by rule."""
    rows = Wave.objects.select_related("rollout__lead_ministry", "merged_into__rollout__lead_ministry")
    general, *rules = explain(address, rows.get(pk=(wave or Wave.objects.first()).pk), now)
    return general.sentences, {answer.about: answer.sentences for answer in rules}


def by_rule(**asked):
    """The sentences of the one rule."""
    [sentences] = why(**asked)[1].values()
    return sentences


def test_general_words_name_the_plan_and_the_contact():
    owe()
    assert why()[0] == [
        "国税庁（地方拠点）の切替予定は「R9.1.15」、状態は「予定」です。",
        "国税庁の主担当「担当者」として2026年11月24日から通知しています。",
        "この移行単位については「主管府省庁の主担当」として通知を受け取ります。",
    ]


def test_general_words_of_a_stranger_and_of_who_is_switched_off():
    wave = owe(emails=(A, "off@example.go.jp"))
    Contact.objects.filter(email="off@example.go.jp").update(active=False)
    ContactFactory(email="stranger@example.go.jp", ministry__name="連絡室", role="deputy")
    outbox.plan_reminders()
    told = {name: why(wave, f"{name}@example.go.jp")[0][1:] for name in ("off", "stranger", "nobody")}
    assert told == {
        "off": ["国税庁の主担当「担当者」として登録されていますが、「通知する」が外れています。"],
        "stranger": [
            "連絡室の副担当「担当者」として2026年11月24日から通知しています。",
            "この移行単位に関係する府省庁の連絡先でもPMOの連絡先でもないため、新しい通知は届きません。",
        ],
        "nobody": ["このアドレスは、どの府省庁の連絡先にも登録されていません。"],
    }
    assert by_rule(address="stranger@example.go.jp") == [NOTHING]


def test_general_words_of_an_address_at_several_places():
    wave = owe()
    covered = MinistryFactory(name="国税不服審判所")
    RolloutCoverage.objects.create(rollout=wave.rollout, ministry=covered)
    ContactFactory(ministry=covered, email="A@example.go.jp")
    outbox.plan_reminders()
    assert why()[0][2:] == [
        "国税不服審判所の主担当「担当者」として2026年11月24日から通知しています。",
        "この移行単位については「主管府省庁の主担当、あわせて対象となる府省庁の担当」として通知を受け取ります。",
    ]


def test_general_words_of_what_has_settled():
    wave = owe()
    change(wave, status="cancelled")
    assert why()[0][:2] == [
        "国税庁（地方拠点）の切替予定は「R9.1.15」、状態は「中止」です。",
        "そのため、変更のお知らせのほかは、もう送りません。",
    ]
    Wave.objects.filter(pk=wave.pk).update(merged_into=WaveFactory(rollout=wave.rollout, name="第2陣"))
    assert why()[0][1] == (
        "「国税庁（地方拠点） 第2陣」に統合されたため、変更のお知らせのほかは、もう送りません。"
    )


def test_ledger_that_lags_is_said_and_the_newest_plan_answers():
    wave = owe()
    Wave.objects.filter(pk=wave.pk).update(status="cancelled")
    PlanVersion.objects.raise_number()
    general, rules = why()
    assert general[2] == "台帳は最新の計画に合わせて更新しているところです。ここでは最新の計画から答えます。"
    dropped = "2026年12月16日 09:00に送る予定でしたが、計画・宛先・ルールが変わったため取り消します。"
    assert rules["30日前"] == [dropped, NOTHING]


ROWS = {
    "planned": ({}, "2026年12月16日 09:00に送る予定です。"),
    "sending": ({"state": State.SENDING, "claimed_at": DUE}, "2026年12月16日 09:00から送信しています。"),
    "sent": (
        {
            "state": State.SENT,
            "sent_at": DUE,
            "server_answer": "受け付けられました",
            "message_id": "<1@x>",
            "told_cutover": "R9.1.15",
            "told_status": "planned",
        },
        (
            "2026年12月16日 09:00に送りました（知らせた内容は「R9.1.15」、"
            "メールサーバーの応答「受け付けられました」、Message-ID <1@x>）。"
        ),
    ),
    "acknowledged": (
        {
            "state": State.SENT,
            "sent_at": DUE,
            "server_answer": "OK",
            "message_id": "<1@x>",
            "acknowledged_at": at("2026-12-17 10:30"),
        },
        (
            "2026年12月16日 09:00に送りました（メールサーバーの応答「OK」、Message-ID <1@x>）。"
            "2026年12月17日 10:30に受領が確認されました。"
        ),
    ),
    "unknown": (
        {"state": State.UNKNOWN, "claimed_at": DUE, "state_note": "途切れました。", "message_id": "<1@x>"},
        "2026年12月16日 09:00に送りましたが、届いたか分かりません（途切れました。、Message-ID <1@x>）。",
    ),
    "failed": (
        {"state": State.FAILED, "server_answer": "550 unknown user"},
        "期日2026年12月16日 09:00の通知は送れませんでした（550 unknown user）。",
    ),
    "missed": (
        {"state": State.MISSED, "state_note": "猶予を過ぎました。"},
        "期日2026年12月16日 09:00の通知は「期限切れ」です（猶予を過ぎました。）。",
    ),
    "skipped": (
        {"state": State.SKIPPED, "state_note": "省略しました。"},
        "期日2026年12月16日 09:00の通知は「省略」です（省略しました。）。",
    ),
}


@pytest.mark.parametrize(("values", "sentence"), ROWS.values(), ids=ROWS)
def test_row_of_the_ledger_is_told(values, sentence):
    owe()
    Reminder.objects.update(**values)
    assert by_rule() == [sentence]


def test_row_that_waits_says_for_what(clock):
    owe()
    clock.move_to(DUE)
    outbox.settle()
    Reminder.objects.update(
        attempts=1, retry_at=at("2026-12-16 09:01"), server_answer="451 later", state_note="待っています。"
    )
    assert by_rule(now=DUE) == [
        (
            "期日は2026年12月16日 09:00で、送信待ちです（試行1回、メールサーバーの応答「451 later」）。"
            "待っています。早ければ2026年12月16日 09:01に送ります。"
        )
    ]


LATE = {
    "held over the weekend": (
        at("2026-12-19 12:00"),
        "2026年12月21日 09:00に送る予定です（期日は2026年12月16日 09:00）。",
    ),
    "past its grace": (
        at("2026-12-24 12:00"),
        "期日（2026年12月16日 09:00）から猶予の営業日数を過ぎたため送りません。",
    ),
}


@pytest.mark.parametrize(("now", "sentence"), LATE.values(), ids=LATE)
def test_row_that_is_late_is_told(clock, now, sentence):
    owe()
    clock.move_to(now)
    assert by_rule(now=now) == [sentence]


def test_what_gives_way_to_a_nearer_one_is_told():
    owe(make_wave("R9.1.4"), days=(7, 1))
    assert why()[1] == {
        "7日前": [
            "2026年12月28日 09:00が期日ですが、切替により近い「1日前」を送るため省略します。",
        ],
        "1日前": ["2026年12月28日 09:00に送る予定です。"],
    }


def test_moved_cutover_is_told_with_what_was_sent_before():
    wave = owe()
    change(wave, cutover="R9.2.15")
    assert by_rule() == [
        "期日2026年12月16日 09:00の通知は「取消」です（切替予定が変わったため）。",
        "2027年1月15日 09:00に送る予定です。",
    ]


def test_what_the_ledger_has_no_row_for_yet_is_told():
    owe(days=())
    ReminderRuleFactory(label="新しいルール")
    assert by_rule() == ["2026年12月16日 09:00に送る予定です。"]


STATUSES = "状態が「準備中・移行中」の移行単位だけが対象です（いまは「予定」）。"
TOO_EARLY = (
    "期日の{}が、次のどれかより前でした（ルールが有効になった日 2026年11月24日、"
    "いまの切替予定になった日 2026年11月24日、このアドレスへの通知を始めた日 2026年11月24日）。"
)
WHY_NOT = {
    "inactive": ("R9.1.15", {"active": False}, ["この通知ルールは無効です。"]),
    "status": ("R9.1.15", {"statuses": ["preparing", "migrating"]}, [STATUSES]),
    "role": ("R9.1.15", {"to_lead": False}, ["宛先は「主管府省庁の副担当、PMO」だけです。"]),
    "undecided": ("検討中", {}, ["切替予定が未定のため、期日がありません。"]),
    "coarse": (
        "R8年度",
        {},
        ["切替予定（R8年度）が月や日まで決まっていないため、期日がありません。"],
    ),
    "no last day": ("R9以降", {}, ["切替予定（R9以降）に最後の日がないため、期日がありません。"]),
    "month wanted": (
        "R9.1.15",
        {"precision": "month"},
        ["「月までの予定だけ」が対象で、いまの切替予定（R9.1.15）は当てはまりません。"],
    ),
    "too early": ("R8.12.1", {}, [TOO_EARLY.format("2026年10月30日")]),
    "role, and too early for rule and cutover": (
        "R8.12.1",
        {"to_lead": False},
        [
            "宛先は「主管府省庁の副担当、PMO」だけです。",
            f"{TOO_EARLY.format('2026年10月30日').partition('、このアドレス')[0]}）。",
        ],
    ),
    "over": (
        "R9.1.15",
        {"kind": "unconfirmed", "count": 90},
        ["切替予定（R9.1.15）の最後の日までに、このルールの次の期日がありません。"],
    ),
    "nothing to change": (
        "R9.1.15",
        {"kind": "change"},
        ["この移行単位について、まだ何も知らせていないため、変更のお知らせもありません。"],
    ),
    "digest": (
        "R9.1.15",
        {"kind": "digest", "count": 1},
        ["PMOの連絡先へ送るまとめで、移行単位ごとの通知ではありません。このアドレスには送りません。"],
    ),
    "alert": (
        "R9.1.15",
        {"kind": "alert"},
        [
            (
                "送信を一時停止したときにPMOの連絡先へ送る警告で、移行単位ごとの通知ではありません。"
                "このアドレスには送りません。"
            )
        ],
    ),
    "digest, inactive": (
        "R9.1.15",
        {"kind": "digest", "count": 1, "active": False},
        ["この通知ルールは無効です。"],
    ),
    "several": (
        "R8年度",
        {"active": False, "statuses": ["preparing", "migrating"]},
        [
            "この通知ルールは無効です。",
            STATUSES,
            "切替予定（R8年度）が月や日まで決まっていないため、期日がありません。",
        ],
    ),
}


@pytest.mark.parametrize(("cutover", "values", "sentences"), WHY_NOT.values(), ids=WHY_NOT)
def test_why_a_rule_owes_nothing(cutover, values, sentences):
    ReminderRuleFactory(**{"to_covered": False, "to_watchers": False, **values})
    owe(make_wave(cutover), days=())
    assert by_rule() == sentences


def test_pmo_gets_digests():
    owe(days=())
    ContactFactory(role="pmo", email="pmo@example.go.jp")
    ReminderRuleFactory(kind="digest", count=1)
    assert by_rule(address="pmo@example.go.jp") == [
        "PMOの連絡先へ送るまとめで、移行単位ごとの通知ではありません。"
    ]


def test_revived_too_late_is_told(clock):
    wave = owe()
    change(wave, status="cancelled")
    clock.move_to(at("2026-12-24 12:00"))
    change(wave, status="planned")
    assert by_rule(now=at("2026-12-24 12:00")) == [
        "期日2026年12月16日 09:00の通知は「取消」です（移行単位が「中止」になったため）。",
        "期日から猶予を過ぎたため送りません。",
    ]


def sent(**values):
    told = {"told_cutover": "R9.1.15", "told_status": "planned", "server_answer": "OK"}
    Reminder.objects.update(state=State.SENT, sent_at=DUE, **told, **values)


def test_change_is_told_only_where_something_differs():
    owe()
    sent()
    ReminderRuleFactory(kind="change", label="変更")
    assert why()[1]["変更"] == ["最後に知らせた内容（切替予定 R9.1.15）から変わっていません。"]


def test_change_that_could_not_be_sent_is_told():
    wave = owe()
    sent()
    ReminderRuleFactory(kind="change", label="変更")
    change(wave, cutover="R9.2.15")
    assert why()[1]["変更"] == ["2026年11月24日 10:10に送る予定です。"]
    Reminder.objects.filter(rule__label="変更").update(state=State.FAILED, server_answer="550 no")
    assert why()[1]["変更"] == ["期日2026年11月24日 10:10の通知は送れませんでした（550 no）。"]


def test_change_by_an_inactive_rule_is_told():
    wave = owe()
    sent()
    ReminderRuleFactory(kind="change", label="変更", active=False)
    change(wave, cutover="R9.2.15")
    assert why()[1]["変更"] == ["この通知ルールは無効です。"]


def escalation(**values):
    """A rule that goes to the deputy, two business days after the 30 days' mail."""
    follows = ReminderRule.objects.get(label="30日前")
    deputy = Contact.objects.get(email="b@example.go.jp")
    Contact.objects.filter(pk=deputy.pk).update(role="deputy")
    kind = {"kind": "escalation", "follows": follows, "count": 2, "unit": "business_days"}
    ReminderRuleFactory(label="副担当へ", to_lead=False, to_pmo=False, **kind, **values)


def escalated(now=DUE):
    return why(address="b@example.go.jp", now=now)[1]["副担当へ"]


def test_escalation_says_what_it_waits_for(clock):
    owe(emails=(A, "b@example.go.jp"))
    escalation()
    assert escalated() == ["元のルール「30日前」の通知を、いまの切替予定についてまだ送っていません。"]
    clock.move_to(DUE)
    sent()
    PlanVersion.objects.raise_number()
    assert escalated() == ["2026年12月18日 09:00に送る予定です。"]
    Reminder.objects.filter(address=A).update(acknowledged_at=DUE)
    assert escalated() == ["元のルール「30日前」の通知は、受領が確認されています。"]


def test_escalation_of_a_younger_rule_is_told(clock):
    owe(emails=(A, "b@example.go.jp"))
    clock.move_to(at("2026-12-21 10:00"))
    sent()
    escalation()
    assert escalated(at("2026-12-21 10:00")) == [
        (
            "期日の2026年12月18日が、次のどれかより前でした（ルールが有効になった日 2026年12月21日、"
            "いまの切替予定になった日 2026年11月24日、このアドレスへの通知を始めた日 2026年11月24日）。"
        )
    ]


def test_repeated_rule_tells_the_newest_rows_and_how_many_more_there_are():
    owe(days=())
    rule = ReminderRuleFactory(kind="overdue", count=7, label="毎週")
    wave = Wave.objects.get()
    for number in range(23):
        Reminder.objects.create(
            wave=wave,
            rule=rule,
            address=A,
            cutover_version=1,
            occurrence=number,
            due_at=START + timedelta(days=number),
            state=State.FAILED,
            server_answer=f"55{number}",
        )
    told = by_rule()
    assert (len(told), told[0]) == (22, "これより前に3通の記録があります。台帳で見られます。")
    assert told[-2:] == [
        "期日2026年12月16日 10:00の通知は送れませんでした（5522）。",
        "2027年1月22日 09:00に送る予定です。",
    ]


def test_repeated_rule_that_has_ended_says_why():
    wave = owe(make_wave("R9.1.15"), days=())
    rule = ReminderRuleFactory(kind="overdue", count=7, label="毎週")
    Reminder.objects.create(
        wave=wave,
        rule=rule,
        address=A,
        cutover_version=1,
        due_at=START,
        state=State.FAILED,
        server_answer="5",
    )
    change(wave, status="in_use", cutover="R8.11.20")
    assert by_rule() == ["期日2026年11月24日 10:00の通知は送れませんでした（5）。", NOTHING]


def test_explain_changes_nothing():
    wave = owe(days=(30, 7))
    wave.save()
    PlanVersion.objects.raise_number()
    before = contents()
    assert len(why()[1]) == 2
    assert contents() == before


def questions():
    with CaptureQueriesContext(connection) as asked:
        why()
    return len(asked)


def test_explain_asks_the_same_number_of_questions_however_many_rows_and_rules():
    wave = owe()
    few = questions()
    for email in ("b@example.go.jp", "c@example.go.jp"):
        ContactFactory(ministry=wave.rollout.lead_ministry, email=email)
    owe(wave, emails=(), days=(14, 7, 3))
    assert questions() == few


def test_rules_come_by_kind_and_then_by_when_they_are_due():
    owe(days=(7, 30, 0))
    ReminderRuleFactory(count=6, unit="months", label="6か月前")
    ReminderRuleFactory(count=3, unit="business_days", direction="after", label="3営業日後")
    repeating = {"kind": "overdue", "count": 7}
    ReminderRuleFactory(label="毎週", **repeating)
    assert list(why()[1]) == ["6か月前", "30日前", "7日前", "0日前", "3営業日後", "毎週"]
