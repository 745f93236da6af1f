"""What moved the figure: the change of cumulative users at one month, by rollout and by cause.

Two states of the plan are compared, on the planned curve: a wave counts once its last month has come,
unless it is cancelled. Waves are the same when rollout and code are the same; one that changed
its rollout was removed from the one and added to the other. Wave by wave:

- **removed** and **added** waves take with them, or bring, what they counted;
- a wave that was **merged** into another takes with it what it counted, and brings its old count to that one
  where it counts now: nothing moves where both have come, or neither;
- **status** and **date** are taken at the old count: a wave that began or ceased to count did so by its
  status where it was cancelled or taken up again, else by its date;
- then the **count** is taken at the new date and status, where the wave's own stated count or
  its rollout's changed, to "unknown" or back included;
- a count that changed without a stated change of its own moved by the **published totals** as far as
  the old plan with the new totals and readings would have moved it, and by **sharing** for the rest.

An unknown count is 0. Each step starts where the one before it ended, so the parts add up to the
whole exactly; only the two states matter, not the edits between them.

Example, on the published plan: 国税庁 goes from R8.6 to R9.6, and R8年度末 falls from 152,000 to 83,400,
68,600 by its date. When its stated 68,600 become 70,000 as well, R8年度末 falls to 82,000: 68,600 by its
date at the old count, and 1,400 by sharing, which the other four lose (経済産業省 506, 出入国在留管理庁 and
財務局 411 each, 原子力規制庁 72). Only at the end of R9年度 does its own count show, 1,400 more, and
the figure there stays as it was.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum

import numpy as np

from rollout.domain.allocation import allocate
from rollout.domain.plan import NONE, Basis, BoolArray, Cohort, IntArray, Plan, merged_rows, shared_rows, sums


class Cause(StrEnum):
    """Why a rollout's users at a month are not what they were."""

    DATE = "date"
    COUNT = "count"
    STATUS = "status"
    ADDED = "added"
    REMOVED = "removed"
    MERGED = "merged"
    PUBLISHED_TOTAL = "published_total"
    SHARING = "sharing"


@dataclass(frozen=True)
class Mover:
    """Users, never 0, by which one rollout (its code) moved the figure for one cause."""

    rollout: str
    cause: Cause
    users: int


@dataclass(frozen=True)
class Movement:
    """Cumulative users at a month (its number) in two states of the plan, and all that lies between.

    The movers add up to the difference. The largest, up or down, comes first; ties go by rollout
    code, then in the order of the causes.
    """

    month: int
    before: int
    after: int
    movers: tuple[Mover, ...]

    @property
    def difference(self) -> int:
        """Users that the figure rose by; below zero where it fell."""
        return self.after - self.before


def explain(before: Plan, after: Plan, *, basis: Basis, month: int) -> Movement:
    """What moved the planned users at `month` (a month number) from one state of the plan to the other."""
    old, new = _Columns.of(before, basis, month), _Columns.of(after, basis, month)
    retotalled = _users(_with_totals_of(after.cohorts, before), basis)
    old_rows, new_rows = shared_rows(before, after)
    merged, into_before, into = merged_rows(before, after)
    brought, brought_retotalled = (
        sums(into_before, users[merged], len(users))[old_rows] for users in (old.users, retotalled)
    )
    kept = _explain_kept(
        old.at(old_rows), new.at(new_rows), retotalled[old_rows] + brought_retotalled, brought
    )
    merging = old.users[merged] * new.counts[into] - old.counted[merged]
    added, removed = _other_rows(new_rows, after), _other_rows(np.append(old_rows, merged), before)
    movers = [
        *(mover for cause, users in kept.items() for mover in _by_rollout(after, new_rows, cause, users)),
        *_by_rollout(after, into, Cause.MERGED, merging),
        *_by_rollout(after, added, Cause.ADDED, new.counted[added]),
        *_by_rollout(before, removed, Cause.REMOVED, -old.counted[removed]),
    ]
    return Movement(month, int(old.counted.sum()), int(new.counted.sum()), tuple(sorted(movers, key=_rank)))


@dataclass(frozen=True)
class _Columns:
    """One entry a wave: its users (0 where unknown), 1 where they count at the month and 0 where not,
    whether it is cancelled, and the counts stated for it and for its rollout, or NONE."""

    users: IntArray
    counts: IntArray
    cancelled: BoolArray
    stated: IntArray
    rollout_stated: IntArray

    @classmethod
    def of(cls, plan: Plan, basis: Basis, month: int) -> "_Columns":
        waves = plan.waves
        come = (waves.latest_month != NONE) & (waves.latest_month <= month)
        return cls(
            users=_users(plan, basis),
            counts=(come & ~waves.cancelled).astype(np.int64),
            cancelled=waves.cancelled,
            stated=waves.users,
            rollout_stated=plan.rollouts.users[waves.rollout],
        )

    @property
    def counted(self) -> IntArray:
        """What each wave adds to the figure."""
        return self.users * self.counts

    def at(self, rows: IntArray) -> "_Columns":
        """The same of some waves, in the order of `rows`."""
        return _Columns(*(getattr(self, column.name)[rows] for column in fields(self)))


def _users(plan: Plan, basis: Basis) -> IntArray:
    users = allocate(plan, basis).users
    return np.where(users == NONE, 0, users)


def _with_totals_of(cohorts: Sequence[Cohort], plan: Plan) -> Plan:
    """`plan` with the totals and readings of `cohorts`; a cohort that is not among them keeps its own."""
    by_code = {cohort.code: cohort for cohort in cohorts}
    pairs = [(own, by_code.get(own.code, own)) for own in plan.cohorts]
    renewed = [replace(own, published_users=c.published_users, reading=c.reading) for own, c in pairs]
    return replace(plan, cohorts=renewed)


def _other_rows(rows: IntArray, plan: Plan) -> IntArray:
    return np.delete(np.arange(len(plan.waves.codes)), rows)


def _explain_kept(
    old: _Columns, new: _Columns, retotalled: IntArray, brought: IntArray
) -> dict[Cause, IntArray]:
    """Users by cause of waves that both states have.

    `brought` are the old users of what went into each; `retotalled` are all old users under new totals.
    """
    held = old.users + brought
    own = (old.stated != new.stated) | (old.rollout_stated != new.rollout_stated)
    decided = old.cancelled != new.cancelled
    entered = old.users * (new.counts - old.counts)
    return {
        Cause.STATUS: entered * decided,
        Cause.DATE: entered * ~decided,
        Cause.COUNT: (new.users - held) * new.counts * own,
        Cause.PUBLISHED_TOTAL: (retotalled - held) * new.counts * ~own,
        Cause.SHARING: (new.users - retotalled) * new.counts * ~own,
    }


def _by_rollout(plan: Plan, rows: IntArray, cause: Cause, users: IntArray) -> Iterator[Mover]:
    codes = plan.rollouts.codes
    totals = sums(plan.waves.rollout[rows], users, len(codes))
    return (Mover(codes[row], cause, int(totals[row])) for row in np.flatnonzero(totals).tolist())


def _rank(mover: Mover) -> tuple[int, str, int]:
    return -abs(mover.users), mover.rollout, list(Cause).index(mover.cause)
