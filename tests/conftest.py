"""What every test shares: which tests run where, and how hypothesis behaves."""

import os
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db import connection
from django.utils import translation
from hypothesis import settings

from rollout import recompute
from tests.plan import fill_once

SEED_NOW = datetime(2026, 11, 23, 16, tzinfo=ZoneInfo("Asia/Tokyo"))

IN_CI = bool(os.environ.get("CI"))
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

MAY_BE_MISSING = {
    "browser": (CHROMIUM, "needs Chromium: put chromium, chromium-browser or google-chrome on PATH"),
    "node": (shutil.which("npm"), "needs Node.js 20 or newer: put node and npm on PATH"),
}

settings.register_profile("gss_tracker", deadline=None, derandomize=IN_CI)
settings.load_profile("gss_tracker")


def pytest_collection_modifyitems(config, items):
    """Leave tests marked `servers` to the run on real servers: deselected, so that no skip hides anything."""
    if os.environ.get("DATABASE_URL", "").startswith(("postgres:", "postgresql:", "psql:", "pgsql:", "pg:")):
        return
    left_out = [item for item in items if item.get_closest_marker("servers")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("servers")]


def pytest_runtest_setup(item):
    for marker, (is_here, missing) in MAY_BE_MISSING.items():
        if item.get_closest_marker(marker) and not is_here:
            if IN_CI:
                pytest.fail(missing, pytrace=False)
            pytest.skip(missing)


@pytest.fixture(autouse=True)
def _one_process_settings(settings):
    """Tests see the embedded product's settings on real servers too, unless they say otherwise."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain}
    settings.PUBLIC_READ = True
    settings.REQUIRE_TOTP = False
    settings.SESSION_AGE = settings.SESSION_IDLE = timedelta(days=3650)  # tests travel after they signed in
    settings.SESSION_COOKIE_AGE = 14 * 24 * 3600
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick; nothing is kept
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = False


@pytest.fixture(autouse=True)
def _in_japanese():
    """What a test has chosen is not chosen for the next."""
    yield
    translation.deactivate()


@pytest.fixture
def seeded(db):
    """The published plan, loaded and computed, at 16:00 in Tokyo on Monday 2026-11-23 (a public holiday)."""
    with time_machine.travel(SEED_NOW, tick=False):
        fill_once("seeded", load_plan)
        connection.run_on_commit.clear()  # the test's own transaction never commits
    with time_machine.travel(SEED_NOW, tick=True):
        yield


def load_plan():
    call_command("loaddata", *sorted(Path("fixtures").glob("*.json")), verbosity=0)
    recompute.recompute()


@pytest.fixture
def staff_client(client, django_user_model):
    """A client signed in as an administrator."""
    client.force_login(django_user_model.objects.create_superuser("pmo", password="correct horse battery"))
    return client


@pytest.fixture
def reader(django_user_model):
    """A person who may see scenarios and nothing else."""
    user = django_user_model.objects.create_user("reader")
    user.user_permissions.add(Permission.objects.get(codename="view_scenario"))
    return user


@pytest.fixture
def sign_in(client, reader):
    """The client is signed in as that person."""
    client.force_login(reader)
