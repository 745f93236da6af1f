"""The one-process product, started and killed for real."""

import sqlite3
from collections import Counter

import pytest

from tests.processes.conftest import ROOT, embedded_env, fetch, kill, manage, wait_until
from tests.servers import free_port

REMINDERS = 12


def ledger(checkout):
    with sqlite3.connect(checkout / "var" / "gss_tracker.sqlite3") as connection:
        rows = connection.execute("select message_id, state from rollout_reminder where state != 'planned'")
        return dict(rows.fetchall())


def cumulative(url, month):
    answer = fetch(f"{url}/api/v1/projection/")
    return answer["stale"], {point["period"]: point["cumulative"] for point in answer["points"]}[month]


def test_up_serves_the_plan_and_a_restart_keeps_edits(checkout, server):
    process = server()
    assert cumulative(process.url, "2027-03") == (False, 152_000)
    first_log = (checkout / "server.log").read_text()
    kill(process)
    move = "from rollout.models import Wave; w = Wave.objects.get(code='nta-1'); w.cutover = 'R9.6'; w.save()"
    manage(checkout, "shell", "-c", move)
    process = server()
    assert cumulative(process.url, "2027-03") == (False, 152_000 - 68_600)
    second_log = (checkout / "server.log").read_text().removeprefix(first_log)
    assert (first_log.count("パスワード "), second_log.count("パスワード ")) == (1, 0)


def test_up_refuses_a_taken_address(checkout, server):
    process = server()
    bind = process.url.removeprefix("http://")
    with pytest.raises(AssertionError, match="では待ち受けできません"):
        manage(checkout, "up", "--bind", bind)


def test_edit_does_not_wait_for_a_broker_that_is_away(checkout):
    env = embedded_env(REDIS_URL=f"redis://127.0.0.1:{free_port()}/0", SECRET_KEY="not the real one")
    timed = "import time; from rollout.tasks import nudge; nudge(); begin = time.monotonic(); nudge(); "
    answer = manage(checkout, "shell", "-c", timed + "print(time.monotonic() - begin < 1)", env=env)
    assert answer.splitlines()[-1] == "True"


def test_kill_while_sending_loses_nothing_and_sends_nothing_twice(checkout, server, mail_sink):
    manage(checkout, "migrate", "-v0")
    manage(checkout, "seed")
    script = (ROOT / "tests/processes/due_reminders.py").read_text()
    manage(checkout, "shell", "-c", f"{script}\nmake_due_reminders({REMINDERS})")
    mail_sink.delay = 0.15
    process = server(EMAIL_URL=mail_sink.url)
    wait_until(lambda: len(mail_sink.messages) >= 3, lambda: (checkout / "server.log").read_text())
    kill(process)
    assert len(mail_sink.messages) < REMINDERS
    server(EMAIL_URL=mail_sink.url)
    wait_until(lambda: "due" not in ledger(checkout).values(), lambda: ledger(checkout))
    wait_until(lambda: Counter(ledger(checkout).values())["sending"] <= 1, lambda: ledger(checkout))
    later = "from datetime import timedelta; from django.utils import timezone; from rollout import outbox; "
    manage(checkout, "shell", "-c", later + "outbox.settle(now=timezone.now() + timedelta(minutes=11))")
    states = ledger(checkout)
    sent = [key for key, state in states.items() if state == "sent"]
    unknown = [key for key, state in states.items() if state == "unknown"]
    assert (len(states), len(sent) + len(unknown)) == (REMINDERS, REMINDERS)
    assert len(unknown) <= 1
    assert max(Counter(mail_sink.message_ids).values()) == 1
    assert set(sent) <= set(mail_sink.message_ids) <= set(states)
