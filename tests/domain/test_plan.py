"""Two states of the plan are the same when a projection could not tell them apart by what it reads."""

from dataclasses import replace

import pytest
from hypothesis import given

from rollout.domain.plan import Checkpoint, Reading, Status, Target, is_same
from tests.domain.plans import cohort, one_cohort, rollout, sketches, wave

SKETCH = one_cohort(
    100, rollout("a", wave("R8.6", 5), wave("R8.9"), weight=3), rollout("b"), target=Target(500)
)
PLAN = SKETCH.plan


OTHERS = {
    "published total": replace(PLAN, cohorts=[cohort(published_users=101)]),
    "one more cohort": replace(PLAN, cohorts=[*PLAN.cohorts, cohort("d")]),
    "no target": replace(PLAN, target=None),
    "reading of the target": replace(PLAN, target=Target(500, Reading.AMBIGUOUS)),
    "one more checkpoint": replace(PLAN, checkpoints=[Checkpoint("c", 500, 24317)]),
    "stated count": one_cohort(
        100, rollout("a", wave("R8.6", 6), wave("R8.9"), weight=3), rollout("b"), target=Target(500)
    ).plan,
    "weight": one_cohort(
        100, rollout("a", wave("R8.6", 5), wave("R8.9"), weight=4), rollout("b"), target=Target(500)
    ).plan,
    "day within a month": one_cohort(
        100, rollout("a", wave("R8.6.30", 5), wave("R8.9.1"), weight=3), rollout("b"), target=Target(500)
    ).plan,
    "status": one_cohort(
        100,
        rollout("a", wave("R8.6", 5, Status.CANCELLED), wave("R8.9"), weight=3),
        rollout("b"),
        target=Target(500),
    ).plan,
    "one wave less": one_cohort(
        100, rollout("a", wave("R8.6", 5), weight=3), rollout("b"), target=Target(500)
    ).plan,
    "code": one_cohort(
        100, rollout("a", wave("R8.6", 5), wave("R8.9"), weight=3), rollout("c"), target=Target(500)
    ).plan,
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_plan_is_not_the_same_with_anything_else_in_it(other):
    assert (is_same(PLAN, other), is_same(other, PLAN)) == (False, False)


@given(sketches())
def test_plan_read_twice_is_the_same(sketch):
    assert is_same(sketch.plan, sketch.plan)
    assert is_same(sketch.plan, replace(sketch.plan, cohorts=list(sketch.plan.cohorts)))
