"""Liveness and readiness."""

from datetime import timedelta

import pytest
from django.utils import timezone

from rollout import outbox
from rollout.models import PlanVersion, Projection, Reminder
from tests.factories import ContactFactory, ReminderRuleFactory, WaveFactory


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


@pytest.mark.parametrize(("minutes", "found"), [(14, []), (16, ["ledger"])])
def test_readyz_names_a_reminder_due_for_fifteen_minutes(client, ready, minutes, found):
    wave, rule = WaveFactory(), ReminderRuleFactory()
    due_at = timezone.now() - timedelta(minutes=minutes)
    Reminder.objects.create(
        wave=wave, rule=rule, address="a@example.go.jp", cutover_version=1, due_at=due_at, state="due"
    )
    assert problems(client)[1] == found


@pytest.mark.parametrize(("ago", "found"), [(-30, []), (16, ["ledger"])])
def test_readyz_leaves_a_reminder_alone_that_waits_for_its_next_attempt(client, ready, ago, found):
    now = timezone.now()
    Reminder.objects.create(
        wave=WaveFactory(),
        rule=ReminderRuleFactory(),
        address="a@example.go.jp",
        cutover_version=1,
        due_at=now - timedelta(days=1),
        state="due",
        attempts=3,
        retry_at=now - timedelta(minutes=ago),
    )
    assert problems(client)[1] == found


def test_readyz_shows_no_address(client, ready):
    ContactFactory(email="secret@example.go.jp")
    outbox.plan_reminders()
    assert b"secret" not in client.get("/readyz").content
