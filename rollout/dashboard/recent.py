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
    end = seen.moment or current_moment()
    begin = complete_since()
    if begin is None or begin > end:
        return None
    version = PlanVersion.objects.current()
    state = seen.moment or (version.number, version.history_missing)
    start = max(_end_of_day(end, days), begin)
    basis, begins = seen.curve.basis, start == begin
    key = hashlib.sha256(f"{basis} {state} {start} {timezone.localdate(end)}".encode()).hexdigest()
    return made_once(f"recent:{key}", lambda: _compare(start, end, basis, begins=begins))


def _end_of_day(end: datetime, days: int) -> datetime:
    day = timezone.localdate(end) - timedelta(days=days - 1)
    return datetime.combine(day, time(), timezone.get_current_timezone()) - timedelta(microseconds=1)


def _compare(start: datetime, end: datetime, basis: Basis, *, begins: bool) -> Recent:
    day = timezone.localdate(start)
    baseline = Baseline(label=gettext("{day}の計画").format(day=day_text(day)), moment=start)
    found = compare_baseline(baseline, basis, end)
    waves = found.waves()
    listed = differences.list_waves(waves, {})
    return Recent(
        since=timezone.localtime(start).isoformat(),
        begins=begins,
        headline=differences.headline(found, fiscal_year_of(timezone.localdate(end))),
        counts=differences.counts_text(waves),
        rows=listed.rows[:LISTED],
        left_off=listed.left_off + max(0, len(listed.rows) - LISTED),
    )
