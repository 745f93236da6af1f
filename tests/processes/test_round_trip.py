"""What a PMO clerk does: move a cutover in the admin, and see page and API follow."""

import re

import pytest

from tests.browser import chromium
from tests.processes.conftest import fetch, wait_until

pytestmark = pytest.mark.browser


@pytest.fixture
def admin_page(server, checkout):
    """The admin, signed in with the password that the first start printed."""
    process = server()
    password = re.search(r"パスワード (\S+)\n", (checkout / "server.log").read_text())[1]
    with chromium() as open_page:
        page = open_page(1280)
        page.base = process.url
        page.goto(f"{process.url}/admin/")
        page.get_by_label("ユーザー名").fill("admin")
        page.get_by_label("パスワード").fill(password)
        page.get_by_role("button", name="ログイン").click()
        yield page


def figures(page):
    answer = fetch(f"{page.base}/api/v1/projection/")
    points = {point["period"]: point["cumulative"] for point in answer["points"]}
    return answer["stale"], points["2026-06"], points["2026-09"]


def open_wave(page, name):
    page.goto(f"{page.base}/admin/rollout/wave/?q={name}")
    page.get_by_role("rowheader", name=name).get_by_role("link").click()


def save(page):
    page.get_by_role("button", name="保存", exact=True).click()


def test_moving_a_cutover_in_the_admin_moves_page_and_api(admin_page):
    page = admin_page
    assert figures(page) == (False, 141_189, 145_312)
    open_wave(page, "国税庁")
    page.get_by_label("切替:", exact=True).fill("R8.9")
    page.get_by_label("変更理由").fill("9月への延期の連絡（電話）")
    save(page)
    assert figures(page) == (False, 141_189, 145_312)
    page.get_by_role("button", name="この内容で保存").click()
    wait_until(lambda: figures(page) == (False, 141_189 - 68_600, 145_312), lambda: figures(page), seconds=5)
    page.goto(page.base)
    assert page.get_by_role("main").get_by_text("R8.9").count() > 0
    assert page.said == []


def test_a_date_that_does_not_exist_is_refused_and_changes_nothing(admin_page):
    page = admin_page
    open_wave(page, "国税庁")
    page.get_by_label("切替:", exact=True).fill("R8.13")
    page.get_by_label("変更理由").fill("打ち間違い")
    save(page)
    assert page.locator(".errorlist").first.inner_text() != ""
    assert page.get_by_label("切替:", exact=True).input_value() == "R8.13"
    assert figures(page) == (False, 141_189, 145_312)
