"""A row is claimed while it is wanted, by one process, for the plan that its letter was written from."""

import smtplib
from email import message_from_bytes
from email.policy import SMTP as SMTP_POLICY

import pytest

from ministries.models import Contact
from rollout import answers, outbox
from rollout.domain.reminders import State
from rollout.models import PlanVersion, Reminder, ReminderRule, Wave
from rollout.outbox.delivery import Round
from rollout.outbox.letters import Writer
from tests.rollout.ledger import DUE, A, B, C, at, everything_due, ledger

pytestmark = pytest.mark.django_db

SENT, WAITING, FAILED, UNKNOWN = State.SENT, State.DUE, State.FAILED, State.UNKNOWN


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
    claim = Round._claim

    def claim_late(self, row):
        if row.address == address:
            act()
        return claim(self, row)

    monkeypatch.setattr(Round, "_claim", claim_late)


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
    texts = Writer.texts
    monkeypatch.setattr(Writer, "texts", lambda self, row: texts(self, row) if row.address != A else 1 / 0)
    assert (outbox.deliver(), post.addresses()) == (2, [B, C])
    assert ledger("state", "state_note")[0] == (FAILED, "メールを組み立てられません: ZeroDivisionError")


def test_round_ends_at_midnight(post, due, monkeypatch):
    due.move_to(at("2026-12-18 23:59"))
    before_the_claim_of(B, monkeypatch, lambda: due.move_to(at("2026-12-19 00:00")))
    assert (outbox.deliver(), post.addresses()) == (2, [A, B])
    assert ledger("state")[2] == WAITING


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
