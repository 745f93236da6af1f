"""On which days mail goes out: before and after a cutover, from nine in Tokyo on, within its grace."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.dates import parse
from rollout.domain.reminders import (
    TOKYO,
    Unit,
    due_day,
    due_moment,
    escalation_day,
    is_past_grace,
    next_sending,
    sending_since,
    shift,
)
from tests.domain.owing import DAYS, UNITS, on_day, open_days, rule

ONE_DAY = timedelta(days=1)
COUNTS = st.integers(-60, 60)

SHIFTS = {
    "days into the next year": (date(2026, 12, 28), 4, "days", date(2027, 1, 1)),
    "days back over a leap day": (date(2028, 3, 1), -1, "days", date(2028, 2, 29)),
    "days back, no leap year": (date(2027, 3, 1), -1, "days", date(2027, 2, 28)),
    "days, none": (date(2026, 12, 31), 0, "days", date(2026, 12, 31)),
    "weeks over fiscal-year end": (date(2027, 3, 31), 1, "weeks", date(2027, 4, 7)),
    "weeks back": (date(2027, 4, 7), -2, "weeks", date(2027, 3, 24)),
    "business days over 年末年始": (date(2026, 12, 28), 3, "business_days", date(2027, 1, 6)),
    "business days back over Golden Week": (date(2027, 5, 6), -3, "business_days", date(2027, 4, 27)),
    "business days from a Saturday": (date(2026, 6, 20), 1, "business_days", date(2026, 6, 22)),
    "months, 31 to 30": (date(2026, 10, 31), 1, "months", date(2026, 11, 30)),
    "months, 31 to 28": (date(2027, 1, 31), 1, "months", date(2027, 2, 28)),
    "months, 31 to 29": (date(2028, 1, 31), 1, "months", date(2028, 2, 29)),
    "months, 31 to 31 over both": (date(2027, 1, 31), 2, "months", date(2027, 3, 31)),
    "months, a leap day to the next year": (date(2028, 2, 29), 12, "months", date(2029, 2, 28)),
    "months, a leap day to a leap day": (date(2028, 2, 29), 48, "months", date(2032, 2, 29)),
    "months over fiscal-year end": (date(2027, 3, 31), 1, "months", date(2027, 4, 30)),
    "months back over fiscal-year end": (date(2027, 4, 30), -1, "months", date(2027, 3, 30)),
    "months, to December": (date(2026, 11, 15), 1, "months", date(2026, 12, 15)),
    "months, to January": (date(2026, 12, 15), 1, "months", date(2027, 1, 15)),
    "months back, to December": (date(2027, 1, 15), -1, "months", date(2026, 12, 15)),
    "months back, half a year from 31": (date(2027, 8, 31), -6, "months", date(2027, 2, 28)),
    "months back, over a year": (date(2027, 1, 1), -13, "months", date(2025, 12, 1)),
    "months, none": (date(2027, 1, 31), 0, "months", date(2027, 1, 31)),
}


@pytest.mark.parametrize(("day", "number", "unit", "expected"), SHIFTS.values(), ids=SHIFTS)
def test_shift_counts_its_unit(day, number, unit, expected):
    assert shift(day, number, Unit(unit)) == expected


@given(DAYS, COUNTS, st.sampled_from([Unit.DAYS, Unit.WEEKS]))
def test_shift_of_days_and_weeks_is_undone_by_its_opposite(day, number, unit):
    assert shift(shift(day, number, unit), -number, unit) == day


@given(DAYS, COUNTS)
def test_shift_of_months_keeps_the_day_or_takes_the_last_of_the_month(day, number):
    found = shift(day, number, Unit.MONTHS)
    assert (found.year - day.year) * 12 + found.month - day.month == number
    assert found.day == day.day or (found.day < day.day and (found + ONE_DAY).day == 1)


@given(DAYS, COUNTS)
def test_shift_of_months_is_undone_but_for_the_days_that_were_cut(day, number):
    back = shift(shift(day, number, Unit.MONTHS), -number, Unit.MONTHS)
    assert timedelta(0) <= day - back <= timedelta(days=3)
    assert back == day or day.day > 28


@given(DAYS, DAYS, COUNTS, UNITS)
def test_shift_keeps_the_order_of_days(one, other, number, unit):
    first, second = sorted((one, other))
    assert shift(first, number, unit) <= shift(second, number, unit)


BEFORE, AFTER = {"direction": "before"}, {"direction": "after"}
DUE_DAYS = {
    "an open day": ("R9.6.30", 14, "days", BEFORE, date(2027, 6, 16)),
    "Saturday: the Friday before": ("R8.6.20", 7, "days", BEFORE, date(2026, 6, 12)),
    "a holiday: the day before": ("R8.11.24", 1, "days", BEFORE, date(2026, 11, 20)),
    "inside Golden Week": ("R9.5.8", 3, "days", BEFORE, date(2027, 4, 30)),
    "年末年始, from New Year": ("R9.1.1", 1, "days", BEFORE, date(2026, 12, 28)),
    "年末年始, from its end": ("R9.1.5", 2, "days", BEFORE, date(2026, 12, 28)),
    "御用始め": ("R9.1.5", 1, "days", BEFORE, date(2027, 1, 4)),
    "over a leap day": ("R10.3.1", 1, "days", BEFORE, date(2028, 2, 29)),
    "over February of another year": ("R9.3.2", 1, "days", BEFORE, date(2027, 3, 1)),
    "365 days over a leap year": ("R10.12.20", 365, "days", BEFORE, date(2027, 12, 21)),
    "over fiscal-year end": ("R9.4.1", 1, "days", BEFORE, date(2027, 3, 31)),
    "weeks": ("R9.1.15", 2, "weeks", BEFORE, date(2026, 12, 28)),
    "months": ("R9.1.15", 6, "months", BEFORE, date(2026, 7, 15)),
    "months from the 31st to a Sunday": ("R9.3.31", 1, "months", BEFORE, date(2027, 2, 26)),
    "business days over 年末年始": ("R9.1.5", 3, "business_days", BEFORE, date(2026, 12, 25)),
    "the day itself": ("R8.6.15", 0, "days", BEFORE, date(2026, 6, 15)),
    "the day itself, written as after": ("R8.6.15", 0, "days", AFTER, date(2026, 6, 15)),
    "the day itself, Saturday": ("R8.6.20", 0, "days", BEFORE, date(2026, 6, 22)),
    "the day itself, New Year": ("R9.1.1", 0, "days", BEFORE, date(2027, 1, 4)),
    "after, an open day": ("R9.3.30", 1, "days", AFTER, date(2027, 3, 31)),
    "after, a Saturday": ("R8.6.19", 1, "days", AFTER, date(2026, 6, 22)),
    "after, into 年末年始": ("R8.12.28", 1, "days", AFTER, date(2027, 1, 4)),
    "after, business days from a closed day": ("R9.1.2", 3, "business_days", AFTER, date(2027, 1, 6)),
    "after, business days over Golden Week": ("R9.4.30", 3, "business_days", AFTER, date(2027, 5, 10)),
    "after, months from the 31st": ("R8.8.31", 1, "months", AFTER, date(2026, 9, 30)),
    "month: before its first day": ("R9.1", 1, "days", BEFORE, date(2026, 12, 28)),
    "month: 60 days before": ("R9.4", 60, "days", BEFORE, date(2027, 1, 29)),
    "month that goes on: before its first day": ("R9.6~", 1, "weeks", BEFORE, date(2027, 5, 25)),
    "month: its first day": ("R9.1", 0, "days", BEFORE, date(2027, 1, 4)),
    "month: after its last day": ("R9.1", 3, "business_days", AFTER, date(2027, 2, 3)),
    "month: after fiscal-year end": ("R8年度末", 1, "days", AFTER, date(2027, 4, 1)),
    "February of a leap year: after its last day": ("R10.2", 1, "days", AFTER, date(2028, 3, 1)),
    "from a day on": ("R9.1.15以降", 1, "days", BEFORE, None),
    "from a month on": ("R9.1以降", 1, "days", BEFORE, None),
    "quarter": ("R8年度第4四半期", 1, "days", BEFORE, None),
    "half": ("R8年度下期", 1, "days", BEFORE, None),
    "fiscal year": ("R8年度", 1, "days", AFTER, None),
    "fiscal year on": ("R8年度以降", 1, "days", BEFORE, None),
    "year": ("R9", 0, "days", BEFORE, None),
    "undecided": ("検討中", 1, "days", BEFORE, None),
}


@pytest.mark.parametrize(("cutover", "count", "unit", "side", "due"), DUE_DAYS.values(), ids=DUE_DAYS)
def test_due_day_is_a_business_day(cutover, count, unit, side, due):
    assert due_day(parse(cutover), rule(count, unit, **side)) == due


@given(DAYS, st.integers(1, 60), UNITS)
def test_due_day_before_is_the_last_open_day_up_to_the_one_meant(day, count, unit):
    due, meant = due_day(on_day(day), rule(count, unit)), shift(day, -count, unit)
    assert open_days(due, meant) == [due]
    assert due < day


@given(DAYS, st.integers(1, 60), UNITS)
def test_due_day_after_is_the_first_open_day_from_the_one_meant(day, count, unit):
    due, meant = due_day(on_day(day), rule(count, unit, direction="after")), shift(day, count, unit)
    assert open_days(meant, due) == [due]
    assert due > day


def test_due_moment_is_nine_in_tokyo():
    assert due_moment(date(2026, 12, 28)) == datetime(2026, 12, 28, tzinfo=UTC)


def at(text):
    """A moment in Tokyo."""
    return datetime.fromisoformat(text).replace(tzinfo=TOKYO)


SENDING = {
    "00:00": ("2026-12-25 00:00", None, "2026-12-25 09:00"),
    "08:59": ("2026-12-25 08:59:59", None, "2026-12-25 09:00"),
    "09:00": ("2026-12-25 09:00", "2026-12-25 09:00", "2026-12-25 09:00"),
    "23:59": ("2026-12-25 23:59:59", "2026-12-25 09:00", "2026-12-25 23:59:59"),
    "Saturday 00:00": ("2026-12-26 00:00", None, "2026-12-28 09:00"),
    "Saturday 12:00": ("2026-12-26 12:00", None, "2026-12-28 09:00"),
    "Sunday 23:59": ("2026-12-27 23:59:59", None, "2026-12-28 09:00"),
    "御用納め 09:00": ("2026-12-28 09:00", "2026-12-28 09:00", "2026-12-28 09:00"),
    "御用納め 23:59": ("2026-12-28 23:59", "2026-12-28 09:00", "2026-12-28 23:59"),
    "年末 00:00": ("2026-12-29 00:00", None, "2027-01-04 09:00"),
    "三が日 23:59": ("2027-01-03 23:59", None, "2027-01-04 09:00"),
    "御用始め 08:59": ("2027-01-04 08:59", None, "2027-01-04 09:00"),
    "御用始め 09:00": ("2027-01-04 09:00", "2027-01-04 09:00", "2027-01-04 09:00"),
    "holiday on a Monday": ("2026-11-23 10:00", None, "2026-11-24 09:00"),
    "leap day": ("2028-02-29 09:00", "2028-02-29 09:00", "2028-02-29 09:00"),
    "fiscal-year end 23:59": ("2027-03-31 23:59", "2027-03-31 09:00", "2027-03-31 23:59"),
    "fiscal-year start 00:00": ("2027-04-01 00:00", None, "2027-04-01 09:00"),
}


@pytest.mark.parametrize(("now", "opened", "following"), SENDING.values(), ids=SENDING)
def test_mail_goes_out_on_open_days_from_nine_on(now, opened, following):
    assert sending_since(at(now)) == (at(opened) if opened else None)
    assert next_sending(at(now)) == at(following)


def test_mail_goes_out_by_the_clock_of_tokyo():
    evening_in_utc = datetime(2026, 12, 27, 23, 59, 59, tzinfo=UTC)
    assert [sending_since(evening_in_utc + timedelta(seconds=late)) for late in (0, 1)] == [
        None,
        at("2026-12-28 09:00"),
    ]


MOMENTS = st.builds(datetime.combine, DAYS, st.times(), st.sampled_from([UTC, TOKYO]))


@given(MOMENTS)
def test_next_sending_is_the_first_moment_at_which_mail_may_go(moment):
    found = next_sending(moment)
    first, day = (when.astimezone(TOKYO).date() for when in (moment, found))
    assert open_days(first, day) == [day]
    assert sending_since(found) == due_moment(day)
    assert found in (moment, due_moment(day))
    assert found >= moment


FRIDAY = date(2026, 12, 18)
GRACE = {
    "on the day": (0, FRIDAY, False),
    "no grace, on Saturday": (0, date(2026, 12, 19), True),
    "one day, on Monday": (1, date(2026, 12, 21), False),
    "one day, on Tuesday": (1, date(2026, 12, 22), True),
    "five days, on the fifth": (5, date(2026, 12, 25), False),
    "five days, on Saturday": (5, date(2026, 12, 26), True),
    "seven days, into New Year": (7, date(2027, 1, 4), False),
    "seven days, after it": (7, date(2027, 1, 5), True),
}


@pytest.mark.parametrize(("days", "today", "past"), GRACE.values(), ids=GRACE)
def test_is_past_grace_counts_business_days(days, today, past):
    assert is_past_grace(FRIDAY, days, today) is past


ESCALATIONS = {
    "business days": (3, "business_days", date(2026, 12, 23)),
    "business days into New Year": (7, "business_days", date(2027, 1, 4)),
    "days: the next open day": (1, "days", date(2026, 12, 21)),
    "weeks, into 年末年始": (2, "weeks", date(2027, 1, 4)),
    "none: the same day": (0, "business_days", FRIDAY),
}


@pytest.mark.parametrize(("count", "unit", "day"), ESCALATIONS.values(), ids=ESCALATIONS)
def test_escalation_goes_out_on_a_business_day_after_the_mail(count, unit, day):
    assert escalation_day(FRIDAY, rule(count, unit, kind="escalation")) == day
