"""Waves, rules and recipients of reminders, as short as a table wants them, and random ones."""

from datetime import date, datetime, time, timedelta

from hypothesis import strategies as st

from rollout.domain.audience import Party, Recipient, Recipients, Role
from rollout.domain.dates import FuzzyDate, Precision, parse
from rollout.domain.plan import AWAITED_STATUSES
from rollout.domain.reminders import TOKYO, Direction, Kind, NotifiedWave, Rule, Unit, owed
from rollout.domain.workdays import is_closed

LONG_AGO = date(2020, 4, 1)
LEAD, COVERED, STRANGER = 1, 2, 3
EVERY_PARTY = frozenset(Party)
DAYS = st.dates(date(2021, 1, 1), date(2060, 12, 31))
UNITS = st.sampled_from(Unit)


def rule(count=30, unit="days", **values):
    """A rule for every wave that is awaited, and for everybody."""
    values = {
        "key": 5,
        "kind": "offset",
        "direction": "before",
        "precision": None,
        "since": LONG_AGO,
    } | values
    return Rule(
        key=values["key"],
        kind=Kind(values["kind"]),
        count=count,
        unit=Unit(unit),
        direction=Direction(values["direction"]),
        precision=Precision(values["precision"]) if values["precision"] else None,
        statuses=frozenset(values.get("statuses", AWAITED_STATUSES)),
        parties=frozenset(values.get("parties", EVERY_PARTY)),
        since=values["since"],
    )


def wave(cutover="R9.1.15", **values):
    """A planned wave of one ministry that covers another."""
    known = {"key": 7, "version": 3, "since": LONG_AGO, "lead": LEAD, "status": "planned", "confirmed": None}
    known |= values
    since_at = datetime.combine(known.pop("since"), time(0), TOKYO)
    return NotifiedWave(cutover=parse(cutover), covered=frozenset({COVERED}), since_at=since_at, **known)


def recipient(address="a@example.go.jp", ministry=LEAD, role="lead", since=LONG_AGO):
    """A contact of the lead ministry."""
    return Recipient(address, ministry, Role(role), since)


def owed_list(waves, rules, recipients=None, until=date(2026, 11, 24)):
    """What is owed, to one contact unless said otherwise."""
    recipients = [recipient()] if recipients is None else recipients
    return list(owed(waves, rules, Recipients(recipients), until))


def due_days(*args, **values):
    """The days that are owed."""
    return [entry.due_day for entry in owed_list(*args, **values)]


def on_day(day):
    """A cutover known to the day."""
    return FuzzyDate("", day, day, Precision.DAY)


def open_days(first, last):
    """Every open day from `first` to `last`, both of them too."""
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return [day for day in days if not is_closed(day)]
