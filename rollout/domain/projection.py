"""Waves become cumulative users by month (DESIGN, "Projection, exactly", rules 5 to 7).

The planned curve counts a wave from its month, or from the last month of a longer period; the high
curve from the earliest month; the low curve from the latest, and an overdue wave nobody confirmed
from the month after the current one. Rounded totals (「約」) widen the band: 11,400 shared users of a
total given as 約8万 (unit 10,000) add up to 5,000 on either side once all of them are counted.

Example, on the published plan: 47,000 users at 2025-05, 72,000 at 2026-03, 152,000 at 2027-03
within 146,000 and 158,000, and 120,000 undated, which with the 152,000 make 272,000.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from math import lcm
from typing import Any

import numpy as np

from rollout.domain.allocation import Allocation, Conflict, ConflictKind, CountBasis, allocate
from rollout.domain.dates import fiscal_year_bounds, fiscal_year_label, fiscal_year_of, month_label
from rollout.domain.plan import (
    NONE,
    Basis,
    BoolArray,
    IntArray,
    Plan,
    Reading,
    month_number,
    month_parts,
    sums,
)


class Granularity(StrEnum):
    """The length of a period; quarters and years are fiscal, from April."""

    MONTH = "month"
    QUARTER = "quarter"
    FISCAL_YEAR = "fiscal_year"

    @property
    def months(self) -> int:
        """Months in one period."""
        return {"month": 1, "quarter": 3, "fiscal_year": 12}[self]


@dataclass(frozen=True)
class Undated:
    """Users of a cohort without a date, with the members that have a date but no count."""

    cohort: str
    users: int
    uncounted_rollouts: tuple[str, ...]
    dateless_waves: tuple[str, ...]
    note: str


@dataclass(frozen=True)
class Point:
    """One period: users added in it, and cumulative users at its end. `first_month` is a month number."""

    first_month: int
    added: int
    cumulative: int
    confirmed: int
    low: int
    high: int

    @property
    def fiscal_year(self) -> int:
        """The fiscal year that the period lies in."""
        return (self.first_month - 3) // 12


@dataclass(frozen=True)
class Projection:
    """Cumulative users by month from `first_month` on, without gaps; everything in whole users."""

    basis: Basis
    today: date
    first_month: int
    planned: tuple[int, ...]
    confirmed: tuple[int, ...]
    low: tuple[int, ...]
    high: tuple[int, ...]
    target_users: int | None
    published_added: Mapping[int, int]
    undated: tuple[Undated, ...]
    conflicts: tuple[Conflict, ...]

    @property
    def reached_in(self) -> int | None:
        """The first month at or above the target, as a month number; None where the plan stays below."""
        if self.target_users is None:
            return None
        months = (i for i, users in enumerate(self.planned) if users >= self.target_users)
        return next((self.first_month + i for i in months), None)

    @property
    def dated_users(self) -> int:
        """Users that have a date and a count."""
        return self.planned[-1]

    @property
    def undated_users(self) -> int:
        """Users that the published totals speak of and that have no date."""
        return sum(entry.users for entry in self.undated)

    def at(self, month: int) -> Point:
        """The point of one month number; zeros before the first month, the last values after the end."""
        index = month - self.first_month
        if index < 0:
            return Point(month, 0, 0, 0, 0, 0)
        index = min(index, len(self.planned) - 1)
        added = self.planned[index] - (self.planned[index - 1] if index else 0)
        if month > self.first_month + index:
            added = 0
        return Point(
            month, added, self.planned[index], self.confirmed[index], self.low[index], self.high[index]
        )

    def points(self, granularity: Granularity) -> list[Point]:
        """One point a period, from the period of the first month to that of the last."""
        length = granularity.months
        first = self.first_month - self.first_month % length if length < 12 else _april(self.first_month)
        return [self._period(start, length) for start in range(first, self._end_month, length)]

    @property
    def _end_month(self) -> int:
        return self.first_month + len(self.planned)

    def _period(self, start: int, length: int) -> Point:
        last, before = self.at(start + length - 1), self.at(start - 1)
        added = last.cumulative - before.cumulative
        return Point(start, added, last.cumulative, last.confirmed, last.low, last.high)

    def stored(self) -> dict[str, Any]:
        """The projection as plain values for a JSON column; `from_stored` reads it back."""
        return {
            **vars(self),
            "today": self.today.isoformat(),
            "undated": [vars(entry) for entry in self.undated],
            "conflicts": [vars(entry) for entry in self.conflicts],
        }

    @classmethod
    def from_stored(cls, values: Mapping[str, Any]) -> "Projection":
        """The projection that `stored` wrote."""
        return cls(
            basis=Basis(values["basis"]),
            today=date.fromisoformat(values["today"]),
            first_month=values["first_month"],
            planned=tuple(values["planned"]),
            confirmed=tuple(values["confirmed"]),
            low=tuple(values["low"]),
            high=tuple(values["high"]),
            target_users=values["target_users"],
            published_added={int(year): users for year, users in values["published_added"].items()},
            undated=tuple(_undated_from(entry) for entry in values["undated"]),
            conflicts=tuple(_conflict_from(entry) for entry in values["conflicts"]),
        )


def project(plan: Plan, *, basis: Basis, today: date) -> tuple[Projection, Allocation]:
    """The projection of `plan` as seen on `today` (a day in Tokyo), and the users per wave behind it."""
    allocation = allocate(plan, basis)
    waves = plan.waves
    alive = ~waves.cancelled
    dated = alive & (waves.latest_month != NONE)
    counted = dated & (allocation.users != NONE)
    first, end = _range(plan, dated, today)
    overdue = waves.overdue_unconfirmed(today)
    low_month = np.where(overdue, month_number(today) + 1, waves.latest_month)

    def curve(months: IntArray, rows: BoolArray) -> IntArray:
        inside = rows & (months < end)
        return np.cumsum(sums(months[inside] - first, allocation.users[inside], end - first))

    def widening(months: IntArray) -> list[int]:
        rows = np.flatnonzero(counted & allocation.widens & (months < end))
        return _widening(plan, allocation, rows, months[rows] - first, end - first)

    low, high = _whole(curve(low_month, counted)), _whole(curve(waves.earliest_month, counted))
    projection = Projection(
        basis=basis,
        today=today,
        first_month=first,
        planned=_whole(curve(waves.latest_month, counted)),
        confirmed=_whole(curve(waves.latest_month, counted & waves.in_use)),
        low=tuple(max(0, users - width) for users, width in zip(low, widening(low_month), strict=True)),
        high=tuple(users + width for users, width in zip(high, widening(waves.earliest_month), strict=True)),
        target_users=_target_users(plan, allocation, basis),
        published_added=_published_added(plan),
        undated=_undated(plan, allocation, dated),
        conflicts=tuple(allocation.conflicts),
    )
    return projection, allocation


def _whole(curve: IntArray) -> tuple[int, ...]:
    return tuple(curve.tolist())


def _april(month: int) -> int:
    """The first month of the fiscal year that `month` lies in."""
    return month - (month - 3) % 12


def _range(plan: Plan, dated: BoolArray, today: date) -> tuple[int, int]:
    """The first month, and the month after the last: from the first cutover to the end of a fiscal year."""
    current_end = _april(month_number(today)) + 12
    if not dated.any():
        return current_end - 12, current_end
    first = int(plan.waves.earliest_month[dated].min())
    last = int(plan.waves.latest_month[dated].max())
    return first, max(current_end, _april(last) + 12)


def _widening(plan: Plan, allocation: Allocation, rows: IntArray, month: IntArray, months: int) -> list[int]:
    """Whole users, rounded up, by which 「約」 widens the band at each month.

    `rows` are the waves that widen it and `month` is where each begins to, counted from the first.
    A wave widens by its users * unit / (2 * remainder); over a common denominator the sum is exact.
    """
    cohort = plan.rollouts.cohort[plan.waves.rollout[rows]]
    added = sums(cohort * months + month, allocation.users[rows], len(plan.cohorts) * months)
    shared = np.cumsum(added.reshape(-1, months), axis=1).tolist()
    halves = {
        index: (cohort.rounding_unit, 2 * int(allocation.remainders[index]))
        for index, cohort in enumerate(plan.cohorts)
        if cohort.approximate and allocation.remainders[index]
    }
    common = lcm(*(denominator for _, denominator in halves.values()))
    factors = {index: unit * common // denominator for index, (unit, denominator) in halves.items()}
    totals = (sum(factors[index] * shared[index][i] for index in factors) for i in range(months))
    return [-(-total // common) for total in totals]


def _target_users(plan: Plan, allocation: Allocation, basis: Basis) -> int | None:
    """The target; read as one group's size, the groups published before that one come on top."""
    if plan.target is None:
        return None
    if plan.target.reading is not Reading.AMBIGUOUS or basis is Basis.CUMULATIVE:
        return plan.target.users
    tops = sorted(
        (cohort.order, index, cohort.reading)
        for index, cohort in enumerate(plan.cohorts)
        if cohort.inside is None
    )
    ambiguous = [order for order, _, reading in tops if reading is Reading.AMBIGUOUS]
    earlier = [index for order, index, _ in tops if ambiguous and order < ambiguous[0]]
    return plan.target.users + sum(int(allocation.increments[index]) for index in earlier)


def left_out(plan: Plan, curve: Projection) -> int:
    """Users that `curve` put on top of the published target when it read that as one group's size."""
    if plan.target is None or curve.target_users is None:
        return 0
    return curve.target_users - plan.target.users


def _published_added(plan: Plan) -> dict[int, int]:
    return {
        cohort.fiscal_year: cohort.published_users
        for cohort in plan.cohorts
        if cohort.fiscal_year is not None and cohort.published_users is not None
    }


def _undated(plan: Plan, allocation: Allocation, dated: BoolArray) -> tuple[Undated, ...]:
    waves, cohort_of = plan.waves, plan.rollouts.cohort
    homeless = np.flatnonzero(~waves.cancelled & ~dated)
    homeless_cohort = cohort_of[waves.rollout[homeless]]
    uncounted = np.unique(waves.rollout[dated & (allocation.count_basis == CountBasis.UNKNOWN)])
    users = allocation.leftovers + sums(
        homeless_cohort, allocation.users[homeless].clip(0), len(plan.cohorts)
    )
    entries = []
    for index, cohort in enumerate(plan.cohorts):
        rollouts = tuple(plan.rollouts.codes[row] for row in uncounted[cohort_of[uncounted] == index])
        dateless = tuple(waves.codes[row] for row in homeless[homeless_cohort == index])
        if users[index] or rollouts or dateless:
            entries.append(Undated(cohort.code, int(users[index]), rollouts, dateless, cohort.undecided_note))
    return tuple(entries)


def _undated_from(values: Mapping[str, Any]) -> Undated:
    lists = {name: tuple(values[name]) for name in ("uncounted_rollouts", "dateless_waves")}
    return Undated(cohort=values["cohort"], users=values["users"], note=values["note"], **lists)


def _conflict_from(values: Mapping[str, Any]) -> Conflict:
    return Conflict(**{**values, "kind": ConflictKind(values["kind"])})


def fiscal_year_end(year: int) -> int:
    """The month number of the last month (March) of a fiscal year."""
    return month_number(fiscal_year_bounds(year)[1])


def current_month(projection: Projection) -> Point:
    """The point of the month that the projection was computed in."""
    return projection.at(month_number(projection.today))


def fiscal_year_in_progress(projection: Projection) -> int:
    """The fiscal year that the projection was computed in."""
    return fiscal_year_of(projection.today)


def period_text(point: Point, granularity: Granularity) -> str:
    """`2026-06`, `2026-Q1` (fiscal) or `2026`."""
    year, month = month_parts(point.first_month)
    if granularity is Granularity.MONTH:
        return f"{year}-{month:02d}"
    if granularity is Granularity.QUARTER:
        return f"{point.fiscal_year}-Q{(month - 4) % 12 // 3 + 1}"
    return str(point.fiscal_year)


def period_label(point: Point, granularity: Granularity) -> str:
    """The period as documents write it: `R8.6`, `R8年度第1四半期` or `R8年度`."""
    if granularity is Granularity.MONTH:
        return month_label(*month_parts(point.first_month))
    year = fiscal_year_label(point.fiscal_year)
    if granularity is Granularity.FISCAL_YEAR:
        return year
    return f"{year}第{period_text(point, granularity)[-1]}四半期"
