"""Business days of a Japanese government office.

Closed are Saturdays and Sundays, national holidays with their substitutes (国民の祝日に関する法律), and
29 December to 3 January (行政機関の休日に関する法律第1条第1項第3号). Every other day is open.

Example: 2026-12-28 is a Monday and open, the six days to 2027-01-03 are closed, and 2027-01-04 is the
next open day. One business day after 2026-12-28 is therefore 2027-01-04.
"""

from datetime import date, timedelta
from functools import lru_cache

import jpholiday

_ONE_DAY = timedelta(days=1)
_SATURDAY = 5


@lru_cache(maxsize=4096)
def is_closed(day: date) -> bool:
    """True on a day when government offices do no business."""
    year_end = (day.month, day.day) >= (12, 29) or (day.month, day.day) <= (1, 3)
    return day.weekday() >= _SATURDAY or year_end or jpholiday.is_holiday(day)


def next_open_day(day: date) -> date:
    """`day` itself when it is open, else the first open day after it."""
    return _first_open(day, _ONE_DAY)


def previous_open_day(day: date) -> date:
    """`day` itself when it is open, else the last open day before it."""
    return _first_open(day, -_ONE_DAY)


def add_business_days(day: date, count: int) -> date:
    """The open day that is `count` business days after `day`, or before it when `count` is negative.

    Counts as Excel's WORKDAY does: `day` itself is never counted, open or closed, and 0 gives `day` back.
    """
    step = _ONE_DAY if count > 0 else -_ONE_DAY
    for _ in range(abs(count)):
        day = _first_open(day + step, step)
    return day


def _first_open(day: date, step: timedelta) -> date:
    while is_closed(day):
        day += step
    return day
