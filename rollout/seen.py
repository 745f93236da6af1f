"""What an answer or a page looks at: the stored projection, the plan of a past moment, or a scenario's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from django.utils import timezone

from rollout.domain.allocation import Allocation, CountBasis
from rollout.domain.checkpoints import judge
from rollout.domain.plan import NONE, Basis, IntArray, Plan
from rollout.domain.projection import Projection, project
from rollout.models import PlanVersion, Scenario
from rollout.models import Projection as StoredProjection
from rollout.reader import read_plan, read_scenario

CountOf = Callable[[int], tuple[int | None, CountBasis]]
"""Users of a wave, by its id, and where the number comes from."""


class NotComputedError(Exception):
    """Nothing has been computed yet; a minute later the tick will have done it."""


def stored_projection(basis: Basis) -> StoredProjection:
    """The stored projection of a basis as of today in Tokyo. Raises NotComputedError where there is none."""
    stored = StoredProjection.objects.current(basis, timezone.localdate())
    if stored is None:
        raise NotComputedError
    return stored


@dataclass(frozen=True)
class Seen:
    """A curve with all that is said of it: where it comes from, and how it stands at its checkpoints.

    `checkpoints` holds by code what `rollout.models.Projection.checkpoints` does; `today` is the day in Tokyo
    on which it was looked at, `moment` the past moment whose knowledge it is (None: now). `read` gives the
    plan to who needs more of it than the curve.
    """

    curve: Projection
    checkpoints: Mapping[str, Mapping[str, Any]]
    count_of: CountOf
    today: date
    computed_at: datetime
    data_version: int | None
    stale: bool
    read: Callable[[], Plan]
    moment: datetime | None = None
    scenario: Scenario | None = None

    @cached_property
    def plan(self) -> Plan:
        """The plan that was looked at: for now the rows as they are, which `stale` says of the curve."""
        return self.read()

    @property
    def state(self) -> tuple[object, ...]:
        """What all that is seen now follows from: plan, day, and when it was computed."""
        return (PlanVersion.objects.current(), self.data_version, self.computed_at, self.today, self.stale)

    def is_stale(self) -> bool:
        """True when the curve is out of date; a plan that was read may have moved on since the curve was."""
        if "plan" not in vars(self) or self.moment is not None:
            return self.stale
        return self.stale or self.data_version != PlanVersion.objects.current().number


def see_now(basis: Basis) -> Seen:
    """The plan as known now, from the stored projection. Raises NotComputedError where there is none."""
    stored = stored_projection(basis)
    return Seen(
        curve=stored.curve,
        checkpoints=stored.checkpoints,
        count_of=stored.count_of,
        today=timezone.localdate(),
        computed_at=stored.computed_at,
        data_version=stored.data_version,
        stale=stored.stale,
        read=lambda: read_plan()[0],
    )


def see_past(moment: datetime, basis: Basis) -> Seen:
    """The plan as known at `moment`; the same whenever it is asked for."""
    return _computed(read_plan(moment), basis, moment, version=None, stale=False, moment=moment)


def see_scenario(scenario: Scenario, basis: Basis) -> Seen:
    """The plan as known now with the changes of a scenario; one that moves while it is read is `stale`."""
    now, version = timezone.now(), PlanVersion.objects.current().number
    read = read_scenario(scenario)
    stale = version != PlanVersion.objects.current().number
    return _computed(read, basis, now, version=version, stale=stale, scenario=scenario)


def _computed(
    read: tuple[Plan, IntArray],
    basis: Basis,
    at: datetime,
    *,
    version: int | None,
    stale: bool,
    moment: datetime | None = None,
    scenario: Scenario | None = None,
) -> Seen:
    plan, wave_ids = read
    today = timezone.localdate(at)
    curve, allocation = project(plan, basis=basis, today=today)
    checkpoints = {
        found.code: {
            "users": found.users,
            "month": found.point.first_month,
            "verdict": found.verdict,
            "since": None,
        }
        for found in judge(plan, curve)
    }
    return Seen(
        curve=curve,
        checkpoints=checkpoints,
        count_of=_counts(wave_ids, allocation),
        today=today,
        computed_at=at,
        data_version=version,
        stale=stale,
        read=lambda: plan,
        moment=moment,
        scenario=scenario,
    )


def _counts(wave_ids: IntArray, allocation: Allocation) -> CountOf:
    row_of = {wave: row for row, wave in enumerate(wave_ids.tolist())}

    def count_of(wave: int) -> tuple[int | None, CountBasis]:
        row = row_of.get(wave)
        if row is None:
            return None, CountBasis.UNKNOWN
        users = int(allocation.users[row])
        return None if users == NONE else users, CountBasis(int(allocation.count_basis[row]))

    return count_of
