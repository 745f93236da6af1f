"""The plan as the rules see it: a few cohorts, and one column per fact of rollouts and waves.

Columns are arrays because a plan may hold a hundred thousand waves; row `i` of every column
speaks of the same rollout or wave. Rollouts stand in order of their codes and waves in order of
rollout and code, so that "ties by code" means "ties by row".

A month is one whole number, `year * 12 + month - 1`: 2026-06 is 24317. A day is its proleptic
Gregorian ordinal (`date.toordinal`). `NONE` (-1) stands for "not known".
"""

from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

NONE = -1
EPOCH = date(1970, 1, 1)
"""Where numpy counts days and months from."""

MAX_USERS = 10_000_000
"""No published total comes near; the bound keeps every product of a total and a weight in 64 bits."""


class Reading(StrEnum):
    """What a published total means."""

    GROUP = "group"
    RUNNING_TOTAL = "running_total"
    AMBIGUOUS = "ambiguous"


class Basis(StrEnum):
    """How an ambiguous total is read: as a running total (cumulative) or as a group's size."""

    CUMULATIVE = "cumulative"
    GROUP = "group"


class Status(StrEnum):
    """Where a wave stands. Jumps forward and corrections backward are allowed, with a reason."""

    UNDER_REVIEW = "under_review"
    PLANNED = "planned"
    PREPARING = "preparing"
    MIGRATING = "migrating"
    IN_USE = "in_use"
    CANCELLED = "cancelled"

    @property
    def is_settled(self) -> bool:
        """True when nothing is awaited any more: the users have moved, or never will."""
        return self in SETTLED_STATUSES


SETTLED_STATUSES = (Status.IN_USE, Status.CANCELLED)
AWAITED_STATUSES = tuple(status for status in Status if status not in SETTLED_STATUSES)


@dataclass(frozen=True)
class Cohort:
    """A published group of rollouts with one published total (users; None when not published).

    `inside` names the enclosing cohort; `undecided_note` is the source's wording for members not
    yet named, and a cohort that has one is open. `fiscal_year` is set when the total is also the
    published increase of that whole fiscal year, `published_multiple` when the source also says how many
    times the year before's end that makes (倍増 is 2).
    """

    code: str
    order: int
    published_users: int | None
    reading: Reading = Reading.GROUP
    approximate: bool = False
    rounding_unit: int = 1
    inside: str | None = None
    undecided_note: str = ""
    fiscal_year: int | None = None
    published_multiple: int | None = None

    @property
    def is_open(self) -> bool:
        """True when the group has members that the source does not name."""
        return bool(self.undecided_note)


@dataclass(frozen=True)
class Target:
    """Users to reach in the end, and how the source's figure is to be read."""

    users: int
    reading: Reading = Reading.GROUP


@dataclass(frozen=True)
class Checkpoint:
    """Users to reach by the end of `month` (a month number), on the way to the target."""

    code: str
    users: int
    month: int
    reading: Reading = Reading.RUNNING_TOTAL


@dataclass(frozen=True)
class Rollouts:
    """Columns of length R, in order of code.

    `cohort` is an index into the plan's cohorts, `users` a stated count or NONE, `weight` the
    authorised headcount or NONE.
    """

    codes: Sequence[str]
    cohort: IntArray
    users: IntArray
    weight: IntArray


@dataclass(frozen=True)
class Waves:
    """Columns of length W, in order of rollout and code.

    `rollout` is an index into the rollouts, `users` a stated count or NONE; `earliest_month`,
    `latest_month` and `latest_day` bound the cutover, NONE where it has no such bound.
    """

    codes: Sequence[str]
    rollout: IntArray
    users: IntArray
    earliest_month: IntArray
    latest_month: IntArray
    latest_day: IntArray
    in_use: BoolArray
    cancelled: BoolArray

    def overdue_unconfirmed(self, today: date) -> BoolArray:
        """Waves whose latest day lies before `today` and whose use nobody has confirmed."""
        passed: BoolArray = (self.latest_day != NONE) & (self.latest_day < today.toordinal())
        return passed & ~self.in_use & ~self.cancelled


@dataclass(frozen=True)
class Merged:
    """A wave that went into another of its rollout: its code, and the row of the wave that has its users.

    Where waves went into one another in turn, that is the last of them.
    """

    code: str
    into: int


@dataclass(frozen=True)
class Plan:
    """Everything a projection is computed from, but for the day.

    `waves` are without those that were `merged`, which stand in order of rollout and code.
    """

    cohorts: Sequence[Cohort]
    rollouts: Rollouts
    waves: Waves
    target: Target | None
    checkpoints: Sequence[Checkpoint] = ()
    merged: Sequence[Merged] = ()


def is_same(one: Plan, other: Plan) -> bool:
    """True when two states of the plan have everything in common that a projection is computed from."""
    columns = ((one.rollouts, other.rollouts), (one.waves, other.waves))
    return [*one.cohorts, one.target, *one.checkpoints, *one.merged] == [
        *other.cohorts,
        other.target,
        *other.checkpoints,
        *other.merged,
    ] and all(
        np.array_equal(getattr(own, column.name), getattr(others, column.name))
        for own, others in columns
        for column in fields(own)
    )


def month_number(day: date) -> int:
    """The month of `day` as one whole number."""
    return day.year * 12 + day.month - 1


def last_whole_month(day: date) -> int:
    """The last month that is over at the end of `day`: its own on its last day, else the one before."""
    is_last = day.day == monthrange(day.year, day.month)[1]
    return month_number(day) if is_last else month_number(day) - 1


def month_numbers(ordinals: IntArray) -> IntArray:
    """The same of a column of day ordinals; NONE stays NONE."""
    days = (ordinals - EPOCH.toordinal()).astype("datetime64[D]")
    months = days.astype("datetime64[M]").astype(np.int64) + month_number(EPOCH)
    return np.where(ordinals == NONE, NONE, months)


def month_parts(number: int) -> tuple[int, int]:
    """The year and the month (1 to 12) of a month number."""
    year, month = divmod(number, 12)
    return year, month + 1


def sums(group: IntArray, values: IntArray, size: int) -> IntArray:
    """Total of `values` by `group` index, as `size` whole numbers."""
    totals = np.zeros(size, dtype=np.int64)
    np.add.at(totals, group, values)
    return totals


def shared_rows(before: Plan, after: Plan) -> tuple[IntArray, IntArray]:
    """Rows of the waves that two states of the plan have, in the one and in the other.

    Waves are the same when rollout and code are the same.
    """
    row_before = {key: row for row, key in enumerate(_keys(before))}
    rows = np.array([row_before.get(key, NONE) for key in _keys(after)], dtype=np.int64)
    kept = np.flatnonzero(rows != NONE)
    return rows[kept], kept


def merged_rows(before: Plan, after: Plan) -> tuple[IntArray, IntArray, IntArray]:
    """Waves that were merged in between: their rows in `before`, and the rows there of what they went into.

    And the rows of that in `after`. A wave that went into one that `before` does not have is left out.
    """
    row_before = {key: row for row, key in enumerate(_keys(before))} if after.merged else {}
    keys = list(_keys(after)) if after.merged else []
    found = []
    for merged in after.merged:
        rollout, into = keys[merged.into]
        rows = row_before.get((rollout, merged.code)), row_before.get((rollout, into))
        if None not in rows:
            found.append((*rows, merged.into))
    merged_before, into_before, into_after = np.array(found, dtype=np.int64).reshape(-1, 3).T
    return merged_before, into_before, into_after


def _keys(plan: Plan) -> Iterator[tuple[str, str]]:
    rollouts = (plan.rollouts.codes[row] for row in plan.waves.rollout.tolist())
    return zip(rollouts, plan.waves.codes, strict=True)
