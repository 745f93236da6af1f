"""Decisions about mails in a real browser: without JavaScript, at two widths, by axe's rules."""

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone

from rollout.models import PlanVersion, Reminder, Wave
from tests.admin.edits import url
from tests.answers import make_reminder
from tests.browser import chromium
from tests.conftest import SEED_NOW

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seeded")]


@pytest.fixture(autouse=True)
def _allowed(monkeypatch, transactional_db):
    """Playwright runs an event loop, in which Django forbids its database unless told otherwise."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")


@pytest.fixture
def reminder():
    """A mail whose sending was cut off."""
    note = "送信中に処理が途切れました。届いたか確認してください。"
    wave = Wave.objects.get(code="nta-1")
    return make_reminder(wave, state="unknown", state_note=note, claimed_at=SEED_NOW, due_at=SEED_NOW)


@pytest.fixture
def open_at(live_server, staff_client):
    """Opens a page, signed in."""
    cookie = staff_client.cookies[django_settings.SESSION_COOKIE_NAME].value
    with chromium() as open_empty:

        def open_page(width, path, **options):
            page = open_empty(width, **options)
            session = {"name": django_settings.SESSION_COOKIE_NAME, "value": cookie}
            page.context.add_cookies([{**session, "url": live_server.url}])
            page.goto(live_server.url + path)
            return page

        yield open_page
        connection.close()  # rows read while Playwright's loop runs came over a connection of their own


def look(page, name):
    """Keep a picture, for who wants to see it."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def check(page, width):
    assert page.evaluate("document.documentElement.scrollWidth") == width
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


def test_mail_is_taken_as_arrived_without_javascript(open_at, reminder):
    page = open_at(1280, url(reminder), java_script_enabled=False)
    look(page, "decision-row")
    page.get_by_role("button", name="届いたものとして扱う").click()
    page.get_by_role("button", name="届いたものとして扱う（1件）").click()
    page.get_by_text("1件について「届いたものとして扱う」を記録しました。").wait_for()
    look(page, "decision-list")
    assert (Reminder.objects.get().state, page.said) == ("sent", [])


@pytest.mark.parametrize("width", [1280, 390])
def test_confirmation_of_a_decision_fits(open_at, reminder, width):
    page = open_at(width, url(reminder), bypass_csp=True)
    page.get_by_role("button", name="もう一度送る").click()
    page.get_by_role("button", name="もう一度送る（1件）").wait_for()
    look(page, f"decision-{width}")
    check(page, width)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("what", ["tick", "mail"])
def test_banner_fits(open_at, reminder, time_machine, width, what):
    if what == "mail":
        time_machine.move_to("2026-11-24T01:30:00Z")
        PlanVersion.objects.update(ticked_at=timezone.now())
        Reminder.objects.update(state="due")
    page = open_at(width, "/", bypass_csp=True)
    page.locator(".notice-lagging").wait_for()
    look(page, f"banner-{what}-{width}")
    check(page, width)
