"""The pages of signing in in a real browser: without JavaScript, at two widths, by axe's rules."""

from base64 import b32decode

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.db import connection
from django_otp.oath import totp

from tests.browser import chromium, content_width, look

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASSWORD = "correct horse battery"


@pytest.fixture
def open_page(monkeypatch, live_server, settings):
    """Opens the admin's sign-in page at a width, where local accounts need a second factor."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    settings.REQUIRE_TOTP = True
    settings.OIDC_ISSUER = "https://id.example.go.jp"
    User.objects.create_superuser("admin", password=PASSWORD)
    with chromium() as open_empty:

        def open_at(width, **options):
            page = open_empty(width, **options)
            page.goto(live_server.url + "/admin/")
            return page

        yield open_at
        connection.close()


def sign_in(page, password=PASSWORD):
    page.get_by_label("ユーザー名").fill("admin")
    page.get_by_label("パスワード").fill(password)
    page.locator("#login-form input[type=submit]").click()


def set_up(page):
    key = b32decode(page.locator(".secret-url").inner_text().replace(" ", ""))
    page.get_by_label("確認コード").fill(f"{totp(key):06d}")
    page.get_by_role("button", name="確認する").click()
    return page.locator(".codes code").first


def test_second_factor_is_set_up_and_recovered_without_javascript(open_page):
    page = open_page(1280, java_script_enabled=False)
    sign_in(page)
    code = set_up(page).inner_text()
    page.get_by_role("link", name="保管しました").click()
    page.get_by_role("button", name="ログアウト").click()
    sign_in(page)
    page.get_by_label("確認コード").fill(code)
    page.get_by_role("button", name="確認する").click()
    page.get_by_role("button", name="ログアウト").wait_for()
    assert page.said == []


@pytest.mark.parametrize("width", [1280, 390])
def test_pages_fit_and_have_no_axe_violations(open_page, width):
    page = open_page(width, bypass_csp=True)
    check(page, f"signin-{width}")
    sign_in(page)
    check(page, f"enrol-{width}")
    set_up(page).wait_for()
    check(page, f"recovery-codes-{width}")
    page.context.clear_cookies()
    page.goto(page.url.replace("/signin/second-factor/new/", "/admin/"))
    sign_in(page)
    check(page, f"second-factor-{width}")
    page.context.clear_cookies()
    page.goto(page.url.split("/signin/")[0] + "/signin/oidc/callback/?error=denied")
    check(page, f"refused-{width}")
    page.get_by_role("link", name="ログインの画面へ").click()
    for _ in range(5):
        sign_in(page, "wrong")
    check(page, f"locked-out-{width}")


def check(page, name):
    look(page, name)
    assert content_width(page) == page.viewport_size["width"], name
    results = Axe().run(page)
    assert results.violations_count == 0, f"{name}: {results.generate_report()}"
