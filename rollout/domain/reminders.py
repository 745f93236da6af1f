"""Which reminders are owed, and when (DESIGN, "Reminders, exactly").

A rule says when, in which statuses, and to whom. Its `kind` says what it counts from:

- `offset`: before or after a cutover known to the day or to the month. Before counts from the first day of
  the period, after from its last: a month has passed when it is over. Coarser dates and 「以降」 owe none.
- `overdue`: again and again after the last day of the period, until the use is confirmed.
- `unconfirmed`: again and again since the date was last confirmed or set, never later than its last day.
- `change`: to who was told something that is no longer so (`Standing`).
- `escalation`: business days after another rule's mail was sent, when nobody has acknowledged it.
- `digest`: to the PMO on the first open day from the Monday of every nth week on.
- `alert`: made by delivery itself, never planned.

Every mail goes out on an open day, at 09:00 in Tokyo or later: before the cutover on the previous business
day when its day is closed, else on the next one. A repeated rule numbers its mails by the ordinal of the day
that each is meant for, so that a number never comes twice. Where closed days move several of them to one open
day, as the Monday of a week that New Year closes altogether, only the first is owed.

Example: 財務局 cuts over in 2027-01; one day before its first day is 2026-12-31, when offices are
closed, so that the reminder is due on Monday 2026-12-28, and says that 4 days are left.
"""

from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from rollout.domain.audience import Party, Recipients
from rollout.domain.dates import FuzzyDate, Precision
from rollout.domain.plan import Status
from rollout.domain.workdays import add_business_days, is_closed, next_open_day, previous_open_day

TOKYO = ZoneInfo("Asia/Tokyo")
DUE_TIME = time(9)
SETTLING_TIME = timedelta(minutes=10)
"""A change is told when it has stood for so long, so that corrections on the way are told once."""
AFTER_NOTICES = timedelta(minutes=1)
"""A reminder that a new cutover owes at once comes after the notice of the change."""

DATED_PRECISIONS = (Precision.DAY, Precision.MONTH)


class State(StrEnum):
    """Where a reminder stands in the ledger."""

    PLANNED = "planned"
    DUE = "due"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    MISSED = "missed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


UNSENT_STATES = (State.PLANNED, State.DUE)
TOLD_STATES = (State.SENT, State.UNKNOWN)
"""Who has such a row was told, or may have been."""


class Kind(StrEnum):
    """What a rule counts from."""

    OFFSET = "offset"
    OVERDUE = "overdue"
    UNCONFIRMED = "unconfirmed"
    CHANGE = "change"
    ESCALATION = "escalation"
    DIGEST = "digest"
    ALERT = "alert"


OWED_KINDS = (Kind.OFFSET, Kind.OVERDUE, Kind.UNCONFIRMED)
"""What is owed by the date alone, whatever was sent before (`owed`)."""


class Unit(StrEnum):
    """What a rule's count counts."""

    DAYS = "days"
    BUSINESS_DAYS = "business_days"
    WEEKS = "weeks"
    MONTHS = "months"


class Direction(StrEnum):
    """Before or after the cutover."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True)
class Rule:
    """When a reminder is owed and to whom, and the day from which the rule is in force.

    `precision` None stands for every one; `follows` is the key of the rule that an escalation follows.
    """

    key: int
    kind: Kind
    count: int
    unit: Unit
    direction: Direction
    precision: Precision | None
    statuses: frozenset[str]
    parties: frozenset[Party]
    since: date
    follows: int | None = None

    @property
    def position(self) -> float:
        """Roughly how many days after the cutover (negative: before it), to put rules in order."""
        days = self.count * _ROUGH_DAYS[self.unit]
        return -days if self.direction is Direction.BEFORE else days

    def concerns(self, wave: "NotifiedWave") -> bool:
        """True for a wave in one of the rule's statuses and with a cutover of the rule's precision."""
        return wave.status in self.statuses and self.precision in (None, wave.cutover.precision)


_ROUGH_DAYS = {Unit.DAYS: 1.0, Unit.BUSINESS_DAYS: 1.4, Unit.WEEKS: 7.0, Unit.MONTHS: 30.4}


@dataclass(frozen=True)
class NotifiedWave:
    """A wave as reminders see it: its cutover, that cutover's version and first moment, whom it concerns.

    `confirmed` is the day on which somebody last said that the date still holds (日程確認).
    """

    key: int
    cutover: FuzzyDate
    version: int
    since_at: datetime
    lead: int
    covered: frozenset[int]
    status: str
    confirmed: date | None = None

    @property
    def since(self) -> date:
        """The day in Tokyo since which the cutover is this one."""
        return self.since_at.astimezone(TOKYO).date()


@dataclass(frozen=True)
class Owed:
    """One reminder: the ledger's unique key, the day it is due, and the moment."""

    wave: int
    rule: int
    address: str
    version: int
    occurrence: int
    due_day: date
    due_at: datetime

    @property
    def key(self) -> tuple[int, int, str, int, int]:
        """The ledger's unique key."""
        return self.wave, self.rule, self.address, self.version, self.occurrence


class Mail(NamedTuple):
    """One mail of a rule, to whomever: its number, 0 unless repeated, and the day it is due."""

    occurrence: int
    due_day: date


def due_moment(day: date) -> datetime:
    """09:00 in Tokyo on that day."""
    return datetime.combine(day, DUE_TIME, TOKYO)


def sending_since(now: datetime) -> datetime | None:
    """Since when mail may go out today; None where it may not: on closed days, and before 09:00 in Tokyo."""
    opened = due_moment(now.astimezone(TOKYO).date())
    return None if is_closed(opened.date()) or now < opened else opened


def next_sending(moment: datetime) -> datetime:
    """The first moment, from `moment` on, at which mail may go out."""
    day = next_open_day(moment.astimezone(TOKYO).date())
    return max(moment, due_moment(day))


def shift(day: date, number: int, unit: Unit) -> date:
    """The day `number` units after `day`, before it when negative; a month ends where its last day is.

    Business days count as `rollout.domain.workdays.add_business_days` does.
    """
    if unit is Unit.BUSINESS_DAYS:
        return add_business_days(day, number)
    if unit is not Unit.MONTHS:
        return day + timedelta(days=number * (7 if unit is Unit.WEEKS else 1))
    year, months = divmod(day.year * 12 + day.month - 1 + number, 12)
    return date(year, months + 1, min(day.day, monthrange(year, months + 1)[1]))


def due_day(cutover: FuzzyDate, rule: Rule) -> date | None:
    """The business day on which an `offset` rule's reminder goes out; None for a date that is too coarse."""
    first, last = cutover.earliest, cutover.latest
    if first is None or last is None or cutover.precision not in DATED_PRECISIONS:
        return None
    if rule.count == 0:
        return next_open_day(first)
    if rule.direction is Direction.BEFORE:
        return previous_open_day(shift(first, -rule.count, rule.unit))
    return next_open_day(shift(last, rule.count, rule.unit))


def owed(
    waves: Iterable[NotifiedWave], rules: Iterable[Rule], recipients: Recipients, until: date
) -> Iterator[Owed]:
    """Every reminder that offset and repeated rules owe, at most one a key.

    None that would be due before rule, address and cutover all existed. A repeated rule owes what is due up
    to `until`, and the one after.
    """
    rules = [rule for rule in rules if rule.kind in OWED_KINDS]
    for wave in waves:
        for rule in rules:
            if rule.concerns(wave):
                yield from _owed_by(rule, wave, recipients, until)


def _owed_by(rule: Rule, wave: NotifiedWave, recipients: Recipients, until: date) -> Iterator[Owed]:
    since = max(rule.since, wave.since)
    mails = [mail for mail in mails_owed(wave, rule, since, until) if mail.due_day >= since]
    if not mails:
        return
    settled = next_sending(wave.since_at + SETTLING_TIME + AFTER_NOTICES)
    for address, reachable in recipients.concerned(wave, rule.parties).items():
        for occurrence, day in mails:
            if day >= reachable:
                due_at = max(due_moment(day), settled)
                yield Owed(wave.key, rule.key, address, wave.version, occurrence, day, due_at)


def mails_owed(wave: NotifiedWave, rule: Rule, since: date, until: date) -> Iterable[Mail]:
    """What one of OWED_KINDS owes about the wave, to whomever; an offset rule also what was due before."""
    if rule.kind is Kind.OFFSET:
        day = due_day(wave.cutover, rule)
        return () if day is None else (Mail(0, day),)
    if rule.kind is Kind.UNCONFIRMED:
        return _requests_to_confirm(wave, rule, since, until)
    last = wave.cutover.latest
    return () if last is None else repeated(last, rule.count, rule.unit, since, until)


def _requests_to_confirm(wave: NotifiedWave, rule: Rule, since: date, until: date) -> Iterator[Mail]:
    last = wave.cutover.latest or date.max
    known_since = max(wave.since, wave.confirmed or wave.since)
    if not wave.cutover.is_undecided:
        for mail in repeated(known_since, rule.count, rule.unit, since, until):
            if mail.due_day <= last:
                yield mail


def repeated(anchor: date, count: int, unit: Unit, since: date, until: date) -> Iterator[Mail]:
    """Mails meant for every `count` units after `anchor`, due from `since` up to `until`, and the one after.

    Of several that closed days move to one open day the first alone is owed. Raises ValueError for a `count`
    below 1, which would never end.
    """
    if count < 1:
        raise ValueError("a rule repeats after some time")
    return _repeated(anchor, count, unit, since, until)


def _repeated(anchor: date, count: int, unit: Unit, since: date, until: date) -> Iterator[Mail]:
    day, due, number = anchor, date.min, 0
    while due < since or due <= until:
        number += count
        # Months are counted from the anchor, so that a 31st comes again; the others add up.
        day = shift(anchor, number, unit) if unit is Unit.MONTHS else shift(day, count, unit)
        before, due = due, next_open_day(day)
        if due >= since and due != before:
            yield Mail(day.toordinal(), due)


def digest_days(rule: Rule, since: date, until: date) -> Iterator[Mail]:
    """The digests due from `since` up to `until`, and the one after: for the Monday of every `count` weeks.

    Weeks are counted from the one in which the rule came into force, whatever its unit.
    """
    monday = rule.since - timedelta(days=rule.since.weekday())
    return repeated(monday - timedelta(weeks=rule.count), rule.count, Unit.WEEKS, since, until)


MERGED = "merged"
"""What is told of a cancelled wave that went into another."""


@dataclass(frozen=True)
class Standing:
    """What is told of a wave: its cutover, and its status or MERGED."""

    cutover: FuzzyDate
    status: str

    def is_same(self, other: "Standing") -> bool:
        """True when whoever was told the one need not be told the other.

        Statuses of awaited waves are one, and of what will not come nobody needs the date.
        """
        return self._news == other._news

    @property
    def _news(self) -> tuple[str | date | None, ...]:
        if self.status in (Status.CANCELLED, MERGED):
            return (self.status,)
        in_use = self.status if self.status == Status.IN_USE else ""
        return in_use, self.cutover.earliest, self.cutover.latest


def escalation_day(sent_on: date, rule: Rule) -> date:
    """The business day on which a mail that nobody acknowledged goes to the next role."""
    return next_open_day(shift(sent_on, rule.count, rule.unit))


def is_past_grace(due: date, grace_business_days: int, today: date) -> bool:
    """True when `today` lies after the last business day on which a late reminder still goes out."""
    return today > add_business_days(due, grace_business_days)


def first_unanswered(sent: Iterable[tuple[int, date, bool]]) -> Mapping[int, date]:
    """The day of the first mail of each rule none of whose mails anybody has acknowledged.

    `sent` says of each mail its rule, the day it went out, and whether it was acknowledged.
    """
    first: dict[int, date] = {}
    answered = set()
    for rule, day, acknowledged in sent:
        first[rule] = min(day, first.get(rule, day))
        if acknowledged:
            answered.add(rule)
    return {rule: day for rule, day in first.items() if rule not in answered}
