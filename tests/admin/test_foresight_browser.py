"""The look ahead and the reasons in a real browser: two widths, without JavaScript, by keyboard, by axe."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse

from rollout import outbox
from rollout.management.commands.up import make_example_contacts
from tests.browser import content_width, look

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seeded")]

ADDRESS = "local-finance-bureaus@example.go.jp"
PAGES = {
    "lookahead": reverse("admin:rollout_reminder_lookahead") + f"?address={ADDRESS}",
    "why": reverse("admin:rollout_reminder_why"),
}


@pytest.fixture(autouse=True)
def _ledger(seeded):
    """The plan has contacts and a ledger."""
    make_example_contacts()
    outbox.plan_reminders()


def ask(page):
    page.get_by_label("宛先（メールアドレス）").fill(ADDRESS)
    page.get_by_label("移行単位").fill("local-finance-bureaus-1")
    page.get_by_role("button", name="調べる").click()
    page.get_by_role("heading", name=ADDRESS).wait_for()


@pytest.mark.parametrize("width", [1280, 390])
def test_lookahead_is_sound_by_axe_and_does_not_overflow(open_page, width):
    page = open_page(width, PAGES["lookahead"], bypass_csp=True)
    page.locator("summary").first.click()
    assert page.locator("pre").first.is_visible()
    look(page, f"lookahead-{width}")
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    assert (content_width(page), page.said) == (width, [])


@pytest.mark.parametrize("width", [1280, 390])
def test_why_is_sound_by_axe_and_does_not_overflow(open_page, width):
    page = open_page(width, PAGES["why"], bypass_csp=True)
    ask(page)
    look(page, f"why-{width}")
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    assert (content_width(page), page.said) == (width, [])


def test_lookahead_works_without_javascript(open_page):
    page = open_page(390, PAGES["lookahead"], java_script_enabled=False)
    page.get_by_label("いつまで").fill("R8.12")
    page.get_by_role("button", name="表示").click()
    page.locator("summary").first.click()
    assert page.locator("pre").first.is_visible()
    assert page.get_by_role("status").inner_text() == "38日間（2026年12月31日まで）で4通"


def test_why_works_without_javascript(open_page):
    page = open_page(390, PAGES["why"], java_script_enabled=False)
    ask(page)
    assert page.locator("dd", has_text="2026年12月28日 09:00に送る予定です。").count() == 1


def test_text_unfolds_by_keyboard(open_page):
    page = open_page(1280, PAGES["lookahead"])
    page.get_by_role("button", name="表示").focus()
    page.keyboard.press("Tab")
    assert page.locator(":focus").evaluate("element => element.tagName") == "SUMMARY"
    page.keyboard.press("Enter")
    assert page.locator("pre").first.is_visible()
