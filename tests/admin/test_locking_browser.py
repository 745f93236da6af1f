"""Two people at one row, each in a real browser: at two widths, without JavaScript, by axe's rules."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.admin.edits import url, wave
from tests.browser import content_width, look

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seeded")]

WHY = "9月3日 国税庁からの連絡"


def send(page, **typed):
    for label, text in typed.items():
        page.get_by_label(f"{label}:", exact=True).fill(text)
    page.get_by_label("変更理由").fill(WHY)
    page.get_by_role("button", name="保存", exact=True).click()


def confirm(page):
    page.get_by_role("button", name="この内容で保存").click()
    page.get_by_text("変更しました").wait_for()


@pytest.mark.parametrize("width", [1280, 390])
def test_second_of_two_people_sees_the_firsts_change_and_saves_again(open_page, width):
    second = open_page(width, url(wave()), java_script_enabled=width == 1280, bypass_csp=True)
    first = open_page(width, url(wave()))
    send(first, 切替="R8.9")
    confirm(first)
    send(second, 切替="R8.10", 備考="説明会は7月")
    second.get_by_role("heading", name="ほかの人がこの内容を変更しました").wait_for()
    look(second, f"clash-{width}")
    assert content_width(second) == width
    if width == 1280:
        results = Axe().run(second, context="section.clash")
        assert results.violations_count == 0, results.generate_report()
    assert wave().cutover.text == "R8.9"
    send(second)
    confirm(second)
    assert (wave().cutover.text, wave().note, second.said) == ("R8.10", "説明会は7月", [])
