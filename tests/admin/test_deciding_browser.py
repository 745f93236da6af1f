"""Decisions about mails in a real browser: without JavaScript, at two widths, by axe's rules."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone

from rollout.models import PlanVersion, Reminder, Wave
from tests.admin.edits import url
from tests.answers import make_reminder
from tests.browser import content_width, look
from tests.conftest import SEED_NOW

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seeded")]


@pytest.fixture
def reminder():
    """A mail whose sending was cut off."""
    note = "送信中に処理が途切れました。届いたか確認してください。"
    wave = Wave.objects.get(code="nta-1")
    return make_reminder(wave, state="unknown", state_note=note, claimed_at=SEED_NOW, due_at=SEED_NOW)


def check(page, width):
    assert content_width(page) == width
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


def test_mail_is_taken_as_arrived_without_javascript(open_page, reminder):
    page = open_page(1280, url(reminder), java_script_enabled=False)
    look(page, "decision-row")
    page.get_by_role("button", name="届いたものとして扱う").click()
    page.get_by_role("button", name="届いたものとして扱う（1件）").click()
    page.get_by_text("1件について「届いたものとして扱う」を記録しました。").wait_for()
    look(page, "decision-list")
    assert (Reminder.objects.get().state, page.said) == ("sent", [])


@pytest.mark.parametrize("width", [1280, 390])
def test_confirmation_of_a_decision_fits(open_page, reminder, width):
    page = open_page(width, url(reminder), bypass_csp=True)
    page.get_by_role("button", name="もう一度送る").click()
    page.get_by_role("button", name="もう一度送る（1件）").wait_for()
    look(page, f"decision-{width}")
    check(page, width)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("what", ["tick", "mail"])
def test_banner_fits(open_page, reminder, time_machine, width, what):
    if what == "mail":
        time_machine.move_to("2026-11-24T01:30:00Z")
        PlanVersion.objects.update(ticked_at=timezone.now())
        Reminder.objects.update(state="due")
    page = open_page(width, "/", bypass_csp=True)
    page.locator(".notice-lagging").wait_for()
    look(page, f"banner-{what}-{width}")
    check(page, width)
