"""Liveness and readiness."""

from datetime import timedelta

import pytest
from django.utils import timezone

from rollout import outbox
from rollout.models import PlanVersion, Projection
from tests.factories import ContactFactory


@pytest.fixture
def ready(seeded):
    PlanVersion.objects.update(ticked_at=timezone.now())


def problems(client):
    answer = client.get("/readyz")
    return answer.status_code, answer.json()["problems"]


def test_healthz_needs_no_database(client):
    assert client.get("/healthz").json() == {"status": "ok"}


def test_readyz_is_green_when_all_keeps_up(client, ready):
    assert problems(client) == (200, [])


def test_readyz_names_a_projection_never_computed(client, ready):
    Projection.objects.all().delete()
    assert problems(client) == (503, ["projection"])


@pytest.mark.parametrize(("minutes", "found"), [(2, []), (4, ["heartbeat"])])
def test_readyz_names_a_tick_older_than_three_minutes(client, ready, minutes, found):
    PlanVersion.objects.update(ticked_at=timezone.now() - timedelta(minutes=minutes))
    assert problems(client)[1] == found


def test_readyz_shows_no_address(client, ready):
    ContactFactory(email="secret@example.go.jp")
    outbox.plan_reminders()
    assert b"secret" not in client.get("/readyz").content
