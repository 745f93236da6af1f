"""The page that promotes a scenario in a real browser: without JavaScript, at two widths, by axe's rules."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.db import connection
from django.urls import reverse

from rollout.models import Scenario
from tests.api.edits import move
from tests.browser import chromium
from tests.rollout.what_ifs import suppose

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seeded")]


@pytest.fixture
def open_page(live_server, staff_client, monkeypatch):
    """Opens the page of a scenario whose plan has moved, signed in, at a width."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright runs an event loop
    scenario = suppose(("nta", "cutover", "R9.6"), ("nta", "users", "70,000"))
    move("nta-1", "R8.7~")
    session = {"name": "sessionid", "value": staff_client.cookies["sessionid"].value, "url": live_server.url}
    with chromium() as open_empty:

        def open_at(width, **options):
            page = open_empty(width, **options)
            page.context.add_cookies([session])
            path = reverse("admin:rollout_scenario_promote", args=[scenario.pk])
            assert page.goto(live_server.url + path).status == 200
            return page

        yield open_at
        connection.close()  # rows read while Playwright's loop runs came over a connection of their own


@pytest.mark.parametrize("width", [1280, 390])
def test_promotion_is_sound_by_axe_and_does_not_overflow(open_page, width):
    page = open_page(width, bypass_csp=True)
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    assert (page.evaluate("document.documentElement.scrollWidth"), page.said) == (width, [])


def test_promotion_works_without_javascript(open_page):
    page = open_page(390, java_script_enabled=False)
    page.get_by_label("反映する理由").fill("推進会議で了承")
    page.get_by_role("button", name="計画に反映する").click()
    assert page.get_by_text("を計画に反映しました。").is_visible()
    assert Scenario.objects.get().state == "promoted"
