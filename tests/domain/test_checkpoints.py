"""Verdicts on users to be reached on the way."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.checkpoints import Verdict, judge
from rollout.domain.plan import Basis, Checkpoint, Reading, Status, Target, last_whole_month
from rollout.domain.projection import project
from tests.domain.plans import TODAY, Sketch, cohort, one_cohort, rollout, sketches, wave

MARCH_2027 = 2027 * 12 + 2


def judged(sketch, *checkpoints, basis=Basis.CUMULATIVE, today=TODAY):
    plan = replace(sketch.plan, checkpoints=checkpoints)
    curve, _ = project(plan, basis=basis, today=today)
    return judge(plan, curve)


def verdict(sketch, users, month=MARCH_2027, **values):
    (found,) = judged(sketch, Checkpoint("c", users, month), **values)
    return found.verdict


ROUNDED = one_cohort(100, rollout("a", wave("R8.12")), approximate=True, rounding_unit=10)


@pytest.mark.parametrize(
    ("users", "expected"),
    [(95, "on_course"), (96, "at_risk"), (100, "at_risk"), (101, "will_miss"), (200, "will_miss")],
)
def test_checkpoint_ahead_is_judged_by_the_band(users, expected):
    assert verdict(ROUNDED, users) == expected


CONFIRMED = one_cohort(
    None, rollout("a", wave("R8.4", 60, Status.IN_USE)), rollout("b", wave("R8.5", 40, Status.PLANNED))
)


@pytest.mark.parametrize(("users", "expected"), [(60, "reached"), (61, "missed")])
def test_checkpoint_that_is_over_is_judged_by_confirmed_users(users, expected):
    assert verdict(CONFIRMED, users, month=2026 * 12 + 5) == expected


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        pytest.param(date(2027, 3, 31), Verdict.WILL_MISS, id="its last day"),
        pytest.param(date(2027, 4, 1), Verdict.MISSED, id="the day after"),
    ],
)
def test_checkpoint_is_over_after_its_last_day(today, expected):
    assert verdict(CONFIRMED, 101, today=today) == expected


def test_checkpoint_shows_what_it_was_judged_by():
    (found,) = judged(ROUNDED, Checkpoint("c", 95, MARCH_2027))
    assert (found.code, found.users) == ("c", 95)
    assert (found.point.cumulative, found.point.low, found.point.high) == (100, 95, 105)


@pytest.mark.parametrize(
    ("basis", "reading", "users"),
    [
        (Basis.CUMULATIVE, Reading.AMBIGUOUS, 50),
        (Basis.GROUP, Reading.AMBIGUOUS, 80),
        (Basis.GROUP, Reading.RUNNING_TOTAL, 50),
    ],
)
def test_ambiguous_checkpoint_is_read_as_the_target_is(basis, reading, users):
    sketch = Sketch(
        (cohort("a", 30), cohort("b", 90, order=2, reading=Reading.AMBIGUOUS)),
        (rollout("x", in_cohort="a"), rollout("y", in_cohort="b")),
        Target(90, Reading.AMBIGUOUS),
    )
    (found,) = judged(sketch, Checkpoint("c", 50, MARCH_2027, reading), basis=basis)
    assert found.users == users


def test_checkpoints_come_in_order_of_time():
    later = Checkpoint("a", 1, MARCH_2027 + 12)
    sooner = [Checkpoint(code, 1, MARCH_2027) for code in ("z", "b")]
    assert [entry.code for entry in judged(ROUNDED, later, *sooner)] == ["b", "z", "a"]


@given(sketches(), st.integers(1, 500), st.integers(2024 * 12, 2030 * 12))
def test_harder_checkpoint_is_never_judged_better(sketch, users, month):
    ranks = [Verdict.WILL_MISS, Verdict.MISSED, Verdict.AT_RISK, Verdict.ON_COURSE, Verdict.REACHED]
    easier, harder = (ranks.index(verdict(sketch, count, month)) for count in (users, users + 1))
    assert harder <= easier


@pytest.mark.parametrize(
    ("day", "month"),
    [
        (date(2027, 3, 31), (2027, 3)),
        (date(2027, 3, 30), (2027, 2)),
        (date(2028, 2, 29), (2028, 2)),
        (date(2027, 1, 1), (2026, 12)),
        (date.max, (9999, 12)),
    ],
)
def test_last_whole_month_is_over_on_that_day(day, month):
    assert last_whole_month(day) == month[0] * 12 + month[1] - 1
