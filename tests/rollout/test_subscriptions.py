"""Who may read which calendar: each contact its own, until the URL is made anew."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rollout.models import RolloutCoverage
from rollout.outbox.subscriptions import calendar_of, read_subscription, subscription_url
from tests.factories import ContactFactory, MinistryFactory, RolloutFactory, WaveFactory
from tests.rollout.calendars import edit, events

pytestmark = pytest.mark.django_db


def token_of(contact):
    (token,) = parse_qs(urlsplit(subscription_url(contact)).query)["token"]
    return token


def covered(wave):
    """A ministry that moves along in the wave's rollout."""
    return RolloutCoverage.objects.create(rollout=wave.rollout, ministry=MinistryFactory()).ministry


def test_url_leads_to_the_site_and_stays_the_same(settings):
    settings.SITE_URL = "https://gss.example.go.jp"
    contact = ContactFactory()
    url = subscription_url(contact)
    assert url.startswith("https://gss.example.go.jp/api/v1/calendar.ics?token=")
    assert (url, read_subscription(token_of(contact))) == (subscription_url(contact), contact)


def test_url_is_another_for_every_contact():
    assert subscription_url(ContactFactory()) != subscription_url(ContactFactory())


def test_revoked_url_opens_nothing_and_the_new_one_does():
    contact = ContactFactory()
    before = token_of(contact)
    edit(contact, calendar_serial=2)
    assert (read_subscription(before), read_subscription(token_of(contact))) == (None, contact)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda token: "", id="empty"),
        pytest.param(lambda token: "秘密\0", id="not a token"),
        pytest.param(lambda token: token[:-1], id="cut"),
        pytest.param(lambda token: "x" + token, id="other contents"),
        pytest.param(lambda token: token.split(":")[0], id="unsigned"),
    ],
)
def test_spoilt_token_opens_nothing(spoil):
    assert read_subscription(spoil(token_of(ContactFactory()))) is None


def test_contact_that_is_switched_off_or_gone_has_no_calendar():
    contact = ContactFactory()
    token = token_of(contact)
    edit(contact, active=False)
    assert read_subscription(token) is None
    edit(contact, active=True)
    assert read_subscription(token) == contact
    contact.delete()
    assert read_subscription(token) is None


SEEN = {
    "lead": (lambda wave: wave.rollout.lead_ministry, {}, True),
    "deputy of the lead": (lambda wave: wave.rollout.lead_ministry, {"role": "deputy"}, True),
    "watcher": (lambda wave: wave.rollout.lead_ministry, {"role": "watcher"}, True),
    "covered": (covered, {}, True),
    "stranger": (lambda wave: MinistryFactory(), {}, False),
    "parent of the lead": (lambda wave: wave.rollout.lead_ministry.parent, {}, False),
    "PMO": (lambda wave: MinistryFactory(), {"role": "pmo"}, True),
}


@pytest.mark.parametrize(("ministry", "values", "sees"), SEEN.values(), ids=SEEN)
def test_contact_sees_what_its_ministry_leads_or_moves_along_in(ministry, values, sees):
    lead = MinistryFactory(parent=MinistryFactory())
    wave = WaveFactory(rollout=RolloutFactory(lead_ministry=lead))
    contact = ContactFactory(ministry=ministry(wave), **values)
    assert (wave.pk in events(calendar_of(contact))) is sees


def test_lead_that_is_covered_as_well_sees_its_wave_once():
    wave = WaveFactory()
    RolloutCoverage.objects.create(rollout=wave.rollout, ministry=wave.rollout.lead_ministry)
    covered(wave)
    contact = ContactFactory(ministry=wave.rollout.lead_ministry)
    assert calendar_of(contact).count("BEGIN:VEVENT") == 1


@pytest.mark.parametrize(
    ("cutover", "status", "shown"),
    [
        ("R9.1.15", "planned", "CONFIRMED"),
        ("R9.1", "migrating", "TENTATIVE"),
        ("R8.6~", "under_review", "TENTATIVE"),
        ("R8.6.15", "in_use", "CONFIRMED"),
        ("R9.1.15", "cancelled", "CANCELLED"),
        ("R9年度", "planned", None),
        ("R9.1以降", "planned", None),
        ("検討中", "under_review", None),
        ("検討中", "cancelled", None),
    ],
)
def test_calendar_shows_what_has_a_period(cutover, status, shown):
    wave = WaveFactory(cutover=cutover, status=status)
    found = events(calendar_of(ContactFactory(ministry=wave.rollout.lead_ministry)))
    assert {key: str(event["STATUS"]) for key, event in found.items()} == ({wave.pk: shown} if shown else {})


def test_calendar_of_a_ministry_bears_its_name_and_names_nobody():
    wave = WaveFactory()
    names = {"ministry": wave.rollout.lead_ministry, "name": "山田太郎"}
    contact = ContactFactory(**names, email="yamada@example.go.jp")
    ContactFactory(**names, email="other@example.go.jp")
    text = calendar_of(contact)
    assert f"\r\nX-WR-CALNAME:GSS切替予定（{contact.ministry}）\r\n" in text
    assert [word for word in ("山田", "@example.go.jp", "ATTENDEE", "ORGANIZER") if word in text] == []


def test_event_is_stamped_with_the_last_change_of_its_wave():
    wave = edit(WaveFactory(), cutover="R9.2")
    (event,) = events(calendar_of(ContactFactory(role="pmo"))).values()
    changed_at = wave.history.latest("history_id").history_date.replace(microsecond=0)
    assert (event["DTSTAMP"].dt, event["SEQUENCE"]) == (changed_at, 1)


@pytest.mark.parametrize("role", ["lead", "pmo"])
def test_queries_do_not_grow_with_the_waves(role):
    ministry, counts = MinistryFactory(), []
    contact = ContactFactory(ministry=ministry, role=role)
    for size in (1, 5):
        for _ in range(size):
            edit(WaveFactory(rollout=RolloutFactory(lead_ministry=ministry)), cutover="R9.5")
            RolloutCoverage.objects.create(rollout=WaveFactory().rollout, ministry=ministry)
        with CaptureQueriesContext(connection) as queries:
            calendar_of(contact)
        counts.append(len(queries))
    assert counts == [2, 2]
