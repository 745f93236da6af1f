"""Does the product keep up with itself? `/readyz`, `/metrics` and the pages read it here, so that they agree.

A tick is late after 3 minutes. A mail waits since it became due, since its next attempt became due, or since
mail may go out that day, whichever came last; it is late after 15 minutes. So nothing is late on closed days
and before 09:15 in Tokyo, nor is a row that waits for its next attempt: one full mailbox is nobody's outage.
What nobody has marked as due although its time has come counts as well.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Min, Q
from django.db.models.functions import Coalesce

from rollout.domain.reminders import UNSENT_STATES, sending_since
from rollout.models import PlanVersion, Reminder

TICK_LIMIT = timedelta(minutes=3)
MAIL_LIMIT = timedelta(minutes=15)


@dataclass(frozen=True)
class Watch:
    """What was seen at `now`: the last tick, and since when the oldest mail waits that may go out.

    `ticked_at` is None before the first tick, `mail_waits_since` where no mail waits or none may go out.
    """

    now: datetime
    ticked_at: datetime | None
    mail_waits_since: datetime | None

    @property
    def tick_is_late(self) -> bool:
        """True when the last tick is older than 3 minutes, or there never was one."""
        return self.ticked_at is None or self.now - self.ticked_at > TICK_LIMIT

    @property
    def mail_is_late(self) -> bool:
        """True when a mail has waited for more than 15 minutes."""
        return self.mail_age > MAIL_LIMIT

    @property
    def mail_age(self) -> timedelta:
        """How long the oldest mail has waited; zero where none does."""
        return self.now - (self.mail_waits_since or self.now)


def watch(now: datetime) -> Watch:
    """Look at the heartbeat and the ledger, in two queries by index."""
    return Watch(now, PlanVersion.objects.current().ticked_at, _mail_waits_since(now))


def _mail_waits_since(now: datetime) -> datetime | None:
    opened = sending_since(now)
    if opened is None:
        return None
    ready = Q(retry_at__isnull=True) | Q(retry_at__lte=now)
    waiting = Reminder.objects.filter(ready, state__in=UNSENT_STATES, due_at__lte=now)
    oldest: datetime | None = waiting.aggregate(oldest=Min(Coalesce("retry_at", "due_at")))["oldest"]
    return oldest and max(oldest, opened)
