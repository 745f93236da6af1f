"""The page that merges waves in a real browser: without JavaScript, at two widths, by axe's rules."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse

from rollout.models import Rollout, Wave
from tests.browser import content_width
from tests.factories import WaveFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seeded")]


LIST = reverse("admin:rollout_wave_changelist") + "?q=国税庁"


@pytest.fixture(autouse=True)
def _two_waves(seeded):
    """国税庁 moves in two waves."""
    WaveFactory(rollout=Rollout.objects.get(code="nta"), code="nta-2", name="第2陣", cutover="R9.6")


def choose(page):
    """From the list to the page that asks."""
    for box in page.locator("input[name=_selected_action]").all():
        box.check()
    page.get_by_label("操作").select_option(label="選んだ移行単位を1つに統合…")
    page.get_by_role("button", name="実行").click()
    page.get_by_label("統合する理由").wait_for()


def fill(page):
    """From there to the page that shows what it does."""
    page.get_by_label("第2陣").check()
    page.get_by_label("統合する理由").fill("12月3日 国税庁からの連絡")
    page.get_by_role("button", name="影響を確認する").click()
    page.get_by_role("heading", name="見込みへの影響").wait_for()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("steps", [(choose,), (choose, fill)], ids=["question", "what it does"])
def test_page_is_sound_by_axe_and_does_not_overflow(open_page, width, steps):
    page = open_page(width, LIST, bypass_csp=True)
    for step in steps:
        step(page)
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    assert (content_width(page), page.said) == (width, [])


def test_waves_are_merged_without_javascript(open_page):
    page = open_page(390, LIST, java_script_enabled=False)
    choose(page)
    fill(page)
    page.get_by_role("button", name="統合する").click()
    assert page.get_by_text("国税庁 第2陣（nta-2）に統合しました。").is_visible()
    assert Wave.objects.get(code="nta-1").merged_into.code == "nta-2"
