"""The page that promotes a scenario in a real browser: without JavaScript, at two widths, by axe's rules."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse

from rollout.models import Scenario
from tests.api.edits import move
from tests.browser import content_width
from tests.rollout.what_ifs import suppose

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seeded")]


@pytest.fixture
def path(seeded):
    """The page of a scenario whose plan has moved."""
    scenario = suppose(("nta", "cutover", "R9.6"), ("nta", "users", "70,000"))
    move("nta-1", "R8.7~")
    return reverse("admin:rollout_scenario_promote", args=[scenario.pk])


@pytest.mark.parametrize("width", [1280, 390])
def test_promotion_is_sound_by_axe_and_does_not_overflow(open_page, path, width):
    page = open_page(width, path, bypass_csp=True)
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    assert (content_width(page), page.said) == (width, [])


def test_promotion_works_without_javascript(open_page, path):
    page = open_page(390, path, java_script_enabled=False)
    page.get_by_label("反映する理由").fill("推進会議で了承")
    page.get_by_role("button", name="計画に反映する").click()
    assert page.get_by_text("を計画に反映しました。").is_visible()
    assert Scenario.objects.get().state == "promoted"
