"""What may be asked of a wave's own columns: the same of today's rows and of rows as they once were."""

from datetime import date, timedelta

from django.db.models import Q

from rollout.domain.dates import Precision, fiscal_year_bounds
from rollout.domain.plan import SETTLED_STATUSES


def is_awaited() -> Q:
    """The wave has neither moved nor been cancelled."""
    return ~Q(status__in=SETTLED_STATUSES)


def is_overdue_unconfirmed(today: date) -> Q:
    """予定日経過・未確認: latest day before `today`, use not confirmed, not cancelled."""
    return is_awaited() & Q(cutover_latest__lt=today)


def is_upcoming(today: date, days: int) -> Q:
    """Awaited, and the period begins within `days` days of `today`, or is going on."""
    until = today + timedelta(days=days)
    return is_awaited() & Q(cutover_earliest__lte=until, cutover_latest__gte=today)


def is_uncounted() -> Q:
    """Nobody has stated a count of the wave or of its rollout."""
    return Q(users__isnull=True, rollout__users__isnull=True)


def is_coarse() -> Q:
    """The cutover is known, but not to the day."""
    return ~Q(cutover_precision__in=["", Precision.DAY.value])


def is_undecided() -> Q:
    """There is no cutover."""
    return Q(cutover_precision="")


def is_in_fiscal_year(year: int) -> Q:
    """The latest day lies in the fiscal year."""
    return Q(cutover_latest__range=fiscal_year_bounds(year))


def may_be_on_or_after(day: date) -> Q:
    """The latest day is `day` or later, or there is an earliest day and no latest (「以降」)."""
    endless = Q(cutover_latest__isnull=True, cutover_earliest__isnull=False)
    return Q(cutover_latest__gte=day) | endless
