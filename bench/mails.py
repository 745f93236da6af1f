"""Reminders through delivery, ledger included, against Django's own messages to the same mail server."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import time_machine
from django.core.mail import EmailMultiAlternatives, get_connection
from django.test import override_settings
from django.utils import timezone

from bench.owed import REMINDERS_A_WAVE, build_owing_plan, open_day
from bench.sink import sink
from bench.timing import Ratio, ratio, take_turns
from rollout import outbox, recompute
from rollout.domain.reminders import State
from rollout.models import Reminder
from rollout.outbox.mail import message_of

MAILS = 1_000
PLENTY = 10**9
UNTRIED: dict[str, Any] = {"attempts": 0, "claimed_at": None, "sent_at": None, "retry_at": None}


@dataclass(frozen=True)
class Delivery:
    """Mails a second at best, and how many times as fast as the plain messages delivery is."""

    plain_a_second: float
    delivered_a_second: float
    speed: Ratio


def measure(turns: int) -> Delivery:
    """Send MAILS mails in turns, from an empty database, outside any transaction."""
    now = open_day(timezone.localdate())
    build_owing_plan(MAILS // REMINDERS_A_WAVE, timezone.now())
    recompute.recompute(now=now)
    outbox.plan_reminders(now=now)
    with sink() as port, override_settings(**_mail_settings(port)):
        _make_due(now)
        _deliver(now)
        messages = [message_of(row) for row in Reminder.objects.order_by("pk")]
        things = {
            "plain": lambda: _send_plainly(messages),
            "due": lambda: _make_due(now),
            "deliver": lambda: _deliver(now),
        }
        times = take_turns(things, turns)
    best = {name: MAILS / min(seconds) for name, seconds in times.items()}
    return Delivery(best["plain"], best["deliver"], ratio(times, "plain", to="deliver"))


def _mail_settings(port: int) -> dict[str, Any]:
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": port,
        "MAILS_PER_HOUR": PLENTY,
        "MAILS_PER_ADDRESS_AND_HOUR": PLENTY,
    }


def _make_due(now: datetime) -> None:
    Reminder.objects.update(state=State.DUE, due_at=now, **UNTRIED)


def _deliver(now: datetime) -> None:
    with time_machine.travel(now):  # mail goes out in office hours
        sent = outbox.deliver()
    if sent != MAILS:
        raise RuntimeError(f"{sent} of {MAILS} reminders were sent")


def _send_plainly(messages: Sequence[EmailMultiAlternatives]) -> None:
    """The same texts in messages of Django's, which nobody keeps a record of."""
    with get_connection() as connection:
        for made in messages:
            message = EmailMultiAlternatives(
                made.subject,
                made.body,
                to=made.to,
                reply_to=made.reply_to,
                headers=made.extra_headers,
                connection=connection,
            )
            for content, mimetype in made.alternatives:
                message.attach_alternative(content, mimetype)
            message.send()
