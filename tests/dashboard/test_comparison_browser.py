"""The comparison in a real browser: without JavaScript, at three widths, by keyboard, by axe's rules."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from rollout.models import Wave
from tests.browser import chromium, content_width
from tests.factories import BaselineFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seeded")]


@pytest.fixture(autouse=True)
def _allowed(monkeypatch, transactional_db):
    """Playwright runs an event loop, in which Django forbids its database unless told otherwise."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")


@pytest.fixture
def open_page(live_server):
    """Opens the page at a width, with a baseline from which 国税庁 has moved."""
    BaselineFactory(code="budget", label="R8概算要求時点")
    wave = Wave.objects.get(code="nta-1")
    wave.cutover = "R9.6"
    wave.save()
    with chromium() as open_empty:

        def open_at(width, query="?baseline=budget", **options):
            page = open_empty(width, **options)
            assert page.goto(f"{live_server.url}/comparison/{query}").status == 200
            return page

        yield open_at


@pytest.mark.parametrize(("width", "shown", "hidden"), [(1280, "wide", "narrow"), (390, "narrow", "wide")])
def test_comparison_reads_without_javascript(open_page, width, shown, hidden):
    page = open_page(width, java_script_enabled=False)
    assert page.locator(f".chart-{shown}").is_visible()
    assert not page.locator(f".chart-{hidden}").is_visible()
    assert page.said == []


@pytest.mark.parametrize("width", [1280, 390, 320])
def test_comparison_does_not_overflow(open_page, width):
    page = open_page(width)
    assert content_width(page) == width
    assert page.said == []


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("query", ["?baseline=budget", ""], ids=["compared", "choice"])
def test_comparison_has_no_axe_violations(open_page, width, query):
    results = Axe().run(open_page(width, query, bypass_csp=True))
    assert results.violations_count == 0, results.generate_report()


def test_baseline_is_chosen_by_keyboard(open_page):
    page = open_page(1280, "", java_script_enabled=False)
    page.get_by_label("基準計画と今の計画を比べる").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/comparison/?baseline=budget")
    assert page.get_by_role("heading", name="R8年度末の差の内訳").is_visible()
