"""The OpenAPI document: valid, up to date, and true of what is answered."""

from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest
import yaml
from django.core.management import call_command
from drf_spectacular.generators import SchemaGenerator

from rollout.api import examples
from rollout.models import Rollout
from tests.factories import BaselineFactory, ScenarioChangeFactory, ScenarioFactory

SNAPSHOT = Path("docs/openapi.yaml")
LAST_ERRORS = {
    "reconciliation/": ["401", "403", "429", "503"],
    "calendar.ics": ["404"],
    "changes/": ["401", "403", "429"],
}
COMPUTED = [
    *("projection", "projection/comparison", "projection/comparison/waves", "projection/movers"),
    "reconciliation",
]
TABLES = [*("waves.csv", "waves.jsonl", "waves.xlsx", "waves.pbids", "changes.csv")]
FILES = [
    *(f"/api/v1/export/{name}" for name in TABLES),
    *(f"/api/v1/export/projection.{ending}" for ending in ("csv", "jsonl", "xlsx")),
    *(
        f"/api/v1/charts/{name}.{ending}"
        for name in ("s-curve", "timeline")
        for ending in ("svg", "png", "vl.json")
    ),
]
LAST_ERRORS |= {f"export/{name}": ["401", "403", "429"] for name in ("waves.pbids", "changes.csv")}
REWRITE = f"python manage.py spectacular --validate --fail-on-warn --file {SNAPSHOT}"


@pytest.fixture(scope="module")
def document():
    return yaml.safe_load(SNAPSHOT.read_text(encoding="utf-8"))


def test_schema_is_valid_without_a_warning_and_the_file_is_up_to_date(tmp_path):
    fresh = tmp_path / "openapi.yaml"
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(fresh))
    is_up_to_date = SNAPSHOT.exists() and fresh.read_text(encoding="utf-8") == SNAPSHOT.read_text(
        encoding="utf-8"
    )
    assert is_up_to_date, f"the API has changed; look at the difference after running: {REWRITE}"


def test_paths_are_those_of_the_design(document):
    lists = ["baselines", "cohorts", "ministries", "observations", "rollouts", "scenarios", "sources"]
    lists += ["targets", "waves"]
    acts = ["rollouts/{code}/withdraw", "waves/{code}/confirm-cutover", "waves/{code}/confirm-use", "changes"]
    rows = [f"{name}/{{code}}" for name in lists if name != "observations"]
    ledger = ["reminders", "reminders/{id}"]
    paths = [f"/api/v1/{name}/" for name in [*lists, *rows, *acts, *ledger, *COMPUTED]]
    assert sorted(document["paths"]) == sorted(["/api/v1/calendar.ics", *paths, *FILES])


def operations(document):
    return [
        (path, method, entry)
        for path, entries in document["paths"].items()
        for method, entry in entries.items()
    ]


def reads(document):
    return [(path, operation) for path, method, operation in operations(document) if method == "get"]


def writes(document):
    return [(path, operation) for path, method, operation in operations(document) if method != "get"]


def test_everything_that_writes_can_be_tried_and_needs_a_name(document):
    for path, operation in writes(document):
        parameters = {parameter.get("name") for parameter in operation["parameters"]}
        assert "dry_run" in parameters, path
        assert {} not in operation["security"], path
        assert ("If-Match" in parameters) == ("412" in operation["responses"]), path
        assert {"400", "401", "403", "415", "429"} < set(operation["responses"]), path


def test_every_error_is_a_problem(document):
    for path, operation in reads(document):
        answers = operation["responses"].items()
        errors = {status: answer for status, answer in answers if status not in ("200", "304")}
        has_past = {"as_of", "baseline"} & {parameter.get("name") for parameter in operation["parameters"]}
        usual = ["401", "403", "404", "429", *(["503"] if has_past else [])]
        assert sorted(errors) == ["400", *LAST_ERRORS.get(path.removeprefix("/api/v1/"), usual)]
        problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
        assert [answer["content"] for answer in errors.values()] == [
            {"application/problem+json": problem}
        ] * len(errors)


def test_every_answer_can_be_asked_for_again_in_either_language(document):
    for path, operation in reads(document):
        named = {parameter.get("$ref", "").rpartition("/")[2] for parameter in operation["parameters"]}
        assert {"AcceptLanguage", "IfNoneMatch"} <= named, path
        assert "304" in operation["responses"], path
        assert "ETag" in operation["responses"]["200"]["headers"], path


def test_every_parameter_is_described(document):
    nameless = [
        (path, parameter["name"])
        for path, _, operation in operations(document)
        for parameter in operation["parameters"]
        if parameter.get("in") == "query" and not parameter.get("description")
    ]
    assert nameless == []


def closed(schema):
    """OpenAPI 3.0 as JSON Schema, in which an answer may hold nothing but what is documented."""
    if isinstance(schema, list):
        return [closed(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {
        key: closed(value) for key, value in schema.items() if key not in ("nullable", "example", "examples")
    }
    if schema.get("type") == "object" and "properties" in schema:
        plain["additionalProperties"] = False
        plain["required"] = list(schema["properties"])
    if schema.get("nullable"):
        return {"anyOf": [plain, {"type": "null"}]}
    return plain


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize(
    ("path", "documented"),
    [
        ("ministries/?page_size=1000", "ministries/"),
        ("ministries/maff/", "ministries/{code}/"),
        ("cohorts/", "cohorts/"),
        ("sources/", "sources/"),
        ("targets/", "targets/"),
        ("observations/", "observations/"),
        ("rollouts/", "rollouts/"),
        ("rollouts/moj/", "rollouts/{code}/"),
        ("waves/", "waves/"),
        ("waves/moj-1/", "waves/{code}/"),
        ("projection/", "projection/"),
        ("projection/?granularity=quarter&basis=group", "projection/"),
        ("reconciliation/", "reconciliation/"),
        ("projection/?as_of=2026-11-23", "projection/"),
        ("projection/?risk=true", "projection/"),
        ("rollouts/?as_of=2026-11-23", "rollouts/"),
        ("waves/moj-1/?as_of=2026-11-23", "waves/{code}/"),
        ("cohorts/?as_of=2026-11-23", "cohorts/"),
        ("projection/movers/?from=2026-11-23", "projection/movers/"),
        ("projection/?scenario=late", "projection/"),
        ("baselines/", "baselines/"),
        ("baselines/budget/", "baselines/{code}/"),
        ("scenarios/late/", "scenarios/{code}/"),
        ("projection/movers/?baseline=budget", "projection/movers/"),
        ("projection/comparison/?baseline=budget", "projection/comparison/"),
        ("projection/comparison/?scenario=late", "projection/comparison/"),
        ("projection/comparison/waves/?baseline=budget", "projection/comparison/waves/"),
        ("projection/comparison/waves/?scenario=late", "projection/comparison/waves/"),
        ("changes/", "changes/"),
    ],
)
def test_answers_are_what_the_schema_says(get, document, sign_in, path, documented):
    BaselineFactory(code="budget")
    late = ScenarioFactory(code="late")
    ScenarioChangeFactory(scenario=late, rollout=Rollout.objects.get(code="nta"), value="R9.6")
    answer = get(path)
    content = document["paths"][f"/api/v1/{documented}"]["get"]["responses"]["200"]["content"]
    schema = closed(content["application/json"]["schema"])
    jsonschema.validate(answer, {**schema, "components": closed(document["components"])})


@pytest.mark.django_db
def test_errors_are_what_the_schema_says(client, document):
    answer = client.get("/api/v1/waves/?x=1")
    schema = {"$ref": "#/components/schemas/Problem", "components": document["components"]}
    jsonschema.validate(answer.json(), schema)


def test_every_answer_has_an_example_that_is_what_the_schema_says(document):
    components = closed(document["components"])
    for path, operation in reads(document):
        (content,) = operation["responses"]["200"]["content"].values()
        if path in FILES:
            is_json = path.endswith(("json", "pbids"))
            assert content["schema"]["type"] == ("object" if is_json else "string")
            continue
        assert content.get("examples"), path
        for example in content["examples"].values():
            jsonschema.validate(example["value"], {**closed(content["schema"]), "components": components})


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize(
    ("path", "row"),
    [
        ("ministries/nta/", examples.MINISTRY),
        ("sources/budget-r8/", examples.SOURCE),
        ("cohorts/fy2026/", examples.COHORT),
        ("targets/fy2026-end/", examples.TARGET),
        ("rollouts/nta/", examples.ROLLOUT),
        ("waves/nta-1/", examples.WAVE),
    ],
)
def test_example_of_a_row_is_what_is_answered(get, path, row):
    answer = get(path)
    if "version" in row:
        assert {**answer, "version": row["version"]} == row
    else:
        assert answer == row


@pytest.mark.usefixtures("seeded")
def test_example_of_an_observation_is_among_those_answered(get):
    assert examples.OBSERVATION in get("observations/")["results"]


@pytest.mark.django_db
def test_schema_is_served(client):
    answer = client.get("/api/v1/schema/", headers={"accept": "application/vnd.oai.openapi+json"})
    assert answer.json()["info"]["title"] == "gss_tracker"


def test_schema_needs_no_database():
    assert SchemaGenerator().get_schema(request=None, public=True)["openapi"] == "3.1.0"


class Scripts(HTMLParser):
    """The addresses of a page's scripts, None for an inline one, and event handlers in attributes."""

    def __init__(self, html):
        super().__init__()
        self.found, self.handlers = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag == "script":
            self.found.append(dict(attrs).get("src"))
        self.handlers += [name for name, _ in attrs if name.startswith("on")]


@pytest.mark.django_db
def test_docs_page_runs_no_inline_script(client):
    page = client.get("/api/v1/docs/")
    scripts = Scripts(page.content.decode())
    assert scripts.found == [
        "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js",
        "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-standalone-preset.js",
        "/api/v1/docs/?script=",
    ]
    assert scripts.handlers == []
    assert "default-src 'self'" in page["Content-Security-Policy"]


@pytest.mark.django_db
def test_docs_page_finds_the_schema(client):
    script = client.get("/api/v1/docs/?script=")
    assert script["Content-Type"] == "application/javascript"
    assert '"/api/v1/schema/"' in script.content.decode()
