"""What others generate from the OpenAPI document works: a linter, a client in Python, one in TypeScript."""

import importlib
import json
import shutil
import subprocess
import sys
from datetime import timedelta
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import Permission

from signin.models import ServiceToken
from tests.factories import UserFactory

pytestmark = [
    pytest.mark.servers,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("seeded"),
]

DOCUMENT = Path("docs/openapi.yaml")
TYPESCRIPT = Path(__file__).parent / "typescript"


def run(*command, folder):
    """What a command prints; all of it is told where it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """A folder with the tools of tests/clients/typescript, installed as its lock says."""
    folder = shutil.copytree(TYPESCRIPT, tmp_path_factory.mktemp("clients") / "typescript")
    shutil.copy(DOCUMENT, folder)
    run("npm", "ci", "--no-audit", "--no-fund", folder=folder)
    return folder


@pytest.fixture
def token():
    """Of a program that may read and write."""
    account = UserFactory(username="dashboard")
    account.user_permissions.add(Permission.objects.get(codename="change_wave"))
    return ServiceToken.objects.create(account, name="試験", expiry=timedelta(days=1), writes=True)[1]


@pytest.fixture
def expected(client):
    """What each client is to find."""

    def get(path):
        return client.get(f"/api/v1/{path}").json()

    return {
        "years": {
            point["label"]: point["cumulative"]
            for point in get("projection/?granularity=fiscal_year")["points"]
        },
        "waves": [wave["code"] for wave in get("waves/?status=planned")["results"]],
        "tried": True,
        "changed": "R9.1",
        "late": [412, "/problems/changed-meanwhile/"],
        "english": get("ministries/moj/")["name_en"],
        "unknown_users": None,
    }


@pytest.mark.node
def test_document_is_clean_by_an_independent_linter(node):
    run("npm", "run", "lint", folder=node)


@pytest.mark.node
def test_client_in_typescript(node, live_server, token, expected):
    run("npm", "run", "build", folder=node)
    told = run("npm", "run", "--silent", "smoke", "--", live_server.url, token, folder=node)
    assert json.loads(told) == expected


def test_client_in_python(tmp_path, monkeypatch, live_server, token, expected):
    run(
        *(sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"),
        *("--path", DOCUMENT.absolute(), "--output-path", tmp_path / "gss_client"),
        folder=tmp_path,
    )
    monkeypatch.syspath_prepend(tmp_path)
    made = importlib.import_module("gss_client")
    with made.AuthenticatedClient(base_url=live_server.url, token=token, prefix="Token") as client:
        assert smoke(client) == expected


def smoke(client):
    """What a dashboard does with the API, through the generated client; the same as smoke.ts."""
    models, unset = (importlib.import_module(f"gss_client.{name}") for name in ("models", "types"))

    def call(name, **values):
        return importlib.import_module(f"gss_client.api.{name}").sync_detailed(client=client, **values)

    years, planned = models.ProjectionRetrieveGranularity.FISCAL_YEAR, models.WavesListStatus.PLANNED
    points = call("projection.projection_retrieve", granularity=years).parsed.points
    waves, cursor = [], unset.UNSET
    while cursor is not None:
        page = call("waves.waves_list", status=planned, page_size=5, cursor=cursor).parsed
        waves += page.results
        cursor = page.next_ and parse_qs(urlsplit(page.next_).query)["cursor"][0]
    version = call("waves.waves_retrieve", code="nta-1").parsed.version
    body = models.PatchedWaveChangeRequest(cutover="R9.1", reason="連絡")
    change = partial(call, "waves.waves_partial_update", code="nta-1", body=body, if_match=f'"{version}"')
    ministry = call("waves.waves_retrieve", code="moj-1", expand="ministry").parsed.ministry
    tried, changed, late = change(dry_run=True), change(), change()
    return {
        "years": {point.label: point.cumulative for point in points},
        "waves": [wave.code for wave in waves],
        "tried": isinstance(tried.parsed, models.Effects),
        "changed": changed.parsed.cutover.text,
        "late": [late.status_code, late.parsed.type_],
        "english": ministry.name_en if isinstance(ministry, models.Ministry) else None,
        "unknown_users": call("rollouts.rollouts_retrieve", code="mof").parsed.count.users,
    }
