"""What has changed in the plan in the last days: the figure, and the waves behind it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.utils import timezone
from django.utils.translation import gettext

from rollout.dashboard import differences
from rollout.domain.dates import fiscal_year_of
from rollout.domain.plan import Basis
from rollout.drawing import made_once
from rollout.history import complete_since
from rollout.models import Baseline, PlanVersion
from rollout.models.labels import day_text
from rollout.moments import current_moment
from rollout.seen import Seen
from rollout.states import compare_baseline

LISTED = 10
KEPT_AS = "recent"


@dataclass(frozen=True)
class Recent:
    """`since` is the moment that is compared with, as addresses have it; history may only begin then."""

    since: str
    begins: bool
    headline: str
    counts: str
    rows: Sequence[differences.WaveRow]
    left_off: int


def tell_recent(seen: Seen, days: int) -> Recent | None:
    """What has changed since the end of the day so many days ago; None where there is no history yet.

    Raises BusyError while a change is being written.
    """
    basis = seen.curve.basis
    if seen.moment:
        return _compare(seen.moment, days, basis)
    version = PlanVersion.objects.current()
    facts = (basis, version.number, version.history_missing, seen.today, days)
    key = hashlib.sha256(repr(facts).encode()).hexdigest()
    [recent] = made_once(f"{KEPT_AS}:{key}", lambda: [_compare(current_moment(), days, basis)])
    return recent


def _compare(end: datetime, days: int, basis: Basis) -> Recent | None:
    begin = complete_since()
    if begin is None or begin > end:
        return None
    start = max(_end_of_day(end, days), begin)
    label = gettext("{day}の計画").format(day=day_text(timezone.localdate(start)))
    found = compare_baseline(Baseline(label=label, moment=start), basis, end)
    waves = found.waves()
    listed = differences.list_waves(waves, {})
    return Recent(
        since=timezone.localtime(start).isoformat(),
        begins=start == begin,
        headline=differences.headline(found, fiscal_year_of(timezone.localdate(end))),
        counts=differences.counts_text(waves),
        rows=listed.rows[:LISTED],
        left_off=listed.left_off + max(0, len(listed.rows) - LISTED),
    )


def _end_of_day(end: datetime, days: int) -> datetime:
    day = timezone.localdate(end) - timedelta(days=days - 1)
    return datetime.combine(day, time(), timezone.get_current_timezone()) - timedelta(microseconds=1)
