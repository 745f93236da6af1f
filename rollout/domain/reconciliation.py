"""Published figures beside the plan: what was published, what the plan comes to, and the difference.

Four kinds of figure, each compared with what it speaks of:

- a **cohort**'s total with the counted users of its members, dated or not, and of the cohorts inside
  it; read as a running total, the top-level cohorts published before it come on top;
- the increase of a **fiscal year** with what the planned curve adds from April to March;
- an **observation** with the planned curve at the end of its month;
- a **target** with the dated users, at its deadline where it has one. Read as the size of one group,
  the groups published before that one are left out of the plan's side.

Cancelled waves count nowhere; users whom nobody has counted add nothing, so that a difference below
zero is what the plan does not say yet. Example, on the published plan: 約47,000 in use comes to 47,000,
約8万 more in R8年度 to 80,000, 35,000 seen in 2024-06 to 34,607 (393 fewer), and the 272,000 to 152,000
(120,000 fewer) read as a running total, to 80,000 (192,000 fewer) read as a group.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from rollout.domain.plan import NONE, Basis, Cohort, IntArray, Plan, Reading, sums
from rollout.domain.projection import Projection, fiscal_year_end, left_out


class FigureKind(StrEnum):
    """What a published figure speaks of."""

    COHORT = "cohort"
    FISCAL_YEAR = "fiscal_year"
    OBSERVATION = "observation"
    TARGET = "target"


@dataclass(frozen=True)
class Observed:
    """Users that somebody counted. `key` is the caller's name for it, `month` a month number."""

    key: str
    users: int
    month: int


@dataclass(frozen=True)
class Goal:
    """Users to reach, as published, by the end of `month` (a month number; None for the final target)."""

    key: str
    users: int
    reading: Reading
    month: int | None = None


@dataclass(frozen=True)
class Figure:
    """A published figure and what the plan comes to, both in users.

    `key` is the cohort's code (of a cohort and of a fiscal year's increase) or the key of the
    observation or goal. `reading` says how an ambiguous figure was read on this basis; it is never
    AMBIGUOUS. `fiscal_year` is set for an increase alone.
    """

    kind: FigureKind
    key: str
    published: int
    computed: int
    reading: Reading
    fiscal_year: int | None = None

    @property
    def difference(self) -> int:
        """Computed less published: above zero, the plan has more."""
        return self.computed - self.published


def reconcile(
    plan: Plan,
    users: IntArray,
    curve: Projection,
    *,
    observed: Iterable[Observed],
    goals: Iterable[Goal],
) -> list[Figure]:
    """Every published figure beside the plan, in order of kind and then as given.

    `users` holds the users of each wave of `plan` (NONE where unknown) behind `curve`.
    """
    return [
        *_cohort_totals(plan, users, curve.basis),
        *_fiscal_year_increases(plan.cohorts, curve),
        *(_observation(entry, curve) for entry in observed),
        *(_target(goal, plan, curve) for goal in goals),
    ]


def _cohort_totals(plan: Plan, users: IntArray, basis: Basis) -> list[Figure]:
    totals = _member_totals(plan, users)
    figures = []
    for index, cohort in enumerate(plan.cohorts):
        if cohort.published_users is None:
            continue
        reading = _read(cohort.reading, basis)
        computed = totals[index]
        if reading is Reading.RUNNING_TOTAL:
            computed += sum(totals[i] for i in _published_before(plan.cohorts, index))
        figures.append(Figure(FigureKind.COHORT, cohort.code, cohort.published_users, computed, reading))
    return figures


def _member_totals(plan: Plan, users: IntArray) -> list[int]:
    """Counted users per cohort, with those of the cohorts inside it."""
    counted = np.where((users == NONE) | plan.waves.cancelled, 0, users)
    own = sums(plan.rollouts.cohort[plan.waves.rollout], counted, len(plan.cohorts)).tolist()
    index_of = {cohort.code: index for index, cohort in enumerate(plan.cohorts)}
    totals = [0] * len(own)
    for index, cohort in enumerate(plan.cohorts):
        totals[index] += own[index]
        outer = cohort.inside
        while outer is not None:
            totals[index_of[outer]] += own[index]
            outer = plan.cohorts[index_of[outer]].inside
    return totals


def _published_before(cohorts: Sequence[Cohort], index: int) -> list[int]:
    """Top-level cohorts that stand before the one at `index`; ties go by code."""
    place = (cohorts[index].order, cohorts[index].code)
    return [i for i, c in enumerate(cohorts) if c.inside is None and (c.order, c.code) < place]


def _read(reading: Reading, basis: Basis) -> Reading:
    """How a figure is read on `basis`, which decides the ambiguous ones alone."""
    if reading is not Reading.AMBIGUOUS:
        return reading
    return Reading.RUNNING_TOTAL if basis is Basis.CUMULATIVE else Reading.GROUP


def _fiscal_year_increases(cohorts: Sequence[Cohort], curve: Projection) -> list[Figure]:
    return [
        Figure(
            FigureKind.FISCAL_YEAR,
            cohort.code,
            cohort.published_users,
            _planned(curve, fiscal_year_end(cohort.fiscal_year))
            - _planned(curve, fiscal_year_end(cohort.fiscal_year - 1)),
            Reading.GROUP,
            cohort.fiscal_year,
        )
        for cohort in cohorts
        if cohort.fiscal_year is not None and cohort.published_users is not None
    ]


def _observation(entry: Observed, curve: Projection) -> Figure:
    computed = _planned(curve, entry.month)
    return Figure(FigureKind.OBSERVATION, entry.key, entry.users, computed, Reading.RUNNING_TOTAL)


def _target(goal: Goal, plan: Plan, curve: Projection) -> Figure:
    planned = curve.dated_users if goal.month is None else _planned(curve, goal.month)
    if goal.reading is not Reading.AMBIGUOUS:
        return Figure(FigureKind.TARGET, goal.key, goal.users, planned, Reading.RUNNING_TOTAL)
    computed = max(0, planned - left_out(plan, curve))
    return Figure(FigureKind.TARGET, goal.key, goal.users, computed, _read(goal.reading, curve.basis))


def _planned(curve: Projection, month: int) -> int:
    return curve.at(month).cumulative
