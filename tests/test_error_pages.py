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

    monkeypatch.setattr(urls.urlpatterns[1], "callback", forbid)
    answer = client.get("/healthz")
    assert (answer.status_code, "開く権限がありません" in answer.content.decode()) == (403, True)
