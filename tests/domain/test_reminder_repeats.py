"""What is owed again and again: while a date has passed, while nobody confirms it, and to the PMO weekly."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.reminders import Unit, digest_days, repeated
from rollout.domain.workdays import is_closed
from tests.domain.owing import (
    DAYS,
    LONG_AGO,
    UNITS,
    due_days,
    on_day,
    open_days,
    owed_list,
    recipient,
    rule,
    wave,
)

ONE_DAY = timedelta(days=1)


def weekly(**values):
    """The seeded rule for a date that has passed unconfirmed."""
    return rule(1, "weeks", kind="overdue", direction="after", **values)


def every_90_days(**values):
    """The seeded rule for a date that nobody has confirmed."""
    return rule(90, "days", kind="unconfirmed", direction="after", **values)


LAST_DAY = date(2026, 12, 7)
OVERDUE = {
    "before the last day: the first": (date(2026, 12, 1), [date(2026, 12, 14)]),
    "on the last day": (LAST_DAY, [date(2026, 12, 14)]),
    "the day before the first": (date(2026, 12, 13), [date(2026, 12, 14)]),
    "on the first: it, and one beyond": (date(2026, 12, 14), [date(2026, 12, 14), date(2026, 12, 21)]),
    "over 年末年始": (
        date(2027, 1, 11),
        [*(date(2026, 12, day) for day in (14, 21, 28)), *(date(2027, 1, day) for day in (4, 12))],
    ),
    "the holiday's day itself": (
        date(2027, 1, 12),
        [*(date(2026, 12, day) for day in (14, 21, 28)), *(date(2027, 1, day) for day in (4, 12, 18))],
    ),
}


@pytest.mark.parametrize(("until", "days"), OVERDUE.values(), ids=OVERDUE)
def test_overdue_wave_is_asked_about_every_week(until, days):
    assert due_days([wave("R8.12.7")], [weekly()], until=until) == days


def test_overdue_wave_numbers_its_mails_by_the_day_they_are_meant_for():
    holiday = date(2027, 1, 11)
    found = owed_list([wave("R8.12.7")], [weekly(since=date(2027, 1, 5))], until=date(2027, 1, 12))
    assert [(entry.occurrence, entry.due_day) for entry in found] == [
        (holiday.toordinal(), date(2027, 1, 12)),
        (date(2027, 1, 18).toordinal(), date(2027, 1, 18)),
    ]


OVERDUE_CUTOVERS = {
    "day": ("R8.12.7", [date(2026, 12, 14)]),
    "month: after its last day": ("R8.11", [date(2026, 12, 7), date(2026, 12, 14)]),
    "month that goes on: the same": ("R8.11~", [date(2026, 12, 7), date(2026, 12, 14)]),
    "fiscal year: after its end": ("R7年度", [date(2026, 12, day) for day in (1, 8, 15)]),
    "from a month on": ("R8.6以降", []),
    "undecided": ("検討中", []),
}


@pytest.mark.parametrize(("cutover", "days"), OVERDUE_CUTOVERS.values(), ids=OVERDUE_CUTOVERS)
def test_overdue_wave_is_one_whose_last_day_has_passed(cutover, days):
    found = due_days([wave(cutover)], [weekly(since=date(2026, 12, 1))], until=date(2026, 12, 11))
    assert found == days


SINCE = {
    "rule, on a day of its own": ({"rule": date(2026, 12, 21)}, [21, 28]),
    "rule, the day after": ({"rule": date(2026, 12, 22)}, [28]),
    "cutover set afterwards": ({"wave": date(2026, 12, 22)}, [28]),
    "contact, on a day of its own": ({"contact": date(2026, 12, 21)}, [21, 28]),
    "contact, the day after": ({"contact": date(2026, 12, 22)}, [28]),
    "everything long before": ({}, [14, 21, 28]),
    "after what is asked for: the one beyond": ({"rule": date(2026, 12, 26)}, [28]),
}


@pytest.mark.parametrize(("since", "days"), SINCE.values(), ids=SINCE)
def test_overdue_wave_is_owed_from_when_rule_cutover_and_contact_exist(since, days):
    of_rule, of_wave, of_contact = (since.get(name, LONG_AGO) for name in ("rule", "wave", "contact"))
    found = due_days(
        [wave("R8.12.7", since=of_wave)],
        [weekly(since=of_rule)],
        [recipient(since=of_contact)],
        until=date(2026, 12, 25),
    )
    assert found == [date(2026, 12, day) for day in days]


SET_ON = date(2026, 6, 15)
UNCONFIRMED = {
    "since it was set": ("R10.1", None, [date(2026, 9, 14), date(2026, 12, 14)]),
    "confirmed before it was set": ("R10.1", date(2026, 6, 1), [date(2026, 9, 14), date(2026, 12, 14)]),
    "since it was confirmed": ("R10.1", date(2026, 7, 1), [date(2026, 9, 29), date(2026, 12, 28)]),
    "confirmed today": ("R10.1", date(2026, 12, 1), [date(2027, 3, 1)]),
    "coarse": ("R9年度", None, [date(2026, 9, 14), date(2026, 12, 14)]),
    "from a month on": ("R8.6以降", None, [date(2026, 9, 14), date(2026, 12, 14)]),
    "up to its last day": ("R8.12.14", None, [date(2026, 9, 14), date(2026, 12, 14)]),
    "not after its last day": ("R8.12.13", None, [date(2026, 9, 14)]),
    "not on an open day after its last day": ("R8.9.13", None, []),
    "passed when it was set": ("R8.6", date(2026, 7, 1), []),
    "undecided": ("検討中", None, []),
}


@pytest.mark.parametrize(("cutover", "confirmed", "days"), UNCONFIRMED.values(), ids=UNCONFIRMED)
def test_unconfirmed_date_is_asked_about_every_90_days(cutover, confirmed, days):
    about = wave(cutover, since=SET_ON, confirmed=confirmed)
    assert due_days([about], [every_90_days()], until=date(2026, 12, 1)) == days


UNITS_OF_REPEATING = {
    "days": (10, Unit.DAYS, [date(2027, 2, 10), date(2027, 2, 22), date(2027, 3, 2)]),
    "weeks": (2, Unit.WEEKS, [date(2027, 2, 15), date(2027, 3, 1), date(2027, 3, 15)]),
    "business days": (10, Unit.BUSINESS_DAYS, [date(2027, 2, 15), date(2027, 3, 2)]),
    "months: the 31st comes again": (
        1,
        Unit.MONTHS,
        [date(2027, 3, 1), date(2027, 3, 31)],
    ),
}


@pytest.mark.parametrize(("count", "unit", "days"), UNITS_OF_REPEATING.values(), ids=UNITS_OF_REPEATING)
def test_repeated_counts_its_unit(count, unit, days):
    found = repeated(date(2027, 1, 31), count, unit, LONG_AGO, date(2027, 3, 1))
    assert [mail.due_day for mail in found] == days


def test_repeated_owes_one_mail_for_all_the_closed_days_before():
    found = list(repeated(date(2026, 12, 24), 1, Unit.DAYS, date(2026, 12, 25), date(2027, 1, 4)))
    assert [(date.fromordinal(mail.occurrence).day, mail.due_day.day) for mail in found] == [
        (25, 25),
        (26, 28),
        (29, 4),
        (5, 5),
    ]


def test_repeated_numbers_a_mail_the_same_from_whenever_it_is_owed():
    since_saturday, since_sunday = (
        next(repeated(date(2026, 12, 1), 1, Unit.DAYS, date(2026, 12, day), date(2026, 12, 1)))
        for day in (26, 27)
    )
    assert since_saturday == since_sunday


STEPS = {Unit.DAYS: 1, Unit.WEEKS: 7}


def expected_mails(anchor, count, unit, since, until):
    """Day by day: an open day has a mail when one is meant for it or for a closed day just before."""
    meant, found = [], []
    day = anchor
    while not found or found[-1][1] <= until:
        day += ONE_DAY
        if (day - anchor).days % (count * STEPS[unit]) == 0:
            meant.append(day)
        if meant and not is_closed(day):
            if day >= since:
                found.append((meant[0].toordinal(), day))
            meant = []
    return found


NEAR = st.dates(date(2025, 10, 1), date(2026, 6, 1))


@given(NEAR, st.integers(1, 40), st.sampled_from(list(STEPS)), NEAR, NEAR)
def test_repeated_is_what_a_walk_through_the_days_finds(anchor, count, unit, since, until):
    found = [tuple(mail) for mail in repeated(anchor, count, unit, since, until)]
    assert found == expected_mails(anchor, count, unit, since, until)


@given(NEAR, st.integers(1, 40), UNITS, NEAR, NEAR)
def test_repeated_owes_open_days_up_to_the_end_and_one_beyond(anchor, count, unit, since, until):
    found = list(repeated(anchor, count, unit, since, until))
    days = [mail.due_day for mail in found]
    assert sorted(set(days)) == days
    assert [day for day in days if is_closed(day) or day < max(since, anchor)] == []
    assert [day > until for day in days] == [False] * (len(days) - 1) + [True]
    assert len({mail.occurrence for mail in found}) == len(found)


@given(DAYS, st.integers(1, 30))
def test_overdue_wave_is_asked_about_first_when_a_whole_period_has_passed(last, weeks):
    about = replace(wave(), cutover=on_day(last))
    first = due_days([about], [rule(weeks, "weeks", kind="overdue")], until=last)[0]
    assert open_days(last + timedelta(weeks=weeks), first) == [first]


def digests(since, until, count=1, unit="weeks", reachable=None):
    """The days on which a rule that is in force since a day owes its digests."""
    known = rule(count, unit, kind="digest", since=since)
    return [mail.due_day for mail in digest_days(known, reachable or since, until)]


MONDAY = date(2026, 11, 16)
DIGESTS = {
    "Mondays, a holiday's on the day after": (
        MONDAY,
        date(2026, 12, 7),
        1,
        ["11-16", "11-24", "11-30", "12-07", "12-14"],
    ),
    "from the Monday after": (date(2026, 11, 18), date(2026, 11, 30), 1, ["11-24", "11-30", "12-07"]),
    "from the day after the holiday": (date(2026, 11, 24), date(2026, 11, 24), 1, ["11-24", "11-30"]),
    "from two days after the holiday": (date(2026, 11, 25), date(2026, 11, 25), 1, ["11-30"]),
    "every second week": (MONDAY, date(2026, 12, 14), 2, ["11-16", "11-30", "12-14", "12-28"]),
    "every second week, from a Wednesday": (date(2026, 11, 18), date(2026, 11, 18), 2, ["11-30"]),
    "every fourth week": (MONDAY, date(2026, 12, 13), 4, ["11-16", "12-14"]),
}


@pytest.mark.parametrize(("since", "until", "count", "days"), DIGESTS.values(), ids=DIGESTS)
def test_digest_goes_out_on_mondays_and_one_beyond(since, until, count, days):
    assert [f"{day:%m-%d}" for day in digests(since, until, count)] == days


def test_digest_of_a_week_that_is_closed_is_that_of_the_next():
    assert digests(date(2025, 12, 15), date(2026, 1, 12)) == [
        date(2025, 12, 15),
        date(2025, 12, 22),
        date(2026, 1, 5),
        date(2026, 1, 13),
    ]


def test_digest_to_somebody_new_keeps_to_the_weeks_of_the_rule():
    found = digests(MONDAY, date(2026, 12, 1), 2, reachable=date(2026, 11, 19))
    assert found == [date(2026, 11, 30), date(2026, 12, 14)]


def test_digest_counts_weeks_whatever_the_unit():
    assert digests(MONDAY, date(2026, 12, 1), unit="days") == digests(MONDAY, date(2026, 12, 1))


@pytest.mark.parametrize("count", [0, -1])
def test_repeated_refuses_what_would_never_end(count):
    with pytest.raises(ValueError, match="repeats after some time"):
        repeated(date(2026, 11, 24), count, Unit.DAYS, date(2026, 11, 24), date(2026, 12, 24))
