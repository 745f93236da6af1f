"""A what-if on top of the plan: a table of what changes reach, and random plans written otherwise at once."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.dates import parse
from rollout.domain.plan import NONE, Basis, Reading, Status, Target
from rollout.domain.projection import project
from rollout.domain.scenario import Change, apply, reaches
from tests.domain.plans import COUNTS, CUTOVERS, TODAY, Sketch, cohort, one_cohort, rollout, sketches, wave

IN_USE, CANCELLED, PLANNED = Status.IN_USE, Status.CANCELLED, Status.PLANNED
MARCH_2027 = 2027 * 12 + 2


def columns(plan):
    """The plan in a form that `==` can compare."""
    tables = [
        {column.name: np.asarray(getattr(table, column.name)).tolist() for column in fields(table)}
        for table in (plan.rollouts, plan.waves)
    ]
    return plan.cohorts, plan.target, plan.checkpoints, tables


def changed(sketch, *changes):
    return columns(apply(sketch.plan, changes))


def cut(text, code="a", wave_code=None):
    return Change(code, wave_code, cutover=parse(text))


ONE = one_cohort(90, rollout("a", wave("R8.6"), wave("R8.7")), rollout("b"))
SETTLED = one_cohort(
    90, rollout("a", wave("R7.5", status=IN_USE), wave("R8.6"), wave("R8.7", status=CANCELLED))
)
TABLE = {
    "date of a wave": (
        ONE,
        [cut("R9.6", wave_code="a-2")],
        one_cohort(90, rollout("a", wave("R8.6"), wave("R9.6")), rollout("b")),
    ),
    "date of a rollout": (
        ONE,
        [cut("R9.6")],
        one_cohort(90, rollout("a", wave("R9.6"), wave("R9.6")), rollout("b")),
    ),
    "date taken away": (
        ONE,
        [cut("検討中", wave_code="a-1")],
        one_cohort(90, rollout("a", wave("検討中"), wave("R8.7")), rollout("b")),
    ),
    "date without an end": (
        ONE,
        [cut("R9年度以降", wave_code="a-1")],
        one_cohort(90, rollout("a", wave("R9年度以降"), wave("R8.7")), rollout("b")),
    ),
    "count of a rollout": (
        ONE,
        [Change("a", users=50)],
        one_cohort(90, rollout("a", wave("R8.6"), wave("R8.7"), users=50), rollout("b")),
    ),
    "count of a wave": (
        ONE,
        [Change("a", "a-1", users=0)],
        one_cohort(90, rollout("a", wave("R8.6", 0), wave("R8.7")), rollout("b")),
    ),
    "count no longer known": (
        one_cohort(90, rollout("a", wave("R8.6", 20), users=30)),
        [Change("a", users=NONE), Change("a", "a-1", users=NONE)],
        one_cohort(90, rollout("a", wave("R8.6"))),
    ),
    "cancelled": (
        ONE,
        [Change("a", "a-1", status=CANCELLED)],
        one_cohort(90, rollout("a", wave("R8.6", status=CANCELLED), wave("R8.7")), rollout("b")),
    ),
    "in use": (
        ONE,
        [Change("b", status=IN_USE)],
        one_cohort(90, rollout("a", wave("R8.6"), wave("R8.7")), rollout("b", wave(status=IN_USE))),
    ),
    "waves that are settled keep their dates": (
        SETTLED,
        [cut("R9.6")],
        one_cohort(
            90, rollout("a", wave("R7.5", status=IN_USE), wave("R9.6"), wave("R8.7", status=CANCELLED))
        ),
    ),
    "waves that are settled keep their status": (
        SETTLED,
        [Change("a", status=CANCELLED)],
        one_cohort(
            90,
            rollout(
                "a",
                wave("R7.5", status=IN_USE),
                wave("R8.6", status=CANCELLED),
                wave("R8.7", status=CANCELLED),
            ),
        ),
    ),
    "a settled wave that is named is taken up again": (
        SETTLED,
        [Change("a", "a-3", status=PLANNED), cut("R9.9", wave_code="a-3"), cut("R9.6")],
        one_cohort(90, rollout("a", wave("R7.5", status=IN_USE), wave("R9.6"), wave("R9.9"))),
    ),
    "cancelling a rollout does not keep its date from moving": (
        ONE,
        [Change("b", status=CANCELLED), cut("R9.6", "b")],
        one_cohort(
            90, rollout("a", wave("R8.6"), wave("R8.7")), rollout("b", wave("R9.6", status=CANCELLED))
        ),
    ),
    "unknown rollout": (ONE, [cut("R9.6", "z"), Change("z", users=5), Change("z", "a-1", users=5)], ONE),
    "unknown wave": (ONE, [cut("R9.6", "a", "a-9"), Change("b", "a-1", status=CANCELLED)], ONE),
    "nothing said": (ONE, [Change("a"), Change("a", "a-1")], ONE),
}


@pytest.mark.parametrize("order", [1, -1], ids=["in order", "in reverse"])
@pytest.mark.parametrize(("sketch", "changes", "expected"), TABLE.values(), ids=TABLE)
def test_apply_is_the_plan_with_the_facts_changed(sketch, changes, expected, order):
    assert changed(sketch, *changes[::order]) == columns(expected.plan)


@pytest.mark.parametrize("order", [1, -1], ids=["in order", "in reverse"])
def test_change_of_a_wave_stands_over_its_rollouts_fact_by_fact(order):
    changes = [cut("R9.6"), cut("R9.1", wave_code="a-2"), Change("a", status=CANCELLED)]
    waves = [wave("R9.6", status=CANCELLED), wave("R9.1", status=CANCELLED)]
    assert changed(ONE, *changes[::order]) == columns(one_cohort(90, rollout("a", *waves), rollout("b")).plan)


REACHES = {
    "named": ("a-1", "a-1", False, True),
    "named, though settled": ("a-1", "a-1", True, True),
    "another": ("a-1", "a-2", False, False),
    "whole rollout": (None, "a-1", False, True),
    "whole rollout, settled": (None, "a-1", True, False),
}


@pytest.mark.parametrize(("named", "code", "settled", "expected"), REACHES.values(), ids=REACHES)
def test_reaches_what_is_named_or_still_awaited(named, code, settled, expected):
    assert reaches(named, code, settled=settled) is expected


def test_nta_a_year_later_leaves_the_year_end_at_83400():
    cohorts = (
        cohort("before", 72_000, 1),
        cohort("fy2026", 80_000, 2),
        cohort("onward", 272_000, 3, reading=Reading.AMBIGUOUS, undecided_note="その他省庁は検討中"),
    )
    rollouts = (
        rollout("done", wave("R8.2"), in_cohort="before"),
        rollout("nta", wave("R8.6~"), in_cohort="fy2026", users=68_600),
        rollout("others", wave("R9.1~"), in_cohort="fy2026"),
    )
    plan = Sketch(cohorts, rollouts, Target(272_000, Reading.AMBIGUOUS)).plan
    after, _ = project(apply(plan, [cut("R9.6", "nta")]), basis=Basis.CUMULATIVE, today=TODAY)
    before, _ = project(plan, basis=Basis.CUMULATIVE, today=TODAY)
    assert (before.at(MARCH_2027).cumulative, after.at(MARCH_2027).cumulative) == (152_000, 83_400)


FACTS = st.one_of(
    st.sampled_from(CUTOVERS).map(lambda text: {"cutover": text}),
    COUNTS.map(lambda users: {"users": users}),
    st.sampled_from(Status).map(lambda status: {"status": status}),
)


@st.composite
def changed_sketches(draw):
    """A plan, changes of single facts of it, and the plan as a person would have written it with them."""
    sketch = draw(sketches())
    rollouts, changes = [], []
    for entry in sketch.rollouts:
        of_rollout = draw(st.lists(FACTS, max_size=2, unique_by=lambda fact: next(iter(fact))))
        waves = []
        for code, wave_ in entry.coded_waves:
            own = draw(st.lists(FACTS, max_size=1))
            waves.append(written(wave_, of_rollout, own))
            changes += [change_of(entry.code, code, fact) for fact in own]
        users = [fact["users"] for fact in of_rollout if "users" in fact]
        rollouts.append(replace(entry, waves=tuple(waves), users=users[0] if users else entry.users))
        changes += [change_of(entry.code, None, fact) for fact in of_rollout]
    return sketch, draw(st.permutations(changes)), replace(sketch, rollouts=tuple(rollouts))


def written(wave_, of_rollout, own):
    """A wave with its own facts, and below them those of its rollout where it is still awaited."""
    if not wave_.status.is_settled:
        for fact in of_rollout:
            wave_ = replace(wave_, **{name: value for name, value in fact.items() if name != "users"})
    for fact in own:
        wave_ = replace(wave_, **fact)
    return wave_


def change_of(rollout_code, wave_code, fact):
    readings = {"cutover": parse, "users": lambda users: NONE if users is None else users, "status": Status}
    return Change(rollout_code, wave_code, **{name: readings[name](value) for name, value in fact.items()})


@given(sketches())
def test_no_changes_are_the_plan_itself(sketch):
    assert changed(sketch) == columns(sketch.plan)


@given(changed_sketches())
def test_changes_are_the_plan_written_that_way_from_the_start(pair):
    sketch, changes, expected = pair
    assert changed(sketch, *changes) == columns(expected.plan)


@given(changed_sketches())
def test_plan_under_a_scenario_stays_as_it_is(pair):
    sketch, changes, _ = pair
    plan = sketch.plan
    before = columns(plan)
    apply(plan, changes)
    assert columns(plan) == before


@given(changed_sketches())
def test_applying_a_scenario_twice_changes_nothing_more_where_nothing_settles(pair):
    sketch, changes, _ = pair
    dates_and_counts = [change for change in changes if change.status is None]
    once = apply(sketch.plan, dates_and_counts)
    assert columns(apply(once, dates_and_counts)) == columns(once)
