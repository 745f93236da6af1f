"""What speaks against a cutover in the calendar: warnings, never refusals.

A period stays a period. A warning about days holds when every day of the period is concerned. Where only
some days of a month are, a freeze period and the turn of the year are named all the same, as lying 「の間」,
for whoever chooses the day. Of coarser periods nothing is said that does not hold for all their days, and a
closed day is a matter of exact days alone. March and the limits of a month concern periods that lie within
one month. 「以降」, 検討中, settled waves and cutovers that have passed get no warnings.

Notice is too little when the earliest of the reminders before the cutover was already due on the day since
which the cutover stands, so that a plan made in time is not warned of as its day comes nearer.

Example: 国税庁 is frozen from 16 February to 15 March every year. Its cutover on R9.2.20 lies in that time;
R9.2 is a month in which the freeze begins, and gets the warning with 「の間」; of R8年度 nothing is said.
"""

from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from rollout.domain.dates import Precision, fiscal_year_of, month_label
from rollout.domain.eras import Period
from rollout.domain.plan import Status, month_number
from rollout.domain.reminders import Direction, Kind, NotifiedWave, Rule, due_day
from rollout.domain.words import Words, day_words, weekday_words
from rollout.domain.workdays import is_closed, next_open_day, previous_open_day

MARCH = 3


class WarningKind(StrEnum):
    """What speaks against a cutover, in the order in which it is said."""

    CLOSED_DAY = "closed_day"
    YEAR_END = "year_end"
    FISCAL_YEAR_END = "fiscal_year_end"
    FREEZE = "freeze"
    TOO_MANY_USERS = "too_many_users"
    TOO_MANY_CUTOVERS = "too_many_cutovers"
    SHORT_NOTICE = "short_notice"


class CalendarWarning(NamedTuple):
    """One warning: its kind, which freeze period or month it speaks of ("" for others), and a sentence."""

    kind: WarningKind
    subject: str
    text: Words


@dataclass(frozen=True)
class FreezePeriod:
    """Days on which a ministry (None: every one) cannot cut over; `yearly` repeats them every year."""

    code: str
    label: str | Words
    ministry: int | None
    first_day: date
    last_day: date
    yearly: bool = False

    def occurrences(self, period: Period) -> Iterator[Period]:
        """The times of the freeze that may touch `period`; 29 February is the 28th where there is none."""
        if not self.yearly:
            yield self.first_day, self.last_day
            return
        years = self.last_day.year - self.first_day.year
        for year in range(period[0].year - years, period[1].year + 1):
            yield _in_year(self.first_day, year), _in_year(self.last_day, year + years)

    def touching(self, period: Period) -> list[Period]:
        """The times of the freeze that have a day of `period`, in order."""
        first, last = period
        return [(start, end) for start, end in self.occurrences(period) if start <= last and first <= end]


class MonthLoad(NamedTuple):
    """What one month has: known users, and cutovers, `uncounted` of them with users that are not known."""

    users: int
    cutovers: int
    uncounted: int = 0


class MonthlyLimit(NamedTuple):
    """What one month takes, from a fiscal year on: users, cutovers, or both (None: any number)."""

    from_fiscal_year: int
    users: int | None
    cutovers: int | None

    def has_too_many_users(self, load: MonthLoad) -> bool:
        """True where the known users are more than a month takes."""
        return self.users is not None and load.users > self.users

    def has_too_many_cutovers(self, load: MonthLoad) -> bool:
        """True where the cutovers are more than a month takes."""
        return self.cutovers is not None and load.cutovers > self.cutovers


@dataclass(frozen=True)
class Calendar:
    """What cutovers are held against; `loads` by month number, `rules` those of the reminders."""

    freezes: Sequence[FreezePeriod] = ()
    limits: Sequence[MonthlyLimit] = ()
    loads: Mapping[int, MonthLoad] | None = None
    rules: Sequence[Rule] = ()

    def limit_of(self, day: date) -> MonthlyLimit | None:
        """The newest limit that is in force in the fiscal year of `day`."""
        in_force = [limit for limit in self.limits if limit.from_fiscal_year <= fiscal_year_of(day)]
        return max(in_force, key=lambda limit: limit.from_fiscal_year, default=None)


def lint(wave: NotifiedWave, calendar: Calendar, today: date) -> list[CalendarWarning]:
    """All warnings about the wave's cutover, in the order of their kinds, freeze periods by code."""
    first, last = wave.cutover.earliest, wave.cutover.latest
    if first is None or last is None or last < today or Status(wave.status).is_settled:
        return []
    period = first, last
    is_monthly = wave.cutover.precision in (Precision.DAY, Precision.MONTH)
    return [
        *_of_days(period, is_monthly=is_monthly),
        *_of_freezes(wave, period, calendar.freezes, is_monthly=is_monthly),
        *(_of_limits(first, calendar) if month_number(first) == month_number(last) else ()),
        *_of_notice(wave, calendar.rules),
    ]


def lints_of(
    waves: Iterable[NotifiedWave], calendar: Calendar, today: date
) -> dict[int, list[CalendarWarning]]:
    """The warnings of each wave that has any, by its key."""
    found = ((wave.key, lint(wave, calendar, today)) for wave in waves)
    return {key: warnings for key, warnings in found if warnings}


def _of_days(period: Period, *, is_monthly: bool) -> Iterator[CalendarWarning]:
    first, last = period
    year_end = FreezePeriod("", Words("年末年始"), None, date(2000, 12, 29), date(2001, 1, 3), yearly=True)
    if sentence := _overlap(period, year_end, is_monthly=is_monthly):
        yield CalendarWarning(WarningKind.YEAR_END, "", sentence)
    elif first == last and is_closed(first):
        yield CalendarWarning(WarningKind.CLOSED_DAY, "", _closed_text(first))
    if (first.month, last.month, first.year) == (MARCH, MARCH, last.year):
        text = Words(
            "年度末（3月）の切替です。異動や決算と重なるので、ほかの月にできないか確かめてください。"
        )
        yield CalendarWarning(WarningKind.FISCAL_YEAR_END, "", text)


def _of_freezes(
    wave: NotifiedWave, period: Period, freezes: Iterable[FreezePeriod], *, is_monthly: bool
) -> Iterator[CalendarWarning]:
    for freeze in sorted(freezes, key=lambda freeze: freeze.code):
        is_concerned = freeze.ministry in {None, wave.lead, *wave.covered}
        if is_concerned and (sentence := _overlap(period, freeze, is_monthly=is_monthly)):
            yield CalendarWarning(WarningKind.FREEZE, freeze.code, sentence)


def _of_limits(day: date, calendar: Calendar) -> Iterator[CalendarWarning]:
    limit = calendar.limit_of(day)
    load = (calendar.loads or {}).get(month_number(day))
    if limit is None or load is None:
        return
    subject, month = f"{day:%Y-%m}", month_label(day.year, day.month)
    advice = Words("ほかの月に移すか、上限を見直してください。")
    if limit.has_too_many_users(load):
        text = Words(
            "{month}の切替は合わせて{users:,}人で、上限の{limit:,}人を超えます。{advice}",
            month=month,
            users=load.users,
            limit=limit.users,
            advice=advice,
        )
        yield CalendarWarning(WarningKind.TOO_MANY_USERS, subject, text)
    if limit.has_too_many_cutovers(load):
        text = Words(
            "{month}の切替は{cutovers:,}件で、上限の{limit:,}件を超えます。{advice}",
            month=month,
            cutovers=load.cutovers,
            limit=limit.cutovers,
            advice=advice,
        )
        yield CalendarWarning(WarningKind.TOO_MANY_CUTOVERS, subject, text)


def _of_notice(wave: NotifiedWave, rules: Iterable[Rule]) -> Iterator[CalendarWarning]:
    before = [
        rule
        for rule in rules
        if rule.kind is Kind.OFFSET and rule.direction is Direction.BEFORE and rule.count
    ]
    days = [day for rule in before if rule.concerns(wave) and (day := due_day(wave.cutover, rule))]
    if days and min(days) < wave.since:
        text = Words(
            "最も早い事前通知は{due}に送るものですが、この切替予定が決まった{since}には過ぎていました。"
            "担当者に直接知らせるか、切替を遅らせてください。",
            due=day_words(min(days)),
            since=day_words(wave.since),
        )
        yield CalendarWarning(WarningKind.SHORT_NOTICE, "", text)


def _overlap(period: Period, freeze: FreezePeriod, *, is_monthly: bool) -> Words | None:
    """How the period meets the freeze, in words; nothing where it does not, or is too coarse to say."""
    first, last = period
    met = freeze.touching(period)
    whole = [(start, end) for start, end in met if start <= first and last <= end]
    if not met or not (whole or is_monthly):
        return None
    start, end = (whole or met)[0]
    span = Words(
        "{freeze}（{start}〜{end}）", freeze=freeze.label, start=day_words(start), end=day_words(end)
    )
    if not whole:
        return Words("切替の期間の間に{span}があります。日を決めるときは、これを避けてください。", span=span)
    when = Words("切替日") if first == last else Words("切替の期間の全体")
    return Words("{when}が{span}に入っています。この期間の外に移してください。", when=when, span=span)


def _closed_text(day: date) -> Words:
    return Words(
        "切替日の{day}は閉庁日です。"
        "休日に切り替える予定でなければ、前後の開庁日（{before}か{after}）にしてください。",
        day=weekday_words(day),
        before=day_words(previous_open_day(day)),
        after=day_words(next_open_day(day)),
    )


def _in_year(day: date, year: int) -> date:
    return date(year, day.month, min(day.day, monthrange(year, day.month)[1]))
