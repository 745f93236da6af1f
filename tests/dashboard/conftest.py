"""What the tests of pages share."""

from uuid import uuid4

import pytest

from rollout import charts
from rollout.dashboard import cutovers, pages, recent


@pytest.fixture(autouse=True)
def _kept_for_one_test(monkeypatch):
    """Pages are kept under another name: versions of the plan repeat from test to test, as never in life."""
    monkeypatch.setattr(pages, "KEPT_AS", f"page-{uuid4()}")
    monkeypatch.setattr(recent, "KEPT_AS", f"recent-{uuid4()}")


@pytest.fixture(autouse=True)
def _no_pictures(request, monkeypatch):
    """In no size: a picture takes a second, and most tests of a page are about its words."""
    if not any(map(request.node.get_closest_marker, ("browser", "drawn"))):
        monkeypatch.setattr(charts, "PAGE_SIZES", ())
        monkeypatch.setattr(cutovers, "PAGE_SIZES", ())
