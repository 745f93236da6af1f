"""A real Chromium, Japanese and in Tokyo, that talks to this machine alone."""

from contextlib import contextmanager

from playwright.sync_api import sync_playwright

from tests.conftest import CHROMIUM

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
FLAGS += ["--disable-background-networking", "--disable-component-update"]


@contextmanager
def chromium():
    """Yield a function that opens an empty page of a width; what its console says is in `page.said`."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)

        def open_page(width, **options):
            context = browser.new_context(
                locale="ja-JP", timezone_id="Asia/Tokyo", viewport={"width": width, "height": 844}, **options
            )
            page = context.new_page()
            page.said = []
            page.on("console", lambda message: page.said.append(message.text))
            return page

        yield open_page
        browser.close()
