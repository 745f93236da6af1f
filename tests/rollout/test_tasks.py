"""Messages are nudges: without a worker the work is done here, without a broker it waits for the tick."""

import pytest
from django.core.management import call_command
from kombu.exceptions import OperationalError

from gss_tracker.embedded import worker_is_here
from rollout import tasks
from rollout.domain.plan import Basis
from rollout.models import PlanVersion, Projection, Wave
from tests.conftest import SEED_NOW

pytestmark = pytest.mark.usefixtures("seeded")


@pytest.fixture
def stale_plan():
    wave = Wave.objects.get(code="nta-1")
    wave.cutover = "R9.6"
    wave.save()


def is_stale():
    return Projection.objects.current(Basis.CUMULATIVE, SEED_NOW.date()).stale


def test_nudge_without_any_worker_follows_the_change_here(settings, stale_plan):
    settings.REDIS_URL = ""
    tasks.nudge()
    assert not is_stale()


def test_nudge_with_a_worker_in_the_process_leaves_it_the_work(settings, stale_plan, monkeypatch):
    settings.REDIS_URL = ""
    monkeypatch.setattr(worker_is_here, "is_set", lambda: True)
    sent = []
    monkeypatch.setattr(tasks.follow_change, "delay", lambda: sent.append(1))
    tasks.nudge()
    assert (len(sent), is_stale()) == (1, True)


def test_nudge_without_a_broker_warns_and_the_tick_catches_up(settings, stale_plan, monkeypatch, caplog):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    def broker_away():
        raise OperationalError("connection refused")

    monkeypatch.setattr(tasks.follow_change, "delay", broker_away)
    tasks.nudge()
    assert [record.message for record in caplog.records] == [
        "broker unreachable; the next tick follows the change"
    ]
    assert is_stale()
    tasks.tick()
    assert not is_stale()


def test_tick_leaves_a_heartbeat():
    call_command("tick")
    assert PlanVersion.objects.get().ticked_at is not None


def test_recompute_command_follows_the_change(stale_plan):
    call_command("recompute")
    assert not is_stale()


@pytest.mark.django_db
def test_charts_are_drawn_ahead_in_a_worker_alone(monkeypatch):
    """Whoever calls a task, as an edit without a worker does, would wait for them."""
    drawn = []
    monkeypatch.setattr(tasks.drawing, "draw_ahead", lambda languages, bases: drawn.append(list(languages)))
    tasks.follow_change()
    tasks.follow_change.apply()
    tasks.tick.apply()
    assert drawn == [["ja"], ["ja", "en"]]
