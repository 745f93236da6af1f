"""Whoever was told something that is no longer so is told what holds now: once, and nobody else."""

from datetime import timedelta

import pytest
import time_machine
from django.core import mail

from rollout import outbox
from rollout.domain.reminders import State
from rollout.models import Reminder, ReminderRule, Wave
from tests.factories import ContactFactory, ReminderRuleFactory, WaveFactory
from tests.rollout.ledger import DUE, START, at, change, ledger, make_wave, owe

pytestmark = pytest.mark.django_db

A, B, LATER = "a@example.go.jp", "b@example.go.jp", "later@example.go.jp"
TEXT = "{変更前}|{変更後}|{変更の内容}"
PLANNED, SENT, CANCELLED = State.PLANNED, State.SENT, State.CANCELLED


@pytest.fixture
def clock():
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def told(clock):
    """A wave of which A and B, not LATER, were told on 2026-12-16 that it moves on R9.1.15; a day later."""
    ReminderRuleFactory(kind="change", to_lead=False, label="変更", body=TEXT, subject="{案件}")
    wave = owe(emails=(A, B))
    clock.move_to(DUE)
    run()
    assert [message.to for message in mail.outbox] == [[A], [B]]
    mail.outbox.clear()
    clock.move_to(at("2026-12-17 10:00"))
    ContactFactory(ministry=wave.rollout.lead_ministry, email=LATER)
    return Wave.objects.get()


def run():
    outbox.plan_reminders()
    outbox.settle()
    outbox.deliver()


def later(clock, minutes):
    clock.shift(timedelta(minutes=minutes))
    run()


def notices(*names):
    rows = Reminder.objects.filter(rule__kind="change").order_by("pk").values_list(*names)
    return [values[0] if len(names) == 1 else values for values in rows]


def mails():
    return [(message.to[0], message.body) for message in mail.outbox]


def said(text):
    return [(A, text), (B, text)]


MOVED = "切替予定 R9.1.15|切替予定 R9.3.1|切替予定 R9.1.15 → 切替予定 R9.3.1"


def test_move_is_told_to_exactly_those_who_were_told(clock, told):
    change(told, cutover="R9.3.1")
    later(clock, 9)
    assert mails() == []
    later(clock, 1)
    assert mails() == said(MOVED)
    later(clock, 60)
    assert mails() == said(MOVED)
    assert notices("address", "state", "told_cutover", "told_status") == [
        (A, SENT, "R9.3.1", "planned"),
        (B, SENT, "R9.3.1", "planned"),
    ]


ENDS = {
    "cancelled": ({"status": "cancelled"}, "中止"),
    "confirmed on the day": ({"status": "in_use", "cutover": "R8.12.15"}, "R8.12.15 利用開始を確認"),
    "undecided": ({"cutover": ""}, "切替予定 検討中"),
    "a month": ({"cutover": "R9.1~"}, "切替予定 R9.1~"),
}


@pytest.mark.parametrize(("values", "after"), ENDS.values(), ids=ENDS)
def test_notice_says_from_what_to_what(clock, told, values, after):
    change(told, **values)
    later(clock, 10)
    before = "切替予定 R9.1.15"
    assert mails() == said(f"{before}|{after}|{before} → {after}")


def test_moves_within_the_settling_time_are_told_once(clock, told):
    change(told, cutover="R9.2.1")
    later(clock, 5)
    change(told, cutover="R9.3.1")
    later(clock, 9)
    assert mails() == []
    later(clock, 1)
    assert mails() == said(MOVED)
    assert notices("cutover_version", "state") == [(2, CANCELLED), (2, CANCELLED), (3, SENT), (3, SENT)]


def test_move_there_and_back_is_told_to_nobody(clock, told):
    change(told, cutover="R9.2.1")
    later(clock, 5)
    change(told, cutover="R9.1.15")
    later(clock, 60)
    assert (mails(), notices("state")) == ([], [CANCELLED, CANCELLED])


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"status": "preparing"}, id="another status of what is awaited"),
        pytest.param({"cutover": "令和9年1月15日"}, id="another way to write it"),
        pytest.param({"users": 5}, id="another count"),
    ],
)
def test_what_was_told_and_still_holds_is_not_told_again(clock, told, values):
    change(told, **values)
    later(clock, 60)
    assert (mails(), notices("state")) == ([], [])


def test_cancelled_and_planned_again_is_told_each_time(clock, told):
    for status in ("cancelled", "planned", "cancelled"):
        change(told, status=status)
        later(clock, 10)
    texts = [text.split("|")[1] for address, text in mails() if address == A]
    assert texts == ["中止", "切替予定 R9.1.15", "中止"]
    assert [row[1] for row in notices("address", "occurrence") if row[0] == A] == [0, 1, 2]


def test_notice_that_failed_is_owed_again_only_for_something_else(clock, told):
    change(told, cutover="R9.3.1")
    Reminder.objects.filter(rule__kind="change").update(state=State.FAILED)
    told.save()
    later(clock, 60)
    assert notices("state") == [State.FAILED, State.FAILED]
    change(told, status="cancelled")
    later(clock, 10)
    assert [text.split("|")[2] for _, text in mails()] == ["切替予定 R9.1.15 → 中止"] * 2


def test_unknown_counts_as_told(clock, told):
    Reminder.objects.filter(address=A).update(state=State.UNKNOWN, sent_at=None)
    change(told, cutover="R9.3.1")
    later(clock, 10)
    assert mails() == said(MOVED)


def test_switched_off_contact_is_told_nothing(clock, told):
    change(told.rollout.lead_ministry.contacts.get(email=B), active=False)
    change(told, cutover="R9.3.1")
    later(clock, 10)
    assert mails() == [(A, MOVED)]


def test_move_at_the_weekend_is_told_on_monday_morning(clock, told):
    clock.move_to(at("2026-12-19 12:00"))
    change(told, cutover="R9.3.1")
    later(clock, 10)
    assert notices("due_at") == [at("2026-12-21 09:00")] * 2
    clock.move_to(at("2026-12-21 09:00"))
    run()
    assert mails() == said(MOVED)


def test_newer_reminder_that_tells_the_same_makes_a_notice_needless(clock, told):
    change(told, cutover="R9.3.1")
    row = Reminder.objects.filter(rule__kind="offset", cutover_version=2, address=A).get()
    clock.shift(timedelta(minutes=10))
    outbox.settle()
    Reminder.objects.filter(pk=row.pk).update(
        state=SENT,
        sent_at=DUE,
        claimed_at=at("2026-12-17 10:05"),
        told_cutover="R9.3.1",
        told_status="planned",
    )
    outbox.deliver()
    assert mails() == [(B, MOVED)]
    assert notices("address", "state", "state_note") == [
        (A, CANCELLED, "別の通知で知らせ済みのため"),
        (B, SENT, ""),
    ]


def test_merged_wave_says_where_it_went(clock, told):
    ReminderRuleFactory(count=7)
    target = WaveFactory(rollout=told.rollout, cutover="R9.4.1", name="第2陣")
    outbox.plan_reminders()
    change(told, status="cancelled", merged_into=target)
    later(clock, 10)
    texts = {text.split("|")[1] for _, text in mails()}
    assert texts == {"別の移行単位に統合（切替予定 R9.4.1）"}
    seventh = Reminder.objects.filter(rule__count=7, wave=told)
    assert set(seventh.values_list("state", "state_note")) == {(CANCELLED, "移行単位が統合されたため")}


def test_who_was_told_of_a_merge_hears_of_the_wave_it_went_into(clock, told):
    target = WaveFactory(rollout=told.rollout, cutover="R9.4.1", name="第2陣")
    change(told, status="cancelled", merged_into=target)
    later(clock, 10)
    mail.outbox.clear()
    later(clock, 10)
    assert mails() == []
    change(target, cutover="R9.6.1")
    later(clock, 10)
    assert mails() == said("切替予定 R9.4.1|切替予定 R9.6.1|切替予定 R9.4.1 → 切替予定 R9.6.1")
    later(clock, 10)
    assert len(mails()) == 2


def test_move_back_is_told_whatever_versions_a_merged_wave_had(clock, told):
    target = WaveFactory(rollout=told.rollout, cutover="R9.6.1", name="第2陣")
    for cutover in ("R9.2.1", "R9.3.1"):
        change(told, cutover=cutover)
    change(told, status="cancelled", merged_into=target)
    later(clock, 10)
    for cutover in ("R9.7.1", "R9.6.1"):
        change(target, cutover=cutover)
        later(clock, 10)
    texts = [text.split("|")[1] for address, text in mails() if address == A]
    assert texts == ["別の移行単位に統合（切替予定 R9.6.1）", "切替予定 R9.7.1", "切替予定 R9.6.1"]


def test_merge_into_a_wave_in_use_is_told_once(clock, told):
    target = WaveFactory(rollout=told.rollout, cutover="R8.11.2", status="in_use", name="第2陣")
    change(told, status="cancelled", merged_into=target)
    later(clock, 10)
    target.save()
    later(clock, 60)
    assert [text.split("|")[1] for _, text in mails()] == ["別の移行単位に統合（切替予定 R8.11.2）"] * 2


def test_mistyped_date_is_told_to_nobody(clock, told):
    """R8.12.24 would owe the reminder of 7 days at once; what was told is corrected to what holds."""
    ReminderRuleFactory(count=7)
    change(told, cutover="R8.12.24")
    later(clock, 5)
    change(told, cutover="R9.3.1")
    later(clock, 20)
    assert mails() == said(MOVED)


def test_mail_in_flight_while_the_wave_moves_is_followed_by_a_notice(clock, told):
    """What was claimed before the move and accepted after it told the old date."""
    Reminder.objects.filter(address=A).update(state=State.SENDING, sent_at=None)
    change(told, cutover="R9.3.1")
    later(clock, 11)
    assert ledger("address", "state")[0] == (A, State.UNKNOWN)
    run()
    later(clock, 10)
    assert sorted(mails()) == said(MOVED)


def test_no_rule_of_change_means_no_notice(clock, told):
    change(ReminderRule.objects.get(kind="change"), active=False)
    change(told, cutover="R9.3.1")
    later(clock, 60)
    assert mails() == []


def test_wave_that_nobody_was_told_of_moves_silently(clock):
    ReminderRuleFactory(kind="change")
    wave = owe(make_wave(), emails=(A,))
    change(wave, cutover="R9.3.1")
    later(clock, 60)
    assert (mails(), notices("pk")) == ([], [])
