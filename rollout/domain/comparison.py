"""Two states of the plan side by side: a baseline and today's, or today's and a scenario's.

A wave **slips** by the months between the two cutovers on the planned curve, which counts it from the last
month of its period; where a period is longer than a month the slip lies between `low` and `high`, and a
period that is the same in both has not slipped at all. Its cost in **user-months** is the slip times the
users that the later state counts for it: users who wait that long. Waves that only one of the two states has,
that are cancelled in either, or that lack a date in either, have no slip; the figures at the ends of the
fiscal years show what they do.

Example, on the published plan: 国税庁 from R8.6 to R8.9 slips by 3 months and costs 205,800 user-months
(68,600 users); R8年度末 stays at 152,000. To R9.6 it is 12 months, 823,200 user-months, and R8年度末 falls
by 68,600 to 83,400.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from rollout.domain.plan import NONE, IntArray, Plan, shared_rows
from rollout.domain.projection import Granularity, Projection, fiscal_year_end


@dataclass(frozen=True)
class YearEnd:
    """Planned cumulative users at the end of a fiscal year, in the one state and in the other."""

    fiscal_year: int
    before: int
    after: int

    @property
    def difference(self) -> int:
        """Users that the figure rose by; below zero where it fell."""
        return self.after - self.before


@dataclass(frozen=True)
class Slip:
    """One wave in both states; a row is its place among the waves of a state, None where it is not there.

    `months`, `low` and `high` are above zero where it comes later; None where there is no slip to speak
    of. `user_months` is None also where nobody knows its users.
    """

    rollout: str
    wave: str
    row_before: int | None
    row_after: int | None
    months: int | None = None
    low: int | None = None
    high: int | None = None
    user_months: int | None = None

    @property
    def is_point(self) -> bool:
        """True when the slip is one number of months."""
        return self.low == self.high


def year_ends(before: Projection, after: Projection) -> list[YearEnd]:
    """Every fiscal year that either of two curves covers, the first one first."""
    years = [
        point.fiscal_year for curve in (before, after) for point in curve.points(Granularity.FISCAL_YEAR)
    ]
    ends = ((year, fiscal_year_end(year)) for year in range(min(years), max(years) + 1))
    return [YearEnd(year, before.at(end).cumulative, after.at(end).cumulative) for year, end in ends]


def slips(before: Plan, after: Plan, users: IntArray) -> list[Slip]:
    """Every wave of either state, in order of rollout and wave; `users` are those of `after`."""
    old, new = shared_rows(before, after)
    kept = zip(old.tolist(), new.tolist(), _months(before, after, old, new), users[new].tolist(), strict=True)
    found = [_slip(after, row, old_row, months, count) for old_row, row, months, count in kept]
    added = [Slip(*_codes(after, row), None, row) for row in _others(new, after)]
    removed = [Slip(*_codes(before, row), row, None) for row in _others(old, before)]
    return sorted([*found, *added, *removed], key=lambda slip: (slip.rollout, slip.wave))


def total_user_months(found: Iterable[Slip]) -> int:
    """What all slips cost together, as far as users are known; waves that come earlier save some."""
    return sum(slip.user_months or 0 for slip in found)


def _months(before: Plan, after: Plan, old: IntArray, new: IntArray) -> list[tuple[int, int, int] | None]:
    """Slip, low and high of each wave that both states have."""
    was, now = before.waves, after.waves
    dated = (was.latest_month[old] != NONE) & (now.latest_month[new] != NONE)
    alive = ~was.cancelled[old] & ~now.cancelled[new]
    same = (was.earliest_month[old] == now.earliest_month[new]) & (
        was.latest_month[old] == now.latest_month[new]
    )
    columns = (
        now.latest_month[new] - was.latest_month[old],
        np.where(same, 0, now.earliest_month[new] - was.latest_month[old]),
        np.where(same, 0, now.latest_month[new] - was.earliest_month[old]),
    )
    triples = zip(*(column.tolist() for column in columns), strict=True)
    return [
        triple if known else None for triple, known in zip(triples, (dated & alive).tolist(), strict=True)
    ]


def _slip(plan: Plan, row: int, old_row: int, found: tuple[int, int, int] | None, users: int) -> Slip:
    codes = _codes(plan, row)
    if found is None:
        return Slip(*codes, old_row, row)
    months, low, high = found
    cost = 0 if months == 0 else None if users == NONE else users * months
    return Slip(*codes, old_row, row, months, low, high, cost)


def _codes(plan: Plan, row: int) -> tuple[str, str]:
    return plan.rollouts.codes[int(plan.waves.rollout[row])], plan.waves.codes[row]


def _others(rows: IntArray, plan: Plan) -> list[int]:
    others: list[int] = np.delete(np.arange(len(plan.waves.codes)), rows).tolist()
    return others
