"""The subscription over HTTP: by token alone, and never more than its contact may see."""

import logging

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rollout.outbox.subscriptions import subscription_url
from tests.factories import ContactFactory, RolloutFactory, WaveFactory
from tests.rollout.calendars import edit, events

pytestmark = pytest.mark.django_db

PROBLEM = {
    "type": "/problems/not-found/",
    "title": "見つかりません",
    "status": 404,
    "detail": "購読用のURLが正しくないか、使えなくなっています。PMOに新しいURLを求めてください。",
}


@pytest.fixture
def wave():
    return WaveFactory(cutover="R9.1.15")


@pytest.fixture
def contact(wave):
    return ContactFactory(ministry=wave.rollout.lead_ministry)


def path(contact):
    return subscription_url(contact).partition("/api/v1/")[2]


@pytest.fixture
def fetch(client):
    def fetch(contact, method="get", **headers):
        return getattr(client, method)(f"/api/v1/{path(contact)}", headers=headers)

    return fetch


@pytest.mark.parametrize("public", [True, False], ids=["public", "not public"])
@pytest.mark.parametrize("accept", ["*/*", "text/calendar", "text/html", "application/json"])
def test_token_alone_opens_the_calendar(fetch, contact, wave, settings, public, accept):
    settings.PUBLIC_READ = public
    answer = fetch(contact, accept=accept)
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/calendar; charset=utf-8")
    assert list(events(answer.content.decode())) == [wave.pk]


def test_calendar_is_private_and_asked_for_anew(fetch, contact):
    assert fetch(contact)["Cache-Control"] == "private, no-cache"


def test_head_answers_without_the_calendar(fetch, contact):
    answer = fetch(contact, "head")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["ETag"] == fetch(contact)["ETag"]


def revoked(contact):
    before = path(contact)
    edit(contact, calendar_serial=2)
    return before


def switched_off(contact):
    edit(contact, active=False)
    return path(contact)


@pytest.mark.parametrize(
    "address",
    [
        pytest.param(revoked, id="revoked"),
        pytest.param(switched_off, id="switched off"),
        pytest.param(lambda contact: "calendar.ics?token=abc", id="wrong"),
        pytest.param(lambda contact: "calendar.ics?token=%00", id="NUL"),
        pytest.param(lambda contact: "calendar.ics?token=", id="empty"),
        pytest.param(lambda contact: "calendar.ics", id="absent"),
    ],
)
def test_closed_calendar_never_says_why(get, contact, address):
    assert get(address(contact), 404, accept="text/calendar") == PROBLEM


def test_signed_in_person_needs_the_token_too(get, staff_client, contact):
    assert get("calendar.ics", 404) == PROBLEM


def test_unknown_parameter_is_refused(get, contact):
    assert list(get(f"{path(contact)}&page=1", 400)["errors"]) == ["page"]


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_calendar_is_only_read(fetch, contact, method):
    assert fetch(contact, method).status_code == 405


def test_calendar_that_has_not_changed_is_not_sent_again(fetch, contact, wave):
    first = fetch(contact)
    with CaptureQueriesContext(connection) as queries:
        again = fetch(contact, if_none_match=first["ETag"])
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert again["Cache-Control"] == "private, no-cache"
    assert len(queries) == 2
    edit(wave, cutover="R9.2.15")
    assert fetch(contact, if_none_match=first["ETag"]).status_code == 200


def test_two_contacts_have_two_etags(fetch, contact):
    other = ContactFactory(ministry=contact.ministry)
    assert fetch(contact)["ETag"] != fetch(other)["ETag"]


def test_queries_do_not_grow_with_the_waves(fetch, contact):
    counts = []
    for size in (1, 5):
        for _ in range(size):
            WaveFactory(rollout=RolloutFactory(lead_ministry=contact.ministry))
        with CaptureQueriesContext(connection) as queries:
            fetch(contact)
        counts.append(len(queries))
    assert counts == [4, 4]


def test_token_stays_out_of_the_log(client, contact, caplog):
    before = revoked(contact)
    with caplog.at_level(logging.DEBUG, logger="django.request"):
        client.get(f"/api/v1/{before}")
    assert [record.getMessage() for record in caplog.records] == ["Not Found: /api/v1/calendar.ics"]
