"""Plans as columns: when two are the same to a projection, and what month a day lies in."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.plan import (
    NONE,
    Checkpoint,
    Reading,
    Status,
    Target,
    is_same,
    month_number,
    month_numbers,
    month_parts,
)
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


@given(st.lists(st.dates() | st.none()))
def test_months_of_a_column_are_those_of_its_days(days):
    ordinals = np.array([NONE if day is None else day.toordinal() for day in days], dtype=np.int64)
    expected = [NONE if day is None else month_number(day) for day in days]
    assert month_numbers(ordinals).tolist() == expected
    known = [day for day in days if day]
    assert [month_parts(month_number(day)) for day in known] == [(day.year, day.month) for day in known]
