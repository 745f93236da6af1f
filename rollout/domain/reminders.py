"""Which reminders are owed, and when (DESIGN, "Reminders, exactly").

A rule says how many days before a cutover, and to whom. A cutover known to the day or to the month
owes one reminder to every address of the rule's audience; a month counts from its first day, and a
coarser period owes none. A reminder is due at 09:00 in Tokyo on its day; before the cutover that is
the previous business day when the day is closed, on the day of the cutover the next one.

Example: 財務局 cuts over in 2027-01; one day before its first day is 2026-12-31, when offices are
closed, so that the reminder is due on Monday 2026-12-28, and says that 4 days are left.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from rollout.domain.dates import FuzzyDate, Precision
from rollout.domain.workdays import add_business_days, next_open_day, previous_open_day

TOKYO = ZoneInfo("Asia/Tokyo")
DUE_TIME = time(9)
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


class Audience(StrEnum):
    """Whom a rule addresses."""

    EVERYONE = "everyone"
    MINISTRIES = "ministries"
    PMO = "pmo"


@dataclass(frozen=True)
class Rule:
    """Days before the cutover, the audience, and the day from which the rule is in force."""

    key: int
    days_before: int
    audience: Audience
    since: date


@dataclass(frozen=True)
class AwaitedWave:
    """A wave that is still to come: its cutover, that cutover's version and first day, whom it concerns."""

    key: int
    cutover: FuzzyDate
    version: int
    since: date
    ministries: frozenset[int]


@dataclass(frozen=True)
class Recipient:
    """An address at a ministry, reachable from `since` on; PMO addresses hear of every ministry."""

    address: str
    ministry: int
    is_pmo: bool
    since: date


@dataclass(frozen=True)
class Owed:
    """One reminder: the ledger's unique key, and the day it is due."""

    wave: int
    rule: int
    address: str
    version: int
    due_day: date


def due_day(cutover_day: date, days_before: int) -> date:
    """The business day on which a reminder `days_before` the cutover goes out."""
    day = cutover_day - timedelta(days=days_before)
    return previous_open_day(day) if days_before > 0 else next_open_day(day)


def due_moment(day: date) -> datetime:
    """09:00 in Tokyo on that day."""
    return datetime.combine(day, DUE_TIME, TOKYO)


def owed(
    waves: Iterable[AwaitedWave], rules: Iterable[Rule], recipients: Iterable[Recipient]
) -> Iterator[Owed]:
    """Every reminder that the plan owes, at most one a key.

    None for a day that lay before rule, address and cutover all existed.
    """
    rules = list(rules)
    pmo, by_ministry = _by_ministry(recipients)
    for wave in waves:
        if wave.cutover.precision not in DATED_PRECISIONS or wave.cutover.earliest is None:
            continue
        at_ministries = [found for key in wave.ministries for found in by_ministry[key]]
        for rule in rules:
            day = due_day(wave.cutover.earliest, rule.days_before)
            for address, since in _addresses(rule.audience, at_ministries, pmo).items():
                if day >= max(since, rule.since, wave.since):
                    yield Owed(wave.key, rule.key, address, wave.version, day)


def is_addressed(audience: Audience, *, is_pmo: bool) -> bool:
    """Whether an audience takes in the PMO's addresses, or those of the ministries concerned."""
    return audience is Audience.EVERYONE or is_pmo == (audience is Audience.PMO)


def _by_ministry(
    recipients: Iterable[Recipient],
) -> tuple[list[Recipient], Mapping[int, list[Recipient]]]:
    pmo, by_ministry = [], defaultdict(list)
    for recipient in recipients:
        if recipient.is_pmo:
            pmo.append(recipient)
        else:
            by_ministry[recipient.ministry].append(recipient)
    return pmo, by_ministry


def _addresses(audience: Audience, at_ministries: list[Recipient], pmo: list[Recipient]) -> dict[str, date]:
    """Each address of the audience once, with the first day on which it could be told."""
    since: dict[str, date] = {}
    for recipient in (each for each in at_ministries + pmo if is_addressed(audience, is_pmo=each.is_pmo)):
        since[recipient.address] = min(recipient.since, since.get(recipient.address, date.max))
    return since


def is_past_grace(due: date, grace_business_days: int, today: date) -> bool:
    """True when `today` lies after the last business day on which a late reminder still goes out."""
    return today > add_business_days(due, grace_business_days)


VARIABLES = ("宛名", "案件", "府省庁", "範囲", "切替予定", "切替予定の読み", "残り日数", "人数", "お願い")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


class TemplateError(ValueError):
    """A text that names something a mail does not know. The message is in Japanese and gives the position."""


def check_template(template: str) -> None:
    """Raise TemplateError unless every `{…}` in `template` is one of VARIABLES."""
    known = "、".join(f"{{{name}}}" for name in VARIABLES)
    for match in _PLACEHOLDER.finditer(template):
        if match[1] not in VARIABLES:
            raise TemplateError(
                f"{match.start() + 1}文字目の「{match[0]}」は使えません。使えるのは {known} です。"
            )
    blanked = _PLACEHOLDER.sub(lambda match: " " * len(match[0]), template)
    brace = re.search(r"[{}]", blanked)
    if brace:
        raise TemplateError(f"{brace.start() + 1}文字目の「{brace[0]}」に対になるかっこがありません。")


def render(template: str, values: Mapping[str, str]) -> str:
    """The text with every `{name}` replaced; values are taken as they are, never read as templates.

    Raises TemplateError where the template names something that VARIABLES lacks.
    """
    check_template(template)
    return _PLACEHOLDER.sub(lambda match: values[match[1]], template)


def days_left_text(cutover: FuzzyDate, today: date) -> str:
    """How far away the cutover is, counted to its first day: 「あと8日」, 「本日」, 「3日経過」."""
    if cutover.earliest is None:
        return "未定"
    days = (cutover.earliest - today).days
    subject = "切替予定日" if cutover.precision is Precision.DAY else "切替予定期間の初日"
    if days == 0:
        return f"{subject}は本日です"
    return f"{subject}まであと{days}日です" if days > 0 else f"{subject}から{-days}日たっています"


def request_text(cutover: FuzzyDate) -> str:
    """What the mail asks for: the exact day where only the month is known, otherwise a last check."""
    if cutover.precision is Precision.DAY:
        return (
            "予定どおり切替ができるか、利用者への周知、端末の配布、業務の停止時間をご確認ください。"
            "変更がある場合は、このメールに返信してPMOへお知らせください。"
        )
    return (
        "切替の日がまだ決まっていません（月までの予定です）。"
        "日が決まっている場合も、予定が変わる場合も、このメールに返信してPMOへお知らせください。"
    )
