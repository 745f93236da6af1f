"""Published figures beside the plan: what was published, what the plan comes to, and whether the two agree.

Six kinds of figure, each compared with what it speaks of:

- a **cohort**'s total with the counted users of its members, dated or not, and of the cohorts inside
  it; read as a running total, the top-level cohorts published before it come on top;
- the increase of a **fiscal year** with what the planned curve adds from April to March;
- a **multiple** (倍増 is 2), in users: that many times the planned curve at the end of the year before,
  with the curve at the end of the year;
- an **observation** with the planned curve at the end of its month;
- a **stated count** with the counted users of the rollout, or wave, that the source speaks of;
- a **target** with the dated users, at its deadline where it has one. Read as the size of one group,
  the groups published before that one are left out of the plan's side.

Cancelled waves count nowhere; users whom nobody has counted add nothing, so that a difference below
zero is what the plan does not say yet.

**Tolerance** is how far the two may lie apart by rounding alone: half the unit that the figure is rounded
to. A cohort's unit is recorded; an observation or a stated count given as 「約」 is rounded to the largest
power of ten that divides it (約26,300 to 100, 約34,000 to 1,000), what is not 「約」 not at all. A word like
倍増 is rounded to whole multiples: half of the year before. A target has no unit on record: 0. Where the
plan's side was itself shared out from other rounded totals (the earlier ones in a running total, those
inside the cohort), it is no better known than they are, and half their units come on top.

The **verdict**: `agrees` within the tolerance, `close` within 2 % of the published figure, `undated` where
the plan is short by no more than the users that it leaves without a date or a count for this figure, else
`differs`. Somebody was there to count an observation, so nothing undated excuses one.

Example, on the published plan: 約47,000 in use comes to 47,000 (agrees), 約8万 more in R8年度 to 80,000
(agrees, give or take 5,000), twice 72,000 to 152,000 (2.11 times; agrees, give or take 36,000), 約26,300 seen
in 2023-08 to 26,703 (403 more than 50, close at 1.5 %), and the 272,000 to 152,000: short by the 120,000 that
have no date (undated); read as a group's size, to 80,000, short by 192,000.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from rollout.domain.allocation import Allocation
from rollout.domain.dates import FuzzyDate
from rollout.domain.plan import NONE, Basis, Cohort, IntArray, Plan, Reading, sums
from rollout.domain.projection import Projection, fiscal_year_end, left_out

CLOSE_PERCENT = 2
"""A figure is close when the difference is at most this part of what was published."""


class FigureKind(StrEnum):
    """What a published figure speaks of."""

    COHORT = "cohort"
    FISCAL_YEAR = "fiscal_year"
    MULTIPLE = "multiple"
    OBSERVATION = "observation"
    STATED_COUNT = "stated_count"
    TARGET = "target"


class Agreement(StrEnum):
    """How a published figure and the plan go together."""

    AGREES = "agrees"
    CLOSE = "close"
    UNDATED = "undated"
    DIFFERS = "differs"


@dataclass(frozen=True)
class Observed:
    """Users that somebody counted. `key` is the caller's name for it, `month` a month number.

    `independent` when its source gave none of the totals that the plan is shared out from.
    """

    key: str
    users: int
    month: int
    approximate: bool = False
    independent: bool = False


@dataclass(frozen=True)
class Cited:
    """What a source says of a rollout, or of one of its waves: a cutover or users, whichever it speaks of.

    `key` is the caller's name for it. The plan's own word has no `source`.
    """

    key: str
    rollout: str
    wave: str | None
    source: str | None
    adopted: bool = False
    approximate: bool = False
    cutover: FuzzyDate | None = None
    users: int | None = None


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

    `key` is the cohort's code (of a cohort, of a fiscal year's increase and of a multiple) or the key of the
    observation, citation or goal. `reading` says how an ambiguous figure was read on this basis; it is never
    AMBIGUOUS. `fiscal_year` is set for an increase and a multiple, `multiple` for the latter alone. `undated`
    is what the plan leaves without a date or a count of what the figure speaks of.
    """

    kind: FigureKind
    key: str
    published: int
    computed: int
    reading: Reading
    fiscal_year: int | None = None
    multiple: int | None = None
    tolerance: int = 0
    undated: int = 0

    @property
    def difference(self) -> int:
        """Computed less published: above zero, the plan has more."""
        return self.computed - self.published

    @property
    def difference_percent(self) -> float | None:
        """The difference in percent of what was published; None where that is nothing."""
        return 100 * self.difference / self.published if self.published else None

    @property
    def ratio(self) -> float | None:
        """How many times the year before the plan comes to; None but for a multiple of something."""
        return self.computed * self.multiple / self.published if self.multiple and self.published else None

    @property
    def is_close(self) -> bool:
        """True within CLOSE_PERCENT of the published figure."""
        return abs(self.difference) * 100 <= CLOSE_PERCENT * self.published

    @property
    def verdict(self) -> Agreement:
        """How the two go together; the first that holds."""
        if abs(self.difference) <= self.tolerance:
            return Agreement.AGREES
        if self.is_close:
            return Agreement.CLOSE
        return Agreement.UNDATED if 0 < -self.difference <= self.undated else Agreement.DIFFERS


def reconcile(
    plan: Plan,
    allocation: Allocation,
    users: IntArray,
    curve: Projection,
    *,
    observed: Iterable[Observed] = (),
    cited: Iterable[Cited] = (),
    goals: Iterable[Goal] = (),
) -> list[Figure]:
    """Every published figure beside the plan, in order of kind and then as given.

    `allocation` is that of `plan` on the basis of `curve`. `users` holds the users of each wave of `plan`
    (NONE where unknown) behind `curve`, which may have been computed from an earlier state of it. Citations
    without users, and of what has no wave in the plan, are left out.
    """
    return [
        *_cohort_totals(plan, allocation, users, curve.basis),
        *_fiscal_year_increases(plan.cohorts, curve),
        *_fiscal_year_multiples(plan.cohorts, curve),
        *(_observation(entry, curve) for entry in observed),
        *_stated_counts(plan, users, cited),
        *(_target(goal, plan, curve) for goal in goals),
    ]


def half_unit(users: int, *, approximate: bool) -> int:
    """How far rounding may have moved `users`: where 「約」, half the largest power of ten dividing them."""
    unit = 1
    while approximate and users and users % (unit * 10) == 0:
        unit *= 10
    return unit // 2


def half_unit_of(cohort: Cohort) -> int:
    """The same of a cohort's published total, by the unit on record."""
    return cohort.rounding_unit // 2 if cohort.approximate else 0


def published_before(cohorts: Sequence[Cohort], index: int) -> list[int]:
    """Top-level cohorts that stand before the one at `index`; ties go by code."""
    place = (cohorts[index].order, cohorts[index].code)
    return [i for i, c in enumerate(cohorts) if c.inside is None and (c.order, c.code) < place]


def _cohort_totals(plan: Plan, allocation: Allocation, users: IntArray, basis: Basis) -> list[Figure]:
    counted = np.where((users == NONE) | plan.waves.cancelled, 0, users)
    own = sums(plan.rollouts.cohort[plan.waves.rollout], counted, len(plan.cohorts)).tolist()
    shared_out = set(plan.rollouts.cohort[plan.waves.rollout[allocation.widens]].tolist())
    figures = []
    for index, cohort in enumerate(plan.cohorts):
        if cohort.published_users is None:
            continue
        reading = _read(cohort.reading, basis)
        parts = _parts(plan.cohorts, index, reading)
        others = (plan.cohorts[i] for i in parts if i != index and i in shared_out)
        figure = Figure(
            FigureKind.COHORT,
            cohort.code,
            cohort.published_users,
            sum(own[i] for i in parts),
            reading,
            tolerance=half_unit_of(cohort) + sum(half_unit_of(other) for other in others),
            undated=int(allocation.leftovers[parts].sum()),
        )
        figures.append(figure)
    return figures


def _parts(cohorts: Sequence[Cohort], index: int, reading: Reading) -> list[int]:
    """The cohorts whose users stand beside the total of the one at `index`: itself, inner, earlier ones."""
    earlier = published_before(cohorts, index) if reading is Reading.RUNNING_TOTAL else []
    wholes = {cohorts[i].code for i in (index, *earlier)}
    return [i for i, cohort in enumerate(cohorts) if wholes.intersection(_chain(cohorts, cohort))]


def _chain(cohorts: Sequence[Cohort], cohort: Cohort) -> list[str]:
    """The code of `cohort` and of those around it, from the inside out."""
    by_code = {other.code: other for other in cohorts}
    codes = [cohort.code]
    while cohort.inside is not None:
        cohort = by_code[cohort.inside]
        codes.append(cohort.code)
    return codes


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
            tolerance=half_unit_of(cohort),
            undated=_undated_in(cohorts, cohort, curve),
        )
        for cohort in cohorts
        if cohort.fiscal_year is not None and cohort.published_users is not None
    ]


def _fiscal_year_multiples(cohorts: Sequence[Cohort], curve: Projection) -> list[Figure]:
    figures = []
    for cohort in cohorts:
        if cohort.fiscal_year is None or cohort.published_multiple is None:
            continue
        year_before = _planned(curve, fiscal_year_end(cohort.fiscal_year - 1))
        figure = Figure(
            FigureKind.MULTIPLE,
            cohort.code,
            cohort.published_multiple * year_before,
            _planned(curve, fiscal_year_end(cohort.fiscal_year)),
            Reading.RUNNING_TOTAL,
            cohort.fiscal_year,
            cohort.published_multiple,
            tolerance=year_before // 2,
            undated=_undated_in(cohorts, cohort, curve),
        )
        figures.append(figure)
    return figures


def _undated_in(cohorts: Sequence[Cohort], cohort: Cohort, curve: Projection) -> int:
    """Users of a cohort, and of those inside it, that `curve` leaves undated."""
    inside = {other.code for other in cohorts if cohort.code in _chain(cohorts, other)}
    return sum(entry.users for entry in curve.undated if entry.cohort in inside)


def _observation(entry: Observed, curve: Projection) -> Figure:
    return Figure(
        FigureKind.OBSERVATION,
        entry.key,
        entry.users,
        _planned(curve, entry.month),
        Reading.RUNNING_TOTAL,
        tolerance=half_unit(entry.users, approximate=entry.approximate),
    )


def _stated_counts(plan: Plan, users: IntArray, cited: Iterable[Cited]) -> list[Figure]:
    said = [(entry, entry.users) for entry in cited if entry.users is not None]
    rows = _rows_of(plan, {entry.rollout for entry, _ in said})
    alive = ~plan.waves.cancelled
    figures = []
    for entry, stated in said:
        own = [row for row in rows.get(entry.rollout, []) if entry.wave in (None, plan.waves.codes[row])]
        if own:
            counts = users[[row for row in own if alive[row]]]
            figures.append(_stated_count(entry, stated, counts))
    return figures


def _stated_count(entry: Cited, stated: int, counts: IntArray) -> Figure:
    """A stated count beside the plan's; where a wave has no count yet, that may be all that is short."""
    return Figure(
        FigureKind.STATED_COUNT,
        entry.key,
        stated,
        int(counts[counts != NONE].sum()),
        Reading.GROUP,
        tolerance=half_unit(stated, approximate=entry.approximate),
        undated=stated if (counts == NONE).any() else 0,
    )


def _rows_of(plan: Plan, codes: set[str]) -> dict[str, list[int]]:
    """The rows of the waves of each rollout that is named."""
    named = {row: code for row, code in enumerate(plan.rollouts.codes) if code in codes}
    rows: dict[str, list[int]] = {code: [] for code in named.values()}
    for row in np.flatnonzero(np.isin(plan.waves.rollout, list(named))).tolist():
        rows[named[int(plan.waves.rollout[row])]].append(row)
    return rows


def _target(goal: Goal, plan: Plan, curve: Projection) -> Figure:
    planned = curve.dated_users if goal.month is None else _planned(curve, goal.month)
    reading = Reading.RUNNING_TOTAL
    if goal.reading is Reading.AMBIGUOUS:
        reading = _read(goal.reading, curve.basis)
        planned = max(0, planned - left_out(plan, curve))
    return Figure(FigureKind.TARGET, goal.key, goal.users, planned, reading, undated=curve.undated_users)


def _planned(curve: Projection, month: int) -> int:
    return curve.at(month).cumulative
