"""The change log and the history of a row in a real browser: at two widths, by axe, without JavaScript."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse

from rollout import actions
from tests.admin.edits import url, wave
from tests.browser import content_width, look

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seeded")]

LOG = reverse("admin:rollout_changes")


@pytest.fixture(autouse=True)
def _moved(seeded):
    """国税庁 was moved twice."""
    for cutover in ("R8.9", "R8.10"):
        row = wave()
        row.cutover = cutover
        actions.save_row(row=row, actor=None, reason="国税庁からの連絡")


def checked(page, width, name):
    look(page, f"{name}-{width}")
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    assert (content_width(page), page.said) == (width, [])


@pytest.mark.parametrize("width", [1280, 390])
def test_pages_fit_and_have_no_axe_violations(open_page, width):
    page = open_page(width, f"{LOG}?why=連絡", bypass_csp=True)
    checked(page, width, "log")
    page.get_by_role("link", name="国税庁", exact=True).first.click()
    page.get_by_label("比べる版A").last.check()
    page.get_by_label("比べる版B").first.check()
    page.get_by_role("button", name="選んだ2つの版を比べる").click()
    page.get_by_role("heading", name="の版の違い").wait_for()
    checked(page, width, "compared")


def test_version_is_restored_without_javascript(open_page):
    page = open_page(390, url(wave(), "history"), java_script_enabled=False)
    page.get_by_role("link", name="この版に戻す…").nth(1).click()
    page.get_by_text("の版の内容を入れました").wait_for()
    page.get_by_role("button", name="保存", exact=True).click()
    page.get_by_role("button", name="この内容で保存").click()
    page.get_by_text("変更しました").wait_for()
    assert (wave().cutover.text, wave().history.count()) == ("R8.9", 4)
