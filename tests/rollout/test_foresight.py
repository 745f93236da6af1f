"""What will go out, before it does; and nothing changes by asking."""

from datetime import date, timedelta

import pytest
import time_machine
from django.apps import apps
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext

from rollout import actions, outbox
from rollout.domain.reminders import State
from rollout.models import PlanVersion, Reminder, ReminderRule, Wave
from rollout.outbox.foresight import Outlook, UntilError, foresee, read_until
from tests.factories import ContactFactory, ReminderRuleFactory, WaveFactory
from tests.rollout.ledger import DUE, START, at, change, make_wave, owe

pytestmark = pytest.mark.django_db

TODAY = START.date()
IN_90_DAYS = TODAY + timedelta(days=90)


@pytest.fixture(autouse=True)
def clock():
    """Time stands still at 10:00 in Tokyo on 2026-11-24."""
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def coming(now=START, until=IN_90_DAYS, **narrowed):
    """When each mail goes, by which rule, and to whom."""
    return [
        (f"{mail.goes_at:%m-%d %H:%M}", mail.rule.label, mail.address)
        for mail in foresee(now, until, **narrowed)
    ]


def contents():
    """Every row of every table of ours."""
    names = ("ministries", "rollout")
    models = [model for name in names for model in apps.get_app_config(name).get_models()]
    return {model: list(model._default_manager.order_by("pk").values()) for model in models}


def repeated(kind, count, label):
    return ReminderRuleFactory(kind=kind, count=count, label=label)


def test_foresee_lists_rows_of_the_ledger_and_what_has_no_row_yet():
    make_wave("R9.1.15")
    ContactFactory(ministry=Wave.objects.get().rollout.lead_ministry, email="a@example.go.jp")
    ContactFactory(role="pmo", email="pmo@example.go.jp")
    ReminderRuleFactory(count=7, label="7日前", to_pmo=False)
    repeated("overdue", 7, "毎週")
    ReminderRuleFactory(
        kind="digest", count=2, unit="weeks", label="まとめ", subject="{日付} まとめ", body="{まとめ}"
    )
    outbox.plan_reminders()
    a, pmo = "a@example.go.jp", "pmo@example.go.jp"
    assert coming() == [
        ("11-24 10:00", "まとめ", pmo),
        ("12-07 09:00", "まとめ", pmo),
        ("12-21 09:00", "まとめ", pmo),
        ("01-04 09:00", "まとめ", pmo),
        ("01-08 09:00", "7日前", a),
        ("01-18 09:00", "まとめ", pmo),
        ("01-22 09:00", "毎週", a),
        ("01-22 09:00", "毎週", pmo),
        ("01-29 09:00", "毎週", a),
        ("01-29 09:00", "毎週", pmo),
        ("02-01 09:00", "まとめ", pmo),
        ("02-05 09:00", "毎週", a),
        ("02-05 09:00", "毎週", pmo),
        ("02-12 09:00", "毎週", a),
        ("02-12 09:00", "毎週", pmo),
        ("02-15 09:00", "まとめ", pmo),
        ("02-19 09:00", "毎週", a),
        ("02-19 09:00", "毎週", pmo),
    ]
    states = [(mail.is_in_ledger, mail.state) for mail in foresee(START, IN_90_DAYS)]
    there, absent = (True, "planned"), (False, "")
    assert states == [there, there, absent, absent, there, absent, there, there] + [absent] * 10


def test_what_is_foreseen_is_what_goes_out(clock, mailoutbox, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    wave = owe(make_wave("R9.1.4"), emails=("a@example.go.jp", "b@example.go.jp"), days=(30, 7, 1))
    repeated("overdue", 7, "毎週")
    outbox.plan_reminders()
    foreseen = [
        (mail.goes_at.date(), mail.address, mail.subject, mail.body) for mail in foresee(START, IN_90_DAYS)
    ]
    sent = []
    for day in range(91):
        moment = START.replace(hour=9) + timedelta(days=day)
        clock.move_to(moment)
        outbox.plan_reminders()
        outbox.settle()
        outbox.deliver()
        rows = Reminder.objects.filter(sent_at=moment).order_by("address")
        sent += [(moment.date(), row.address, row.subject, row.body) for row in rows]
    assert len(sent) == len(mailoutbox) == 18
    assert sent == foreseen
    assert wave.cutover.text == "R9.1.4"


def test_foresee_changes_nothing():
    wave = owe(days=(30, 7))
    repeated("unconfirmed", 30, "30日ごと")
    actions.save_row(row=wave, actor=None, reason="")
    before = contents()
    assert len(list(foresee(START, IN_90_DAYS))) == 3
    assert contents() == before


def test_foresee_is_right_while_the_ledger_lags():
    wave = owe(days=(30, 7))
    Reminder.objects.filter(rule__count=30).update(
        state=State.SENT, sent_at=START, told_cutover="R9.1.15", told_status="planned"
    )
    ReminderRuleFactory(kind="change", label="変更", subject="変更", body="{変更の内容}")
    wave.cutover = "R9.2.15"
    actions.save_row(row=wave, actor=None, reason="延期")
    a = "a@example.go.jp"
    assert Outlook(START, IN_90_DAYS).is_ledger_behind
    assert coming() == [("11-24 10:10", "変更", a), ("01-15 09:00", "30日前", a), ("02-08 09:00", "7日前", a)]
    [change, *_] = foresee(START, IN_90_DAYS)
    assert change.body == "切替予定 R9.1.15 → 切替予定 R9.2.15"
    outbox.plan_reminders()
    assert not Outlook(START, IN_90_DAYS).is_ledger_behind
    assert coming() == [("11-24 10:10", "変更", a), ("01-15 09:00", "30日前", a), ("02-08 09:00", "7日前", a)]


DAYS_LEFT = {
    "before New Year, for its first days": ("R9.1", 1, "12-28 09:00", "切替予定期間の初日まであと4日です"),
    "before a weekend": ("R9.1.17", 7, "01-08 09:00", "切替予定日まであと9日です"),
    "on the day itself": ("R9.1.15", 0, "01-15 09:00", "切替予定日は本日です"),
    "the day is closed": ("R9.1.16", 0, "01-18 09:00", "切替予定日から2日たっています"),
}


@pytest.mark.parametrize(("cutover", "days", "goes", "text"), DAYS_LEFT.values(), ids=DAYS_LEFT)
def test_text_counts_from_the_day_that_the_mail_goes_out_on(cutover, days, goes, text):
    owe(make_wave(cutover), days=(days,))
    ReminderRule.objects.update(body="{残り日数}")
    [mail] = foresee(START, IN_90_DAYS)
    assert (f"{mail.goes_at:%m-%d %H:%M}", mail.body) == (goes, text)


def test_text_is_addressed_and_has_no_link_by_which_its_reader_could_answer():
    owe()
    ReminderRule.objects.update(body="{宛名}\n{確認ページ}\n{カレンダー}")
    [mail] = foresee(START, IN_90_DAYS)
    assert (mail.name, mail.subject) == ("担当者", "国税庁（地方拠点） 切替のお知らせ")
    assert mail.body == (
        "担当者\n（確認ページのリンク。送信のときに宛先ごとに作ります）\n"
        "（予定表の購読用リンク。送信のときに宛先ごとに作ります）"
    )


def test_text_of_a_wrong_rule_says_so():
    owe()
    ReminderRule.objects.update(body="{担当}")
    [mail] = foresee(START, IN_90_DAYS)
    assert mail.body[:40] == "通知ルールの文面に誤りがあるため送れません: 1文字目の「{担当}」は使えません"


def test_of_several_on_one_day_the_nearest_to_the_cutover_is_foreseen():
    owe(make_wave("R9.1.4"), days=(7, 5, 1))
    assert coming() == [("12-28 09:00", "1日前", "a@example.go.jp")]


HELD = {
    "on Friday evening": (at("2026-12-18 20:00"), at("2026-12-18 09:00"), "12-18 20:00"),
    "on Saturday": (at("2026-12-19 12:00"), at("2026-12-18 09:00"), "12-21 09:00"),
    "before nine": (at("2026-12-21 08:00"), at("2026-12-18 09:00"), "12-21 09:00"),
    "over New Year": (at("2026-12-30 12:00"), at("2026-12-28 09:00"), "01-04 09:00"),
}


@pytest.mark.parametrize(("now", "due_at", "goes"), HELD.values(), ids=HELD)
def test_what_is_late_goes_at_the_next_moment_at_which_mail_may_go(clock, now, due_at, goes):
    days = (date(2027, 1, 15) - due_at.date()).days
    owe(days=(days,))
    clock.move_to(now)
    outbox.settle()
    assert coming(now) == [(goes, f"{days}日前", "a@example.go.jp")]


def test_what_waits_for_another_attempt_goes_then(clock):
    owe()
    clock.move_to(DUE)
    outbox.settle()
    Reminder.objects.update(retry_at=at("2026-12-16 09:15"))
    assert coming(DUE) == [("12-16 09:15", "30日前", "a@example.go.jp")]


@pytest.mark.parametrize(
    ("now", "count"),
    [
        pytest.param(at("2026-12-23 23:59"), 1, id="last day of its grace"),
        pytest.param(at("2026-12-24 00:00"), 0, id="past it"),
    ],
)
def test_what_is_past_its_grace_is_not_foreseen(clock, now, count):
    owe()
    clock.move_to(now)
    assert len(foresee(now, IN_90_DAYS)) == count


def test_what_is_wanted_again_is_foreseen_while_the_ledger_lags():
    wave = owe(days=(30, 7))
    change(wave, status="cancelled")
    assert coming() == []
    wave.status = "planned"
    actions.save_row(row=wave, actor=None, reason="再開")
    a = "a@example.go.jp"
    assert coming() == [("12-16 09:00", "30日前", a), ("01-08 09:00", "7日前", a)]
    assert [mail.state for mail in foresee(START, IN_90_DAYS)] == ["planned", "planned"]


def test_what_a_person_decided_to_send_takes_nobodys_place(clock, django_user_model):
    owe(make_wave("R9.1.4"), days=(7, 1))
    day = at("2026-12-28 10:00")
    clock.move_to(day)
    decided = Reminder.objects.filter(rule__count=7)
    decided.update(state=State.DUE, decided_by=django_user_model.objects.create_user("pmo"))
    a = "a@example.go.jp"
    assert coming(day) == [("12-28 10:00", "7日前", a), ("12-28 10:00", "1日前", a)]


@pytest.mark.parametrize("state", [State.SENT, State.FAILED, State.UNKNOWN, State.SKIPPED, State.SENDING])
def test_what_is_done_is_not_foreseen(state):
    owe()
    Reminder.objects.update(state=state, sent_at=START, claimed_at=START)
    assert coming() == []


def test_a_warning_that_waits_is_foreseen():
    rule = ReminderRuleFactory(kind="alert", label="警告", subject="警告", body="{宛名}")
    ContactFactory(role="pmo", email="pmo@example.go.jp", name="PMO室")
    Reminder.objects.create(rule=rule, address="pmo@example.go.jp", due_at=START, state=State.DUE)
    [mail] = foresee(START, IN_90_DAYS)
    assert (mail.wave, mail.rule, mail.body) == (None, rule, "PMO室")


def test_foresee_is_narrowed_by_wave_rule_and_address():
    wave = owe(days=(30, 7))
    owe(WaveFactory(cutover="R9.1.15"), emails=("other@example.go.jp",), days=())
    rule = ReminderRule.objects.get(count=7)
    narrowed = [
        coming(waves=Q(pk=wave.pk), rule=rule.pk),
        coming(rule=rule.pk, address="OTHER@"),
        coming(address="nobody"),
        coming(until=DUE.date(), address="a@example.go.jp"),
    ]
    assert narrowed == [
        [("01-08 09:00", "7日前", "a@example.go.jp")],
        [("01-08 09:00", "7日前", "other@example.go.jp")],
        [],
        [("12-16 09:00", "30日前", "a@example.go.jp")],
    ]


def test_foresight_is_a_sequence():
    owe(days=(30, 7))
    foresight = foresee(START, IN_90_DAYS)
    assert (len(foresight), foresight[1].rule.label) == (2, "7日前")
    assert [mail.rule.label for mail in foresight[0:1]] == ["30日前"]


def questions():
    with CaptureQueriesContext(connection) as asked:
        count = len(list(foresee(START, IN_90_DAYS)))
    return count, len(asked)


def test_foresee_asks_the_same_number_of_questions_however_much_there_is():
    owe(days=(30,))
    few = questions()
    repeated("overdue", 7, "毎週")
    for _ in range(3):
        owe(WaveFactory(cutover="R9.1.20"), emails=("b@example.go.jp", "c@example.go.jp"), days=())
    many = questions()
    assert (few[0], many[0]) == (1, 36)
    assert many[1] == few[1]


UNTIL = {
    "nothing": ("", date(2027, 2, 22)),
    "a day": ("2027-02-28", date(2027, 2, 28)),
    "a month, to its end": ("R9.2", date(2027, 2, 28)),
    "a fiscal year": ("R8年度", date(2027, 3, 31)),
    "today": (" 2026-11-24 ", TODAY),
}


@pytest.mark.parametrize(("text", "day"), UNTIL.values(), ids=UNTIL)
def test_read_until_reads_days_and_periods(text, day):
    assert read_until(text, START) == day


BOUNDS = "2026-11-24（今日）から2028-11-24（約2年先）までの日を書いてください。"
BAD_UNTIL = {
    "yesterday": ("2026-11-23", f"「2026-11-23」は範囲の外です。{BOUNDS}"),
    "too far": ("R20.1", f"「R20.1」は範囲の外です。{BOUNDS}"),
    "no end": ("R9以降", "「R9以降」には最後の日がありません。2027-02-28、R9.2 のように書いてください。"),
    "undecided": ("検討中", "「検討中」には最後の日がありません。2027-02-28、R9.2 のように書いてください。"),
}


@pytest.mark.parametrize(("text", "message"), BAD_UNTIL.values(), ids=BAD_UNTIL)
def test_read_until_says_what_is_wrong(text, message):
    with pytest.raises(UntilError) as caught:
        read_until(text, START)
    assert str(caught.value) == message


def test_read_until_says_how_a_date_is_written():
    with pytest.raises(UntilError) as caught:
        read_until("2027-02-30", START)
    assert str(caught.value) == "「2027-02-30」：2027年2月は28日までです（30はありません）。"


def test_outlook_of_a_ledger_never_planned_is_complete():
    make_wave()
    ContactFactory(ministry=Wave.objects.get().rollout.lead_ministry, email="a@example.go.jp")
    ReminderRuleFactory()
    assert PlanVersion.objects.current().reminders_number is None
    assert coming() == [("12-16 09:00", "30日前", "a@example.go.jp")]
