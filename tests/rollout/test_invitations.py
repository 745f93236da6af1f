"""Invitations: read back by two independent programs, changed in place, and folded as calendars want it."""

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.policy import SMTP

import pytest
import vobject
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from rollout.domain.dates import parse
from rollout.models import Reminder, Wave
from rollout.outbox.invitations import (
    ANYBODY,
    Invitation,
    addressed_to,
    invitation_text,
    invitation_to_anybody,
    method_of,
    revisions,
    subscription_text,
    uid_of,
)
from rollout.outbox.mail import mail_of
from tests.factories import MinistryFactory, RolloutFactory, WaveFactory
from tests.rollout.calendars import edit, event

NOW = datetime(2026, 11, 24, tzinfo=UTC)
INVITATION = Invitation(
    uid="wave-1@gss.example.go.jp",
    summary="GSS切替 国税庁（地方拠点）",
    description="切替: R9.1（令和9年1月）\n状態: 予定",
    cutover=parse("R9.1"),
    sequence=3,
    is_cancelled=False,
    url="https://gss.example.go.jp/",
    stamped_at=NOW,
    organizer="pmo@example.go.jp",
    attendee="a@example.go.jp",
)
PERIODS = {
    "day": ("R9.1.15", date(2027, 1, 15), date(2027, 1, 16)),
    "month": ("R9.1", date(2027, 1, 1), date(2027, 2, 1)),
    "from a month on": ("R8.6~", date(2026, 6, 1), date(2026, 7, 1)),
    "February of a leap year": ("R10.2", date(2028, 2, 1), date(2028, 3, 1)),
    "leap day": ("R10.2.29", date(2028, 2, 29), date(2028, 3, 1)),
    "February": ("R9.2", date(2027, 2, 1), date(2027, 3, 1)),
    "end of the fiscal year": ("R8年度末", date(2027, 3, 1), date(2027, 4, 1)),
    "last day of the fiscal year": ("R9.3.31", date(2027, 3, 31), date(2027, 4, 1)),
    "December": ("R8.12", date(2026, 12, 1), date(2027, 1, 1)),
    "New Year's Eve": ("R8.12.31", date(2026, 12, 31), date(2027, 1, 1)),
}


@pytest.mark.parametrize(("written", "first", "end"), PERIODS.values(), ids=PERIODS)
def test_event_takes_the_whole_period_and_ends_the_day_after(written, first, end):
    found = event(invitation_text(replace(INVITATION, cutover=parse(written))))
    assert (found.dtstart.value, found.dtend.value) == (first, end)


def test_request_says_all_that_programs_need_to_change_their_entry():
    assert invitation_text(INVITATION).split("\r\n") == [
        *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//GSS//gss_tracker//JA", "CALSCALE:GREGORIAN"),
        "METHOD:REQUEST",
        *("BEGIN:VTIMEZONE", "TZID:Asia/Tokyo", "BEGIN:STANDARD", "DTSTART:19700101T000000", "TZNAME:JST"),
        *("TZOFFSETFROM:+0900", "TZOFFSETTO:+0900", "END:STANDARD", "END:VTIMEZONE"),
        *("BEGIN:VEVENT", "SUMMARY:GSS切替 国税庁（地方拠点）"),
        *("DTSTART;VALUE=DATE:20270101", "DTEND;VALUE=DATE:20270201", "DTSTAMP:20261124T000000Z"),
        *("UID:wave-1@gss.example.go.jp", "SEQUENCE:3"),
        "ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=FALSE:mailto:a@example.go.jp",
        "DESCRIPTION:切替: R9.1（令和9年1月）\\n状態: 予定",
        "ORGANIZER;CN=GSS導入PMO:mailto:pmo@example.go.jp",
        *("STATUS:TENTATIVE", "TRANSP:TRANSPARENT", "URL:https://gss.example.go.jp/"),
        *("X-MICROSOFT-CDO-ALLDAYEVENT:TRUE", "X-MICROSOFT-CDO-BUSYSTATUS:FREE"),
        *("X-MICROSOFT-CDO-INTENDEDSTATUS:FREE", "END:VEVENT", "END:VCALENDAR", ""),
    ]


def test_independent_parser_reads_the_request():
    found = vobject.readOne(invitation_text(INVITATION))
    assert (found.method.value, found.vtimezone.tzid.value) == ("REQUEST", "Asia/Tokyo")
    assert found.vevent.summary.value == INVITATION.summary
    assert found.vevent.description.value == INVITATION.description
    assert found.vevent.attendee.value == "mailto:a@example.go.jp"
    assert found.vevent.organizer.params == {"CN": ["GSS導入PMO"]}
    found.validate(raiseException=True)


@pytest.mark.parametrize("attendee", ["a@example.go.jp", f"{'x' * 60}@{'y' * 60}.example.go.jp"])
def test_invitation_to_anybody_is_addressed_as_if_written_for_one(attendee):
    to_anybody = invitation_text(replace(INVITATION, attendee=ANYBODY, description=f"mailto:{ANYBODY}"))
    to_one = invitation_text(replace(INVITATION, attendee=attendee, description=f"mailto:{ANYBODY}"))
    assert addressed_to(attendee, to_anybody) == to_one
    assert addressed_to(attendee, "") == ""


def test_cancellation_is_a_method_and_a_status():
    text = invitation_text(replace(INVITATION, is_cancelled=True))
    found = event(text)
    assert (method_of(text), found.status.value, found.uid.value) == ("CANCEL", "CANCELLED", INVITATION.uid)
    assert found.dtstart.value == date(2027, 1, 1)


def test_method_is_that_of_the_calendar_and_not_of_a_text_in_it():
    text = invitation_text(replace(INVITATION, description="\nMETHOD:CANCEL\n"))
    assert method_of(text) == "REQUEST"


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300), st.integers(0, 3))
def test_lines_are_folded_at_75_octets_between_characters_and_read_back(summary, shift):
    text = invitation_text(replace(INVITATION, summary="x" * shift + summary))
    assert text.encode().count(b"\n") == text.encode().count(b"\r\n")
    lines = text.encode().split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert b"".join(line.decode().encode() for line in lines) == b"".join(lines)
    assert len(Calendar.from_ical(text).events) == 1


def test_long_japanese_text_is_whole_after_unfolding():
    summary = "国税庁（地方拠点、第1陣；関東信越）、" * 20
    found = event(invitation_text(replace(INVITATION, summary=summary)))
    assert found.summary.value == summary


def test_line_break_in_an_attendee_is_refused():
    with pytest.raises(ValueError, match="CR or LF"):
        addressed_to("a@example.go.jp\r\nATTENDEE:mailto:b@example.com", invitation_text(INVITATION))


@pytest.mark.parametrize("field", ["attendee", "organizer", "url"])
def test_line_break_in_an_address_is_refused(field):
    with pytest.raises(ValueError, match="CR or LF"):
        invitation_text(replace(INVITATION, **{field: "a@example.go.jp\r\nATTENDEE:mailto:b@example.com"}))


@pytest.mark.parametrize("character", ["\0", "\x0b", "\x1b", "\x7f", "\r", "\t"])
def test_control_characters_become_spaces(character):
    text = invitation_text(replace(INVITATION, summary=f"国税庁{character}BEGIN:VALARM"))
    assert event(text).summary.value == "国税庁 BEGIN:VALARM"


def test_period_without_an_end_is_no_event():
    with pytest.raises(ValueError, match="has no period"):
        invitation_text(replace(INVITATION, cutover=parse("R8.6以降")))


def test_subscription_has_a_name_and_says_how_often_to_come_back():
    found = Calendar.from_ical(subscription_text("GSS切替予定", []))
    names = ("METHOD", "NAME", "X-WR-CALNAME", "X-WR-TIMEZONE")
    assert [str(found[name]) for name in names] == ["PUBLISH", "GSS切替予定", "GSS切替予定", "Asia/Tokyo"]
    assert "\r\nREFRESH-INTERVAL;VALUE=DURATION:PT1H\r\nX-PUBLISHED-TTL:PT1H\r\n" in subscription_text("", [])


@pytest.fixture
def wave(db, settings):
    settings.SITE_URL = "https://gss.example.go.jp/"
    rollout = RolloutFactory(lead_ministry=MinistryFactory(name="国税庁"), scope="地方拠点")
    return WaveFactory(rollout=rollout, cutover="R9.1")


def sent(wave, *, had_invitation=True):
    """The event that goes along with a mail about the wave as it stands; None where there is none."""
    wave = Wave.objects.select_related("rollout__lead_ministry").get(pk=wave.pk)
    text = invitation_to_anybody(
        wave,
        revisions([wave.pk])[wave.pk],
        organizer="pmo@example.go.jp",
        had_invitation=had_invitation,
        now=NOW,
    )
    addressed = addressed_to("a@example.go.jp", text)
    return event(addressed) if addressed else None


def told(wave):
    """Status, SEQUENCE, first day and title of what is sent to somebody who had an invitation."""
    found = sent(wave)
    return found.status.value, int(found.sequence.value), found.dtstart.value, found.summary.value


def test_entry_follows_the_wave_through_its_life(wave):
    other = WaveFactory(rollout=wave.rollout, name="第2陣")
    title = "国税庁（地方拠点）"
    steps = [
        ({}, "TENTATIVE", 0, date(2027, 1, 1), f"GSS切替 {title}（日は未定）"),
        ({"users": 5}, "TENTATIVE", 0, date(2027, 1, 1), f"GSS切替 {title}（日は未定）"),
        ({"cutover": "R9.3.15"}, "CONFIRMED", 1, date(2027, 3, 15), f"GSS切替 {title}"),
        ({"cutover": "令和9年3月15日"}, "CONFIRMED", 1, date(2027, 3, 15), f"GSS切替 {title}"),
        ({"status": "cancelled"}, "CANCELLED", 2, date(2027, 3, 15), f"【中止】GSS切替 {title}"),
        ({"status": "planned"}, "CONFIRMED", 3, date(2027, 3, 15), f"GSS切替 {title}"),
        ({"cutover": "検討中"}, "CANCELLED", 4, date(2027, 3, 15), f"【日程見直し】GSS切替 {title}"),
        ({"cutover": "R9年度"}, "CANCELLED", 5, date(2027, 3, 15), f"【日程見直し】GSS切替 {title}"),
        ({"cutover": "R8.11.20"}, "CONFIRMED", 6, date(2026, 11, 20), f"GSS切替 {title}"),
        ({"status": "in_use"}, "CONFIRMED", 6, date(2026, 11, 20), f"GSS利用開始 {title}"),
        (
            {"status": "cancelled", "merged_into": other, "users": None},
            *("CANCELLED", 7, date(2026, 11, 20), f"【統合】GSS切替 {title}"),
        ),
    ]
    for values, *expected in steps:
        assert list(told(edit(wave, **values))) == expected, values


@pytest.mark.parametrize(
    ("values", "is_sent"),
    [
        pytest.param({"cutover": "R9.1.15"}, True, id="day"),
        pytest.param({"cutover": "R9.1"}, True, id="month"),
        pytest.param({"cutover": "R9年度第1四半期"}, False, id="quarter"),
        pytest.param({"cutover": "R9.1以降"}, False, id="no end"),
        pytest.param({"cutover": "検討中"}, False, id="undecided"),
        pytest.param({"status": "cancelled"}, False, id="cancelled"),
    ],
)
def test_who_had_no_invitation_gets_no_cancellation(wave, values, is_sent):
    assert (sent(edit(wave, **values), had_invitation=False) is not None) is is_sent


def test_wave_that_never_had_a_period_has_nothing_to_cancel(db):
    assert sent(WaveFactory(cutover="検討中")) is None


def test_description_says_that_a_month_stands_for_a_day_not_known_yet(wave):
    assert sent(wave).description.value.split("\n") == [
        *("切替: R9.1（令和9年1月）", "状態: 予定"),
        "日はまだ決まっていません。月の全体を、終日の予定として示しています。",
    ]


def test_uid_stays_whatever_changes_and_names_the_installation(wave):
    before = sent(wave).uid.value
    edit(wave, code="renamed", cutover="R9.5", status="cancelled")
    assert (before, sent(wave).uid.value) == (f"wave-{wave.pk}@gss.example.go.jp", uid_of(wave))


@pytest.mark.django_db
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["R9.1", "R9.1.15", "R9.3", "R9年度", "検討中", "R9.1以降"]),
            st.sampled_from(["planned", "preparing", "cancelled"]),
        ),
        max_size=6,
    )
)
def test_sequence_rises_with_every_change_that_matters_and_never_falls(steps):
    wave = WaveFactory()
    seen = [("R9.1", "planned"), *steps]
    sequences = [revisions([wave.pk])[wave.pk].sequence]
    for cutover, status in steps:
        edit(wave, cutover=cutover, status=status)
        sequences.append(revisions([wave.pk])[wave.pk].sequence)
    matters = [
        (old[0], old[1] == "cancelled") != (new[0], new[1] == "cancelled")
        for old, new in itertools.pairwise(seen)
    ]
    assert [new - old for old, new in itertools.pairwise(sequences)] == [int(changed) for changed in matters]


@pytest.mark.django_db
@pytest.mark.parametrize("size", [1, 5])
def test_revisions_of_many_waves_are_one_query(size):
    waves = [edit(WaveFactory(), cutover="R9.5") for _ in range(size)]
    edit(WaveFactory(), cutover="R9.5")
    with CaptureQueriesContext(connection) as queries:
        found = revisions([wave.pk for wave in waves])
    assert ({key: found[key].sequence for key in found}, len(queries)) == (
        {wave.pk: 1 for wave in waves},
        1,
    )


def test_invitation_arrives_in_a_mail_as_it_was_written():
    text = invitation_text(
        replace(INVITATION, summary="国税庁（地方拠点、第1陣；関東信越）、" * 20, is_cancelled=True)
    )
    row = Reminder(address="a@example.go.jp", subject="件名", body="本文", calendar=text)
    sent = message_from_bytes(mail_of(row).text, policy=SMTP)
    (part,) = [part for part in sent.walk() if part.get_content_type() == "text/calendar"]
    assert (part["Content-Type"].params["method"], part.get_payload(decode=True)) == ("CANCEL", text.encode())
