"""What is due becomes mail, once, and the row says what a real mail server answered."""

import smtplib
import socket
import threading

import pytest
import time_machine
from django.db import connections

from ministries.models import Contact
from rollout import outbox, tasks
from rollout.domain.reminders import State
from rollout.models import PlanVersion, Reminder, ReminderRule
from tests.factories import ReminderRuleFactory
from tests.rollout.ledger import DUE, START, A, B, C, at, everything_due, ledger, owe

pytestmark = pytest.mark.django_db

SENT, WAITING, FAILED, UNKNOWN = State.SENT, State.DUE, State.FAILED, State.UNKNOWN


def test_deliver_sends_what_is_due_and_says_so(post, due):
    assert outbox.deliver() == 3
    assert post.addresses() == [A, B, C]
    accepted = (SENT, 1, DUE, DUE, "250 OK")
    assert ledger("state", "attempts", "claimed_at", "sent_at", "server_answer") == [accepted] * 3


def test_deliver_leaves_what_is_not_due(post, due):
    Reminder.objects.filter(address=A).update(state=State.PLANNED)
    Reminder.objects.filter(address=B).update(retry_at=at("2026-12-16 09:01"))
    assert outbox.deliver() == 1
    assert post.addresses() == [C]


REFUSALS = {
    "for now": ("451 try again later", WAITING, "451 try again later"),
    "for good": ("550 no such user", FAILED, "550 no such user"),
    "busy, and hangs up": ("421 too busy", WAITING, "421 too busy"),
}


@pytest.mark.parametrize(("answer", "state", "text"), REFUSALS.values(), ids=REFUSALS)
def test_refused_address_is_recorded_and_the_rest_goes_on(post, due, answer, state, text):
    post.refusals[B] = answer
    assert outbox.deliver() == 2
    assert post.addresses() == [A, C]
    retry_at = at("2026-12-16 09:01") if state == WAITING else None
    assert ledger("state", "server_answer", "retry_at")[1] == (state, text, retry_at)
    assert [row[0] for row in ledger("state", "pk")] == [SENT, state, SENT]


@pytest.mark.parametrize(("answer", "state"), [("452 disk full", WAITING), ("552 too large", FAILED)])
def test_refused_text_is_recorded_and_the_rest_goes_on(post, due, answer, state):
    post.text_refusals[B] = answer
    assert outbox.deliver() == 2
    assert (post.addresses(), ledger("state", "server_answer")[1]) == ([A, C], (state, answer))


@pytest.mark.parametrize("where", ["before the text", "after the text"])
def test_connection_that_drops_with_the_text_leaves_unknown_and_the_rest_goes_on(post, due, where):
    post.drops[B] = where
    assert (outbox.deliver(), ledger("state")) == (2, [SENT, UNKNOWN, SENT])
    assert outbox.deliver() == 0
    assert post.addresses().count(B) == (where == "after the text")


def test_connection_that_drops_before_the_text_is_tried_again(post, due):
    post.drops[B] = "at the address"
    assert (outbox.deliver(), ledger("state")) == (2, [SENT, WAITING, SENT])
    assert ledger("retry_at", "attempts")[1] == (at("2026-12-16 09:01"), 1)
    assert ledger("server_answer")[1].startswith("本文を渡す前に接続が切れました")
    post.drops.clear()
    due.move_to(at("2026-12-16 09:01"))
    assert (outbox.deliver(), post.addresses()) == (1, [A, C, B])


def test_connection_that_drops_again_and_again_ends_the_round(post):
    emails = [f"contact{number}@example.go.jp" for number in range(5)]
    with everything_due(emails):
        post.drops = dict.fromkeys(emails, "at the address")
        assert outbox.deliver() == 0
    assert ledger("attempts") == [1, 1, 1, 0, 0]


def test_batch_goes_over_one_connection(post, due, monkeypatch):
    opened = []
    connect = smtplib.SMTP.connect
    monkeypatch.setattr(smtplib.SMTP, "connect", lambda *args: opened.append(1) or connect(*args))
    assert (outbox.deliver(), len(opened)) == (3, 1)


CLOSED = {
    "at midnight": "2026-12-17 00:00",
    "before nine": "2026-12-17 08:59",
    "on Saturday": "2026-12-19 12:00",
    "on a holiday": "2026-12-31 12:00",
}


@pytest.mark.parametrize("moment", CLOSED.values(), ids=CLOSED)
def test_deliver_sends_nothing_while_offices_are_closed(post, due, moment):
    due.move_to(at(moment))
    assert (outbox.deliver(), post.addresses(), set(ledger("state"))) == (0, [], {WAITING})


def test_mail_server_that_is_away_is_asked_once_a_round_and_claims_nothing(post, due, settings, caplog):
    port = settings.EMAIL_PORT
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.EMAIL_PORT = server.getsockname()[1]
    assert outbox.deliver() == 0
    assert ledger("state", "attempts", "claimed_at") == [(WAITING, 0, None)] * 3
    assert {answer.partition(": ")[0] for answer in ledger("server_answer")} == {
        "メールサーバーに接続できません"
    }
    assert [record.message.partition(":")[0] for record in caplog.records] == ["mail server unreachable"]
    settings.EMAIL_PORT = port
    assert outbox.deliver() == 3


def test_mail_folder_that_cannot_be_used_claims_nothing(due, settings, tmp_path):
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = tmp_path / "file"
    settings.EMAIL_FILE_PATH.write_text("not a folder")
    assert outbox.deliver() == 0
    assert ledger("state", "claimed_at") == [(WAITING, None)] * 3


def test_retries_back_off_and_keep_the_message_id(post, settings):
    with everything_due() as clock:
        [message_id] = ledger("message_id")
        post.refusals[A] = "451 try again later"
        waits = []
        for _ in range(8):
            outbox.deliver()
            row = Reminder.objects.get()
            waits.append(int((row.retry_at - row.claimed_at).total_seconds() / 60))
            clock.move_to(row.retry_at)
        assert waits == [1, 2, 5, 15, 30, 60, 60, 60]
        post.refusals.clear()
        outbox.deliver()
    assert (post.mail()["Message-ID"], ledger("state", "attempts")) == (message_id, [(SENT, 9)])


def test_log_has_no_address_and_no_text(post, due, caplog):
    post.refusals[B] = f"550 <{B}> unknown"
    outbox.deliver()
    row = Reminder.objects.get(address=B)
    ours = [record.getMessage() for record in caplog.records if record.name != "mail.log"]
    assert ours == [f"reminder {row.pk}: failed after attempt 1"]


def test_wrong_template_fails_and_the_rest_goes_on(post):
    with everything_due((A, B)):
        Contact.objects.filter(email=A).update(role="deputy")
        ReminderRule.objects.update(to_deputy=False)
        ReminderRuleFactory(to_lead=False, body="{x}", in_force_since=START)
        outbox.plan_reminders()
        outbox.settle()
        assert outbox.deliver() == 1
    assert post.addresses() == [B]
    assert ledger("address", "state", "attempts")[1:] == [(B, SENT, 1), (A, FAILED, 0)]


ODD_ANSWERS = {"251 will forward": SENT, "200 fine": SENT, "354 go on": UNKNOWN, "999 what": UNKNOWN}


@pytest.mark.parametrize(("answer", "state"), ODD_ANSWERS.items())
def test_odd_answer_to_the_text_is_never_sent_again(post, due, answer, state):
    post.text_refusals[B] = answer
    outbox.deliver()
    assert (ledger("state"), ledger("server_answer")[1].endswith(answer)) == ([SENT, state, SENT], True)


def test_tick_twice_sends_nothing_twice(post):
    with time_machine.travel(START, tick=False) as clock:
        owe(emails=(A, B))
        clock.move_to(DUE)
        tasks.tick()
        tasks.tick()
    assert (post.addresses(), ledger("state")) == ([A, B], [SENT, SENT])
    assert PlanVersion.objects.get().ticked_at == DUE


def in_two_threads(work):
    """Run `work` twice at once, each on its own connection; returns what they raised."""
    errors, barrier = [], threading.Barrier(2)

    def run():
        try:
            barrier.wait(10)
            work()
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return errors


@pytest.mark.servers
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("work", [outbox.deliver, tasks.tick], ids=["deliver", "tick"])
def test_two_at_once_send_each_mail_once(post, work):
    emails = [f"contact{number}@example.go.jp" for number in range(20)]
    with everything_due(emails):
        assert in_two_threads(work) == []
    assert sorted(post.addresses()) == sorted(emails)
    assert set(ledger("state", "attempts")) == {(SENT, 1)}
