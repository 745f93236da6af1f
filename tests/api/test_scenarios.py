"""Scenarios in the API: for who may see them, each change beside the plan, and never the plan itself."""

from datetime import datetime
from zoneinfo import ZoneInfo

import jsonschema
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from drf_spectacular.generators import SchemaGenerator

from rollout.history import TRACKED_MODELS
from rollout.models import PlanVersion, Rollout, Scenario, ScenarioChange
from tests.api.edits import move
from tests.api.test_schema import closed
from tests.factories import ScenarioChangeFactory, ScenarioFactory, WaveFactory
from tests.rollout.what_ifs import promote, suppose

pytestmark = pytest.mark.django_db

PATHS = [
    *("scenarios/", "scenarios/late/", "scenarios/none/"),
    *("projection/?scenario=late", "projection/?scenario=none"),
]
SIGN_IN = "ログインが必要です。ログインしてからやり直してください。"
NO_RIGHT = "この操作をする権限がありません。"


@pytest.fixture
def late(clock):
    """国税庁 a year later."""
    return suppose(("nta", "cutover", "R9.6"), code="late", label="国税庁 一年遅れ", note="諮る")


def end_of(answer, year=2026):
    return next(entry["cumulative"] for entry in answer["fiscal_years"] if entry["fiscal_year"] == year)


@pytest.mark.parametrize("public", [True, False], ids=["public", "not public"])
@pytest.mark.parametrize("path", PATHS)
def test_anonymous_reader_sees_no_scenario(get, late, settings, path, public):
    settings.PUBLIC_READ = public
    assert get(path, 401)["detail"] == SIGN_IN


@pytest.mark.parametrize("path", PATHS)
def test_reader_without_the_right_sees_no_scenario(get, client, django_user_model, late, path):
    client.force_login(django_user_model.objects.create_user("clerk"))
    assert get(path, 403)["detail"] == NO_RIGHT


@pytest.mark.usefixtures("clock", "sign_in")
def test_scenario_that_does_not_exist_is_said_to_whom_may_see_them(get):
    get("scenarios/none/", 404)
    assert get("projection/?scenario=none", 400)["errors"] == {
        "scenario": ["「none」というコードの試算はありません。"]
    }


@pytest.mark.usefixtures("sign_in")
def test_scenario_and_moment_together_are_refused(get, late):
    errors = get("projection/?scenario=late&as_of=2026-11-23", 400)["errors"]
    assert errors == {"scenario": ["「scenario」と「as_of」は一緒に指定できません。"]}


@pytest.mark.usefixtures("sign_in")
def test_scenario_is_answered_beside_the_plan_of_then_and_now(get, late, clock):
    clock.shift(3600)
    move("nta-1", "R8.7~")
    assert get("scenarios/late/") == {
        "code": "late",
        "label": "国税庁 一年遅れ",
        "state": "draft",
        "based_on": "2026-11-23T16:00:00+09:00",
        "plan_moved_at": "2026-11-23T17:00:00+09:00",
        "note": "諮る",
        "changes": [
            {
                "rollout": "nta",
                "rollout_label": "国税庁",
                "wave": None,
                "field": "cutover",
                "value": "R9.6",
                "present": "R8.7~",
                "present_at_start": "R8.6~",
            }
        ],
    }


VALUES = {
    "count": (("nta", "users", "70,000"), ("70000", "68600")),
    "count no longer known": (("nta", "users", ""), (None, "68600")),
    "count not known": (("mof", "users", "100", "mof-1"), ("100", None)),
    "status": (("nta", "status", "中止"), ("cancelled", "planned")),
    "no date": (("nta", "cutover", "検討中"), ("検討中", "R8.6~、R9.9")),
    "nothing reached": (("npa", "cutover", "R9.6"), ("R9.6", None)),
}


@pytest.mark.parametrize(("change", "told"), VALUES.values(), ids=VALUES)
@pytest.mark.usefixtures("sign_in")
def test_values_are_texts_that_a_program_can_read(get, clock, change, told):
    WaveFactory(rollout=Rollout.objects.get(code="nta"), code="nta-2", cutover="R9.9")
    suppose(change, code="a")
    (row,) = get("scenarios/a/")["changes"]
    assert (row["value"], row["present"], row["present_at_start"]) == (*told, told[1])


@pytest.mark.usefixtures("sign_in")
def test_plan_that_has_not_moved_since_is_null(get, clock):
    move("isa-1", "R9.1")
    suppose(("nta", "cutover", "R9.6"), code="late")
    assert get("scenarios/late/")["plan_moved_at"] is None


@pytest.mark.usefixtures("sign_in")
def test_list_holds_every_state_and_filters_by_it(codes, get):
    for state in Scenario.State.values:
        ScenarioFactory(code=state, label=state, state=state)
    assert codes("scenarios/") == ["declined", "draft", "promoted", "proposed", "withdrawn"]
    assert codes("scenarios/?state=withdrawn") == ["withdrawn"]
    assert get("scenarios/?state=late", 400)["errors"] == {
        "state": [
            "「late」という状況はありません。使えるのは draft、proposed、promoted、declined、withdrawn です。"
        ]
    }


@pytest.mark.usefixtures("sign_in")
def test_unknown_parameter_is_refused(get):
    assert list(get("scenarios/?code=a", 400)["errors"]) == ["code"]
    ScenarioFactory(code="a")
    assert list(get("scenarios/a/?state=draft", 400)["errors"]) == ["state"]


@pytest.mark.parametrize("method", ["put", "delete"])
def test_nothing_is_replaced_or_deleted(staff_client, late, method):
    answers = [getattr(staff_client, method)(f"/api/v1/{path}") for path in ("scenarios/", "scenarios/late/")]
    assert [answer.status_code for answer in answers] == [405, 405]


def plan_rows():
    rows = {model: list(model.objects.order_by("pk").values()) for model in TRACKED_MODELS}
    history = {model: model.history.count() for model in TRACKED_MODELS}
    return rows, history, PlanVersion.objects.get().number


@pytest.mark.usefixtures("sign_in")
def test_projection_of_a_scenario_stands_beside_the_plans(get, late):
    before, rows = get("projection/"), plan_rows()
    answer = get("projection/?scenario=late")
    assert (end_of(answer), end_of(before), end_of(get("projection/"))) == (83_400, 152_000, 152_000)
    assert get("projection/") == before
    assert plan_rows() == rows
    assert answer["scenario"] == {
        "code": "late",
        "label": "国税庁 一年遅れ",
        "state": "draft",
        "based_on": "2026-11-23T16:00:00+09:00",
        "plan_moved_at": None,
    }
    assert (answer["as_of"], answer["stale"], answer["data_version"]) == (None, False, rows[2])


@pytest.mark.usefixtures("sign_in")
def test_projection_of_a_scenario_follows_the_plan_under_it(get, late, clock):
    clock.shift(60)
    move("meti-1", "R9.6")
    answer = get("projection/?scenario=late&basis=group&granularity=fiscal_year")
    assert answer["scenario"]["plan_moved_at"] == "2026-11-23T16:01:00+09:00"
    assert (end_of(answer), end_of(answer, 2027)) == (79_277, 152_000)


@pytest.mark.usefixtures("sign_in")
def test_scenario_once_promoted_is_the_plan(get, late, clock):
    clock.shift(60)
    promote(late)
    assert get("scenarios/late/")["state"] == "promoted"
    clock.move_to(datetime(2026, 11, 24, 9, tzinfo=ZoneInfo("Asia/Tokyo")))
    assert end_of(get("projection/?scenario=late")) == 83_400


@pytest.mark.usefixtures("sign_in")
@pytest.mark.parametrize("path", ["scenarios/", "projection/?scenario=first", "scenarios/first/"])
def test_queries_do_not_grow_with_the_rows(get, clock, path):
    scenario, counts = ScenarioFactory(code="first"), []
    for size in (1, 5):
        for _ in range(size):
            wave = WaveFactory(cutover="R9.6")
            for owner in (scenario, ScenarioFactory()):
                ScenarioChangeFactory(scenario=owner, rollout=wave.rollout)
                ScenarioChangeFactory(
                    scenario=owner, rollout=wave.rollout, wave=wave, field="status", value="中止"
                )
        with CaptureQueriesContext(connection) as queries:
            get(path)
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.fixture(scope="module")
def document():
    return SchemaGenerator().get_schema(request=None, public=True)


def answer_schema(document, path):
    schema = document["paths"][f"/api/v1/{path}"]["get"]["responses"]["200"]["content"]["application/json"]
    return schema, {**closed(schema["schema"]), "components": closed(document["components"])}


@pytest.mark.usefixtures("sign_in")
def test_answers_and_example_are_what_the_schema_says(get, late, document):
    content, schema = answer_schema(document, "scenarios/{code}/")
    (example,) = content["examples"].values()
    for answer in (get("scenarios/late/"), example["value"]):
        jsonschema.validate(answer, schema)
    jsonschema.validate(get("scenarios/"), answer_schema(document, "scenarios/")[1])
    jsonschema.validate(get("projection/?scenario=late"), answer_schema(document, "projection/")[1])


def test_schema_says_that_scenarios_are_for_those_who_sign_in(document):
    operations = [document["paths"][f"/api/v1/{path}"]["get"] for path in ("scenarios/", "sources/")]
    assert [{} in operation["security"] for operation in operations] == [False, True]
    assert operations[0]["responses"]["403"]["description"] == (
        "It needs the right `rollout.view_scenario`; nobody else sees scenarios."
    )


@pytest.fixture(
    params=[("cutover", "そのうち"), ("users", "多数"), ("status", "未定")], ids=lambda row: row[0]
)
def unreadable(request, late):
    """A scenario with a value that nobody can read, as a raw load may leave it; that field and that value."""
    field, value = request.param
    ScenarioChange.objects.filter(scenario=late).update(field=field, value=value)
    return request.param


@pytest.mark.usefixtures("sign_in")
def test_value_that_cannot_be_read_stands_as_it_was_written(get, unreadable):
    (row,) = get("scenarios/late/")["changes"]
    assert (row["field"], row["value"]) == unreadable
    assert [scenario["code"] for scenario in get("scenarios/")["results"]] == ["late"]


@pytest.mark.usefixtures("sign_in")
@pytest.mark.parametrize(
    "path", ["projection/", "projection/comparison/", "projection/comparison/waves/"], ids=str
)
def test_scenario_that_cannot_be_read_is_refused_by_name(get, unreadable, path):
    (change,) = ScenarioChange.objects.all()
    message = (
        f"試算「国税庁 一年遅れ」の変更点「{change}」は、値を読めません。管理画面の「試算」で直してください。"
    )
    assert get(f"{path}?scenario=late", 400)["errors"] == {"scenario": [message]}


@pytest.mark.usefixtures("sign_in")
def test_scenario_is_asked_for_by_a_code(get, late):
    assert get("projection/?scenario=", 400)["errors"] == {"scenario": ["試算のコードを指定してください。"]}
