"""A wave that goes into another: its users and its place in the sharing go along, and nobody else moves."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rollout.domain.allocation import CountBasis, allocate
from rollout.domain.movers import Cause, explain
from rollout.domain.plan import NONE, Basis, Merged, Plan, Status, is_same
from rollout.domain.projection import project
from tests.domain.plans import TODAY, one_cohort, rollout, sketches, wave

JUNE, MARCH = 2026 * 12 + 5, 2027 * 12 + 2


def merged(plan, source, into):
    """The plan after the wave at row `source` went into the one at row `into`."""
    waves = plan.waves
    users = waves.users.copy()
    users[into] += users[source] if users[source] != NONE else 0
    kept = np.delete(np.arange(len(waves.codes)), source)
    columns = {
        column.name: getattr(waves, column.name)[kept]
        for column in fields(waves)
        if column.name not in ("codes", "users")
    }
    codes = [waves.codes[row] for row in kept]
    row_after = {row: place for place, row in enumerate(kept.tolist())} | {source: into - (into > source)}
    parts = [*plan.merged, Merged(waves.codes[source], into)]
    return replace(
        plan,
        waves=type(waves)(codes=codes, users=users[kept], **columns),
        merged=sorted(
            (Merged(part.code, row_after[part.into]) for part in parts), key=lambda part: part.code
        ),
    )


def users_of(plan, basis=Basis.CUMULATIVE):
    users = np.where(plan.waves.cancelled, 0, allocate(plan, basis).users.clip(0))
    return dict(zip(plan.waves.codes, users.tolist(), strict=True))


SHARED = [
    pytest.param((1, 0), {"a-1": 67, "a-3": 33}, id="second into first"),
    pytest.param((0, 2), {"a-2": 33, "a-3": 67}, id="first into last"),
    pytest.param((2, 1), {"a-1": 34, "a-2": 66}, id="last into second"),
]


@pytest.mark.parametrize(("rows", "users"), SHARED)
def test_place_in_the_sharing_goes_to_the_wave_that_it_went_into(rows, users):
    plan = one_cohort(100, rollout("a", wave(), wave(), wave())).plan
    assert users_of(merged(plan, *rows)) == users


def test_share_that_is_the_whole_stated_count_is_stated_again():
    plan = one_cohort(None, rollout("a", wave(), wave(), users=100)).plan
    shared, whole = allocate(plan, Basis.CUMULATIVE), allocate(merged(plan, 1, 0), Basis.CUMULATIVE)
    assert set(shared.count_basis.tolist()) == {CountBasis.SHARED_OUT}
    assert (whole.users.tolist(), whole.count_basis.tolist()) == ([100], [CountBasis.STATED])


def test_cancelled_wave_keeps_its_place_beside_a_merged_one():
    waves = (wave(), wave(status=Status.CANCELLED), wave())
    plan = one_cohort(100, rollout("a", *waves)).plan
    assert users_of(plan) == {"a-1": 34, "a-2": 0, "a-3": 33}
    assert users_of(merged(plan, 2, 0)) == {"a-1": 67, "a-2": 0}


def test_merged_wave_is_not_among_the_undated():
    plan = one_cohort(100, rollout("a", wave(), wave("検討中")), undecided_note="検討中").plan
    curves = [project(each, basis=Basis.CUMULATIVE, today=TODAY)[0] for each in (plan, merged(plan, 1, 0))]
    assert [curve.undated[0].dateless_waves for curve in curves] == [("a-2",), ()]


def test_plans_that_differ_in_a_merge_alone_are_not_the_same():
    plan = one_cohort(100, rollout("a", wave(), wave())).plan
    after = merged(plan, 1, 0)
    assert not is_same(after, replace(after, merged=()))


@st.composite
def merges(draw, *, same_cutover=False):
    """A plan, and the rows of a wave in it and of the one that it goes into."""
    plan = draw(sketches()).plan
    rows = range(len(plan.waves.codes))
    pairs = [(source, into) for source in rows for into in rows if may_merge(plan.waves, source, into)]
    assume(pairs)
    source, into = draw(st.sampled_from(pairs))
    if same_cutover:
        for column in (plan.waves.earliest_month, plan.waves.latest_month, plan.waves.latest_day):
            column[source] = column[into]
        assume(not plan.waves.in_use[into])
    return plan, source, into


def may_merge(waves, source, into):
    is_over = waves.cancelled[source] or waves.in_use[source] or waves.cancelled[into]
    both_or_neither = (waves.users[source] == NONE) == (waves.users[into] == NONE)
    return source != into and waves.rollout[source] == waves.rollout[into] and not is_over and both_or_neither


@given(merges(same_cutover=True), st.sampled_from(Basis))
def test_merging_waves_of_one_cutover_changes_no_month(merge, basis):
    plan, source, into = merge
    before, after = (
        project(each, basis=basis, today=TODAY)[0] for each in (plan, merged(plan, source, into))
    )
    names = ("planned", "confirmed", "first_month", "low", "high", "conflicts", "target_users")
    assert [getattr(before, name) for name in names] == [getattr(after, name) for name in names]
    assert before.undated_users == after.undated_users


@given(merges(), st.sampled_from(Basis))
def test_merging_moves_no_user_but_those_of_the_merged_wave(merge, basis):
    plan, source, into = merge
    before, after = users_of(plan, basis), users_of(merged(plan, source, into), basis)
    moved = before.pop(plan.waves.codes[source])
    before[plan.waves.codes[into]] += moved
    assert after == before


@given(merges(), st.sampled_from(Basis), st.integers(JUNE - 60, JUNE + 24))
def test_movers_of_a_merge_add_up_and_name_nothing_else(merge, basis, month):
    plan, source, into = merge
    movement = explain(plan, merged(plan, source, into), basis=basis, month=month)
    assert sum(mover.users for mover in movement.movers) == movement.difference
    assert {mover.cause for mover in movement.movers} <= {Cause.MERGED}


@given(merges(), sketches(), st.sampled_from(Basis))
def test_movers_add_up_whatever_else_was_changed(merge, other, basis):
    plan, source, into = merge
    movement = explain(other.plan, merged(plan, source, into), basis=basis, month=MARCH)
    assert sum(mover.users for mover in movement.movers) == movement.difference


EARLY, LATE = "R8.6", "R9.6"
MOVES = [
    pytest.param((EARLY, LATE), -30, id="into a later one"),
    pytest.param((LATE, EARLY), 30, id="into an earlier one"),
    pytest.param((EARLY, EARLY), None, id="into one of the same month"),
    pytest.param((EARLY, "検討中"), -30, id="into one without a date"),
]


@pytest.mark.parametrize("users", [(30, 60), (None, None)], ids=["stated", "shared out"])
@pytest.mark.parametrize(("cutovers", "difference"), MOVES)
def test_merge_shows_as_the_users_whose_date_it_changed(cutovers, difference, users):
    waves = (wave(cutover, count) for cutover, count in zip(cutovers, users, strict=True))
    plan = one_cohort(60 if users[0] is None else 90, rollout("a", *waves)).plan
    movement = explain(plan, merged(plan, 0, 1), basis=Basis.CUMULATIVE, month=MARCH)
    found = [(mover.rollout, mover.cause, mover.users) for mover in movement.movers]
    assert found == ([] if difference is None else [("a", Cause.MERGED, difference)])


def test_count_that_was_changed_besides_is_told_apart_from_the_merge():
    plan = one_cohort(None, rollout("a", wave(EARLY, 60), wave(LATE, 30))).plan
    after = merged(plan, 1, 0)
    after.waves.users[0] = 100
    movement = explain(plan, after, basis=Basis.CUMULATIVE, month=MARCH)
    assert [(mover.cause, mover.users) for mover in movement.movers] == [
        (Cause.MERGED, 30),
        (Cause.COUNT, 10),
    ]


def test_wave_that_went_into_a_new_one_was_removed():
    before = one_cohort(None, rollout("a", wave(EARLY, 60))).plan
    after = merged(one_cohort(None, rollout("a", wave(EARLY, 60), wave(EARLY, 0))).plan, 0, 1)
    movement = explain(before, after, basis=Basis.CUMULATIVE, month=MARCH)
    assert [(mover.cause, mover.users) for mover in movement.movers] == [
        (Cause.ADDED, 60),
        (Cause.REMOVED, -60),
    ]


def test_waves_that_were_merged_in_turn_leave_all_their_places_to_the_last():
    plan = one_cohort(100, rollout("a", wave(), wave(), wave())).plan
    once: Plan = merged(plan, 2, 1)
    assert users_of(once) == {"a-1": 34, "a-2": 66}
    assert users_of(merged(once, 1, 0)) == {"a-1": 100}
