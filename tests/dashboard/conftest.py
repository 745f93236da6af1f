"""What the tests of pages share."""

from uuid import uuid4

import pytest

from rollout.dashboard import pages, recent


@pytest.fixture(autouse=True)
def _kept_for_one_test(monkeypatch):
    """Pages are kept under another name: versions of the plan repeat from test to test, as never in life."""
    monkeypatch.setattr(pages, "KEPT_AS", f"page-{uuid4()}")
    monkeypatch.setattr(recent, "KEPT_AS", f"recent-{uuid4()}")
