"""A real Chromium, Japanese and in Tokyo, that talks to this machine alone."""

import os
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.conftest import CHROMIUM

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
FLAGS += ["--disable-background-networking", "--disable-component-update"]

COMPLAINTS = {"error", "warning"}


@contextmanager
def chromium():
    """Yield a function that opens an empty page of a width; its console's complaints are in `page.said`."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)

        def open_page(width, **options):
            context = browser.new_context(
                locale="ja-JP", timezone_id="Asia/Tokyo", viewport={"width": width, "height": 844}, **options
            )
            page = context.new_page()
            page.said = []
            page.on("console", lambda message: message.type in COMPLAINTS and page.said.append(message.text))
            return page

        yield open_page
        browser.close()


def look(page, name):
    """Wait for the page's end and keep a picture, for who wants to see it."""
    page.wait_for_load_state()
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def content_width(page):
    """The width that a page, loaded to its end, needs; beyond the window's it scrolls sideways."""
    page.wait_for_load_state()
    return page.evaluate("document.documentElement.scrollWidth")
