"""The answer page in a real browser: by keyboard, without JavaScript, at two widths, by axe's rules."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.db import connection
from django.utils import timezone

from rollout.domain.dates import FuzzyDate, parse
from rollout.models import Reminder, Wave
from rollout.outbox.links import answer_url
from tests.answers import sent_reminder
from tests.browser import chromium, content_width, look

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seeded")]


@pytest.fixture(autouse=True)
def _allowed(monkeypatch, transactional_db):
    """Playwright runs an event loop, in which Django forbids its database unless told otherwise."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")


@pytest.fixture
def reminder():
    """A mail about 国税庁, whose cutover is the month that goes on."""
    wave = Wave.objects.get(code="nta-1")
    wave.cutover = "R8.11"
    wave.save()
    return sent_reminder(wave)


@pytest.fixture
def open_link(live_server, settings, reminder):
    """Opens the link of the mail."""
    settings.SITE_URL, settings.PUBLIC_READ = live_server.url, False
    with chromium() as open_empty:

        def open_at(width, **options):
            page = open_empty(width, **options)
            assert page.goto(answer_url(reminder.pk)).status == 200
            return page

        yield open_at
        connection.close()  # rows read while Playwright's loop runs came over a connection of their own


def stored():
    row = Reminder.objects.select_related("wave").get()
    return row.acknowledged_at is not None, row.wave.confirmed_on, row.wave.status, row.wave.cutover.text


@pytest.mark.parametrize("width", [1280, 390])
def test_page_is_answered_without_javascript(open_link, width):
    page = open_link(width, java_script_enabled=False)
    look(page, f"answer-{width}")
    page.get_by_role("button", name="受け取りました").click()
    page.get_by_text("受け取ったことを記録しました。").wait_for()
    page.get_by_role("button", name=re.compile("日程確認")).click()
    page.get_by_text("日程確認を記録しました。").wait_for()
    assert stored() == (True, timezone.localdate(), "planned", "R8.11")
    page.get_by_label("実際に利用を開始した日").fill("R8.11")
    page.get_by_role("button", name="利用を開始しました").click()
    page.get_by_text("実際に利用を始めた日を").wait_for()
    look(page, f"answer-wrong-{width}")
    assert page.get_by_label("実際に利用を開始した日").input_value() == "R8.11"
    page.get_by_label("実際に利用を開始した日").fill("R8.11.20")
    page.get_by_role("button", name="利用を開始しました").click()
    page.get_by_text("利用開始を記録しました。").wait_for()
    look(page, f"answer-done-{width}")
    assert stored() == (True, timezone.localdate(), "in_use", "R8.11.20")
    assert [line for line in page.said if "400 (Bad Request)" not in line] == []


def test_page_is_answered_by_keyboard(open_link):
    page = open_link(1280)
    seen = []
    while "この予定のまま" not in (seen[-1] if seen else ""):
        page.keyboard.press("Tab")
        seen.append(page.locator(":focus").inner_text())
    assert (seen[0], seen[-2]) == ("本文へ移動", "受け取りました")
    page.keyboard.press("Enter")
    page.get_by_text("日程確認を記録しました。").wait_for()
    page.keyboard.press("Tab")
    assert stored()[:2] == (True, timezone.localdate())


@pytest.mark.parametrize("width", [1280, 390])
def test_page_fits_and_has_no_axe_violations(open_link, reminder, width):
    page = open_link(width, bypass_csp=True)
    check(page, width)
    page.get_by_label("実際に利用を開始した日").fill("きのう")
    page.get_by_role("button", name="利用を開始しました").click()
    page.get_by_text("日付として読めません").wait_for()
    check(page, width)
    Wave.objects.filter(pk=reminder.wave_id).update(cutover="R9.2.1", **bounds("R9.2.1"), cutover_version=9)
    page.goto(answer_url(reminder.pk))
    page.get_by_role("heading", name="メールでお知らせした内容から変わりました").wait_for()
    look(page, f"answer-moved-{width}")
    check(page, width)


def bounds(text):
    cutover: FuzzyDate = parse(text)
    return {
        "cutover_earliest": cutover.earliest,
        "cutover_latest": cutover.latest,
        "cutover_precision": "day",
    }


def check(page, width):
    assert content_width(page) == width
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize("width", [1280, 390])
def test_page_of_a_wrong_link_fits(open_link, reminder, width):
    page = open_link(width, bypass_csp=True)
    assert page.goto(answer_url(reminder.pk)[:-3] + "/").status == 404
    look(page, f"answer-unknown-{width}")
    check(page, width)
