"""Everything else that is written by the API: rollouts, sources, counts, proposals; and who may."""

import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from django.contrib.auth.models import Group

from ministries.models import Ministry
from rollout import recompute
from rollout.api import plan
from rollout.api.writing import examples as bodies
from rollout.models import Observation, Rollout, Scenario, Source, Wave
from tests.api.edits import change, move
from tests.api.test_schema import closed
from tests.factories import AssignmentFactory
from tests.rollout.what_ifs import suppose

pytestmark = pytest.mark.usefixtures("seeded")

WHY = "12月の会議"
WRITES = [
    ("POST", "waves/"),
    ("PATCH", "waves/"),
    ("PATCH", "waves/nta-1/"),
    ("POST", "waves/nta-1/confirm-cutover/"),
    ("POST", "waves/nta-1/confirm-use/"),
    ("POST", "rollouts/"),
    ("PATCH", "rollouts/nta/"),
    ("POST", "rollouts/nta/withdraw/"),
    ("POST", "sources/"),
    ("POST", "observations/"),
    ("POST", "scenarios/"),
    ("PATCH", "scenarios/x/"),
]


def proposal(code="later", rollout="nta", **values):
    change = {"rollout": rollout, "field": "cutover", "value": "R8.9"}
    return {"code": code, "label": f"{code}の申請", "state": "proposed", "changes": [change], **values}


@pytest.fixture
def version(get):
    return get("rollouts/nta/")["version"]


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_nobody_writes_without_a_name_or_a_right(client, django_user_model, method, path):
    assert client.generic(method, f"/api/v1/{path}", "{}", "application/json").status_code == 401
    reader = django_user_model.objects.create_user("reader")
    reader.groups.add(Group.objects.get(name="閲覧者"))
    client.force_login(reader)
    assert client.generic(method, f"/api/v1/{path}", "{}", "application/json").status_code == 403


@pytest.mark.parametrize(("method", "path"), WRITES[:-2])
def test_who_is_limited_to_their_ministries_writes_no_plan(client, editor, method, path):
    editor.groups.add(Group.objects.get(name="府省庁連絡担当"))
    client.force_login(editor)
    assert client.generic(method, f"/api/v1/{path}", "{}", "application/json").status_code == 403


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_what_is_missing_is_asked_for(send, method, path):
    assert send(method, path, {}, 404 if path.endswith("x/") else 400)


def test_rollout_is_added_with_its_waves(send, get):
    waves = [{"code": "npa-local-1", "cutover": "R9.1", "users": 100}, {"code": "npa-local-2"}]
    body = {
        "code": "npa-local",
        "cohort": "fy2026-onward",
        "ministry": "maff",
        "scope": "地方拠点",
        "also_covers": ["nta"],
        "waves": waves,
        "reason": WHY,
    }
    answer = send("POST", "rollouts/", body, 201).json()
    assert [(wave["code"], wave["count"]["users"]) for wave in answer["waves"]] == [
        *(("npa-local-1", 100), ("npa-local-2", None)),
    ]
    assert answer["also_covers"] == [{"code": "nta", "name": "国税庁"}]
    assert send("POST", "rollouts/", body, 409).json()["existing"].endswith("/rollouts/npa-local/")


def test_rollout_has_a_wave_from_the_start(send):
    body = {"code": "bank", "cohort": "fy2026-onward", "ministry": "maff", "reason": WHY}
    [wave] = send("POST", "rollouts/", body, 201).json()["waves"]
    assert (wave["code"], wave["cutover"], wave["status"]) == ("bank-1", None, "under_review")


def test_rollout_with_a_wave_whose_code_is_taken_is_not_added_at_all(send):
    body = {"code": "bank", "cohort": "fy2026-onward", "ministry": "maff", "waves": [{"code": "nta-1"}]}
    answer = send("POST", "rollouts/", {**body, "reason": WHY}, 400)
    assert list(answer.json()["errors"]) == ["code"]
    assert not Rollout.objects.filter(code="bank").exists()


def test_rollout_is_changed_with_what_it_covers(send, version):
    body = {"users": 70_000, "weight": None, "also_covers": ["mof"], "reason": WHY}
    answer = send("PATCH", "rollouts/nta/", body, version=version).json()
    assert (answer["count"]["users"], answer["also_covers"]) == (70_000, [{"code": "mof", "name": "財務省"}])
    emptied = send(
        "PATCH", "rollouts/nta/", {"also_covers": [], "reason": WHY}, version=answer["version"]
    ).json()
    assert emptied["also_covers"] == []
    old = send(
        "PATCH", "rollouts/nta/", {"also_covers": ["mof"], "reason": WHY}, 412, version=answer["version"]
    )
    assert [(entry["kind"], entry["change"]) for entry in old.json()["difference"]] == [
        ("coverage", "deleted")
    ]


def test_rollout_is_withdrawn_with_all_that_has_not_moved(send, version):
    recompute.recompute()
    shown = send("POST", "rollouts/nta/withdraw/?dry_run=true", {"reason": WHY}, version=version).json()
    assert {year["label"]: year["difference"] for year in shown["fiscal_years"]}["R8年度"] < 0
    assert Wave.objects.get(code="nta-1").status == "planned"
    answer = send("POST", "rollouts/nta/withdraw/", {"reason": WHY}, version=version).json()
    assert Wave.objects.get(code="nta-1").status == "cancelled"
    send("POST", "rollouts/nta/withdraw/", {"reason": WHY}, 400, version=answer["version"])


def test_rollout_is_not_withdrawn_by_who_has_not_seen_its_waves(send, version):
    move("nta-1", "R9.12")
    answer = send("POST", "rollouts/nta/withdraw/", {"reason": WHY}, 412, version=version).json()
    assert [(entry["kind"], entry["code"]) for entry in answer["difference"]] == [("wave", "nta-1")]
    assert Wave.objects.get(code="nta-1").status == "planned"


def test_change_between_reading_values_and_version_is_no_key(client, send, monkeypatch):
    """Somebody else saves at the worst moment: what was read cannot then be written over theirs."""
    settled = plan.PlanViewSet.settled

    def overtaken(view, rows):
        change(Wave.objects.get(code="nta-1"), note="他の人")
        return settled(view, rows)

    monkeypatch.setattr(plan.PlanViewSet, "settled", overtaken)
    read = client.get("/api/v1/waves/nta-1/").json()
    monkeypatch.undo()
    assert read["note"] == ""
    send("PATCH", "waves/nta-1/", {"note": "自分", "reason": WHY}, 412, version=read["version"])


def test_proposal_that_is_sent_again_is_no_version(send):
    tag = send("POST", "scenarios/", proposal(), 201)["ETag"]
    again = send("PATCH", "scenarios/later/", {"changes": proposal()["changes"]}, if_match=tag)
    assert again["ETag"] == tag


def test_liaison_is_not_led_to_a_scenario_of_others(send, editor):
    suppose(("mof", "cutover", "R9.6"), code="secret")
    editor.groups.set([Group.objects.get(name="府省庁連絡担当")])
    AssignmentFactory(user=editor, ministry=Ministry.objects.get(code="nta"))
    answer = send("POST", "scenarios/", proposal("secret"), 400).json()
    assert list(answer["errors"]) == ["code"]


def test_source_and_count_are_recorded_once(send, get):
    source = {
        "code": "report-2026",
        "title": "年次報告",
        "publisher": "デジタル庁",
        "published_on": "R8.11",
        "kind": "primary",
        "reason": WHY,
    }
    count = {"as_of": "R8.10", "users": 60_000, "approximate": True, "source": "report-2026", "reason": WHY}
    assert send("POST", "sources/", source, 201)["Location"].endswith("/sources/report-2026/")
    send("POST", "sources/", source, 409)
    send("POST", "observations/", count, 201)
    assert send("POST", "observations/", count, 409).json()["existing"].endswith("/observations/")
    assert get("observations/")["results"][-1]["users"] == 60_000
    assert Observation.objects.last().history.first().history_change_reason == WHY


@pytest.mark.parametrize("as_of", ["検討中", "R8.10~", "R8.10以降", None])
def test_count_speaks_of_a_day_that_ends(send, as_of):
    body = {"as_of": as_of, "users": 1, "source": Source.objects.first().code, "reason": WHY}
    before = Observation.objects.count()
    send("POST", "observations/", body, 400)
    assert Observation.objects.count() == before


def test_proposal_is_written_changed_and_withdrawn(send, get):
    answer = send("POST", "scenarios/", proposal(note="連絡あり"), 201)
    read = get("scenarios/later/")
    assert (answer.json(), read["state"], read["changes"][0]["value"]) == (read, "proposed", "R8.9")
    assert "label" in send("POST", "scenarios/", proposal("other", label=read["label"]), 400).json()["errors"]
    send("POST", "scenarios/", proposal(), 409)
    other = {"changes": [{"rollout": "nta", "wave": "nta-1", "field": "users", "value": "70,000"}]}
    changed = send("PATCH", "scenarios/later/", other, if_match=answer["ETag"])
    assert [(each["field"], each["value"]) for each in changed.json()["changes"]] == [("users", "70000")]
    send("PATCH", "scenarios/later/", {"state": "withdrawn"}, 412, if_match=answer["ETag"])
    send("PATCH", "scenarios/later/", {"state": "withdrawn"}, if_match=changed["ETag"])
    assert Scenario.objects.get().state == "withdrawn"


def test_etag_of_a_scenario_is_its_key(send, client):
    send("POST", "scenarios/", proposal(), 201)
    tag = client.get("/api/v1/scenarios/later/")["ETag"]
    send("PATCH", "scenarios/later/", {"note": "追記"}, if_match=tag)
    send("PATCH", "scenarios/later/", {"note": "また"}, 412, if_match=tag)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"rollout": "nobody"}, "changes[0].rollout"),
        ({"field": "colour"}, "changes[0].field"),
        ({"value": "R8.13"}, "changes[0].value"),
        ({"wave": "mof-1"}, "changes[0].wave"),
        ({"rollout": "cas-1"}, "changes[0].rollout"),
    ],
    ids=str,
)
def test_change_that_says_nothing_is_told_by_its_number(send, change, field):
    body = proposal()
    body["changes"][0] |= change
    assert list(send("POST", "scenarios/", body, 400).json()["errors"]) == [field]


def test_one_fact_is_changed_once(send):
    body = proposal()
    body["changes"] *= 2
    assert list(send("POST", "scenarios/", body, 400).json()["errors"]) == ["changes[1].field"]


def test_liaison_proposes_for_their_own_ministries_alone(client, send, editor):
    editor.groups.set([Group.objects.get(name="府省庁連絡担当")])
    AssignmentFactory(user=editor, ministry=Ministry.objects.get(code="nta"))
    send("POST", "scenarios/", proposal(), 201)
    errors = send("POST", "scenarios/", proposal("mine", "mof"), 400).json()["errors"]
    assert list(errors) == ["changes[0].rollout"]
    assert [scenario.code for scenario in Scenario.objects.all()] == ["later"]


def test_promoted_scenario_stays(client, send):
    send("POST", "scenarios/", proposal(), 201)
    Scenario.objects.update(state="promoted")
    tag = client.get("/api/v1/scenarios/later/")["ETag"]
    send("PATCH", "scenarios/later/", {"note": "追記"}, 400, if_match=tag)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "waves/nta-1/", bodies.WAVE_CHANGE),
        ("POST", "waves/", bodies.NEW_WAVE),
        ("PATCH", "waves/", bodies.WAVE_ROWS),
        ("POST", "waves/nta-1/confirm-use/", bodies.USE),
        ("POST", "waves/mof-1/confirm-cutover/", bodies.WHY),
        ("POST", "rollouts/", bodies.NEW_ROLLOUT),
        ("PATCH", "rollouts/nta/", bodies.ROLLOUT_CHANGE),
        ("POST", "rollouts/nta/withdraw/", bodies.WHY),
        ("POST", "sources/", bodies.NEW_SOURCE),
        ("POST", "observations/", bodies.NEW_OBSERVATION),
        ("POST", "scenarios/", bodies.NEW_SCENARIO),
    ],
)
@pytest.mark.parametrize("dry_run", [True, False])
def test_body_of_the_document_can_be_sent(client, send, get, method, path, body, dry_run):
    if path == "waves/":
        version = get("waves/nta-1/")["version"]
        body = {**body, **({"waves": [{**body["waves"][0], "version": version}]} if "waves" in body else {})}
    row = re.match("(waves|rollouts)/[^/]+/", path)
    headers = {"if_match": client.get(f"/api/v1/{row[0]}")["ETag"]} if row else {}
    status = 201 if method == "POST" and not row and not dry_run else 200
    answer = send(method, f"{path}?dry_run={str(dry_run).lower()}", body, status, **headers).json()
    assert answer.get("dry_run", False) == dry_run
    if dry_run:
        jsonschema.validate(answer, {"$ref": "#/components/schemas/Effects", **components()})


def components():
    document = yaml.safe_load(Path("docs/openapi.yaml").read_text(encoding="utf-8"))
    return {"components": closed(document["components"])}
