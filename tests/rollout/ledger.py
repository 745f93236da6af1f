"""A small plan that owes reminders, and the ledger in a form that is easy to compare."""

from contextlib import contextmanager
from datetime import datetime
from zoneinfo import ZoneInfo

import time_machine
from django.utils import timezone

from rollout import actions, outbox, recompute
from rollout.domain.reminders import State
from rollout.models import Reminder
from tests.factories import ContactFactory, MinistryFactory, ReminderRuleFactory, RolloutFactory, WaveFactory

A, B, C = (f"{letter}@example.go.jp" for letter in "abc")
TOKYO = ZoneInfo("Asia/Tokyo")


def at(text):
    """A moment in Tokyo."""
    return datetime.fromisoformat(text).replace(tzinfo=TOKYO)


START = at("2026-11-24 10:00")
DUE = at("2026-12-16 09:00")
"""30 days before 2027-01-15, a Wednesday."""


def make_wave(cutover="R9.1.15", **values):
    """A wave of 国税庁 in its regional offices."""
    ministry = MinistryFactory(name="国税庁")
    return WaveFactory(
        rollout=RolloutFactory(lead_ministry=ministry, scope="地方拠点"), cutover=cutover, **values
    )


def owe(wave=None, emails=("a@example.go.jp",), days=(30,)):
    """Plan the ledger of one wave, with these contacts at its ministry and a rule for each number of days."""
    wave = wave or make_wave()
    for email in emails:
        ContactFactory(ministry=wave.rollout.lead_ministry, email=email)
    for number in days:
        ReminderRuleFactory(count=number, label=f"{number}日前")
    outbox.plan_reminders()
    return wave


def change(row, **values):
    """Change a row as the admin does, and let the ledger follow."""
    for name, value in values.items():
        setattr(row, name, value)
    actions.save_row(row=row, actor=None, reason="変更")
    outbox.plan_reminders()


def ledger(*names):
    """These columns of every row, in the order in which the rows were made; one column comes bare."""
    rows = Reminder.objects.order_by("pk").values_list(*names)
    return [values[0] if len(names) == 1 else values for values in rows]


def due_days():
    """The days on which what is planned goes out."""
    planned = Reminder.objects.filter(state=State.PLANNED).order_by("due_at", "address")
    return [timezone.localdate(row.due_at).isoformat() for row in planned]


@contextmanager
def everything_due(emails=(A,), **values):
    """The ledger owes these addresses a mail about one wave, and it is nine o'clock on that day."""
    with time_machine.travel(START, tick=False) as clock:
        owe(make_wave(**values), emails)
        clock.move_to(DUE)
        recompute.recompute()
        outbox.settle()
        yield clock
