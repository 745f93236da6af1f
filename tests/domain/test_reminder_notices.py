"""Who was told what is no longer so, and what nobody has answered."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.dates import parse
from rollout.domain.plan import AWAITED_STATUSES
from rollout.domain.reminders import MERGED, Standing, first_unanswered


def standing(cutover, status="planned"):
    """What was told of a wave."""
    return Standing(parse(cutover), status)


SAME = {
    "nothing changed": (("R9.1.15", "planned"), ("R9.1.15", "planned"), True),
    "moved to another day": (("R9.1.15", "planned"), ("R9.1.18", "planned"), False),
    "moved to another month": (("R9.1", "planned"), ("R9.2", "planned"), False),
    "written another way": (("R9.1", "planned"), ("令和9年1月", "planned"), True),
    "in western years": (("R9.1.15", "planned"), ("2027-01-15", "planned"), True),
    "with ~": (("R9.1", "planned"), ("R9.1~", "planned"), True),
    "with 以降": (("R9.1", "planned"), ("R9.1以降", "planned"), False),
    "the day fixed within the month": (("R9.1", "planned"), ("R9.1.15", "planned"), False),
    "fiscal-year end and its month": (("R8年度末", "planned"), ("R9.3", "planned"), True),
    "undecided now": (("R9.1", "planned"), ("検討中", "planned"), False),
    "undecided, in other words": (("検討中", "planned"), ("未定", "planned"), True),
    "further on, still to come": (("R9.1", "under_review"), ("R9.1", "migrating"), True),
    "further on, and moved": (("R9.1", "planned"), ("R9.2", "preparing"), False),
    "in use, on the day": (("R9.1.15", "migrating"), ("R9.1.15", "in_use"), False),
    "in use, on another day": (("R9.1.15", "planned"), ("R9.1.18", "in_use"), False),
    "in use, the day corrected": (("R9.1.15", "in_use"), ("R9.1.18", "in_use"), False),
    "in use, as told": (("R9.1.15", "in_use"), ("令和9年1月15日", "in_use"), True),
    "cancelled": (("R9.1", "planned"), ("R9.1", "cancelled"), False),
    "cancelled, whatever the date": (("R9.1", "cancelled"), ("R9.6", "cancelled"), True),
    "planned again": (("R9.1", "cancelled"), ("R9.1", "planned"), False),
    "merged": (("R9.1", "planned"), ("R9.1", MERGED), False),
    "merged, whatever the date": (("R9.1", MERGED), ("R9.6", MERGED), True),
    "merged after it was cancelled": (("R9.1", "cancelled"), ("R9.1", MERGED), False),
}


@pytest.mark.parametrize(("told", "now", "expected"), SAME.values(), ids=SAME)
def test_standing_is_the_same_when_nobody_need_be_told(told, now, expected):
    assert standing(*told).is_same(standing(*now)) is expected
    assert standing(*now).is_same(standing(*told)) is expected


STANDINGS = st.builds(
    standing,
    st.sampled_from(["R9.1", "R9.1~", "R9.1以降", "R9.1.15", "検討中"]),
    st.sampled_from([*(status.value for status in AWAITED_STATUSES), "in_use", "cancelled", MERGED]),
)


@given(STANDINGS, STANDINGS, STANDINGS)
def test_standings_that_are_the_same_as_a_third_are_the_same(one, other, third):
    assert one.is_same(one)
    if one.is_same(other) and other.is_same(third):
        assert one.is_same(third)


FIRST, SECOND, THIRD = date(2026, 12, 1), date(2026, 12, 8), date(2026, 12, 15)
UNANSWERED = {
    "nothing sent": ([], {}),
    "one mail": ([(1, SECOND, False)], {1: SECOND}),
    "the first of several": ([(1, SECOND, False), (1, FIRST, False), (1, THIRD, False)], {1: FIRST}),
    "answered": ([(1, FIRST, True)], {}),
    "answered by another address": ([(1, FIRST, False), (1, FIRST, True)], {}),
    "answered by another address before": ([(1, FIRST, True), (1, SECOND, False)], {}),
    "by rule": ([(1, FIRST, True), (2, SECOND, False), (3, THIRD, False)], {2: SECOND, 3: THIRD}),
}


@pytest.mark.parametrize(("sent", "expected"), UNANSWERED.values(), ids=UNANSWERED)
def test_first_unanswered_is_the_first_day_of_what_nobody_acknowledged(sent, expected):
    assert first_unanswered(iter(sent)) == expected
