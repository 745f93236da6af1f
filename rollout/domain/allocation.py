"""Published totals become users per wave (DESIGN, "Projection, exactly", rules 1 to 4).

A count is *stated* (somebody published or confirmed it), *shared out* (a group's remainder
divided by weight) or *unknown*. Example: a cohort of 80,000 with one stated member of 68,600
leaves 11,400; three members weigh 1,145, 8,013 and 6,499 and the fourth has no known weight, so it
takes the median of the three, 6,499. The 11,400 go out by largest remainder as 589, 4,123, 3,344
and 3,344: whole users, and the sum is exact.

A wave that went into another leaves its place in the sharing to that one, so that merging moves nobody but
the users that it is about: three waves share 100 as 34, 33 and 33, and when the second goes into the first
these have 67 and 33.

What cannot be shared stays visible: a remainder below zero and a remainder with nobody to take it
are conflicts, the remainder of a cohort with undecided members is undated.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

import numpy as np

from rollout.domain.plan import NONE, Basis, BoolArray, Cohort, IntArray, Merged, Plan, Reading, Waves, sums


class CountBasis(IntEnum):
    """Where a wave's users come from."""

    UNKNOWN = 0
    STATED = 1
    SHARED_OUT = 2


class ConflictKind(StrEnum):
    """Why published figures do not fit together."""

    NEGATIVE_REMAINDER = "negative_remainder"
    NOBODY_TO_SHARE = "nobody_to_share"


@dataclass(frozen=True)
class Conflict:
    """Published less counted `users`: above zero nobody takes them, below zero the parts exceed the whole."""

    kind: ConflictKind
    cohort: str
    rollout: str | None
    users: int


@dataclass
class Allocation:
    """Users per wave and what was left over.

    `users` and `count_basis` have one entry a wave (`users` is NONE where unknown);
    `widens` marks waves whose users come from a cohort's rounded remainder. `increments`,
    `remainders` and `leftovers` have one entry a cohort, in users: what the cohort adds, what it
    had to share, and what found no dated home.
    """

    users: IntArray
    count_basis: IntArray
    widens: BoolArray
    increments: IntArray
    remainders: IntArray
    leftovers: IntArray
    conflicts: list[Conflict] = field(default_factory=list)


def largest_remainder(total: int, weights: IntArray) -> IntArray:
    """Divide `total` whole users by `weights` (all above 0); the sum is exact, ties go by position."""
    products = total * weights
    shares, remainders = np.divmod(products, weights.sum())
    missing = total - int(shares.sum())
    shares[np.argsort(-remainders, kind="stable")[:missing]] += 1
    return shares


def effective_weights(weights: IntArray) -> IntArray:
    """Twice the weights, with twice the median of the known ones where NONE; 2 where none is known.

    Doubled, so that the median of an even number of weights stays whole.
    """
    known = np.sort(weights[weights != NONE])
    middle = len(known) // 2
    double_median = int(known[middle] + known[-middle - 1]) if len(known) else 2
    return np.where(weights != NONE, weights * 2, double_median)


def allocate(plan: Plan, basis: Basis) -> Allocation:
    """Users of every wave of `plan` under `basis`."""
    counts = Counts.of(plan)
    increments = _increments(plan.cohorts, basis, counts.taken)
    allocation = _empty_allocation(plan, increments)
    amounts, shared = _share_cohorts(plan, counts, allocation)
    _share_rollouts(plan, counts, amounts, shared, allocation)
    return allocation


@dataclass(frozen=True)
class Counts:
    """What is stated.

    Per rollout its users (0 where neither it nor any of its waves is stated), the sum of its stated waves,
    its blank waves and whether it shares; per cohort the users `taken` by its members.
    """

    users: IntArray
    wave_sum: IntArray
    blank_waves: IntArray
    sharing: BoolArray
    taken: IntArray

    @classmethod
    def of(cls, plan: Plan) -> "Counts":
        """What `plan` states."""
        rollouts, waves = plan.rollouts, plan.waves
        size = len(rollouts.codes)
        blank = waves.users == NONE
        wave_sum = sums(waves.rollout, np.where(blank, 0, waves.users), size)
        blank_waves = np.bincount(waves.rollout[blank], minlength=size)
        all_waves = np.bincount(waves.rollout, minlength=size)
        stated = rollouts.users != NONE
        sharing = ~stated & ((blank_waves > 0) | (all_waves == 0))
        users = np.where(stated, rollouts.users, wave_sum)
        taken = sums(rollouts.cohort, users, len(plan.cohorts))
        return cls(users, wave_sum, blank_waves, sharing, taken)


def _empty_allocation(plan: Plan, increments: IntArray) -> Allocation:
    stated = plan.waves.users != NONE
    return Allocation(
        users=plan.waves.users.copy(),
        count_basis=np.where(stated, int(CountBasis.STATED), int(CountBasis.UNKNOWN)),
        widens=np.zeros(len(stated), dtype=np.bool_),
        increments=increments,
        remainders=np.zeros(len(plan.cohorts), dtype=np.int64),
        leftovers=np.zeros(len(plan.cohorts), dtype=np.int64),
    )


def _increments(cohorts: Sequence[Cohort], basis: Basis, taken: IntArray) -> IntArray:
    """What each cohort adds. Without a published total: its stated counts and its inner cohorts."""
    increments = np.zeros(len(cohorts), dtype=np.int64)
    earlier = 0
    for index in _inner_before_outer(cohorts):
        cohort = cohorts[index]
        if cohort.published_users is None:
            increments[index] = taken[index] + _inner_sum(cohorts, index, increments)
        elif _is_running_total(cohort, basis):
            increments[index] = cohort.published_users - earlier
        else:
            increments[index] = cohort.published_users
        if cohort.inside is None:
            earlier += int(increments[index])
    return increments


def _is_running_total(cohort: Cohort, basis: Basis) -> bool:
    """A cohort inside another is always a size; an ambiguous total is what `basis` says."""
    if cohort.inside is None and cohort.reading is Reading.AMBIGUOUS:
        return basis is Basis.CUMULATIVE
    return cohort.inside is None and cohort.reading is Reading.RUNNING_TOTAL


def _inner_before_outer(cohorts: Sequence[Cohort]) -> Iterable[int]:
    """Indexes of the cohorts, deepest first, then by published order."""
    return sorted(range(len(cohorts)), key=lambda i: (-_depth(cohorts, i), cohorts[i].order, cohorts[i].code))


def _depth(cohorts: Sequence[Cohort], index: int) -> int:
    by_code = {cohort.code: cohort for cohort in cohorts}
    depth, cohort = 0, cohorts[index]
    while cohort.inside is not None:
        depth, cohort = depth + 1, by_code[cohort.inside]
        if depth > len(cohorts):
            raise ValueError(f"cohort {cohorts[index].code} lies inside itself")
    return depth


def _inner_sum(cohorts: Sequence[Cohort], index: int, increments: IntArray) -> int:
    return sum(int(increments[i]) for i, c in enumerate(cohorts) if c.inside == cohorts[index].code)


def _share_cohorts(plan: Plan, counts: Counts, allocation: Allocation) -> tuple[IntArray, BoolArray]:
    """What each rollout has for its blank waves, and whether that is a share of its cohort's remainder."""
    stated = plan.rollouts.users != NONE
    amounts = np.where(stated, plan.rollouts.users - counts.wave_sum, NONE)
    shared = np.zeros(len(stated), dtype=np.bool_)
    for index, cohort in enumerate(plan.cohorts):
        if cohort.published_users is None:
            continue
        inner = _inner_sum(plan.cohorts, index, allocation.increments)
        remainder = int(allocation.increments[index] - counts.taken[index]) - inner
        sharers = np.flatnonzero(counts.sharing & (plan.rollouts.cohort == index))
        allocation.remainders[index] = max(remainder, 0)
        _record_misfit(allocation, cohort, index, remainder, has_sharers=bool(len(sharers)))
        if not cohort.is_open and len(sharers):
            weights = effective_weights(plan.rollouts.weight[sharers])
            amounts[sharers] = largest_remainder(max(remainder, 0), weights)
            shared[sharers] = True
    return amounts, shared


def _record_misfit(
    allocation: Allocation, cohort: Cohort, index: int, remainder: int, *, has_sharers: bool
) -> None:
    """Keep what cannot be shared: undated where members are undecided, otherwise a conflict as well."""
    if remainder < 0:
        allocation.conflicts.append(Conflict(ConflictKind.NEGATIVE_REMAINDER, cohort.code, None, remainder))
    elif cohort.is_open:
        allocation.leftovers[index] += remainder
    elif remainder > 0 and not has_sharers:
        allocation.leftovers[index] += remainder
        allocation.conflicts.append(Conflict(ConflictKind.NOBODY_TO_SHARE, cohort.code, None, remainder))


def _share_rollouts(
    plan: Plan, counts: Counts, amounts: IntArray, shared: BoolArray, allocation: Allocation
) -> None:
    """Give each rollout's amount to the places of its blank waves, evenly, the odd users to the first."""
    stated = plan.rollouts.users != NONE
    has_amount = stated | shared
    _record_rollout_misfits(plan, counts.blank_waves, np.where(has_amount, amounts, 0), allocation)
    rows = _places(plan)
    rows = rows[(plan.waves.users[rows] == NONE) & has_amount[plan.waves.rollout[rows]]]
    rollout = plan.waves.rollout[rows]
    places = np.bincount(rollout, minlength=len(stated))[rollout]
    firsts = np.searchsorted(rollout, np.arange(len(stated)))
    rank = np.arange(len(rows)) - firsts[rollout]
    amount = np.maximum(amounts[rollout], 0)
    shares = amount // places + (rank < amount % places)
    allocation.users[rows] = sums(rows, shares, len(plan.waves.codes))[rows]
    exact = stated[rollout] & (counts.blank_waves[rollout] == 1)
    allocation.count_basis[rows] = np.where(exact, int(CountBasis.STATED), int(CountBasis.SHARED_OUT))
    allocation.widens[rows] = shared[rollout]


def _places(plan: Plan) -> IntArray:
    """The rows of the waves that take the places in the sharing, which go by rollout and code.

    A wave has its own place, and the places of those that went into it.
    """
    rows = np.arange(len(plan.waves.codes))
    if not plan.merged:
        return rows
    left = [_place_left(plan.waves, merged) for merged in plan.merged]
    return np.insert(rows, left, [merged.into for merged in plan.merged])


def _place_left(waves: Waves, merged: Merged) -> int:
    """The row before which a merged wave would stand."""
    rollout = int(waves.rollout[merged.into])
    first, end = np.searchsorted(waves.rollout, [rollout, rollout + 1]).tolist()
    return bisect_left(waves.codes, merged.code, first, end)


def _record_rollout_misfits(
    plan: Plan, blank_waves: IntArray, amounts: IntArray, allocation: Allocation
) -> None:
    """Rollouts whose waves are stated at more than the whole, or at less with no blank wave for the rest."""
    for row in np.flatnonzero((amounts < 0) | ((amounts > 0) & (blank_waves == 0))).tolist():
        users, cohort = int(amounts[row]), int(plan.rollouts.cohort[row])
        kind = ConflictKind.NEGATIVE_REMAINDER if users < 0 else ConflictKind.NOBODY_TO_SHARE
        allocation.leftovers[cohort] += max(users, 0)
        allocation.conflicts.append(
            Conflict(kind, plan.cohorts[cohort].code, plan.rollouts.codes[row], users)
        )
