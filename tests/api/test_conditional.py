"""Who has an answer already is told so in a few bytes, and never when it has changed."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rollout import actions, recompute
from rollout.models import Baseline
from tests.admin.edits import wave
from tests.conftest import SEED_NOW
from tests.rollout.what_ifs import suppose

pytestmark = pytest.mark.usefixtures("seeded")

PLAN = [
    *("ministries/", "ministries/nta/", "cohorts/", "sources/", "targets/", "observations/"),
    *("rollouts/", "rollouts/nta/", "waves/", "waves/?fiscal_year=R8&ordering=-cutover", "waves/nta-1/"),
    *("projection/", "projection/?granularity=quarter&risk=true", "reconciliation/"),
]
OTHERS = ["baselines/", "scenarios/", "reminders/", "projection/?as_of=2026-11-23T16:00:00%2B09:00"]


def get(client, path, **headers):
    return client.get(f"/api/v1/{path}", headers=headers)


@pytest.fixture
def everything(admin_client):
    actions.save_baseline(row=Baseline(code="then", label="当時"), actor=None)
    suppose(("nta", "cutover", "R9.6"), code="if")
    recompute.recompute()
    return admin_client


@pytest.fixture
def clerk(client, django_user_model):
    user = django_user_model.objects.create_user("clerk")
    client.force_login(user)
    return user


@pytest.mark.parametrize("path", [*PLAN, *OTHERS])
def test_answer_is_made_once_for_who_has_it(everything, path):
    first = get(everything, path)
    again = get(everything, path, if_none_match=first["ETag"])
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    assert (again["ETag"], again["Cache-Control"]) == (first["ETag"], first["Cache-Control"])
    assert {"no-cache", "private"} <= set(first["Cache-Control"].split(", "))


@pytest.mark.parametrize("path", PLAN)
def test_answer_that_is_there_costs_one_query(client, path):
    recompute.recompute()
    etag = get(client, path)["ETag"]
    with CaptureQueriesContext(connection) as caught:
        again = get(client, path, if_none_match=etag)
    assert (again.status_code, len(caught)) == (304, 1)


@pytest.mark.parametrize("path", PLAN)
def test_change_of_the_plan_makes_every_answer_new(client, path):
    recompute.recompute()
    before = get(client, path)
    row = wave()
    row.note = "照会済"
    actions.save_row(row=row, actor=None, reason="照会")
    stale = get(client, path, if_none_match=before["ETag"])
    recompute.recompute()
    after = get(client, path, if_none_match=stale["ETag"])
    assert [stale.status_code, after.status_code] == [200, 200]
    assert len({before["ETag"], stale["ETag"], after["ETag"]}) == 3


@pytest.mark.parametrize("known", ["*", "W/{etag}", '"other", {etag}', '"other", W/{etag}'])
def test_etag_is_known_in_every_form(client, known):
    etag = get(client, "waves/")["ETag"]
    assert etag.startswith('"')
    assert get(client, "waves/", if_none_match=known.format(etag=etag)).status_code == 304
    assert get(client, "waves/", if_none_match='"other"').status_code == 200


def test_language_day_question_and_reader_make_another_answer(client, admin_client):
    asked = [
        get(client, "waves/"),
        get(client, "waves/", accept_language="en"),
        get(client, "waves/?page=1"),
        get(admin_client, "waves/"),
    ]
    with time_machine.travel(SEED_NOW + timedelta(days=1)):
        asked.append(get(client, "waves/"))
    assert len({answer["ETag"] for answer in asked}) == len(asked)
    assert all("Accept-Language" in answer["Vary"] for answer in asked)


def test_right_that_is_given_makes_another_answer_where_it_opens_something(everything, client, clerk):
    given = Permission.objects.filter(codename__in=["view_scenario", "view_rollout"])
    clerk.user_permissions.add(given.get(codename="view_scenario"))
    before = {path: get(client, path)["ETag"] for path in ("scenarios/if/", "waves/")}
    clerk.user_permissions.add(given.get(codename="view_rollout"))
    again = [get(client, path, if_none_match=tag).status_code for path, tag in before.items()]
    assert again == [200, 304]


def test_answer_that_is_there_costs_one_query_more_than_to_know_who_asks(client, clerk):
    etag = get(client, "projection/")["ETag"]
    with CaptureQueriesContext(connection) as caught:
        again = get(client, "projection/", if_none_match=etag)
    who = [query for query in caught.captured_queries if re.search("session|auth_(user|group)", query["sql"])]
    assert (again.status_code, len(caught) - len(who)) == (304, 1)


def test_head_says_the_same_without_a_body(client):
    answer = client.head("/api/v1/waves/")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["ETag"] == get(client, "waves/")["ETag"]


def test_who_may_not_read_is_not_told_that_nothing_has_changed(client, settings):
    etag = get(client, "waves/")["ETag"]
    settings.PUBLIC_READ = False
    assert get(client, "waves/", if_none_match=etag).status_code == 401


@pytest.mark.parametrize(("path", "status"), [("waves/?nonsense=1", 400), ("waves/nobody/", 404)])
def test_mistake_stays_a_mistake(client, path, status):
    assert get(client, path, if_none_match="*").status_code == status
