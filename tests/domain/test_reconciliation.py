"""Published figures beside the plan, as pure rules."""

import numpy as np
import pytest

from rollout.domain.plan import NONE, Basis, Reading, Status, Target
from rollout.domain.projection import project
from rollout.domain.reconciliation import Figure, FigureKind, Goal, Observed, reconcile
from tests.domain.plans import TODAY, Sketch, cohort, one_cohort, rollout, wave

MARCH_2027 = 2027 * 12 + 2


def figures(sketch, *, basis=Basis.CUMULATIVE, observed=(), goals=()):
    curve, allocation = project(sketch.plan, basis=basis, today=TODAY)
    return reconcile(sketch.plan, allocation.users, curve, observed=observed, goals=goals)


def compared(sketch, **values):
    return [(f.kind.value, f.key, f.published, f.computed) for f in figures(sketch, **values)]


def test_nothing_published_leaves_nothing_to_compare():
    assert figures(one_cohort(None, rollout("a", wave(users=5)))) == []


@pytest.mark.parametrize(
    ("waves", "computed"),
    [
        pytest.param([wave(users=40), wave(users=60)], 100, id="fits"),
        pytest.param([wave(users=40)], 40, id="too few stated"),
        pytest.param([wave(users=140)], 140, id="too many stated"),
        pytest.param([wave("検討中", users=40)], 40, id="without a date"),
        pytest.param([wave(users=40), wave(users=60, status=Status.CANCELLED)], 40, id="cancelled"),
        pytest.param([wave()], 100, id="shared"),
    ],
)
def test_cohort_total_stands_beside_its_members(waves, computed):
    assert compared(one_cohort(100, rollout("a", *waves))) == [("cohort", "c", 100, computed)]


def test_member_that_nobody_counted_adds_nothing():
    sketch = one_cohort(100, rollout("a", wave(users=30)), rollout("b"), undecided_note="検討中")
    (figure,) = figures(sketch)
    assert (figure.computed, figure.difference) == (30, -70)


def test_users_may_be_unknown_to_the_caller():
    sketch = one_cohort(100, rollout("a", wave(users=30)))
    curve, _ = project(sketch.plan, basis=Basis.GROUP, today=TODAY)
    (figure,) = reconcile(sketch.plan, np.array([NONE]), curve, observed=[], goals=[])
    assert figure.computed == 0


@pytest.fixture
def nested():
    """Two groups, the second ambiguous, with a group inside it and one inside that."""
    return Sketch(
        cohorts=(
            cohort("deepest", 5, order=4, inside="inner"),
            cohort("inner", 30, order=3, inside="third"),
            cohort("third", 200, order=2, reading=Reading.AMBIGUOUS, undecided_note="検討中"),
            cohort("first", 100, order=1),
        ),
        rollouts=(
            rollout("a", in_cohort="first"),
            rollout("b", wave("R9.1"), in_cohort="inner"),
            rollout("c", wave("R9.6"), in_cohort="deepest"),
        ),
        target=Target(200, Reading.AMBIGUOUS),
    )


@pytest.mark.parametrize(
    ("basis", "third", "reading"),
    [(Basis.CUMULATIVE, 130, Reading.RUNNING_TOTAL), (Basis.GROUP, 30, Reading.GROUP)],
)
def test_inner_groups_count_in_the_outer_and_earlier_ones_in_a_running_total(nested, basis, third, reading):
    assert figures(nested, basis=basis) == [
        Figure(FigureKind.COHORT, "deepest", 5, 5, Reading.GROUP),
        Figure(FigureKind.COHORT, "inner", 30, 30, Reading.GROUP),
        Figure(FigureKind.COHORT, "third", 200, third, reading),
        Figure(FigureKind.COHORT, "first", 100, 100, Reading.GROUP),
    ]


def test_stated_running_total_is_one_on_either_basis():
    sketch = Sketch(
        (cohort("a", 10, order=1), cohort("b", 30, order=2, reading=Reading.RUNNING_TOTAL)),
        (rollout("a", in_cohort="a"), rollout("b", in_cohort="b")),
    )
    assert [compared(sketch, basis=basis)[1] for basis in Basis] == [("cohort", "b", 30, 30)] * 2


def test_increase_of_a_fiscal_year_stands_beside_what_the_plan_adds_in_it():
    members = (rollout("a", wave("R8.3", 7), wave("R8.4", 10), wave("R9.3", 20), wave("R9.4", 40)),)
    sketch = one_cohort(25, *members, fiscal_year=2026)
    assert compared(sketch)[1:] == [("fiscal_year", "c", 25, 30)]
    assert figures(sketch)[1].fiscal_year == 2026


def test_increase_that_nobody_published_is_not_compared():
    assert compared(one_cohort(None, rollout("a"), fiscal_year=2026)) == []


@pytest.mark.parametrize(
    ("month", "computed"),
    [
        pytest.param(MARCH_2027 - 120, 0, id="before the first cutover"),
        pytest.param(MARCH_2027 - 10, 10, id="in between"),
        pytest.param(MARCH_2027 + 120, 30, id="after the last"),
    ],
)
def test_observation_stands_beside_the_plan_at_the_end_of_its_month(month, computed):
    sketch = one_cohort(None, rollout("a", wave("R8.5", 10), wave("R9.3", 20)))
    figure = Figure(FigureKind.OBSERVATION, "o", 12, computed, Reading.RUNNING_TOTAL)
    assert figures(sketch, observed=[Observed("o", 12, month)]) == [figure]


@pytest.mark.parametrize(("month", "computed"), [(None, 70), (MARCH_2027, 30)])
def test_target_stands_beside_the_dated_users_at_its_deadline(month, computed):
    sketch = one_cohort(None, rollout("a", wave("R9.3", 30), wave("R9.4", 40), wave("検討中", 5)))
    goal = Goal("t", 100, Reading.GROUP, month)
    assert figures(sketch, goals=[goal]) == [
        Figure(FigureKind.TARGET, "t", 100, computed, Reading.RUNNING_TOTAL)
    ]


@pytest.mark.parametrize(
    ("basis", "figure"),
    [
        (Basis.CUMULATIVE, Figure(FigureKind.TARGET, "t", 200, 130, Reading.RUNNING_TOTAL)),
        (Basis.GROUP, Figure(FigureKind.TARGET, "t", 200, 30, Reading.GROUP)),
    ],
)
def test_ambiguous_target_leaves_out_the_earlier_groups_where_it_is_one_groups_size(nested, basis, figure):
    assert figures(nested, basis=basis, goals=[Goal("t", 200, Reading.AMBIGUOUS)])[-1] == figure


def test_ambiguous_checkpoint_never_falls_below_nobody(nested):
    checkpoint = Goal("t", 200, Reading.AMBIGUOUS, MARCH_2027 - 120)
    assert figures(nested, basis=Basis.GROUP, goals=[checkpoint])[-1].computed == 0


def test_ambiguous_checkpoint_without_a_final_target_leaves_nothing_out():
    sketch = one_cohort(None, rollout("a", wave("R8.5", 10)))
    checkpoint = Goal("t", 20, Reading.AMBIGUOUS, MARCH_2027)
    assert figures(sketch, basis=Basis.GROUP, goals=[checkpoint])[0].computed == 10
