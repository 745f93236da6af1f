"""An endpoint that will go says so, in every answer and in the OpenAPI document."""

from datetime import UTC, datetime

import pytest
from drf_spectacular.generators import SchemaGenerator

from gss_tracker.deprecation import Deprecation
from rollout.api.plan import WaveViewSet

pytestmark = pytest.mark.django_db

SAID = {
    "Deprecation": "@1798729200",
    "Sunset": "Sat, 01 Jan 2028 00:00:00 GMT",
    "Link": '</api/v2/waves/>; rel="successor-version"',
}


@pytest.fixture
def _going(monkeypatch):
    since, until = datetime(2026, 12, 31, 15, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
    monkeypatch.setattr(WaveViewSet, "deprecation", Deprecation(since, until, "/api/v2/waves/"))


@pytest.mark.usefixtures("_going")
@pytest.mark.parametrize("path", ["waves/", "waves/?x=1", "waves/nobody/"])
def test_what_will_go_says_so_in_every_answer(client, path):
    headers = client.get(f"/api/v1/{path}").headers
    assert {name: headers[name] for name in SAID} == SAID


def test_what_stays_says_nothing(client):
    headers = client.get("/api/v1/waves/").headers
    assert not set(SAID) & set(headers)


@pytest.mark.usefixtures("_going")
def test_document_marks_what_will_go():
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    marked = {path for path, operations in paths.items() if operations.get("get", {}).get("deprecated")}
    assert marked == {"/api/v1/waves/", "/api/v1/waves/{code}/"}
