"""The front page while it stays open: it says when there are newer figures, and keeps the reader's place."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from rollout.recompute import recompute
from tests.api.edits import move
from tests.browser import chromium

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seeded")]

NEWER = "新しい数字があります"
AWAY = "サーバーに届かないため、下の数字は新しくなりません"


@pytest.fixture
def front(monkeypatch, settings, live_server, transactional_db):
    """The page, opened with a clock of its own that tests move on."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    settings.PUBLIC_READ = True
    with chromium() as open_empty:
        page = open_empty(1280)
        page.clock.install()
        page.goto(live_server.url)
        yield page


def postpone():
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        move("nta-1", "R9.6")
        recompute()


def a_minute_later(page):
    with page.expect_response(lambda answer: answer.url.endswith("/")):
        page.clock.run_for(61_000)


def test_same_figures_are_not_announced(front):
    a_minute_later(front)
    assert front.locator(".live").count() == 0
    assert front.said == []


def test_newer_figures_are_announced_and_shown_where_the_reader_is(front):
    front.get_by_text("図の数字を表で見る").click()
    front.locator("#undated-heading").evaluate("heading => heading.scrollIntoView()")
    postpone()
    a_minute_later(front)
    front.get_by_text(NEWER).wait_for()
    front.locator(".live button").evaluate("button => button.click()")  # Playwright would scroll before
    assert front.locator(".lead").inner_text().startswith("R8年度末の見込みは 83,400人")
    assert front.locator("#curve-heading ~ details").get_attribute("open") == ""
    assert abs(front.locator("#undated-heading").bounding_box()["y"]) < 60
    assert front.locator(".live").count() == 0


def test_server_that_is_away_is_announced(front):
    front.route("**/*", lambda route: route.abort())
    front.clock.run_for(61_000)
    front.get_by_text(AWAY).wait_for()
    assert front.locator(".live button").count() == 0


@pytest.mark.parametrize(
    ("seconds", "said"), [(190, "（4分前）"), (3 * 3600, "（3時間前）"), (50 * 3600, "（2日前）")]
)
def test_age_of_the_figures_is_said(front, seconds, said):
    computed = "document.querySelector('[data-computed]').dataset.computed"
    front.evaluate(f"{computed} = new Date(Date.now() - {seconds} * 1000).toISOString()")
    a_minute_later(front)
    assert front.locator(".age").inner_text() == said


def test_page_of_the_past_stays_as_it_is(front, live_server):
    day = timezone.localdate().isoformat()
    front.goto(f"{live_server.url}/?as_of={day}")
    assert front.locator("script[src]").count() == 0
