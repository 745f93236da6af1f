"""The page of the new document in a real browser: without JavaScript, at two widths, by axe's rules."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from rollout.models import Rollout
from tests.admin.test_document import LIST, NEW
from tests.browser import content_width, look

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seeded")]

TITLES = {
    "題名": "title",
    "発行者": "publisher",
    "公表日": "published_on",
    "出典のコード": "source_code",
    "これまでの計画を残す名前": "baseline_label",
    "基準計画のコード": "baseline_code",
    "変更する理由": "reason",
}


def fill(page):
    """From the list to the page that shows what moving 法務省 into the first cohort does."""
    page.get_by_role("link", name="新しい資料を反映").click()
    for label, name in TITLES.items():
        page.get_by_label(f"{label}:", exact=True).fill(NEW[name])
    first, second = (page.locator(f"#id_entries-{number}-members") for number in (0, 1))
    first.fill(first.input_value() + "\nmoj 法務省")
    second.fill(second.input_value().replace("moj 法務省（一部）", ""))


def check(page):
    page.get_by_role("button", name="影響を確認する").click()
    page.get_by_role("heading", name="見込みへの影響").wait_for()


@pytest.mark.parametrize("width", [1280, 390])
def test_pages_fit_and_have_no_axe_violations(open_page, width):
    page = open_page(width, LIST, bypass_csp=True)
    for step in (fill, check):
        step(page)
        look(page, f"document-{step.__name__}-{width}")
        results = Axe().run(page)
        assert results.violations_count == 0, results.generate_report()
        assert (content_width(page), page.said) == (width, [])


def test_document_is_put_into_force_without_javascript(open_page):
    page = open_page(390, LIST, java_script_enabled=False)
    fill(page)
    check(page)
    page.get_by_role("button", name="計画に反映する").click()
    page.get_by_text("「令和9年度予算」を計画に反映しました").wait_for()
    assert Rollout.objects.get(code="moj").cohort.code == "in-use"
