"""The plan in two states, read for a comparison: at a baseline's moment and now, or now and with a scenario.

Whatever is said of a state is read from the history at one exact moment, so that no edit falls between two
reads, and the same moment gives the same figures as `projection/?as_of=` and `projection/movers/` do.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

from django.utils import timezone

from ministries.models import Ministry
from rollout.domain.allocation import Allocation, CountBasis
from rollout.domain.comparison import Slip, YearEnd, slips, year_ends
from rollout.domain.dates import FuzzyDate
from rollout.domain.movers import Movement, explain
from rollout.domain.plan import NONE, Basis, IntArray, Plan, Status
from rollout.domain.projection import Projection, project
from rollout.domain.scenario import apply, reaches
from rollout.history import plan_moved_at, rows_at
from rollout.models import Baseline, PlanVersion, Rollout, Scenario, ScenarioChange, Wave
from rollout.reader import read_plan

NOW_LABEL = "現在の計画"


class Presence(StrEnum):
    """Which of the two states has a wave; one that was merged in between is part of another in the later."""

    KEPT = "kept"
    ADDED = "added"
    REMOVED = "removed"
    MERGED = "merged"


@dataclass(frozen=True)
class RolloutName:
    """What a rollout and the ministry that leads it were called."""

    label: str
    ministry: str


def rollout_names(moment: datetime) -> dict[str, RolloutName]:
    """The names of all rollouts at a moment, by code."""
    ministries = dict(rows_at(Ministry, moment).values_list("id", "name"))
    rows = rows_at(Rollout, moment).values_list("code", "lead_ministry_id", "scope")
    return {code: _name(ministries[lead], scope) for code, lead, scope in rows}


def _name(ministry: str, scope: str) -> RolloutName:
    return RolloutName(f"{ministry}（{scope}）" if scope else ministry, ministry)


@dataclass(frozen=True)
class WaveState:
    """One wave in one state; two are equal when date, status and count are, however the date is written.

    `name` is the wave's own within its rollout, mostly empty.
    """

    name: str = field(compare=False)
    cutover: FuzzyDate
    status: str
    users: int | None
    count_basis: CountBasis


@dataclass(frozen=True)
class PlanState:
    """The plan at a moment, of a scenario with its changes, and what follows from it."""

    label: str
    moment: datetime
    plan: Plan
    wave_ids: IntArray
    curve: Projection
    allocation: Allocation
    scenario: Scenario | None = None
    changes: Sequence[ScenarioChange] = ()

    @classmethod
    def at(cls, moment: datetime, basis: Basis, label: str) -> "PlanState":
        """The plan as it was known at a moment."""
        plan, wave_ids = read_plan(moment)
        curve, allocation = project(plan, basis=basis, today=timezone.localdate(moment))
        return cls(label, moment, plan, wave_ids, curve, allocation)

    def with_scenario(self, scenario: Scenario) -> "PlanState":
        """The same with the changes of a scenario."""
        changes = list(scenario.changes.select_related("rollout", "wave"))
        plan = apply(self.plan, [change.as_change() for change in changes])
        curve, allocation = project(plan, basis=self.curve.basis, today=self.curve.today)
        found = replace(self, plan=plan, curve=curve, allocation=allocation)
        return replace(found, label=scenario.label, scenario=scenario, changes=changes)

    def waves(self) -> list[WaveState]:
        """Every wave as written, row by row."""
        written = self._written()
        counts = zip(self.allocation.users.tolist(), self.allocation.count_basis.tolist(), strict=True)
        return [
            WaveState(*written[pk], None if users == NONE else users, CountBasis(count_basis))
            for pk, (users, count_basis) in zip(self.wave_ids.tolist(), counts, strict=True)
        ]

    def _written(self) -> dict[int, tuple[str, FuzzyDate, str]]:
        """Name, cutover and status by wave id; a scenario's change of a wave stands over its rollout's."""
        of_rollouts = _changed((change.rollout_id, change) for change in self.changes if not change.wave_id)
        of_waves = _changed((change.wave_id, change) for change in self.changes if change.wave_id)
        rows = rows_at(Wave, self.moment).values_list("id", "rollout_id", "name", "cutover", "status")
        written = {}
        for pk, rollout, name, cutover, status in rows:
            reached = reaches(None, pk, settled=Status(status).is_settled)
            of_rollout = of_rollouts[rollout] if reached else {}
            facts = {"cutover": cutover, "status": status, **of_rollout, **of_waves[pk]}
            written[pk] = name, facts["cutover"], facts["status"]
        return written


def _changed(changes: Any) -> Mapping[int, dict[str, Any]]:
    """Cutover and status that a scenario gives to each id; whatever is not there is nothing."""
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    for pk, row in changes:
        change = row.as_change()
        if change.cutover is not None:
            found[pk]["cutover"] = change.cutover
        if change.status is not None:
            found[pk]["status"] = change.status.value
    return found


@dataclass(frozen=True)
class ComparedWave:
    """One wave beside itself; None in the state that does not have it. `label` names rollout and wave."""

    slip: Slip
    label: str
    ministry: str
    before: WaveState | None
    after: WaveState | None
    merged: bool = False

    @property
    def presence(self) -> Presence:
        """Which of the two states has it."""
        if self.before is None:
            return Presence.ADDED
        if self.after is None:
            return Presence.MERGED if self.merged else Presence.REMOVED
        return Presence.KEPT

    @property
    def changed(self) -> bool:
        """True when anything is otherwise than it was: date, status, count, or that it is there at all."""
        return self.before != self.after


@dataclass(frozen=True)
class Comparison:
    """Two states of the plan; `stale` when the plan has moved on since the later one was read."""

    before: PlanState
    after: PlanState
    data_version: int
    stale: bool

    @property
    def computed_at(self) -> datetime:
        """The moment whose plan is called today's."""
        return self.after.moment

    @property
    def year_ends(self) -> list[YearEnd]:
        """Users at the end of every fiscal year in both states."""
        return year_ends(self.before.curve, self.after.curve)

    def movement(self, month: int) -> Movement:
        """What moved the users at a month (its number)."""
        return explain(self.before.plan, self.after.plan, basis=self.after.curve.basis, month=month)

    @cached_property
    def slips(self) -> list[Slip]:
        """Every wave of either state, in order of rollout and wave."""
        return slips(self.before.plan, self.after.plan, self.after.allocation.users)

    @cached_property
    def names(self) -> dict[str, RolloutName]:
        """What rollouts are called in the later state that has them, by code."""
        return rollout_names(self.before.moment) | rollout_names(self.after.moment)

    def waves(self) -> list[ComparedWave]:
        """Every wave of either state with its two sides, in order of rollout and wave."""
        before, after = self.before.waves(), self.after.waves()
        merged = {wave.code for wave in self.after.plan.merged}
        return [
            self._wave(
                slip,
                None if slip.row_before is None else before[slip.row_before],
                None if slip.row_after is None else after[slip.row_after],
                merged=slip.wave in merged,
            )
            for slip in self.slips
        ]

    def _wave(
        self, slip: Slip, before: WaveState | None, after: WaveState | None, *, merged: bool
    ) -> ComparedWave:
        rollout = self.names[slip.rollout]
        named = after or before
        label = f"{rollout.label} {named.name if named else ''}".strip()
        return ComparedWave(slip, label, rollout.ministry, before, after, merged)


def compare_baseline(baseline: Baseline, basis: Basis, now: datetime) -> Comparison:
    """The plan at the moment of a baseline beside the plan of `now`, a moment when no change is under way."""
    before = PlanState.at(baseline.moment, basis, baseline.label)
    return _compared(before, PlanState.at(now, basis, NOW_LABEL), now)


def compare_scenario(scenario: Scenario, basis: Basis, now: datetime) -> Comparison:
    """The plan of `now`, a moment when no change is under way, beside the same with a scenario's changes."""
    before = PlanState.at(now, basis, NOW_LABEL)
    return _compared(before, before.with_scenario(scenario), now)


def _compared(before: PlanState, after: PlanState, now: datetime) -> Comparison:
    version = PlanVersion.objects.current()
    stale = version.history_missing or plan_moved_at(now) is not None
    return Comparison(before, after, version.number, stale)
