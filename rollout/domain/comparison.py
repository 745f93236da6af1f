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
from typing import NamedTuple

import numpy as np

from rollout.domain.plan import NONE, IntArray, Plan, Waves, shared_rows
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

    `moved` says that it lies in other months, or that a date was given or taken away; never of a cancelled
    wave. `months`, `low` and `high` are above zero where it comes later; None where there is no slip to
    speak of. `user_months` is None also where nobody knows its users.
    """

    rollout: str
    wave: str
    row_before: int | None
    row_after: int | None
    moved: bool = False
    months: int | None = None
    low: int | None = None
    high: int | None = None
    user_months: int | None = None


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
    moves = _moves(before.waves, after.waves, old, new)
    kept = zip(old.tolist(), new.tolist(), moves, users[new].tolist(), strict=True)
    found = [_slip(after, old_row, row, move, count) for old_row, row, move, count in kept]
    added = [Slip(*_codes(after, row), None, row) for row in _others(new, after)]
    removed = [Slip(*_codes(before, row), row, None) for row in _others(old, before)]
    return sorted([*found, *added, *removed], key=lambda slip: (slip.rollout, slip.wave))


def total_user_months(found: Iterable[Slip]) -> int:
    """What all slips cost together, as far as users are known; waves that come earlier save some."""
    return sum(slip.user_months or 0 for slip in found)


class _Move(NamedTuple):
    """Whether a wave moved, and by how many months: on the planned curve, at least and at most."""

    moved: bool
    months: tuple[int, int, int] | None


def _moves(was: Waves, now: Waves, old: IntArray, new: IntArray) -> list[_Move]:
    """The move of each wave that both states have."""
    earliest_before, latest_before = was.earliest_month[old], was.latest_month[old]
    earliest, latest = now.earliest_month[new], now.latest_month[new]
    alive = ~was.cancelled[old] & ~now.cancelled[new]
    same = (earliest == earliest_before) & (latest == latest_before)
    slipping = alive & (latest_before != NONE) & (latest != NONE)
    low = np.where(same, 0, earliest - latest_before)
    high = np.where(same, 0, latest - earliest_before)
    columns = (alive & ~same, slipping, latest - latest_before, low, high)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [_Move(moved, tuple(months) if slipped else None) for moved, slipped, *months in rows]


def _slip(plan: Plan, old_row: int, row: int, move: _Move, users: int) -> Slip:
    codes = _codes(plan, row)
    if move.months is None:
        return Slip(*codes, old_row, row, move.moved)
    unknown = users == NONE and move.months[0] != 0
    return Slip(*codes, old_row, row, move.moved, *move.months, None if unknown else users * move.months[0])


def _codes(plan: Plan, row: int) -> tuple[str, str]:
    return plan.rollouts.codes[int(plan.waves.rollout[row])], plan.waves.codes[row]


def _others(rows: IntArray, plan: Plan) -> list[int]:
    others: list[int] = np.delete(np.arange(len(plan.waves.codes)), rows).tolist()
    return others
