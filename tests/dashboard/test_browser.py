"""The page in a real browser: without JavaScript, at three widths, under the strict CSP, by axe's rules."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser import chromium, content_width

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seeded")]


@pytest.fixture(autouse=True)
def _public(settings, transactional_db):
    settings.PUBLIC_READ = True


@pytest.fixture(scope="module")
def open_empty():
    """One browser for all of them: to start one takes longer than most tests.

    Playwright runs an event loop, in which Django forbids its database unless told otherwise.
    """
    with pytest.MonkeyPatch.context() as patched, chromium() as opened:
        patched.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield opened


@pytest.fixture
def open_page(open_empty, live_server):
    """Opens the page at a width; it is closed when the test is over."""
    opened = []

    def open_at(width, path="/", **options):
        page = open_empty(width, **options)
        opened.append(page)
        assert page.goto(f"{live_server.url}{path}").status == 200
        return page

    yield open_at
    for page in opened:
        page.context.close()


@pytest.mark.parametrize(("width", "shown", "hidden"), [(1280, "wide", "narrow"), (390, "narrow", "wide")])
def test_page_reads_without_javascript(open_page, width, shown, hidden):
    page = open_page(width, java_script_enabled=False)
    assert page.locator(f".chart-{shown}").first.is_visible()
    assert not page.locator(f".chart-{hidden}").first.is_visible()
    page.get_by_text("図の数字を表で見る").click()
    assert page.get_by_role("rowheader", name="R9.3 2027-03").is_visible()
    assert page.said == []


PATHS = ["/", "/ministries/", "/ministries/cabinet-office/", "/rollouts/nta/"]
PATHS += ["/reconciliation/", "/calendar/", "/slide/"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("width", [1280, 390, 320])
def test_page_does_not_overflow(open_page, width, path):
    page = open_page(width, path)
    assert content_width(page) == width
    assert page.said == []


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("width", [1280, 390])
def test_page_has_no_axe_violations(open_page, width, path):
    page = open_page(width, path, bypass_csp=True)
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize("path", PATHS)
def test_page_in_the_dark_has_no_axe_violations(open_page, path):
    page = open_page(1280, path, bypass_csp=True, color_scheme="dark")
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    results = Axe().run(page)
    assert background == "rgb(26, 26, 26)"
    assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize("path", PATHS)
def test_page_with_wider_text_does_not_overflow(open_page, path):
    """WCAG 1.4.12."""
    page = open_page(390, path, bypass_csp=True)
    wide = "line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important"
    page.add_style_tag(content=f"* {{ {wide} }} p {{ margin-block-end: 2em !important }}")
    assert content_width(page) == 390


def test_page_can_be_walked_by_keyboard(open_page):
    page = open_page(1280)
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "本文へ移動"
    page.keyboard.press("Enter")
    assert page.locator(":focus").get_attribute("id") == "main"


@pytest.mark.parametrize(("path", "sheet"), [("/slide/", (842, 595)), ("/", (595, 842))])
def test_page_prints_on_one_sheet(open_page, path, sheet):
    """As a PDF its pages say how large they are, in points: A4, the slide across."""
    printed = open_page(1280, path).pdf(prefer_css_page_size=True)
    [(width, height)] = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", printed)
    assert (round(float(width)), round(float(height))) == sheet
