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
        ("waves/nta-1/", "rollout", "rollouts/nta/"),
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


def test_every_row_of_a_list_is_expanded_and_each_of_many(get):
    imperial = Ministry.objects.get(code="imperial-household-agency")
    RolloutCoverage.objects.create(rollout=Rollout.objects.get(code="nta"), ministry=imperial)
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


def test_the_past_is_expanded_with_the_past(get, client):
    answer = client.get("/api/v1/waves/nta-1/?expand=ministry&as_of=2026-11-23")
    moment = answer["X-As-Of"].replace("+", "%2B")
    change(Ministry.objects.get(code="nta"), name="改称庁")
    assert get("waves/nta-1/?expand=ministry")["ministry"]["name"] == "改称庁"
    assert get(f"waves/nta-1/?expand=ministry&as_of={moment}") == answer.json()


def test_who_may_not_see_the_whole_row_sees_code_and_name(client, settings):
    settings.PUBLIC_READ = False
    user = UserFactory(username="kokuzei")
    user.groups.add(Group.objects.get(name=LIAISON))
    agency = Ministry.objects.get(code="imperial-household-agency")
    AssignmentFactory(user=user, ministry=agency)
    RolloutCoverage.objects.create(rollout=Rollout.objects.get(code="nta"), ministry=agency)
    client.force_login(user)
    row = client.get("/api/v1/rollouts/nta/?expand=ministry,also_covers").json()
    assert (list(row["ministry"]), row["also_covers"][0]["kind"]) == (["code", "name"], agency.kind)


@pytest.mark.parametrize(
    ("query", "offered"),
    [
        ("expand=colour", "rollout、ministry"),
        ("expand=", "rollout、ministry"),
        ("expand=cohort,ministry", "rollout、ministry"),
        ("fields=code,rollout&expand=ministry", "rollout"),
        ("fields=code&expand=ministry", "なし"),
    ],
)
@pytest.mark.parametrize("path", ["waves/", "waves/nta-1/"])
def test_what_cannot_be_expanded_is_told(get, path, query, offered):
    assert get(f"{path}?{query}", 400)["errors"]["expand"][0].endswith(f"使えるのは {offered} です。")


@pytest.mark.parametrize("path", ["ministries/", "sources/", "export/waves.csv"])
def test_what_names_nothing_has_no_such_parameter(get, path):
    assert "expand" in get(f"{path}?expand=x", 400)["errors"]
