"""Published totals into users per wave: rules 1 to 4 of "Projection, exactly", one table a rule."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.domain.allocation import CountBasis, allocate, effective_weights, largest_remainder
from rollout.domain.plan import NONE, Basis, Reading, Status
from tests.domain.plans import (
    Reference,
    Sketch,
    cohort,
    column,
    divided,
    one_cohort,
    rollout,
    rollout_without_waves,
    sketches,
    wave,
)

CUMULATIVE, GROUP = Basis.CUMULATIVE, Basis.GROUP
RUNNING, AMBIGUOUS = Reading.RUNNING_TOTAL, Reading.AMBIGUOUS
CANCELLED = Status.CANCELLED


def users_of(allocation, plan):
    """Users by wave code; None where unknown."""
    counts = [None if users == NONE else users for users in allocation.users.tolist()]
    return dict(zip(plan.waves.codes, counts, strict=True))


def conflicts_of(allocation):
    return {(entry.kind.value, entry.cohort, entry.rollout, entry.users) for entry in allocation.conflicts}


def counts_of(allocation):
    return [CountBasis(basis).name for basis in allocation.count_basis]


INCREMENTS = {
    "1 a size adds itself": ([cohort("a", 47), cohort("b", 25, order=2)], [47, 25]),
    "1 a running total adds what is new": (
        [cohort("a", 47), cohort("b", 25, order=2), cohort("c", 272, order=3, reading=RUNNING)],
        [47, 25, 200],
    ),
    "1 earlier means order, not position": (
        [cohort("c", 272, order=3, reading=RUNNING), cohort("a", 47, order=1)],
        [225, 47],
    ),
    "1 running totals build on one another": (
        [cohort("a", 10, reading=RUNNING), cohort("b", 30, order=2, reading=RUNNING)],
        [10, 20],
    ),
    "1 an inner cohort is a size and adds nothing to the outside": (
        [cohort("a", 80, inside="b"), cohort("b", 200, order=2), cohort("c", 272, order=3, reading=RUNNING)],
        [80, 200, 72],
    ),
    "1 an inner cohort is a size, whatever its reading says": (
        [cohort("a", 80, order=3, inside="b", reading=RUNNING), cohort("b", 200, order=2)],
        [80, 200],
    ),
    "1 a running total below the earlier ones takes away": (
        [cohort("a", 100), cohort("b", 80, order=2, reading=RUNNING)],
        [100, -20],
    ),
    "1 without a total, its inner cohorts": ([cohort("a", 80, inside="b"), cohort("b", order=2)], [80, 80]),
    "1 without a total, inside out": (
        [cohort("a", inside="b"), cohort("b", inside="c", order=2), cohort("c", order=3)],
        [0, 0, 0],
    ),
}


@pytest.mark.parametrize(("cohorts", "increments"), INCREMENTS.values(), ids=INCREMENTS)
@pytest.mark.parametrize("basis", Basis)
def test_increments_follow_the_reading(cohorts, increments, basis):
    assert allocate(Sketch(tuple(cohorts)).plan, basis).increments.tolist() == increments


@pytest.mark.parametrize(("basis", "increment"), [(CUMULATIVE, 200), (GROUP, 272)])
def test_increments_leave_to_the_basis_what_is_ambiguous(basis, increment):
    cohorts = (cohort("a", 72), cohort("b", 272, order=2, reading=AMBIGUOUS))
    assert allocate(Sketch(cohorts).plan, basis).increments.tolist() == [72, increment]


def test_increments_without_a_total_are_the_stated_counts():
    sketch = one_cohort(None, rollout("a", users=7), rollout("b", wave(users=4), wave()), rollout("d"))
    assert allocate(sketch.plan, GROUP).increments.tolist() == [11]


def test_increments_count_a_cancelled_stated_count():
    cohorts = (cohort("a", order=1), cohort("b", 30, order=2, reading=RUNNING))
    sketch = Sketch(cohorts, (rollout("x", wave(users=10, status=CANCELLED), in_cohort="a"),))
    assert allocate(sketch.plan, GROUP).increments.tolist() == [10, 20]


@pytest.mark.parametrize(
    "cohorts",
    [
        pytest.param([cohort("a", 1, inside="a")], id="in itself"),
        pytest.param([cohort("a", 1, inside="b"), cohort("b", 1, order=2, inside="a")], id="in a ring"),
    ],
)
def test_allocate_refuses_a_cohort_inside_itself(cohorts):
    with pytest.raises(ValueError, match=r"^cohort a lies inside itself$"):
        allocate(Sketch(tuple(cohorts)).plan, GROUP)


NO_CONFLICT = set()
SHARES = {
    "2 a stated rollout covers its blank waves": (
        one_cohort(100, rollout("a", wave(), wave(), users=60), rollout("b")),
        {"a-1": 30, "a-2": 30, "b-1": 40},
        NO_CONFLICT,
    ),
    "2 stated waves are subtracted from the rollout's count": (
        one_cohort(100, rollout("a", wave(users=10), wave(), users=60), rollout("b")),
        {"a-1": 10, "a-2": 50, "b-1": 40},
        NO_CONFLICT,
    ),
    "2 stated waves are subtracted from the remainder, the share goes to the blank": (
        one_cohort(100, rollout("a", wave(users=10), wave(), weight=1), rollout("b", weight=2)),
        {"a-1": 10, "a-2": 30, "b-1": 60},
        NO_CONFLICT,
    ),
    "2 a rollout with every wave stated takes no share": (
        one_cohort(100, rollout("a", wave(users=10), wave(users=20)), rollout("b")),
        {"a-1": 10, "a-2": 20, "b-1": 70},
        NO_CONFLICT,
    ),
    "2 a negative remainder gives the sharers nothing": (
        one_cohort(100, rollout("a", users=130), rollout("b")),
        {"a-1": 130, "b-1": 0},
        {("negative_remainder", "c", None, -30)},
    ),
    "2 a remainder with nobody to share it": (
        one_cohort(100, rollout("a", users=90)),
        {"a-1": 90},
        {("nobody_to_share", "c", None, 10)},
    ),
    "2 nothing left with nobody to share is fine": (
        one_cohort(100, rollout("a", users=100)),
        {"a-1": 100},
        NO_CONFLICT,
    ),
    "2 nothing left gives the sharers nothing": (
        one_cohort(100, rollout("a", users=100), rollout("b")),
        {"a-1": 100, "b-1": 0},
        NO_CONFLICT,
    ),
    "2 an inner cohort larger than its parent": (
        Sketch(
            (cohort("c", 100), cohort("in", 120, order=2, inside="c")),
            (rollout("a", in_cohort="c"), rollout("b", in_cohort="in")),
        ),
        {"a-1": 0, "b-1": 120},
        {("negative_remainder", "c", None, -20)},
    ),
    "2 waves stated at more than their rollout": (
        one_cohort(100, rollout("a", wave(users=50), wave(), users=40), rollout("b")),
        {"a-1": 50, "a-2": 0, "b-1": 60},
        {("negative_remainder", "c", "a", -10)},
    ),
    "2 waves stated at less than their rollout": (
        one_cohort(100, rollout("a", wave(users=30), users=40), rollout("b")),
        {"a-1": 30, "b-1": 60},
        {("nobody_to_share", "c", "a", 10)},
    ),
    "2 a stated rollout without waves": (
        one_cohort(100, rollout_without_waves("a", users=40), rollout("b")),
        {"b-1": 60},
        {("nobody_to_share", "c", "a", 40)},
    ),
    "2 an uncounted rollout without waves": (
        one_cohort(100, rollout_without_waves("a"), rollout("b")),
        {"b-1": 50},
        {("nobody_to_share", "c", "a", 50)},
    ),
    "3 by weight": (
        one_cohort(90, rollout("a", weight=1), rollout("b", weight=2)),
        {"a-1": 30, "b-1": 60},
        NO_CONFLICT,
    ),
    "3 the example of the module": (
        one_cohort(
            80_000,
            rollout("meteo", users=68_600),
            rollout("t1", weight=1145),
            rollout("t2", weight=8013),
            rollout("t3", weight=6499),
            rollout("t4"),
        ),
        {"meteo-1": 68_600, "t1-1": 589, "t2-1": 4123, "t3-1": 3344, "t4-1": 3344},
        NO_CONFLICT,
    ),
    "3 ties by rollout code, whatever the order of entry": (
        one_cohort(5, rollout("d"), rollout("b"), rollout("a")),
        {"a-1": 2, "b-1": 2, "d-1": 1},
        NO_CONFLICT,
    ),
    "3 over the waves evenly, the odd ones to the first by code": (
        one_cohort(8, rollout("a", wave(), wave(), wave())),
        {"a-1": 3, "a-2": 3, "a-3": 2},
        NO_CONFLICT,
    ),
    "3 a median of an even number of weights": (
        one_cohort(70, rollout("a", weight=1), rollout("b", weight=2), rollout("d")),
        {"a-1": 16, "b-1": 31, "d-1": 23},
        NO_CONFLICT,
    ),
    "3 the median is of those that share": (
        one_cohort(80, rollout("a", weight=3), rollout("b"), rollout("d", users=20, weight=900)),
        {"a-1": 30, "b-1": 30, "d-1": 20},
        NO_CONFLICT,
    ),
    "3 no weight known": (one_cohort(4, rollout("a"), rollout("b")), {"a-1": 2, "b-1": 2}, NO_CONFLICT),
    "3 a cancelled wave keeps its place": (
        one_cohort(90, rollout("a", wave(status=CANCELLED)), rollout("b"), rollout("d")),
        {"a-1": 30, "b-1": 30, "d-1": 30},
        NO_CONFLICT,
    ),
    "3 a cancelled wave keeps its place in its rollout": (
        one_cohort(90, rollout("a", wave(status=CANCELLED), wave(), wave(users=10))),
        {"a-1": 40, "a-2": 40, "a-3": 10},
        NO_CONFLICT,
    ),
    "4 open cohorts do not share": (
        one_cohort(90, rollout("a", users=20), rollout("b"), undecided_note="検討中"),
        {"a-1": 20, "b-1": None},
        NO_CONFLICT,
    ),
    "4 an open cohort may still be overdrawn": (
        one_cohort(90, rollout("a", users=120), rollout("b"), undecided_note="検討中"),
        {"a-1": 120, "b-1": None},
        {("negative_remainder", "c", None, -30)},
    ),
    "4 a stated rollout of an open cohort covers its waves": (
        one_cohort(90, rollout("a", wave(), wave(), users=21), undecided_note="検討中"),
        {"a-1": 11, "a-2": 10},
        NO_CONFLICT,
    ),
    "no total, nothing to share": (
        one_cohort(None, rollout("a", users=20), rollout("b")),
        {"a-1": 20, "b-1": None},
        NO_CONFLICT,
    ),
    "empty": (Sketch(), {}, NO_CONFLICT),
}


@pytest.mark.parametrize(("sketch", "users", "conflicts"), SHARES.values(), ids=SHARES)
def test_allocate_gives_each_wave_its_users(sketch, users, conflicts):
    plan = sketch.plan
    allocation = allocate(plan, CUMULATIVE)
    assert (users_of(allocation, plan), conflicts_of(allocation)) == (users, conflicts)


LEFTOVERS = {
    "2 nobody to share": (one_cohort(100, rollout("a", users=90)), 10),
    "2 less than its rollout": (one_cohort(40, rollout("a", wave(users=30), users=40)), 10),
    "2 more than its rollout": (one_cohort(40, rollout("a", wave(users=50), users=40)), 0),
    "2 negative": (one_cohort(100, rollout("a", users=130)), 0),
    "4 open": (one_cohort(100, rollout("a"), undecided_note="検討中"), 100),
    "4 open, with a rollout that is short of waves": (
        one_cohort(100, rollout("a", wave(users=30), users=40), undecided_note="検討中"),
        70,
    ),
}


@pytest.mark.parametrize(("sketch", "users"), LEFTOVERS.values(), ids=LEFTOVERS)
def test_allocate_keeps_what_found_no_home(sketch, users):
    assert allocate(sketch.plan, GROUP).leftovers.tolist() == [users]


COUNT_BASES = {
    "a stated wave": (one_cohort(9, rollout("a", wave(users=3)), rollout("b")), ["STATED", "SHARED_OUT"]),
    "the one wave of a stated rollout": (one_cohort(9, rollout("a", users=9)), ["STATED"]),
    "the one blank wave of a stated rollout": (
        one_cohort(9, rollout("a", wave(users=4), wave(), users=9)),
        ["STATED", "STATED"],
    ),
    "two blank waves of a stated rollout": (
        one_cohort(9, rollout("a", wave(), wave(), users=9)),
        ["SHARED_OUT", "SHARED_OUT"],
    ),
    "the one wave of a sharer": (one_cohort(9, rollout("a")), ["SHARED_OUT"]),
    "nothing known": (one_cohort(None, rollout("a")), ["UNKNOWN"]),
}


@pytest.mark.parametrize(("sketch", "bases"), COUNT_BASES.values(), ids=COUNT_BASES)
def test_allocate_says_where_users_come_from(sketch, bases):
    assert counts_of(allocate(sketch.plan, GROUP)) == bases


def test_allocate_widens_by_shares_of_the_cohort_alone():
    sketch = one_cohort(90, rollout("a", wave(users=10), wave()), rollout("b", wave(), wave(), users=20))
    assert allocate(sketch.plan, GROUP).widens.tolist() == [False, True, False, False]


def test_allocate_leaves_the_plan_as_it_was():
    plan = one_cohort(90, rollout("a"), rollout("b", users=20)).plan
    allocate(plan, GROUP)
    assert (plan.waves.users.tolist(), plan.rollouts.users.tolist()) == ([NONE, NONE], [NONE, 20])


@pytest.mark.parametrize(
    ("weights", "doubled"),
    [
        pytest.param([3, NONE, 5, 10], [6, 10, 10, 20], id="odd: the middle one"),
        pytest.param([1, NONE, 2], [2, 3, 4], id="even: halfway, doubled so that it stays whole"),
        pytest.param([NONE, NONE], [2, 2], id="none known: 1"),
        pytest.param([], [], id="none at all"),
    ],
)
def test_effective_weights_fill_in_the_median(weights, doubled):
    assert effective_weights(np.array(weights, dtype=np.int64)).tolist() == doubled


@given(st.integers(0, 10_000_000), st.lists(st.integers(1, 20_000_000), min_size=1, max_size=20))
def test_largest_remainder_is_exact_and_close_to_the_quota(total, weights):
    shares = largest_remainder(total, column(weights)).tolist()
    expected = divided(total, {index: Fraction(weight) for index, weight in enumerate(weights)})
    assert (sum(shares), shares) == (total, list(expected.values()))


@pytest.mark.parametrize("basis", Basis)
@given(sketch=sketches())
@settings(max_examples=200)
def test_allocate_agrees_with_the_reference(basis, sketch):
    plan = sketch.plan
    allocation, reference = allocate(plan, basis), Reference(sketch, basis)
    codes = [entry.code for entry in plan.cohorts]
    assert allocation.increments.tolist() == [reference.increment(code) for code in codes]
    assert allocation.leftovers.tolist() == [reference.leftovers[code] for code in codes]
    assert users_of(allocation, plan) == reference.users
    assert conflicts_of(allocation) == reference.conflicts


@given(sketch=sketches())
@settings(max_examples=100)
def test_allocate_never_gives_less_than_nothing(sketch):
    plan = sketch.plan
    allocation = allocate(plan, CUMULATIVE)
    unknown = allocation.count_basis == CountBasis.UNKNOWN
    assert ((allocation.users == NONE) == unknown).all()
    assert (allocation.users[~unknown] >= 0).all()
    assert (allocation.leftovers >= 0).all()
