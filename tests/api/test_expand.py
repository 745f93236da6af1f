"""`expand` puts in full what a row names, as its own list has it."""

import pytest
from django.contrib.auth.models import Group

from ministries.liaison import LIAISON
from ministries.models import Ministry
from rollout.models import Rollout, RolloutCoverage
from tests.api.edits import change
from tests.factories import AssignmentFactory, UserFactory

pytestmark = pytest.mark.usefixtures("seeded")


@pytest.mark.parametrize(
    ("path", "name", "whole"),
    [
        ("waves/nta-1/", "ministry", "ministries/nta/"),
        ("rollouts/nta/", "ministry", "ministries/nta/"),
        ("cohorts/fy2026-onward/", "source", "sources/{source}/"),
        ("targets/gss-total/", "source", "sources/{source}/"),
    ],
)
def test_row_has_in_full_what_it_names(get, path, name, whole):
    plain = get(path)
    expanded = get(f"{path}?expand={name}")
    code = plain[name]["code"]
    assert expanded == {**plain, name: get(whole.format(**{name: code}))}


def test_every_row_of_a_list_is_expanded_and_each_of_many(get, agency):
    rows = get("rollouts/?expand=ministry,also_covers&page_size=1000")["results"]
    plain = get("rollouts/?page_size=1000")["results"]
    ministries = {row["code"]: row for row in get("ministries/?page_size=1000")["results"]}
    named = [(row["ministry"], row["also_covers"]) for row in plain]
    assert any(others for _, others in named)
    assert [(row["ministry"], row["also_covers"]) for row in rows] == [
        (ministries[one["code"]], [ministries[other["code"]] for other in others]) for one, others in named
    ]
    counts = get("observations/?expand=source")["results"]
    assert counts[0]["source"] == get(f"sources/{counts[0]['source']['code']}/")


def test_twice_is_once(get, django_assert_max_num_queries):
    with django_assert_max_num_queries(15):
        twice = get("waves/?expand=ministry,ministry")
    assert twice["results"] == get("waves/?expand=ministry")["results"]


def test_the_past_is_expanded_with_the_past(get, client):
    answer = client.get("/api/v1/waves/nta-1/?expand=ministry&as_of=2026-11-23")
    moment = answer["X-As-Of"].replace("+", "%2B")
    change(Ministry.objects.get(code="nta"), name="改称庁")
    assert get("waves/nta-1/?expand=ministry")["ministry"]["name"] == "改称庁"
    assert get(f"waves/nta-1/?expand=ministry&as_of={moment}") == answer.json()


@pytest.fixture
def agency(seeded):
    """宮内庁, which moves along with 国税庁."""
    agency = Ministry.objects.get(code="imperial-household-agency")
    RolloutCoverage.objects.create(rollout=Rollout.objects.get(code="nta"), ministry=agency)
    return agency


@pytest.fixture
def liaison(client, settings, agency):
    """Who looks after 宮内庁, signed in."""
    settings.PUBLIC_READ = False
    user = UserFactory(username="kunaicho")
    user.groups.add(Group.objects.get(name=LIAISON))
    AssignmentFactory(user=user, ministry=agency)
    client.force_login(user)
    return user


def test_who_looks_after_another_ministry_is_not_told_that_nothing_has_changed(client, liaison):
    path = "/api/v1/rollouts/nta/?expand=ministry"
    before = client.get(path)
    given = AssignmentFactory(user=liaison, ministry=Ministry.objects.get(code="nta"))
    full = client.get(path, headers={"If-None-Match": before["ETag"]})
    assert (full.status_code, "kind" in full.json()["ministry"]) == (200, True)
    given.delete()
    assert client.get(path, headers={"If-None-Match": full["ETag"]}).json() == before.json()


def test_who_becomes_a_liaison_without_any_right_gets_another_answer(client, liaison):
    liaison.groups.clear()
    before = client.get("/api/v1/rollouts/nta/")["ETag"]
    group = Group.objects.get(name=LIAISON)
    group.permissions.clear()
    liaison.groups.add(group)
    assert client.get("/api/v1/rollouts/nta/", headers={"If-None-Match": before}).status_code == 200


def test_who_may_not_see_the_whole_row_sees_code_and_name(client, agency, liaison):
    row = client.get("/api/v1/rollouts/nta/?expand=ministry,also_covers").json()
    assert (list(row["ministry"]), row["also_covers"][0]["kind"]) == (["code", "name"], agency.kind)


@pytest.mark.parametrize(
    ("query", "offered"),
    [
        ("expand=colour", "ministry"),
        ("expand=", "ministry"),
        ("expand=rollout,ministry", "ministry"),
        ("fields=ministry&expand=cohort", "ministry"),
        ("fields=code&expand=ministry", "なし"),
    ],
)
@pytest.mark.parametrize("path", ["waves/", "waves/nta-1/"])
def test_what_cannot_be_expanded_is_told(get, path, query, offered):
    assert get(f"{path}?{query}", 400)["errors"]["expand"][0].endswith(f"使えるのは {offered} です。")


@pytest.mark.parametrize("path", ["ministries/", "sources/", "export/waves.csv"])
def test_what_names_nothing_has_no_such_parameter(get, path):
    assert "expand" in get(f"{path}?expand=x", 400)["errors"]
