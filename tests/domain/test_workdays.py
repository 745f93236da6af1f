"""Business days against the published calendar of national holidays (内閣府) and the year-end closing."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.workdays import add_business_days, is_closed, next_open_day, previous_open_day

DAYS = st.dates(date(1950, 1, 1), date(2100, 12, 31))

CLOSED_DAYS = {
    "土曜日": date(2026, 6, 6),
    "日曜日": date(2026, 6, 7),
    "勤労感謝の日": date(2026, 11, 23),
    "国民の休日": date(2026, 9, 22),
    "秋分の日": date(2026, 9, 23),
    "振替休日": date(2026, 5, 6),
    "振替休日 2027": date(2027, 3, 22),
    "即位の日": date(2019, 5, 1),
    "年末": date(2026, 12, 29),
    "大晦日": date(2026, 12, 31),
    "元日": date(2027, 1, 1),
    "三が日": date(2025, 1, 3),
}


@pytest.mark.parametrize("day", CLOSED_DAYS.values(), ids=CLOSED_DAYS)
def test_is_closed_on_weekends_holidays_and_at_year_end(day):
    assert is_closed(day)


OPEN_DAYS = {
    "平日": date(2026, 6, 15),
    "御用納め": date(2026, 12, 28),
    "御用始め": date(2027, 1, 4),
    "スポーツの日 moved for 2021": date(2021, 10, 11),
    "天皇誕生日 until 2018": date(2019, 12, 23),
}


@pytest.mark.parametrize("day", OPEN_DAYS.values(), ids=OPEN_DAYS)
def test_is_closed_is_false_on_business_days(day):
    assert not is_closed(day)


def test_is_closed_counts_2026():
    closed = [day for day in (date(2026, 1, 1) + timedelta(n) for n in range(365)) if is_closed(day)]
    # 104 days of weekends, 17 holidays on other days, 2 January and 29 to 31 December.
    assert len(closed) == 125


@pytest.mark.parametrize(
    ("day", "previous", "following"),
    [
        (date(2026, 6, 15), date(2026, 6, 15), date(2026, 6, 15)),
        (date(2026, 9, 21), date(2026, 9, 18), date(2026, 9, 24)),
        (date(2026, 12, 29), date(2026, 12, 28), date(2027, 1, 4)),
        (date(2027, 1, 3), date(2026, 12, 28), date(2027, 1, 4)),
        (date(2026, 5, 4), date(2026, 5, 1), date(2026, 5, 7)),
    ],
    ids=["open", "silver week", "first closing day", "last closing day", "golden week"],
)
def test_open_day_is_the_day_itself_or_the_nearest_on_that_side(day, previous, following):
    assert (previous_open_day(day), next_open_day(day)) == (previous, following)


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        (date(2026, 12, 28), 1, date(2027, 1, 4)),
        (date(2027, 1, 4), -1, date(2026, 12, 28)),
        (date(2026, 9, 18), 5, date(2026, 9, 30)),
        (date(2026, 9, 30), -5, date(2026, 9, 18)),
        (date(2026, 6, 6), 1, date(2026, 6, 8)),
        (date(2026, 6, 6), -1, date(2026, 6, 5)),
        (date(2026, 6, 6), 0, date(2026, 6, 6)),
    ],
    ids=["new year", "new year back", "silver week", "silver week back", "Saturday", "Saturday back", "none"],
)
def test_add_business_days_counts_open_days_only(day, count, expected):
    assert add_business_days(day, count) == expected


@given(DAYS)
def test_open_days_stand_on_either_side_and_are_open(day):
    previous, following = previous_open_day(day), next_open_day(day)
    assert previous <= day <= following
    assert [is_closed(previous), is_closed(following)] == [False, False]
    assert (previous == following == day) == (not is_closed(day))


@given(DAYS, st.integers(-30, 30))
def test_add_business_days_is_undone_by_its_opposite(day, count):
    start = next_open_day(day)
    assert add_business_days(add_business_days(start, count), -count) == start


@given(DAYS, st.integers(1, 30))
def test_add_business_days_passes_exactly_that_many_open_days(day, count):
    end = add_business_days(day, count)
    passed = (day + timedelta(n) for n in range(1, (end - day).days + 1))
    assert sum(not is_closed(one) for one in passed) == count
