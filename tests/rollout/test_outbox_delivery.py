"""What is due becomes mail, once, and the row says what a real mail server answered."""

import smtplib
import socket
import threading
from contextlib import contextmanager
from datetime import date
from email import message_from_bytes
from email.policy import SMTP as SMTP_POLICY

import pytest
import time_machine
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP
from django.db import connections

from ministries.models import Contact
from rollout import answers, outbox, recompute, tasks
from rollout.domain.dates import parse
from rollout.domain.letters import request_text
from rollout.domain.reminders import Kind, State
from rollout.models import PlanVersion, Projection, Reminder, ReminderRule, Wave
from rollout.outbox.letters import Writer
from tests.factories import ContactFactory, ReminderRuleFactory
from tests.rollout.ledger import DUE, START, at, ledger, make_wave, owe

pytestmark = pytest.mark.django_db

SENT, WAITING, FAILED, UNKNOWN = State.SENT, State.DUE, State.FAILED, State.UNKNOWN
A, B, C = (f"{letter}@example.go.jp" for letter in "abc")


class Post:
    """Keeps the mails it accepts; what it refuses, and where it drops the line, stands by address."""

    def __init__(self):
        self.mails, self.refusals, self.text_refusals, self.drops = [], {}, {}, {}
        self.lock = threading.Lock()

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):  # noqa: N802 (aiosmtpd's name)
        if self.drops.get(address) == "at the address":
            server.transport.abort()
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 (aiosmtpd's name)
        if envelope.rcpt_tos[0] in self.text_refusals:
            return self.text_refusals[envelope.rcpt_tos[0]]
        with self.lock:
            self.mails.append((envelope.rcpt_tos, envelope.content))
        if self.drops.get(envelope.rcpt_tos[0]) == "after the text":
            server.transport.abort()
        return "250 OK"

    def addresses(self):
        return [address for addresses, _ in self.mails for address in addresses]

    def mail(self):
        [(_, content)] = self.mails
        return message_from_bytes(content, policy=SMTP_POLICY)

    def subject(self):
        """As a reader shows it: without the space at which the header may be folded."""
        return self.mail()["Subject"].lstrip()

    def text(self):
        return self.mail().get_body(("plain",)).get_content().removesuffix("\r\n")

    def html(self):
        return self.mail().get_body(("html",)).get_content()


class HangingUp(SMTP):
    """Hangs up where a client starts to send the text of a mail."""

    async def smtp_DATA(self, arg):  # noqa: N802 (aiosmtpd's name)
        if self.event_handler.drops.get(self.envelope.rcpt_tos[0]) == "before the text":
            await self.push("354 go on")
            self.transport.abort()
            return
        await super().smtp_DATA(arg)


class PostOffice(Controller):
    def factory(self):
        return HangingUp(self.handler)

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def post(settings):
    office = PostOffice(Post(), hostname="127.0.0.1", port=0)
    office.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", office.port
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    yield office.handler
    office.stop()


@contextmanager
def everything_due(emails=(A,), **values):
    """The ledger owes these addresses a mail about one wave, and it is nine o'clock on that day."""
    with time_machine.travel(START, tick=False) as clock:
        owe(make_wave(**values), emails)
        clock.move_to(DUE)
        recompute.recompute()
        outbox.settle()
        yield clock


@pytest.fixture
def due():
    with everything_due((A, B, C)) as clock:
        yield clock


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


def test_mail_has_the_message_id_of_its_row(post):
    with everything_due():
        outbox.deliver()
    row, mail = Reminder.objects.get(), post.mail()
    assert (mail["Message-ID"], mail["To"], mail["From"]) == (row.message_id, A, "gss-tracker@example.go.jp")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert row.message_id.endswith("@example.go.jp>")


TEXT = "{宛名}|{案件}|{府省庁}|{範囲}|{切替予定}|{切替予定の読み}|{残り日数}|{人数}|{お願い}"


def test_mail_says_in_japanese_what_moves_when_and_what_to_do(post):
    with everything_due(cutover="R9.1.15", users=68_600):
        ReminderRule.objects.update(subject="【GSS】{案件} 切替のお知らせ（{切替予定}）", body=TEXT)
        outbox.deliver()
    row = Reminder.objects.get()
    assert post.subject() == "【GSS】国税庁（地方拠点） 切替のお知らせ（R9.1.15）"
    assert post.text().split("|") == [
        *("担当者", "国税庁（地方拠点）", "国税庁", "地方拠点", "R9.1.15", "令和9年1月15日"),
        *("切替予定日まであと30日です", "68,600人（公表・確認）"),
        request_text(Kind.OFFSET, parse("R9.1.15"), date(2026, 12, 16)),
    ]
    assert (row.subject, row.body) == (post.subject(), post.text())


def test_mail_says_unknown_where_nobody_has_counted(post):
    with everything_due():
        ReminderRule.objects.update(body="{人数}")
        Projection.objects.all().delete()
        outbox.deliver()
    assert post.text() == "不明"


def test_mail_addresses_the_contact_who_is_concerned(post):
    ContactFactory(email=A, name="別の府省の担当者")
    with everything_due():
        ReminderRule.objects.update(body="{宛名} 様")
        outbox.deliver()
    assert post.text() == "担当者 様"


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


INJECTIONS = {
    "in a name": {"name": "担当\r\nBcc: evil@example.com"},
    "in Japanese": {"name": "担当者\nBcc: evil@example.com"},
}


@pytest.mark.parametrize("values", INJECTIONS.values(), ids=INJECTIONS)
def test_mail_headers_cannot_be_injected_by_a_value(post, values):
    with everything_due():
        ReminderRule.objects.update(subject="{宛名} 様\r\nCc: evil@example.com")
        Contact.objects.update(**values)
        outbox.deliver()
    mail = post.mail()
    assert (mail["Cc"], mail["Bcc"], post.addresses()) == (None, None, [A])
    assert post.subject() == " ".join(f"{values['name']} 様 Cc: evil@example.com".split())


def test_address_with_a_line_break_is_never_sent(post, due):
    address = f"{B}\nbcc: evil@example.com"
    Contact.objects.filter(email=B).update(email=address)
    Reminder.objects.filter(address=B).update(address=address)
    assert outbox.deliver() == 2
    assert post.addresses() == [A, C]
    assert ledger("state")[1] == FAILED


def test_long_subject_is_cut_to_what_the_ledger_holds(post):
    with everything_due():
        Contact.objects.update(name="長" * 100)
        ReminderRule.objects.update(subject="{宛名}" * 4)
        assert outbox.deliver() == 1
    assert post.subject() == "長" * 300


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


CHANGES_OF_MIND = {
    "rule switched off": lambda: ReminderRule.objects.update(active=False),
    "contact switched off": lambda: Contact.objects.update(active=False),
    "contact of a ministry without a part in it": lambda: Contact.objects.update(role="pmo"),
    "wave cancelled": lambda: Wave.objects.update(status="cancelled"),
    "wave in use": lambda: Wave.objects.update(status="in_use"),
    "cutover moved": lambda: Wave.objects.update(cutover_version=2),
}


@pytest.mark.parametrize("change_mind", CHANGES_OF_MIND.values(), ids=CHANGES_OF_MIND)
def test_claim_cancels_what_nobody_wants_any_more(post, change_mind):
    with everything_due():
        ReminderRule.objects.update(to_pmo=False)
        change_mind()
        PlanVersion.objects.raise_number()
        assert outbox.deliver() == 0
    assert (post.addresses(), ledger("state", "attempts")[0]) == ([], (State.CANCELLED, 0))


def test_claim_sends_to_the_pmo_alone_where_the_rule_says_so(post, due):
    ReminderRule.objects.update(to_lead=False, to_deputy=False, to_covered=False)
    Contact.objects.filter(email=B).update(role="pmo")
    PlanVersion.objects.raise_number()
    assert outbox.deliver() == 1
    assert post.addresses() == [B]


def before_the_claim_of(address, monkeypatch, act):
    """Have `act` happen when the letter to `address` is written and its row not yet claimed."""
    write = Writer.write

    def write_late(self, row):
        if row.address == address:
            act()
        return write(self, row)

    monkeypatch.setattr(Writer, "write", write_late)


def test_claim_leaves_what_another_process_has_taken(post, due, monkeypatch):
    taken = Reminder.objects.filter(address=B)
    before_the_claim_of(B, monkeypatch, lambda: taken.update(state=State.SENDING, claimed_at=DUE))
    assert outbox.deliver() == 2
    assert (post.addresses(), ledger("state")) == ([A, C], [SENT, State.SENDING, SENT])


def test_claim_leaves_what_another_process_has_just_tried(post, due, monkeypatch):
    def try_in_vain():
        Reminder.objects.filter(address=B).update(attempts=1, retry_at=at("2026-12-16 10:01"))

    before_the_claim_of(A, monkeypatch, try_in_vain)
    assert outbox.deliver() == 2
    assert ledger("state", "attempts") == [(SENT, 1), (WAITING, 1), (SENT, 1)]


def test_claim_waits_for_the_ledger_when_the_plan_moves_meanwhile(post, due, monkeypatch):
    wave = Wave.objects.get()
    wave.cutover = "R9.3.15"
    before_the_claim_of(B, monkeypatch, wave.save)
    assert (outbox.deliver(), post.addresses()) == (1, [A])
    outbox.plan_reminders()
    rows = Reminder.objects.filter(rule__kind="offset").order_by("pk")
    assert list(rows.values_list("address", "state")[:3]) == [(A, SENT), (B, "cancelled"), (C, "cancelled")]


def test_plan_that_moves_and_is_planned_within_a_batch_leaves_the_rest_to_the_next(post, due, monkeypatch):
    rule = ReminderRule.objects.get()
    rule.body = "改めた文面"

    def correct_the_text():
        rule.save()
        outbox.plan_reminders()

    before_the_claim_of(B, monkeypatch, correct_the_text)
    assert (outbox.deliver(), ledger("state")) == (1, [SENT, WAITING, WAITING])
    monkeypatch.undo()
    assert outbox.deliver() == 2
    assert {
        message_from_bytes(mail, policy=SMTP_POLICY).get_body(("plain",)).get_content().strip()
        for addresses, mail in post.mails
        if addresses != [A]
    } == {"改めた文面"}


def test_acknowledgement_does_not_hold_up_the_batch(post, due, monkeypatch):
    sent = Reminder.objects.get(address=A)
    before_the_claim_of(B, monkeypatch, lambda: answers.acknowledge(reminder=sent))
    assert (outbox.deliver(), post.addresses()) == (3, [A, B, C])


def test_row_that_cannot_be_written_holds_up_nobody(post, due, monkeypatch, caplog):
    before_the_claim_of(A, monkeypatch, lambda: 1 / 0)
    assert (outbox.deliver(), post.addresses()) == (2, [B, C])
    assert ledger("state", "state_note")[0] == (FAILED, "メールを組み立てられません: ZeroDivisionError")


def test_round_ends_at_midnight(post, due, monkeypatch):
    due.move_to(at("2026-12-18 23:59"))
    before_the_claim_of(B, monkeypatch, lambda: due.move_to(at("2026-12-19 00:00")))
    assert (outbox.deliver(), post.addresses()) == (2, [A, B])
    assert ledger("state")[2] == WAITING


ODD_ANSWERS = {"251 will forward": SENT, "200 fine": SENT, "354 go on": UNKNOWN, "999 what": UNKNOWN}


@pytest.mark.parametrize(("answer", "state"), ODD_ANSWERS.items())
def test_odd_answer_to_the_text_is_never_sent_again(post, due, answer, state):
    post.text_refusals[B] = answer
    outbox.deliver()
    assert (ledger("state"), ledger("server_answer")[1].endswith(answer)) == ([SENT, state, SENT], True)


def test_edit_of_a_rule_keeps_what_waits_for_its_mail(post, due):
    due.move_to(at("2026-12-17 10:00"))
    rule = ReminderRule.objects.get()
    rule.to_watchers = False
    rule.save()
    Contact.objects.filter(email=B).update(reachable_since=at("2026-12-17 10:00"))
    assert (outbox.deliver(), post.addresses()) == (3, [A, B, C])


def test_claim_is_dated_when_it_is_made(post, due, monkeypatch):
    """A long batch must not make its last mails look as if they had been stuck from its start."""
    mail = smtplib.SMTP.mail

    def mail_slowly(*args):
        due.shift(300)
        return mail(*args)

    monkeypatch.setattr(smtplib.SMTP, "mail", mail_slowly)
    outbox.deliver()
    minutes = ("2026-12-16 09:00", "2026-12-16 09:05", "2026-12-16 09:10")
    assert ledger("claimed_at") == [at(minute) for minute in minutes]


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
