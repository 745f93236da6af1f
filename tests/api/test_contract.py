"""The API keeps its contract, whatever is sent.

Schemathesis makes requests from the OpenAPI document, right and wrong ones, and holds every answer against
it.
"""

from datetime import timedelta
from pathlib import Path

import pytest
import schemathesis
import yaml
from django.contrib.auth.models import Group
from django.core.cache import cache
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Config, GenerationMode

from gss_tracker.wsgi import application
from signin.models import ServiceToken
from tests.factories import BaselineFactory, ContactFactory, UserFactory
from tests.rollout.what_ifs import suppose

DOCUMENT = yaml.safe_load(Path("docs/openapi.yaml").read_text(encoding="utf-8"))
OPERATIONS = [(method, path) for path, entry in DOCUMENT["paths"].items() for method in entry]
EXAMPLES = 5
"""Requests of each kind to each operation."""

REFUSALS = ["400", "401", "403", "404", "409", "412"]
"""What a request may be answered that is right by its form: which codes there are, which dates people write
and what the plan allows is not for a schema to say. Each has to be documented and a problem all the same."""
WITHOUT_INPUT = "/api/v1/export/waves.pbids"
"""Takes headers alone, which cannot be wrong."""

each_case = pytest.mark.parametrize(
    ("mode", "method", "path"),
    [
        (mode, method, path)
        for mode in GenerationMode
        for method, path in OPERATIONS
        if mode is GenerationMode.POSITIVE or path != WITHOUT_INPUT
    ],
    ids=str,
)
few = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def contract():
    checks = {"positive_data_acceptance": {"expected-statuses": ["2xx", "304", *REFUSALS]}}
    schema = schemathesis.openapi.from_dict(DOCUMENT, config=Config.from_dict({"checks": checks}))
    schema.app = closed_at_once
    schema.location = "/"
    return schema


def closed_at_once(environ, start_response):
    """The application, whose answers schemathesis would leave open."""
    answer = application(environ, start_response)
    try:
        return [b"".join(answer)]
    finally:
        answer.close()


@pytest.fixture(autouse=True)
def _rows(seeded, settings):
    settings.PUBLIC_READ = True
    settings.API_REQUESTS_PER_MINUTE = 1_000_000
    BaselineFactory(code="budget")
    suppose(("nta", "cutover", "R9.6"), code="late")
    ContactFactory()


@pytest.fixture
def token():
    cache.clear()
    account = UserFactory(username="power-bi")
    account.groups.set(Group.objects.filter(name="PMO責任者"))
    scopes = {"reads": True, "writes": True, "reminders": True}
    return ServiceToken.objects.create(account, name="all", expiry=timedelta(days=1), **scopes)[1]


def send_all(operation, mode, headers):
    @few
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case):
        if mode is GenerationMode.POSITIVE:
            case.query.pop("fields", None)  # leaves out what the document requires: tests/api/test_sparse.py
        case.call_and_validate(headers={"Accept-Encoding": "identity", **headers})

    send()


@each_case
def test_program_with_a_token_meets_what_the_document_says(contract, token, method, path, mode):
    send_all(contract[path][method], mode, {"Authorization": f"Token {token}"})


@each_case
def test_anonymous_reader_meets_what_the_document_says(contract, method, path, mode):
    send_all(contract[path][method], mode, {})
