"""Which mails a change cancels and which it creates, before it is saved for good.

The outlook (`rollout.outbox.foresight`) is taken before and after, in mind: nothing is written to the ledger.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.db.models import Q
from django.utils import timezone

from rollout.domain.reminders import State
from rollout.models import Wave
from rollout.outbox.foresight import Outlook, Upcoming


class Difference(NamedTuple):
    """Mails that would go out no more, and those that would now, each in order. A moved one is in both."""

    cancelled: list[Upcoming]
    created: list[Upcoming]


def upcoming_about(waves: Q, now: datetime, as_if: Iterable[Wave] = ()) -> list[Upcoming]:
    """What will go out about these waves, as the rows stand; of repeated rules the next mail alone.

    `as_if` has waves as they might become (`Outlook.upcoming`).
    """
    outlook = Outlook(now, timezone.localdate(now))
    return [entry for entry in outlook.upcoming(waves, as_if) if entry.fate is State.SENT]


def difference(before: list[Upcoming], after: list[Upcoming]) -> Difference:
    """What only the one has, and what only the other; compared by whom about what, and when it is due."""
    had, has = ({_what(entry) for entry in entries} for entries in (before, after))
    return Difference(
        [entry for entry in before if _what(entry) not in has],
        [entry for entry in after if _what(entry) not in had],
    )


def _what(entry: Upcoming) -> tuple[object, ...]:
    return *entry.waiting.key, entry.waiting.due_at
