"""The confirmation page in a real browser: without JavaScript, at two widths, by keyboard, by axe's rules."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe

from rollout.models import Rollout, Wave
from tests.admin.edits import REASON, url
from tests.browser import content_width, look

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seeded")]


def rollout():
    return Rollout.objects.get(code="nta")


def send(page, label, value):
    page.get_by_label(label, exact=True).fill(value)
    page.get_by_label("変更理由").fill(REASON)
    page.get_by_role("button", name="保存", exact=True).click()
    page.get_by_role("heading", name=re.compile("変更の確認")).wait_for()


def test_edit_is_confirmed_without_javascript(open_page):
    page = open_page(1280, url(rollout()), java_script_enabled=False)
    send(page, "人数（全体）:", "70000")
    assert rollout().users == 68_600
    page.get_by_role("button", name="入力に戻る").click()
    assert page.get_by_label("人数（全体）:", exact=True).input_value() == "70000"
    assert page.get_by_label("変更理由").input_value() == REASON
    page.get_by_role("button", name="保存", exact=True).click()
    page.get_by_role("button", name="この内容で保存").click()
    page.get_by_text("変更しました").wait_for()
    assert (rollout().users, page.said) == (70_000, [])


def test_edit_is_confirmed_by_keyboard(open_page):
    page = open_page(1280, url(Wave.objects.get(code="nta-1")))
    send(page, "切替:", "R8.9")
    page.get_by_role("button", name="この内容で保存").focus()
    page.keyboard.press("Tab")
    assert page.locator(":focus").get_attribute("value") == "入力に戻る"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    page.get_by_text("変更しました").wait_for()
    assert Wave.objects.get(code="nta-1").cutover.text == "R8.9"


@pytest.mark.parametrize("width", [1280, 390])
def test_confirmation_fits_and_has_no_axe_violations(open_page, width):
    page = open_page(width, url(rollout()), bypass_csp=True)
    look(page, f"rollout-{width}")
    send(page, "人数（全体）:", "70000")
    look(page, f"confirmation-{width}")
    assert content_width(page) == width
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
