"""The page that changes many waves in a real browser: without JavaScript, at two widths, by axe's rules."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse

from rollout.models import Wave
from tests.browser import content_width, look

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seeded")]

LIST = reverse("admin:rollout_wave_changelist") + "?q=財務"


def choose(page):
    """From the list to the page that asks."""
    for box in page.locator("input[name=_selected_action]").all():
        box.check()
    page.get_by_label("操作").select_option(label="選んだ移行単位をまとめて変更…")
    page.get_by_role("button", name="実行").click()
    page.get_by_label("変更する理由").wait_for()


def fill(page):
    """From there to the page that shows what it does."""
    page.get_by_label("切替を、月数だけずらす").check()
    page.get_by_label("月数:").fill("3")
    page.get_by_label("変更する理由").fill("9月3日 PMO会議")
    page.get_by_role("button", name="影響を確認する").click()
    page.get_by_role("heading", name="見込みへの影響").wait_for()


@pytest.mark.parametrize("width", [1280, 390])
def test_pages_fit_and_have_no_axe_violations(open_page, width):
    page = open_page(width, LIST, bypass_csp=True)
    for step in (choose, fill):
        step(page)
        look(page, f"bulk-{step.__name__}-{width}")
        results = Axe().run(page)
        assert results.violations_count == 0, results.generate_report()
        assert (content_width(page), page.said) == (width, [])


def test_waves_are_rescheduled_without_javascript(open_page):
    page = open_page(390, LIST, java_script_enabled=False)
    choose(page)
    fill(page)
    page.get_by_role("button", name="まとめて変更する").click()
    page.get_by_text("2件を変更しました。").wait_for()
    assert Wave.objects.get(code="mof-1").cutover.text == "R9.9~"
