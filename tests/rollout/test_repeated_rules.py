"""Rules that owe again and again, to the next role, to the PMO; and what catching up makes of them."""

import pytest
import time_machine
from django.core import mail

from ministries.models import Contact
from rollout import outbox
from rollout.domain.reminders import State
from rollout.models import Reminder, ReminderRule
from tests.factories import ContactFactory, ReminderRuleFactory, WaveFactory
from tests.rollout.ledger import START, at, change, ledger, make_wave

pytestmark = pytest.mark.django_db

A, DEPUTY, PMO = "a@example.go.jp", "deputy@example.go.jp", "pmo@example.go.jp"


@pytest.fixture
def clock():
    """10:00 in Tokyo on Tuesday 2026-11-24."""
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def run_at(clock, text):
    clock.move_to(at(text))
    outbox.plan_reminders()
    outbox.settle()
    outbox.deliver()


def make(kind, cutover, **values):
    wave = make_wave(cutover)
    ContactFactory(ministry=wave.rollout.lead_ministry, email=A)
    ReminderRuleFactory(kind=kind, **{"label": kind, **values})
    outbox.plan_reminders()
    return wave


def days(**conditions):
    rows = Reminder.objects.filter(**conditions).order_by("due_at", "address")
    return [(f"{row.due_at.astimezone(START.tzinfo):%m-%d}", row.state) for row in rows]


WEEKLY = {"count": 1, "unit": "weeks"}


def test_overdue_wave_is_asked_about_every_week_until_it_is_confirmed(clock):
    wave = make("overdue", "R8.11", **WEEKLY)
    assert days() == [("12-07", "planned")]
    for moment in ("2026-12-07 09:00", "2026-12-14 09:00"):
        run_at(clock, moment)
    assert days() == [("12-07", "sent"), ("12-14", "sent"), ("12-21", "planned")]
    change(wave, status="in_use", cutover="R8.12.1")
    assert days() == [("12-07", "sent"), ("12-14", "sent"), ("12-21", "cancelled")]


def test_wave_long_overdue_is_asked_about_from_now_on(clock):
    make("overdue", "R7.10", **WEEKLY)
    assert days() == [("11-27", "planned")]


def test_after_weeks_without_a_tick_one_goes_and_the_rest_is_visible(clock):
    make("overdue", "R8.11", **WEEKLY, grace_business_days=5)
    run_at(clock, "2026-12-25 10:00")
    expected = [("12-07", "missed"), ("12-14", "missed"), ("12-21", "sent"), ("12-28", "planned")]
    assert days() == expected
    [note, *_] = ledger("state_note")
    assert note == "期日から猶予の営業日数を過ぎたため送りませんでした。"


def test_of_several_within_their_grace_the_newest_goes(clock):
    make("overdue", "R8.11", **WEEKLY, grace_business_days=20)
    run_at(clock, "2026-12-25 10:00")
    assert days() == [("12-07", "skipped"), ("12-14", "skipped"), ("12-21", "sent"), ("12-28", "planned")]
    assert ledger("state_note")[0] == "より新しい「overdue」を送るため省略しました。"


def test_unconfirmed_date_is_asked_about_every_90_days_from_the_last_confirmation(clock):
    wave = make("unconfirmed", "R9.9", count=90)
    assert days() == [("02-22", "planned")]
    clock.move_to(at("2027-01-20 10:00"))
    change(wave, confirmed_on=at("2027-01-20 00:00").date())
    assert days() == [("02-22", "cancelled"), ("04-20", "planned")]
    assert ledger("state_note")[0] == "日程が確認されたか、宛先または通知ルールが変わったため"


def test_unconfirmed_date_is_asked_about_no_more_once_it_has_passed(clock):
    make("unconfirmed", "R9.2.1", count=90)
    assert days() == []


@pytest.fixture
def unanswered(clock):
    """Two weeks before R9.1.15, on 2026-12-28, the lead contact was told; the deputy is next in line."""
    wave = make("offset", "R9.1.15", count=14, to_deputy=False, to_pmo=False)
    ContactFactory(ministry=wave.rollout.lead_ministry, email=DEPUTY, role="deputy")
    rule = ReminderRule.objects.get()
    next_in_line = {"count": 3, "unit": "business_days", "direction": "after", "follows": rule}
    ReminderRuleFactory(kind="escalation", **next_in_line, to_lead=False, to_pmo=False, label="催促")
    outbox.plan_reminders()
    run_at(clock, "2026-12-28 09:00")
    return wave


def test_what_nobody_acknowledged_goes_to_the_next_role(clock, unanswered):
    run_at(clock, "2026-12-29 00:00")
    assert ledger("address", "state") == [(A, "sent"), (DEPUTY, "planned")]
    run_at(clock, "2027-01-06 09:00")
    assert [message.to for message in mail.outbox] == [[A], [DEPUTY]]


def test_what_somebody_acknowledged_goes_no_further(clock, unanswered):
    run_at(clock, "2026-12-29 00:00")
    Reminder.objects.filter(address=A).update(acknowledged_at=at("2026-12-29 00:00"))
    run_at(clock, "2027-01-06 09:00")
    assert ledger("address", "state") == [(A, "sent"), (DEPUTY, "cancelled")]


def test_acknowledgement_of_who_only_follows_a_wave_does_not_end_it(clock):
    wave = make("offset", "R9.1.15", count=14, to_deputy=False, to_watchers=True)
    for role in ("deputy", "watcher", "pmo"):
        ContactFactory(ministry=wave.rollout.lead_ministry, email=f"{role}@example.go.jp", role=role)
    next_in_line = {"count": 3, "unit": "business_days", "direction": "after"}
    follows = ReminderRule.objects.get()
    ReminderRuleFactory(kind="escalation", follows=follows, **next_in_line, to_lead=False, to_pmo=False)
    outbox.plan_reminders()
    run_at(clock, "2026-12-28 09:00")
    Reminder.objects.exclude(address=A).update(acknowledged_at=at("2026-12-28 10:00"))
    run_at(clock, "2027-01-06 09:00")
    sent = Reminder.objects.filter(rule__kind="escalation", state="sent").values_list("address", flat=True)
    assert sorted(sent) == ["deputy@example.go.jp", "watcher@example.go.jp"]


def test_moved_cutover_owes_no_reminder_of_what_was_told_of_the_old_one(clock, unanswered):
    run_at(clock, "2026-12-29 00:00")
    change(unanswered, cutover="R9.9.15")
    run_at(clock, "2027-01-06 09:00")
    assert [message.to for message in mail.outbox] == [[A]]


def test_digest_goes_to_the_pmo_on_the_first_open_day_of_the_week(clock):
    make("digest", "R9.9", **WEEKLY, subject="まとめ（{日付}）", body="{まとめ}")
    ContactFactory(role=Contact.Role.PMO, email=PMO)
    outbox.plan_reminders()
    assert days() == [("11-24", "planned"), ("11-30", "planned")]
    for moment in ("2026-11-30 09:00", "2027-01-04 09:00"):
        run_at(clock, moment)
    assert days(state="sent") == [("11-30", "sent"), ("01-04", "sent")]
    assert [message.to for message in mail.outbox] == [[PMO], [PMO]]
    assert set(ledger("wave", "cutover_version")) == {(None, 0)}
    assert days(state="planned") == [("01-12", "planned")]


def test_rule_leaves_out_waves_in_other_statuses(clock):
    wave = make("offset", "R9.9", count=30, statuses=["preparing"])
    assert ledger("state") == []
    change(wave, status="preparing")
    assert ledger("state") == [State.PLANNED]
    change(wave, status="planned")
    assert ledger("state") == [State.CANCELLED]


@pytest.fixture
def crowd(clock, settings):
    """Five addresses are owed a mail at once, and the PMO would be told of a flood."""
    wave = make("offset", "R8.12.24", count=30, to_pmo=False)
    for number in range(4):
        ContactFactory(ministry=wave.rollout.lead_ministry, email=f"{number}@example.go.jp")
    ContactFactory(role=Contact.Role.PMO, email=PMO)
    ReminderRuleFactory(kind="alert", label="警告", subject="警告", body="{警告}", to_lead=False)
    settings.MAILS_PER_HOUR = 3
    return wave


def sent_to():
    return [message.to[0] for message in mail.outbox]


def test_cap_pauses_delivery_and_warns_the_pmo_once(clock, crowd):
    run_at(clock, "2026-11-24 10:11")
    assert sorted(ledger("state")) == ["due", "due", "due", "sent", "sent", "sent"]
    assert len(sent_to()) == 3
    run_at(clock, "2026-11-24 10:12")
    assert sent_to()[3:] == [PMO]
    assert mail.outbox[3].body.startswith(
        "メールが1時間あたりの上限（全体で3通、1つの宛先に60通）に達したため"
    )
    run_at(clock, "2026-11-24 10:13")
    assert len(sent_to()) == 4
    held = Reminder.objects.filter(state=State.DUE).values_list("state_note", flat=True)
    assert set(held) == {"1時間あたりの上限に達したため、送信を待っています。"}
    run_at(clock, "2026-11-24 11:12")
    assert (len(sent_to()), set(ledger("state"))) == (6, {"sent"})


def test_cap_of_one_address_holds_nobody_else(clock, crowd, settings):
    settings.MAILS_PER_HOUR, settings.MAILS_PER_ADDRESS_AND_HOUR = 100, 1
    WaveFactory(rollout=crowd.rollout, cutover="R8.12.24", name="第2陣")
    run_at(clock, "2026-11-24 10:11")
    addresses = {A, *(f"{number}@example.go.jp" for number in range(4))}
    assert (set(sent_to()), len(sent_to())) == (addresses, 5)
    run_at(clock, "2026-11-24 11:12")
    assert sorted(sent_to()) == sorted([*addresses, *addresses, PMO])
