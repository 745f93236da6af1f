"""What every test shares: which tests run where, and how hypothesis behaves."""

import os
import shutil

import pytest
from hypothesis import settings

IN_CI = bool(os.environ.get("CI"))
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

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
    if item.get_closest_marker("browser") and not CHROMIUM:
        missing = "needs Chromium: put chromium, chromium-browser or google-chrome on PATH"
        if IN_CI:
            pytest.fail(missing, pytrace=False)
        pytest.skip(missing)
