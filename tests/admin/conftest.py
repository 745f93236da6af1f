"""What the tests of the admin share."""

import pytest
from django.conf import settings
from django.db import connection

from tests.browser import chromium


@pytest.fixture
def _loop_allowed(monkeypatch):
    """Playwright runs an event loop, in which Django forbids its database unless told otherwise."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")


@pytest.fixture
def _worked_here(settings):
    """There is no worker beside a test: what is handed to one is done here, on real servers too."""
    settings.REDIS_URL = ""


@pytest.fixture
def open_page(_loop_allowed, live_server, staff_client):
    """Opens an address in a real browser at a width, signed in as an administrator."""
    name = settings.SESSION_COOKIE_NAME
    session = {"name": name, "value": staff_client.cookies[name].value, "url": live_server.url}
    with chromium() as open_empty:

        def open_at(width, path, **options):
            page = open_empty(width, **options)
            page.context.add_cookies([session])
            page.goto(live_server.url + path)
            return page

        yield open_at
        connection.close()  # rows read while Playwright's loop runs came over a connection of their own
