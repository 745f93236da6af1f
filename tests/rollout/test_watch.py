"""What is late, by the clock in Tokyo: the same for /readyz, /metrics and the pages."""

import re
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from rollout.domain.reminders import State
from rollout.models import PlanVersion, Reminder
from rollout.recompute import recompute
from rollout.watch import watch
from tests.answers import at, make_reminder, make_rule, make_wave

pytestmark = pytest.mark.django_db

WEDNESDAY = at("2026-12-16 09:00")


@pytest.fixture
def due():
    """A mail that became due on a Wednesday at nine, and stayed."""
    return make_reminder(make_wave("R9.1.15"), state="due", due_at=WEDNESDAY)


MOMENTS = {
    "the midnight before": ("2026-12-16 00:00", None),
    "a minute before nine": ("2026-12-16 08:59", None),
    "nine": ("2026-12-16 09:00", 0),
    "14 minutes past": ("2026-12-16 09:14", 14),
    "15 minutes past": ("2026-12-16 09:15", 15),
    "16 minutes past": ("2026-12-16 09:16", 16),
    "in the evening": ("2026-12-16 23:59", 14 * 60 + 59),
    "at midnight": ("2026-12-17 00:00", None),
    "the next day, a minute before nine": ("2026-12-17 08:59", None),
    "the next day at nine": ("2026-12-17 09:00", 0),
    "the next day, 14 minutes past": ("2026-12-17 09:14", 14),
    "the next day, 16 minutes past": ("2026-12-17 09:16", 16),
    "on Saturday": ("2026-12-19 12:00", None),
    "on 29 December": ("2026-12-29 12:00", None),
    "on New Year's Day": ("2027-01-01 12:00", None),
    "on the first open day, too early": ("2027-01-04 09:14", 14),
    "on the first open day": ("2027-01-04 09:16", 16),
    "on a holiday": ("2027-01-11 12:00", None),
}


def ask(client, moment, time_machine):
    """Late or not and how old, as readyz, metrics and the page say it at that moment."""
    time_machine.move_to(moment, tick=False)
    PlanVersion.objects.update(ticked_at=moment)
    problems = client.get("/readyz").json()["problems"]
    age = re.search(r"^gss_oldest_due_reminder_seconds (\S+)$", client.get("/metrics").content.decode(), re.M)
    return "ledger" in problems, "事前通知の送信が遅れています" in page(client), float(age[1]) / 60


def page(client):
    return client.get("/").content.decode()


@pytest.mark.parametrize(("moment", "minutes"), MOMENTS.values(), ids=MOMENTS)
def test_due_mail_is_late_while_mail_may_go_out(client, due, time_machine, moment, minutes):
    late = (minutes or 0) > 15
    assert ask(client, at(moment), time_machine) == (late, late, minutes or 0)
    assert (watch(at(moment)).mail_waits_since is None) == (minutes is None)


ROWS = {
    "nobody has marked as due": ({"state": "planned"}, 60),
    "waits for its next attempt": ({"attempts": 3, "retry_at": at("2026-12-16 10:30")}, 0),
    "could have been tried again": ({"attempts": 3, "retry_at": at("2026-12-16 09:40")}, 20),
    "is to be sent again": ({"attempts": 3, "due_at": at("2026-12-16 09:50")}, 10),
    "became due the evening before": ({"due_at": at("2026-12-15 20:00")}, 60),
    "comes later": ({"state": "planned", "due_at": at("2026-12-17 09:00")}, 0),
}


@pytest.mark.parametrize(("values", "minutes"), ROWS.values(), ids=ROWS)
def test_row_waits_since_it_could_have_been_sent(due, values, minutes):
    Reminder.objects.update(**values)
    assert watch(at("2026-12-16 10:00")).mail_age == timedelta(minutes=minutes)


@pytest.mark.parametrize("state", sorted(set(State) - {State.PLANNED, State.DUE}))
def test_row_that_is_not_to_be_sent_never_waits(due, state):
    Reminder.objects.update(state=state, sent_at=WEDNESDAY, claimed_at=WEDNESDAY)
    assert watch(at("2026-12-16 10:00")).mail_waits_since is None


def test_oldest_of_many_counts(due):
    for minute in (20, 10, 30):
        at_minute = WEDNESDAY + timedelta(minutes=minute)
        make_reminder(due.wave, f"{minute}@example.go.jp", rule=due.rule, state="due", due_at=at_minute)
    Reminder.objects.filter(pk=due.pk).update(state="skipped")
    assert watch(at("2026-12-16 10:00")).mail_age == timedelta(minutes=50)


TICKS = {
    "never": (None, True, "一度も動いていません。"),
    "three minutes ago": (3, False, ""),
    "four minutes ago": (4, True, "2026年12月16日 08:55 を最後に動いていません。"),
}


@pytest.mark.parametrize(("ago", "late", "since"), TICKS.values(), ids=TICKS)
def test_tick_is_late_after_three_minutes(client, time_machine, ago, late, since):
    now = at("2026-12-16 08:59")
    time_machine.move_to(now, tick=False)
    recompute()
    PlanVersion.objects.update(ticked_at=None if ago is None else now - timedelta(minutes=ago))
    said = page(client)
    assert client.get("/readyz").json()["problems"] == (["heartbeat"] if late else [])
    assert ("1分ごとの処理が止まっています" in said, since in said) == (late, True)


@pytest.mark.parametrize("path", ["/", "/comparison/", "/reconciliation/", "/calendar/"])
@pytest.mark.parametrize("computed", [True, False])
def test_every_page_says_that_the_tick_is_late(client, time_machine, path, computed):
    time_machine.move_to(WEDNESDAY, tick=False)
    if computed:
        recompute()
    assert client.get(path).content.decode().count("1分ごとの処理が止まっています") == 1


def test_late_tick_is_said_instead_of_the_mail_that_waits_for_it(client, due, time_machine):
    time_machine.move_to(at("2026-12-16 10:00"), tick=False)
    said = page(client)
    assert ("1分ごとの処理が止まっています" in said, "送信が遅れています" in said) == (True, False)


def test_late_mail_says_since_when_and_names_nobody(client, due, time_machine):
    time_machine.move_to(at("2026-12-17 10:00"), tick=False)
    PlanVersion.objects.update(ticked_at=timezone.now())
    said = page(client)
    assert "2026年12月17日 09:00 から送信を待っている事前通知があります。" in said
    assert (
        "a@example.go.jp" in said,
        "国税庁" in said.partition("notice-lagging")[2].partition("</div>")[0],
    ) == (
        False,
        False,
    )


def test_metrics_count_every_state_and_name_nobody(client, time_machine):
    time_machine.move_to(at("2026-12-16 10:00"), tick=False)
    wave, rule = make_wave("R9.1.15"), make_rule()
    for number, state in enumerate(["due", "due", "sent", "unknown", "failed"]):
        moments = {"due_at": WEDNESDAY, "sent_at": WEDNESDAY, "claimed_at": WEDNESDAY}
        make_reminder(wave, f"secret{number}@example.go.jp", rule=rule, state=state, **moments)
    recompute()
    number = PlanVersion.objects.get().number
    PlanVersion.objects.update(ticked_at=at("2026-12-16 09:58:30"))
    answer = client.get("/metrics")
    assert answer["Content-Type"].startswith("text/plain")
    assert [line for line in answer.content.decode().splitlines() if not line.startswith("#")] == [
        'gss_reminders{state="planned"} 0.0',
        'gss_reminders{state="due"} 2.0',
        'gss_reminders{state="sending"} 0.0',
        'gss_reminders{state="sent"} 1.0',
        'gss_reminders{state="failed"} 1.0',
        'gss_reminders{state="unknown"} 1.0',
        'gss_reminders{state="missed"} 0.0',
        'gss_reminders{state="cancelled"} 0.0',
        'gss_reminders{state="skipped"} 0.0',
        "gss_oldest_due_reminder_seconds 3600.0",
        "gss_tick_age_seconds 90.0",
        "gss_projection_stale 0.0",
        f"gss_data_version {number}.0",
    ]


def test_metrics_before_anything_has_run(client):
    lines = client.get("/metrics").content.decode().splitlines()
    assert [line for line in lines if line.startswith(("gss_tick", "gss_projection"))] == [
        "gss_tick_age_seconds +Inf",
        "gss_projection_stale 1.0",
    ]


def test_metrics_without_a_database_are_unavailable(client, monkeypatch):
    def fail(_now):
        raise OperationalError

    monkeypatch.setattr("gss_tracker.metrics.watch", fail)
    answer = client.get("/metrics")
    assert (answer.status_code, answer.content) == (503, b"database\n")
