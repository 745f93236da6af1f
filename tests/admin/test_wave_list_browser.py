"""The working list in a real browser: at two widths, by axe's rules, and narrowed without JavaScript."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse

from rollout import outbox
from tests.admin.edits import wave
from tests.browser import content_width, look
from tests.factories import ContactFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seeded")]

LIST = reverse("admin:rollout_wave_changelist")


@pytest.mark.parametrize("width", [1280, 390])
def test_list_fits_and_has_no_axe_violations(open_page, width):
    ContactFactory(ministry=wave().rollout.lead_ministry)
    outbox.plan_reminders()
    page = open_page(width, LIST, bypass_csp=True)
    look(page, f"waves-{width}")
    assert content_width(page) == width
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


def test_list_is_narrowed_without_javascript(open_page):
    page = open_page(1280, LIST, java_script_enabled=False)
    page.get_by_role("link", name="90日以内").click()
    page.get_by_text("この一覧の人数の合計").wait_for()
    assert (page.locator("#result_list tbody tr").count(), page.said) == (2, [])
