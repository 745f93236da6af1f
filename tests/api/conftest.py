"""What tests of the API share: reading is public unless a test says otherwise."""

import json
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection

from tests.conftest import SEED_NOW
from tests.plan import fill_once


@pytest.fixture(autouse=True)
def _public_read(settings):
    settings.PUBLIC_READ = True


@pytest.fixture(autouse=True)
def _nothing_kept():
    """Every test has a plan of its own, under versions that others have had."""
    cache.clear()


@pytest.fixture
def get(client):
    """Read a path below /api/v1/; the answer's JSON, whose status and media type must be right."""

    def get(path, status=200, **headers):
        answer = client.get(f"/api/v1/{path}", headers=headers)
        media_type = "application/json" if status == 200 else "application/problem+json"
        assert (answer.status_code, answer["Content-Type"]) == (status, media_type), answer.content.decode()
        body = answer.json()
        if status != 200:
            assert body.pop("request_id") == answer["X-Request-ID"]
        return body

    return get


@pytest.fixture
def codes(get):
    """The codes of the rows that a list shows."""

    def codes(path):
        return [row["code"] for row in get(path)["results"]]

    return codes


@pytest.fixture
def clock(db):
    """The published plan, loaded a week before SEED_NOW; the clock then stands at SEED_NOW."""
    with time_machine.travel(SEED_NOW - timedelta(days=7), tick=False) as clock:
        fill_once("a week earlier", lambda: call_command("seed", verbosity=0))
        connection.run_on_commit.clear()
        clock.move_to(SEED_NOW)
        yield clock


@pytest.fixture
def editor(django_user_model):
    """Somebody of the PMO who edits the plan."""
    user = django_user_model.objects.create_user("editor", is_staff=True)
    user.groups.add(Group.objects.get(name="PMO編集者"))
    return user


@pytest.fixture
def send(client, editor):
    """Write to a path below /api/v1/ as the editor; the answer, whose status and media type must be right."""
    client.force_login(editor)

    def send(method, path, body, status=200, version=None, **headers):
        if version:
            headers["if_match"] = f'"{version}"'
        answer = client.generic(
            method, f"/api/v1/{path}", json.dumps(body), "application/json", headers=headers
        )
        media_type = "application/json" if status < 300 else "application/problem+json"
        assert (answer.status_code, answer["Content-Type"]) == (status, media_type), answer.content.decode()
        return answer

    return send
