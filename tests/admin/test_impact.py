"""What a change does to the figures: the year that tells most, and whose users change; no endless table."""

from datetime import date

import pytest

from rollout.domain.plan import Status
from rollout.impact import MOST_ROWS, Impact
from tests.domain.plans import one_cohort, rollout, wave

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 23)


def impact(before, after):
    return Impact.of(before.plan, after.plan, TODAY)


def moves(found):
    return found.movers_of, found.total_moves, [(each.rollout, each.users) for each in found.movers]


def test_same_plan_has_no_impact():
    plan = one_cohort(100, rollout("a"), rollout("b"))
    found = impact(plan, plan)
    assert (found.movers, found.counts, found.months, found.conflicts) == ([], [], "", [])
    assert (found.movers_of, found.total_moves) == ("R8年度", False)


def test_year_that_moves_tells_more_than_one_where_users_change_hands():
    before = one_cohort(
        100, rollout("a", wave("R8.6")), rollout("b", wave("R8.6")), rollout("z", wave("R9.6", 5))
    )
    after = one_cohort(
        100, rollout("a", wave("R8.6", 10)), rollout("b", wave("R8.6")), rollout("z", wave("R10.6", 5))
    )
    assert moves(impact(before, after)) == (
        "R9年度",
        True,
        [("a", "−38"), ("b", "+38"), ("z", "−5")],
    )


def test_current_year_tells_more_than_one_that_is_over():
    before = one_cohort(None, rollout("a", wave("R6.6", 7)), rollout("b", wave("R8.6", 5)))
    after = one_cohort(None, rollout("a", wave("R7.6", 7)), rollout("b", wave("R9.6", 5)))
    assert moves(impact(before, after)) == ("R8年度", True, [("b", "−5")])


def test_year_that_is_over_is_told_where_no_other_moves():
    before = one_cohort(None, rollout("a", wave("R6.6", 7)))
    after = one_cohort(None, rollout("a", wave("R7.6", 7)))
    assert moves(impact(before, after)) == ("R6年度", True, [("a", "−7")])


def test_months_that_never_meet_again_have_no_last_one():
    before, after = (one_cohort(None, rollout("a", wave("R8.6", users))) for users in (7, 8))
    assert impact(before, after).months == "R8.6以降"


@pytest.mark.parametrize(
    ("later", "months"), [("R8.7", "R8.6"), ("R8.9", "R8.6〜R8.8"), ("R9.4", "R8.6〜R9.3")]
)
def test_months_that_move_are_named(later, months):
    before, after = (one_cohort(None, rollout("a", wave(text, 7))) for text in ("R8.6", later))
    assert impact(before, after).months == months


COUNTS = {
    "shared out to stated": (
        [rollout("a")],
        [rollout("a", wave(users=100))],
        ("100人（按分）", "100人（公表・確認）", "±0"),
    ),
    "stated anew": (
        [rollout("b", in_cohort="c"), rollout("a", wave(users=100))],
        [rollout("b", in_cohort="c"), rollout("a", wave(users=90))],
        ("100人（公表・確認）", "90人（公表・確認）", "−10"),
    ),
    "added": (
        [rollout("b", wave(users=1))],
        [rollout("a"), rollout("b", wave(users=1))],
        ("—", "99人（按分）", "+99"),
    ),
    "removed": (
        [rollout("a"), rollout("b", wave(users=1))],
        [rollout("b", wave(users=1))],
        ("99人（按分）", "—", "−99"),
    ),
    "cancelled": (
        [rollout("a", users=9)],
        [rollout("a", wave(status=Status.CANCELLED), users=9)],
        ("9人（公表・確認）", "—", "−9"),
    ),
    "one of two waves cancelled": (
        [rollout("a", wave(), wave(), users=10)],
        [rollout("a", wave(), wave(status=Status.CANCELLED), users=10)],
        ("10人（公表・確認）", "5人（按分）", "−5"),
    ),
}


@pytest.mark.parametrize(("before", "after", "expected"), COUNTS.values(), ids=COUNTS)
def test_users_of_a_rollout_are_shown_before_and_after(before, after, expected):
    found = impact(one_cohort(100, *before), one_cohort(100, *after))
    rows = {row.rollout: (row.before, row.after, row.difference) for row in found.counts}
    assert rows["a"] == expected


def test_unknown_count_says_so():
    before, after = (one_cohort(None, rollout("a", wave(users=users))) for users in (None, 3))
    assert [(row.before, row.after, row.difference) for row in impact(before, after).counts] == [
        ("不明", "3人（公表・確認）", "+3")
    ]


def test_long_tables_stop_and_say_what_is_left_out():
    many = [rollout(f"r{number:03}") for number in range(MOST_ROWS + 9)]
    found = impact(one_cohort(59_000, *many), one_cohort(118_000, *many))
    assert (len(found.movers), found.more_movers, found.movers_total) == (MOST_ROWS, 9, "+59,000")
    assert (len(found.counts), found.more_counts) == (MOST_ROWS, 9)
