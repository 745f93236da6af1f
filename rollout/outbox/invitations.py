"""Waves in people's calendars: what a mail carries (iTIP, RFC 5546), and what a subscription shows.

A wave known to the day is an event of that day, one known to the month an event of the whole month;
both are all-day and leave people free, since nobody knows a time. One that is coarser is no event: who
had one has it cancelled. All that is ever sent of a wave has one UID, and a SEQUENCE that rises with each
change of its period, with its cancellation and with its revival, so that programs change it in place.

Example: 財務局 in R9.1 is an event from 2027-01-01 to 2027-02-01, exclusive, SEQUENCE 0; moved to R9.3.15
it is one of 2027-03-15, SEQUENCE 1; cancelled it is `METHOD:CANCEL`, SEQUENCE 2.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from itertools import groupby, pairwise
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import QuerySet
from icalendar import Calendar, Event, Timezone, TimezoneStandard, vCalAddress, vDuration
from icalendar.parser import Contentline

from rollout.domain.dates import FuzzyDate, Precision
from rollout.domain.plan import Status
from rollout.domain.reminders import DATED_PRECISIONS
from rollout.history import DELETED
from rollout.models import Wave

PRODUCER = "-//GSS//gss_tracker//JA"
ORGANIZER_NAME = "GSS導入PMO"
ANYBODY = "anybody@invalid"
REFRESH_INTERVAL = timedelta(hours=1)
CONTROL_CHARACTERS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
"""No text of a calendar may hold them (RFC 5545, 3.1)."""


@dataclass(frozen=True)
class Entry:
    """A wave in a calendar: the period of its cutover, both ends known."""

    uid: str
    summary: str
    description: str
    cutover: FuzzyDate
    sequence: int
    is_cancelled: bool
    url: str
    stamped_at: datetime


@dataclass(frozen=True)
class Invitation(Entry):
    """An entry sent to one address in the name of another; `stamped_at` is when it was written."""

    organizer: str
    attendee: str


@dataclass(frozen=True)
class Revision:
    """How far a wave's entry has come: its SEQUENCE, when the row last changed, its last known period."""

    sequence: int
    changed_at: datetime
    last_dated: FuzzyDate | None


def has_period(cutover: FuzzyDate) -> bool:
    """True when a cutover is known to the day or to the month, with an end."""
    return cutover.latest is not None and cutover.precision in DATED_PRECISIONS


def revisions(waves: Collection[int] | QuerySet[Wave, Any]) -> dict[int, Revision]:
    """The revision of each wave, by its number, in one query; `waves` are numbers, or a query for them."""
    columns = ("id", "history_date", "cutover", "status")
    versions = Wave.history.filter(id__in=waves).exclude(history_type=DELETED).order_by("id", "history_id")
    rows = versions.values_list(*columns).iterator()
    return {key: _revision(list(found)) for key, found in groupby(rows, key=lambda row: row[0])}


def invitation_to_anybody(
    wave: Wave, revision: Revision, *, organizer: str, had_invitation: bool, now: datetime
) -> str:
    """The iCalendar text that goes along with mails about a wave, for `addressed_to`; empty where none does.

    A REQUEST while the wave has a period; a CANCEL when it has none any more or will not come, for who had
    an invitation before. The wave comes with its rollout and lead ministry.
    """
    entry = entry_of(wave, revision, stamped_at=now)
    if entry is None or (entry.is_cancelled and not had_invitation):
        return ""
    return invitation_text(Invitation(**vars(entry), organizer=organizer, attendee=ANYBODY))


def addressed_to(attendee: str, invitation: str) -> str:
    """An invitation to anybody as one to `attendee`: all but one line is the same for all, and dear to make.

    Raises ValueError for an address with a line break.
    """
    return invitation.replace(_attendee_line(ANYBODY), _attendee_line(attendee)) if invitation else ""


def entry_of(wave: Wave, revision: Revision, *, stamped_at: datetime) -> Entry | None:
    """A wave in a calendar, cancelled when it has no period any more; None when it never had any."""
    is_dated = has_period(wave.cutover)
    period = wave.cutover if is_dated else revision.last_dated
    if period is None:
        return None
    return Entry(
        uid=uid_of(wave),
        summary=_summary(wave),
        description=_description(wave),
        cutover=period,
        sequence=revision.sequence,
        is_cancelled=wave.status == Status.CANCELLED or not is_dated,
        url=f"{settings.SITE_URL.rstrip('/')}/",
        stamped_at=stamped_at,
    )


def uid_of(wave: Wave) -> str:
    """What calendars know the wave by, for ever; the host keeps a trial installation's waves apart."""
    return f"wave-{wave.pk}@{urlsplit(settings.SITE_URL).hostname}"


def invitation_text(invitation: Invitation) -> str:
    """An invitation, or its cancellation, as iCalendar: CRLF, folded at 75 octets.

    Nobody need answer (RSVP=FALSE), and nobody else's address is in it. Raises ValueError for an address with
    a line break.
    """
    event = _event(invitation)
    event.add("organizer", _address(invitation.organizer, CN=ORGANIZER_NAME))
    event.add("attendee", _attendee(invitation.attendee))
    calendar = _calendar("CANCEL" if invitation.is_cancelled else "REQUEST")
    calendar.add_component(event)
    return _text(calendar)


def method_of(text: str) -> str:
    """The METHOD of an invitation, which the Content-Type of its part of the mail repeats (RFC 6047, 2.4)."""
    return "CANCEL" if "\r\nMETHOD:CANCEL\r\n" in text else "REQUEST"


def subscription_text(name: str, entries: Iterable[Entry]) -> str:
    """A calendar to subscribe to, as iCalendar: CRLF, folded at 75 octets."""
    calendar = _calendar("PUBLISH")
    for label in ("NAME", "X-WR-CALNAME"):
        calendar.add(label, _plain(name))
    calendar.add("X-WR-TIMEZONE", settings.TIME_ZONE)
    calendar.add("REFRESH-INTERVAL", vDuration(REFRESH_INTERVAL), parameters={"VALUE": "DURATION"})
    calendar.add("X-PUBLISHED-TTL", vDuration(REFRESH_INTERVAL))
    for entry in entries:
        calendar.add_component(_event(entry))
    return _text(calendar)


def _attendee(address: str) -> vCalAddress:
    return _address(address, PARTSTAT="NEEDS-ACTION", RSVP="FALSE")


@lru_cache(maxsize=1000)
def _attendee_line(address: str) -> str:
    attendee = _attendee(address)
    folded: bytes = Contentline.from_parts("ATTENDEE", attendee.params, attendee).to_ical()
    return folded.decode()


def _revision(versions: Sequence[tuple[int, datetime, FuzzyDate, str]]) -> Revision:
    """The revision that a wave's versions, the oldest first, have led to."""
    told = [
        (cutover.earliest, cutover.latest, status == Status.CANCELLED) for _, _, cutover, status in versions
    ]
    dated = [cutover for _, _, cutover, _ in versions if has_period(cutover)]
    return Revision(
        sequence=sum(before != after for before, after in pairwise(told)),
        changed_at=versions[-1][1],
        last_dated=dated[-1] if dated else None,
    )


def _summary(wave: Wave) -> str:
    if wave.status == Status.CANCELLED:
        return f"【{'統合' if wave.merged_into_id else '中止'}】GSS切替 {wave}"
    if not has_period(wave.cutover):
        return f"【日程見直し】GSS切替 {wave}"
    if wave.status == Status.IN_USE:
        return f"GSS利用開始 {wave}"
    return f"GSS切替 {wave}" + ("" if wave.cutover.precision is Precision.DAY else "（日は未定）")


def _description(wave: Wave) -> str:
    written, read = wave.cutover.text or "未定", wave.cutover.format_japanese()
    lines = [f"切替: {written}（{read}）", f"状態: {wave.get_status_display()}"]
    if wave.merged_into_id:
        lines.append("同じ導入案件の別の移行単位に統合しました。")
    elif wave.cutover.precision is Precision.MONTH and wave.status != Status.CANCELLED:
        lines.append("日はまだ決まっていません。月の全体を、終日の予定として示しています。")
    return "\n".join(lines)


def _calendar(method: str) -> Calendar:
    calendar = Calendar()
    properties = {"PRODID": PRODUCER, "VERSION": "2.0", "CALSCALE": "GREGORIAN", "METHOD": method}
    for name, value in properties.items():
        calendar.add(name, value)
    calendar.add_component(_japan())
    return calendar


def _text(calendar: Calendar) -> str:
    folded: bytes = calendar.to_ical()
    return folded.decode()


@cache
def _japan() -> Timezone:
    """Asia/Tokyo: nine hours ahead all year, since 1951 (夏時刻法の廃止)."""
    offset = timedelta(hours=9)
    always = TimezoneStandard()
    always.add("DTSTART", datetime(1970, 1, 1))  # noqa: DTZ001 (a local time, as RFC 5545 wants it here)
    for name, value in {"TZOFFSETFROM": offset, "TZOFFSETTO": offset, "TZNAME": "JST"}.items():
        always.add(name, value)
    zone = Timezone()
    zone.add("TZID", settings.TIME_ZONE)
    zone.add_component(always)
    return zone


def _event(entry: Entry) -> Event:
    first, last = entry.cutover.earliest, entry.cutover.latest
    if first is None or last is None:
        raise ValueError(f"{entry.uid} has no period")
    properties = {
        "UID": entry.uid,
        "SEQUENCE": entry.sequence,
        "DTSTAMP": entry.stamped_at,
        "DTSTART": first,
        "DTEND": last + timedelta(days=1),
        "SUMMARY": _plain(entry.summary),
        "DESCRIPTION": _plain(entry.description),
        "STATUS": _status(entry, first, last),
        "TRANSP": "TRANSPARENT",
        "URL": entry.url,
        "X-MICROSOFT-CDO-ALLDAYEVENT": "TRUE",
        "X-MICROSOFT-CDO-BUSYSTATUS": "FREE",
        "X-MICROSOFT-CDO-INTENDEDSTATUS": "FREE",
    }
    event = Event()
    for name, value in properties.items():
        event.add(name, value)
    return event


def _status(entry: Entry, first: date, last: date) -> str:
    if entry.is_cancelled:
        return "CANCELLED"
    return "CONFIRMED" if first == last else "TENTATIVE"


def _address(address: str, **parameters: str) -> vCalAddress:
    found = vCalAddress(f"mailto:{address}")
    found.params.update(parameters)
    return found


def _plain(text: str) -> str:
    return CONTROL_CHARACTERS.sub(" ", text)
