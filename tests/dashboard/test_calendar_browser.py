"""A crowded calendar in a real browser: without JavaScript, at four widths, by axe's rules, on paper."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe

from ministries.models import Ministry
from rollout.models import Rollout
from rollout.recompute import recompute
from tests.browser import chromium, content_width, look
from tests.factories import FreezePeriodFactory, MonthlyLimitFactory, WaveFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seeded")]

WAVES = [
    ("R8.5.20", "in_use"),
    ("R8.9", "cancelled"),
    ("R9.2.15", "preparing"),
    ("R8年度第3四半期", "planned"),
    ("R8年度", "migrating"),
    ("R8年", "planned"),
    ("R9.1以降", "under_review"),
    *[("R9.2", "planned")] * 5,
    ("検討中", "under_review"),
]


@pytest.fixture(autouse=True)
def _allowed(monkeypatch, transactional_db):
    """Playwright runs an event loop, in which Django forbids its database unless told otherwise."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")


@pytest.fixture
def open_page(live_server):
    """Opens the calendar at a width: 法務省 has all that can be drawn, and February 2027 is too full."""
    law = Rollout.objects.get(code="moj")
    law.coverages.create(ministry=Ministry.objects.get(code="cabinet-secretariat"))
    for number, (cutover, status) in enumerate(WAVES, 2):
        WaveFactory(rollout=law, name=f"第{number}陣", cutover=cutover, status=status, users=100)
    FreezePeriodFactory(ministry=None, label="年末年始", first_day="2026-12-29", last_day="2027-01-03")
    FreezePeriodFactory(ministry=law.lead_ministry, first_day="2026-02-01", last_day="2026-05-15")
    MonthlyLimitFactory(from_fiscal_year=2026, users=50_000, cutovers=2)
    recompute()
    with chromium() as open_empty:

        def open_at(width, query="", **options):
            page = open_empty(width, **options)
            page.goto(f"{live_server.url}/calendar/{query}")
            look(page, f"calendar-{width}")
            return page

        yield open_at


def region_of(page):
    return page.get_by_role("region", name="R8年度のカレンダーの表")


@pytest.mark.parametrize("width", [1280, 768, 390, 320])
def test_table_scrolls_in_its_region_and_the_page_does_not(open_page, width):
    page = open_page(width, java_script_enabled=False)
    is_wider = region_of(page).evaluate("region => region.scrollWidth > region.clientWidth")
    assert (content_width(page), is_wider, page.said) == (width, width < 1280, [])


def test_ministries_stay_in_view_while_the_months_move(open_page):
    page = open_page(390)
    heading = page.get_by_role("rowheader", name="経済産業省")
    before = heading.bounding_box()["x"]
    region_of(page).evaluate("region => region.scrollLeft = 500")
    assert heading.bounding_box()["x"] == before == 16


def test_link_brings_this_month_into_view(open_page):
    page = open_page(390, java_script_enabled=False)
    page.get_by_role("link", name="今月の列へ").click()
    month = page.get_by_role("columnheader", name="R8.11").bounding_box()
    ministries = page.get_by_role("rowheader", name="経済産業省").bounding_box()
    next_month = page.get_by_role("columnheader", name="R8.12").bounding_box()
    assert ministries["x"] + ministries["width"] <= month["x"] < next_month["x"] < 390 - 16


def test_months_and_load_stay_in_view_in_a_long_table(open_page):
    page = open_page(1280)
    names = [("columnheader", "R8.11"), ("rowheader", "月の切替")]
    places = []
    for top in (100, 300):
        region_of(page).evaluate("(region, top) => region.scrollTop = top", top)
        places.append([page.get_by_role(role, name=name).bounding_box()["y"] for role, name in names])
    assert places[0] == places[1]


@pytest.mark.parametrize(("width", "query"), [(1280, ""), (390, ""), (1280, "?fiscal_year=soon")])
def test_crowded_calendar_has_no_axe_violations(open_page, width, query):
    results = Axe().run(open_page(width, query, bypass_csp=True))
    assert results.violations_count == 0, results.generate_report()


def test_calendar_prints_across(open_page):
    printed = open_page(1280).pdf(prefer_css_page_size=True)
    sheets = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", printed)
    assert {(round(float(width)), round(float(height))) for width, height in sheets} == {(842, 595)}
