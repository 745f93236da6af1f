"""Baselines: named moments, without the people who named them."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import BaselineFactory

pytestmark = pytest.mark.django_db

PATHS = ["baselines/", "baselines/r8-request/"]


@pytest.fixture
def baseline(time_machine, django_user_model):
    time_machine.move_to("2026-11-23T07:00:00Z", tick=False)
    person = django_user_model.objects.create_user("sato", first_name="花子", email="sato@example.go.jp")
    return BaselineFactory(code="r8-request", label="R8概算要求時点", note="8月末", created_by=person)


TOLD = {
    "code": "r8-request",
    "label": "R8概算要求時点",
    "moment": "2026-11-23T16:00:00+09:00",
    "note": "8月末",
    "created_at": "2026-11-23T16:00:00+09:00",
}


@pytest.mark.parametrize("path", PATHS)
def test_anonymous_reader_is_refused_where_reading_is_not_public(get, baseline, settings, path):
    settings.PUBLIC_READ = False
    assert get(path, 401)["detail"] == "ログインが必要です。ログインしてからやり直してください。"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", PATHS)
def test_baselines_are_read_only(staff_client, baseline, path, method):
    assert staff_client.generic(method, f"/api/v1/{path}").status_code == 405


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("baselines/nothing/", 404),
        ("baselines/?label=R8", 400),
        ("baselines/r8-request/?as_of=2026-11-20", 400),
        ("baselines/?page_size=0", 400),
        ("baselines/?page=2", 400),
    ],
)
def test_baseline_that_is_not_there_and_parameter_that_is_not_known(get, baseline, path, status):
    assert get(path, status)["status"] == status


def test_baseline_tells_its_moment_and_no_person(get, baseline):
    assert get("baselines/r8-request/") == TOLD
    assert get("baselines/") == {"results": [TOLD], "next": None, "previous": None}


def test_baselines_stand_latest_first_then_by_code(codes, baseline):
    for code, moment in (("b", "2026-11-22T00:00Z"), ("a", "2026-11-22T00:00Z"), ("z", "2026-11-23T06:00Z")):
        BaselineFactory(code=code, moment=moment)
    assert codes("baselines/") == ["r8-request", "z", "a", "b"]
    assert codes("baselines/?page_size=2") == ["r8-request", "z"]


def test_queries_do_not_grow_with_the_rows(get, baseline):
    counts = []
    for more in (0, 5):
        BaselineFactory.create_batch(more)
        with CaptureQueriesContext(connection) as queries:
            rows = get("baselines/")["results"]
        counts.append((len(queries), len(rows)))
    assert counts == [(1, 1), (1, 6)]
