"""What a person reads when a page is not there, not theirs, or broken."""

import pytest
from django.core.exceptions import PermissionDenied

from gss_tracker import problems, urls


@pytest.fixture(autouse=True)
def _pages(settings):
    settings.DEBUG = False


def test_missing_page_is_said_in_japanese(client, db):
    answer = client.get("/no-such-page")
    assert (answer.status_code, "ページがありません" in answer.content.decode()) == (404, True)


def test_broken_page_is_said_in_japanese_without_detail(rf):
    answer = problems.server_error(rf.get("/"))
    assert (answer.status_code, "処理できませんでした" in answer.content.decode()) == (500, True)


def test_forbidden_page_is_said_in_japanese(client, db, monkeypatch):
    def forbid(_request):
        raise PermissionDenied

    healthz = next(url for url in urls.urlpatterns if str(url.pattern) == "healthz")
    monkeypatch.setattr(healthz, "callback", forbid)
    answer = client.get("/healthz")
    assert (answer.status_code, "開く権限がありません" in answer.content.decode()) == (403, True)


@pytest.mark.parametrize(
    ("path", "media_type"),
    [("/healthz?x=%00", "text/html; charset=utf-8"), ("/api/v1/waves/?x=%00", "application/problem+json")],
)
def test_nul_in_the_query_is_a_400(client, db, path, media_type):
    answer = client.get(path)
    assert (answer.status_code, answer["Content-Type"]) == (400, media_type)


def test_wrong_host_is_a_problem_in_the_api(client, db):
    answer = client.get("/api/v1/waves/", headers={"host": "elsewhere.example.com"})
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
