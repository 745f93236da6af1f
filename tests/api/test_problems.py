"""Whatever goes wrong is told as a problem, in Japanese, and says what to do."""

import logging
import re

import pytest
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.test import Client
from rest_framework.exceptions import ValidationError

from gss_tracker.problems import NAMES, TITLES, problem, problem_response, server_error
from gss_tracker.requests import WithRequest, number_requests
from rollout.dashboard.problems import ABOUT
from tests.factories import SourceFactory

LISTS = ["ministries", "cohorts", "sources", "targets", "observations", "rollouts", "waves"]
COMPUTED = ["projection", "reconciliation"]

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", [*LISTS, *COMPUTED, "schema", "docs", "rollouts/x"])
def test_anonymous_reader_is_refused_where_reading_is_not_public(get, settings, path):
    settings.PUBLIC_READ = False
    assert get(f"{path}/", 401) == {
        "type": "/problems/sign-in/",
        "title": "ログインが必要です",
        "status": 401,
        "detail": "ログインが必要です。ログインしてからやり直してください。",
    }


@pytest.mark.parametrize("path", LISTS)
def test_signed_in_reader_may_read_where_reading_is_not_public(staff_client, settings, path):
    settings.PUBLIC_READ = False
    assert staff_client.get(f"/api/v1/{path}/").json() == {"results": [], "next": None, "previous": None}


WRITTEN = [
    *(
        ("sources", "POST"),
        ("observations", "POST"),
        ("rollouts", "POST"),
        ("waves", "POST"),
        ("waves", "PATCH"),
    )
]


@pytest.mark.parametrize(
    ("path", "method"),
    [
        (path, method)
        for path in [*LISTS, *COMPUTED]
        for method in ("POST", "PUT", "PATCH", "DELETE")
        if (path, method) not in WRITTEN
    ],
)
def test_no_view_offers_more(staff_client, path, method):
    answer = staff_client.generic(method, f"/api/v1/{path}/")
    number = {"request_id": answer["X-Request-ID"]}
    assert answer.json() == problem(405, f"この URL では {method} を使えません。") | number


def test_anonymous_write_is_refused():
    answer = Client().post("/api/v1/waves/")
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")


@pytest.mark.parametrize("path", [*LISTS, *COMPUTED])
def test_unknown_parameter_is_refused(get, path):
    errors = get(f"{path}/?as_off=2026-01-01&scenarios=a", 400)["errors"]
    assert sorted(errors) == ["as_off", "scenarios"]


def test_unknown_parameter_is_answered_with_the_known_ones(get):
    assert get("sources/?format=json", 400) == {
        "type": "/problems/input/",
        "title": "入力が正しくありません",
        "status": 400,
        "detail": "errors に示した項目を直してください。",
        "errors": {
            "format": [
                "「format」というパラメータはありません。使えるのは as_of、fields、cursor、page_size です。"
            ]
        },
    }


def test_single_row_takes_few_parameters(get):
    SourceFactory(code="a")
    errors = get("sources/a/?page=1", 400)["errors"]
    assert errors == {"page": ["「page」というパラメータはありません。使えるのは as_of、fields です。"]}


@pytest.mark.parametrize("path", ["waves/?cohort=a&cohort=b", "projection/?basis=group&basis=group"])
def test_parameter_given_twice_is_refused(get, path):
    (messages,) = get(path, 400)["errors"].values()
    assert messages[0].endswith("は1回だけ指定してください。")


@pytest.mark.parametrize("size", ["0", "1001", "-1", "x", "", "1.5", "１０", "9" * 5000])
def test_page_size_that_is_no_number_in_range_is_refused(get, size):
    errors = get(f"sources/?page_size={size}", 400)["errors"]
    assert errors == {"page_size": ["1〜1000 の整数を指定してください。"]}


def test_page_holds_a_hundred_rows_unless_told(get):
    SourceFactory.create_batch(101)
    assert [len(get(path)["results"]) for path in ("sources/", "sources/?page_size=1000")] == [100, 101]


@pytest.mark.parametrize("path", ["nothing/", "waves/nobody/", "waves/%00/", "waves/検討中/", ""])
def test_unknown_address_is_not_found(get, path):
    assert get(path, 404)["detail"] == "この URL には何もありません。コードと URL を確かめてください。"


def test_unknown_address_outside_the_api_shows_the_usual_page(client):
    assert client.get("/nothing/")["Content-Type"] == "text/html; charset=utf-8"


def test_answer_that_only_a_browser_wants_is_not_acceptable(get):
    assert (
        get("waves/", 406, accept="text/html")["detail"]
        == "Accept ヘッダーに application/json を含めてください。"
    )


@pytest.mark.parametrize(
    ("path", "media_type"),
    [("/api/v1/sources/", "application/problem+json"), ("/", "text/html; charset=utf-8")],
)
def test_failure_nobody_foresaw_is_told_without_its_reason(rf, path, media_type):
    answer = server_error(rf.get(path))
    assert (answer.status_code, answer["Content-Type"]) == (500, media_type)


def test_failure_within_a_view_answers_500(client, monkeypatch, caplog):
    def fail(*_args, **_kwargs):
        raise RuntimeError("secret")

    monkeypatch.setattr("rollout.api.frame.SourceViewSet.get_queryset", fail)
    client.raise_request_exception = False
    with caplog.at_level(logging.CRITICAL, logger="django.request"):
        answer = client.get("/api/v1/sources/")
    expected = problem(
        500, "処理できませんでした。時間をおいてやり直し、続くときは管理者に知らせてください。"
    )
    assert answer.status_code == 500
    assert answer.json() == expected | {"request_id": answer["X-Request-ID"]}


@pytest.mark.parametrize(
    ("error", "errors"),
    [
        pytest.param(ValidationError("だめです"), {"non_field_errors": ["だめです"]}, id="of no field"),
        pytest.param(ValidationError({"users": "多すぎます"}), {"users": ["多すぎます"]}, id="one text"),
        pytest.param(ValidationError({"users": ["a", "b"]}), {"users": ["a", "b"]}, id="a list"),
    ],
)
def test_errors_are_lists_by_field(error, errors):
    assert problem_response(error, {}).data["errors"] == errors


def test_what_django_forbids_is_a_403():
    assert problem_response(PermissionDenied(), {}).data == problem(403, "この操作をする権限がありません。")


def test_what_nobody_foresaw_is_left_to_django():
    assert problem_response(RuntimeError("secret"), {}) is None


def test_request_keeps_the_id_that_a_proxy_has_given_it(client, caplog):
    answer = client.get("/api/v1/nowhere/", headers={"x-request-id": "proxy-0123456789"})
    assert (answer["X-Request-ID"], answer.json()["request_id"]) == ("proxy-0123456789",) * 2


@pytest.mark.parametrize("given", ["", "short", "x" * 65, "line\tbreak-0123", "semi;colon-0123"])
def test_id_that_could_mislead_is_not_taken_over(client, given):
    number = client.get("/healthz", headers={"x-request-id": given})["X-Request-ID"]
    assert number != given
    assert re.fullmatch("[0-9a-f]{32}", number)


def test_log_names_the_request(rf):
    def named():
        record = logging.LogRecord("x", logging.INFO, "", 0, "", None, None)
        assert WithRequest().filter(record)
        return record.request_id

    answer = number_requests(lambda _: HttpResponse(named()))(rf.get("/"))
    assert answer.content.decode() == answer["X-Request-ID"]
    assert named() == "-"


@pytest.mark.parametrize("name", NAMES.values())
def test_type_of_a_problem_is_the_path_of_a_page_about_it(client, settings, name):
    settings.PUBLIC_READ = False
    html = client.get(f"/problems/{name}/").content.decode()
    assert f"/problems/{name}/" in html
    assert client.get("/problems/").content.decode().count(f'href="/problems/{name}/"') == 1


def test_page_about_no_problem_is_not_found(client):
    assert client.get("/problems/nonsense/").status_code == 404


def test_every_status_that_has_a_title_has_a_type():
    assert list(NAMES) == list(TITLES)
    assert set(ABOUT) == set(NAMES.values())
