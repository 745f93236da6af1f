"""Waves that slip by chance: distributions, the draws, and what is said of them."""

import hashlib
from fractions import Fraction
from itertools import pairwise, product
from math import prod, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.domain import risk
from rollout.domain.plan import Basis, Status, month_number
from rollout.domain.projection import project
from rollout.domain.risk import Drawn, Slips, draw, draws_for, empirical, least_added, triangular
from tests.domain.plans import (
    TODAY,
    Sketch,
    cohort,
    month_of,
    next_month,
    one_cohort,
    rollout,
    sketches,
    wave,
)

THIS_MONTH = month_number(TODAY)
NEVER, SOMETIMES = triangular(0, 0, 0), triangular(-2, 0, 3)
IN_USE, CANCELLED = Status.IN_USE, Status.CANCELLED


def drawn(sketch, slips, basis=Basis.CUMULATIVE, today=TODAY, **options):
    plan = sketch.plan
    curve, allocation = project(plan, basis=basis, today=today)
    return draw(plan, allocation.users, curve, slips, **options)


def months_of(found):
    """The months of the range, the current one, and a few around them."""
    first = found.curve.first_month
    return range(min(first, THIS_MONTH) - 1, first + len(found.curve.planned) + 8)


def steps_of(sketch, slips, **options):
    """The months, counted from the current one, in which any percentile moves, and what they are then."""
    found, before = {}, (0, 0, 0)
    drawn_ = drawn(sketch, slips, **options)
    for month in months_of(drawn_):
        if (now := drawn_.percentiles(month)) != before:
            found[month - THIS_MONTH], before = now, now
    return found


@pytest.mark.parametrize(
    ("bounds", "months", "weights"),
    [
        pytest.param((0, 0, 0), (0,), (1,), id="never"),
        pytest.param((3, 3, 3), (3,), (1,), id="always by three"),
        pytest.param((0, 0, 2), (0, 1, 2), (3, 2, 1), id="on time likeliest"),
        pytest.param((0, 2, 2), (0, 1, 2), (1, 2, 3), id="latest likeliest"),
        pytest.param((-1, 0, 1), (-1, 0, 1), (2, 4, 2), id="early or late alike"),
        pytest.param((0, 1, 4), (0, 1, 2, 3, 4), (4, 8, 6, 4, 2), id="rises and falls"),
    ],
)
def test_triangular_weighs_whole_months(bounds, months, weights):
    found = triangular(*bounds)
    assert (found.months, found.weights) == (months, weights)


@given(st.lists(st.integers(-60, 60), min_size=3, max_size=3).map(sorted))
def test_triangular_is_straight_on_either_side_and_nothing_one_month_beyond(bounds):
    likely = bounds[1] - bounds[0]
    found = triangular(*bounds)
    rising = [0, *found.weights[: likely + 1]]
    falling = [*found.weights[likely:], 0]
    assert len(set(np.diff(rising))) == 1
    assert len(set(np.diff(falling))) == 1
    assert max(found.weights) == found.weights[likely]


def test_empirical_takes_each_slip_as_often_as_it_was_met():
    assert empirical([3, 0, -1, 0, 3, 0]) == Slips((-1, 0, 3), (1, 3, 2))


def test_chances_are_whole_steps_that_add_up_to_one():
    found = triangular(0, 0, 6)
    assert found.steps.tolist() == [16384, 14043, 11703, 9362, 7022, 4681, 2341]
    assert found.chances[0] == (0, 0.25)
    assert sum(chance for _, chance in found.chances) == 1


@given(st.lists(st.integers(-30, 30), min_size=1, max_size=200))
def test_chances_are_off_by_less_than_one_step(slips):
    found = empirical(slips)
    exact = np.array(found.weights) / len(slips) * risk.STEPS
    assert found.steps.sum() == risk.STEPS
    assert np.abs(found.steps - exact).max() < 1


ONE_CASE = [
    pytest.param(wave("R9.1"), NEVER, {2: 100}, id="from its month"),
    pytest.param(wave("R9.1"), triangular(2, 2, 2), {4: 100}, id="later by its slip"),
    pytest.param(wave("R9.1"), triangular(-1, -1, -1), {1: 100}, id="earlier by its slip"),
    pytest.param(wave("R9.1"), triangular(-9, -9, -9), {0: 100}, id="never before the current month"),
    pytest.param(wave("R8.11"), NEVER, {0: 100}, id="in the current month"),
    pytest.param(wave("R8.11.22"), NEVER, {1: 100}, id="overdue since yesterday: next month"),
    pytest.param(wave("R8.6~"), triangular(5, 5, 5), {1: 100}, id="overdue: not this month"),
    pytest.param(wave("R8.6~"), triangular(6, 6, 6), {1: 100}, id="overdue and late: its own slip"),
    pytest.param(wave("R8.6~"), triangular(9, 9, 9), {4: 100}, id="overdue and later still"),
    pytest.param(wave("R8年度"), NEVER, {4: 100}, id="last month of a long period"),
    pytest.param(wave("R8.6", None, IN_USE), triangular(9, 9, 9), {-5: 100}, id="in use stays"),
    pytest.param(wave("R9.1", None, CANCELLED), NEVER, {}, id="cancelled"),
    pytest.param(wave("検討中"), NEVER, {}, id="no date"),
    pytest.param(wave("R9年度以降"), NEVER, {}, id="no latest day"),
]


@pytest.mark.parametrize(("only", "slips", "steps"), ONE_CASE)
def test_wave_counts_from_its_month_and_its_slip(only, slips, steps):
    found = steps_of(one_cohort(100, rollout("a", only)), slips, draws=8)
    assert found == {month: (users, users, users) for month, users in steps.items()}


def test_unknown_count_adds_nothing():
    sketch = one_cohort(100, rollout("a"), undecided_note="検討中")
    assert steps_of(sketch, NEVER, draws=8) == {}


def test_wave_may_come_after_the_range_of_the_projection():
    found = drawn(one_cohort(100, rollout("a", wave("R9.3"))), triangular(14, 14, 14), draws=4)
    assert found.curve.first_month + len(found.curve.planned) == THIS_MONTH + 5
    assert [found.percentiles(THIS_MONTH + months)[0] for months in (17, 18, 900)] == [0, 100, 100]


def test_example_of_the_rule():
    """That of the module's docstring."""
    found = drawn(one_cohort(100, rollout("a", wave("R8.12"))), triangular(0, 0, 1))
    assert found.percentiles(THIS_MONTH + 1) == (0, 100, 100)
    assert found.percentiles(THIS_MONTH + 2) == (100, 100, 100)
    assert round(found.chance(THIS_MONTH + 1, 100), 2) == 0.67


@pytest.mark.parametrize(
    ("draws", "ranks"), [(1, (1, 1, 1)), (10, (1, 5, 9)), (11, (2, 6, 10)), (1000, (100, 500, 900))]
)
def test_percentiles_are_those_of_the_nearest_rank(draws, ranks):
    curve, _ = project(Sketch().plan, basis=Basis.CUMULATIVE, today=TODAY)
    users = np.random.default_rng(1).permutation(np.arange(1.0, draws + 1))
    assert Drawn(curve, users[np.newaxis]).percentiles(THIS_MONTH) == ranks


@pytest.mark.parametrize(
    ("month", "users", "chance"),
    [
        pytest.param(-1, 40, 1.0, id="past, confirmed"),
        pytest.param(-1, 41, 0.0, id="past, beyond what is confirmed"),
        pytest.param(1, 40, 1.0, id="confirmed"),
        pytest.param(1, 41, 0.0, id="before the wave"),
        pytest.param(2, 100, 1.0, id="from the wave on"),
        pytest.param(900, 101, 0.0, id="more than everybody"),
    ],
)
def test_chance_of_what_is_sure(month, users, chance):
    sketch = one_cohort(None, rollout("a", wave("R8.6", 40, IN_USE)), rollout("b", wave("R9.1", 60)))
    assert drawn(sketch, NEVER, draws=8).chance(THIS_MONTH + month, users) == chance


@pytest.mark.parametrize(("users", "chance"), [(60, 1.0), (61, 0.0)])
def test_increase_is_counted_from_what_the_plan_has_at_the_beginning(users, chance):
    """Forty are overdue from the year before: that they come now makes them no increase of this year."""
    sketch = one_cohort(None, rollout("a", wave("R8.2", 40)), rollout("b", wave("R9.1", 60)))
    assert drawn(sketch, NEVER, draws=8).chance_added(2026, users) == chance


def test_least_increase_rounds_to_the_published_one():
    cohorts = (
        cohort("a", 80_000, fiscal_year=2026, approximate=True, rounding_unit=10_000),
        cohort("b", 300, fiscal_year=2027, rounding_unit=100),
        cohort("c", None, fiscal_year=2028),
        cohort("d", 500),
    )
    assert least_added(Sketch(cohorts).plan) == {2026: 75_000, 2027: 300}


@pytest.mark.parametrize(
    ("waves", "months", "draws"),
    [(0, 1, 10_000), (500, 20, 10_000), (501, 20, 9980), (25, 1000, 5000), (100_000, 20, 1000)],
)
def test_number_of_draws_keeps_to_the_budget(waves, months, draws):
    assert draws_for(waves, months) == draws


def test_plan_without_waves_is_drawn_all_the_same():
    found = drawn(Sketch(), SOMETIMES)
    assert (found.draws, found.percentiles(THIS_MONTH), found.chance(THIS_MONTH, 1)) == (10_000, (0, 0, 0), 0)


FIVE = one_cohort(None, *(rollout(code, wave("R9.1", 10**row)) for row, code in enumerate("abcde")))


def test_draws_are_the_same_for_ever():
    found = drawn(FIVE, SOMETIMES, draws=1000).users.astype("<i8")
    assert found[:, :6].tolist() == GOLDEN_DRAWS
    assert hashlib.sha256(found.tobytes()).hexdigest() == GOLDEN_DIGEST


GOLDEN_DRAWS = [
    [0, 10, 0, 1, 0, 0],
    [1010, 10, 11, 10001, 1, 0],
    [11111, 10010, 11, 10111, 10001, 1],
    [11111, 11110, 111, 10111, 10001, 10011],
    [11111, 11111, 10111, 10111, 10111, 11011],
    [11111, 11111, 11111, 11111, 11111, 11111],
]
GOLDEN_DIGEST = "6a220f67bded8181bc51c7669e324606d90e5b012fa4368ae5a50120150c18ca"


def test_another_seed_gives_other_draws():
    one, other = (drawn(FIVE, SOMETIMES, draws=100, seed=seed).users for seed in (1, 2))
    assert not np.array_equal(one, other)


def test_more_draws_begin_with_the_same_ones():
    few, many = (drawn(FIVE, SOMETIMES, draws=draws).users for draws in (7, 1000))
    assert np.array_equal(few, many[:, :7])


@pytest.mark.parametrize("chunk", [1, 40, 1000, 10**6])
def test_size_of_a_chunk_changes_nothing(monkeypatch, chunk):
    before = drawn(FIVE, SOMETIMES, draws=203).users
    monkeypatch.setattr(risk, "CHUNK", chunk)
    assert np.array_equal(drawn(FIVE, SOMETIMES, draws=203).users, before)


DISTRIBUTIONS = st.one_of(
    st.lists(st.integers(-4, 8), min_size=3, max_size=3).map(lambda bounds: triangular(*sorted(bounds))),
    st.lists(st.integers(-4, 8), min_size=1, max_size=9).map(empirical),
)


@settings(max_examples=60)
@given(sketches(), DISTRIBUTIONS, st.sampled_from(Basis))
def test_percentiles_are_in_order_and_never_fall(sketch, slips, basis):
    found = drawn(sketch, slips, basis, draws=30)
    points = [found.percentiles(month) for month in months_of(found)]
    assert all(p10 <= p50 <= p90 for p10, p50, p90 in points)
    assert all(np.less_equal(before, after).all() for before, after in pairwise(points))


@settings(max_examples=60)
@given(sketches(), DISTRIBUTIONS, st.sampled_from(Basis))
def test_draws_lie_between_all_as_late_and_all_as_early_as_can_be(sketch, slips, basis):
    latest, found, earliest = (
        drawn(sketch, each, basis, draws=30)
        for each in (Slips(slips.months[-1:], (1,)), slips, Slips(slips.months[:1], (1,)))
    )
    for month in months_of(found):
        p10, _, p90 = found.percentiles(month)
        assert latest.percentiles(month)[0] <= p10
        assert p90 <= earliest.percentiles(month)[0]


@settings(max_examples=60)
@given(sketches(), st.sampled_from(Basis))
def test_plan_that_never_slips_is_the_planned_curve_after_the_current_month(sketch, basis):
    found = drawn(sketch, NEVER, basis, draws=4)
    for month in months_of(found):
        point = found.curve.at(month)
        if month != THIS_MONTH:
            users = point.cumulative if month > THIS_MONTH else point.confirmed
            assert found.percentiles(month) == (users, users, users)


def exact_chance(sketch, slips, month, users):
    """By hand: every combination of slips, with its probability, on rows and dates."""
    coming = [w for entry in sketch.rollouts for w in entry.waves if w.status is not IN_USE]
    settled = [w for entry in sketch.rollouts for w in entry.waves if w.status is IN_USE]
    there = sum(w.users for w in settled if month_of(w.latest) <= month)
    total, chance = sum(slips.weights), Fraction(0)
    for combination in product(zip(slips.months, slips.weights, strict=True), repeat=len(coming)):
        drawn_slips = zip(coming, combination, strict=True)
        come = sum(w.users for w, (slip, _) in drawn_slips if month_come(w, slip) <= month)
        if there + come >= users:
            chance += prod(Fraction(weight, total) for _, weight in combination)
    return chance


def month_come(wave_, slip):
    year, number = divmod(wave_.latest.year * 12 + wave_.latest.month - 1 + slip, 12)
    floor = next_month(month_of(TODAY)) if wave_.latest < TODAY else month_of(TODAY)
    return max((year, number + 1), floor)


TINY = [
    pytest.param([wave("R9.1", 5), wave("R9.2", 7)], triangular(0, 0, 3), id="planned"),
    pytest.param([wave("R8.9", 5), wave("R8.11.22", 7), wave("R9.1", 3)], triangular(-1, 1, 3), id="overdue"),
    pytest.param([wave("R8.6", 4, IN_USE), wave("R8.12", 5)], empirical([0, 0, 1, 7]), id="learnt"),
    pytest.param([wave("R9.1", users) for users in (1, 2, 4, 8)], triangular(-2, 0, 2), id="four at once"),
]


@pytest.mark.parametrize(("waves_", "slips"), TINY)
def test_chances_are_those_of_all_combinations(waves_, slips):
    sketch = one_cohort(None, *(rollout(f"r{row}", each) for row, each in enumerate(waves_)))
    found = drawn(sketch, slips)
    for month in [(2026, 11), (2026, 12), *((2027, number) for number in range(1, 8))]:
        for users in range(1, 17, 2):
            exact = exact_chance(sketch, slips, month, users)
            error = 4 * sqrt(exact * (1 - exact) / found.draws) + 1 / risk.STEPS
            assert abs(found.chance(month[0] * 12 + month[1] - 1, users) - exact) <= error
