"""What people decide about mails whose fate is unclear, and what the ledger then does."""

import threading
from datetime import timedelta
from functools import partial

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import connection

from ministries.models import Contact
from rollout import actions, answers, outbox
from rollout.models import PlanVersion, Reminder, ReminderRule, Wave
from tests.answers import at, make_wave
from tests.factories import ContactFactory, ReminderRuleFactory

FIRST = at("2026-11-24 10:00")
CLAIMED = at("2026-12-16 09:00")
NOW = at("2026-12-18 10:00")
"""A Friday within the grace of what was due on the 16th."""

OVERTAKEN = "ほかの人がすでに判断したか、状態が変わりました。一覧を開き直してください。"


@pytest.fixture
def actor(db):
    return get_user_model().objects.create_user("sato")


@pytest.fixture
def reminder(db, time_machine):
    """The one row that a small plan owes, whose sending was cut off; now it is two days later."""
    return owe(time_machine)


def owe(time_machine):
    time_machine.move_to(FIRST, tick=False)
    wave = make_wave("R9.1.15")
    ContactFactory(ministry=wave.rollout.lead_ministry, email="a@example.go.jp")
    ReminderRuleFactory()
    outbox.plan_reminders()
    time_machine.move_to(NOW, tick=False)
    return become("unknown", claimed_at=CLAIMED, attempts=1)


def become(state, **values):
    """The row is in this state."""
    Reminder.objects.update(state=state, **values)
    return Reminder.objects.select_related("wave", "rule").get()


def columns(*names):
    return Reminder.objects.values_list(*names).get()


def tick():
    outbox.plan_reminders()
    outbox.settle()
    outbox.deliver()


def refusal(decide, **values):
    before = list(Reminder.objects.values())
    with pytest.raises(ValidationError) as found:
        decide(**values)
    assert list(Reminder.objects.values()) == before
    return found.value.messages[0]


@pytest.mark.parametrize("state", ["unknown", "failed", "missed"])
def test_resent_row_goes_out_once_under_the_same_message_id(reminder, actor, state):
    reminder = become(state, retry_at=NOW + timedelta(hours=1))
    answers.resend(reminder=reminder, actor=actor)
    note = "2026-12-18 10:00 sato：もう一度送る"
    assert columns("state", "due_at", "retry_at", "attempts", "decided_by", "state_note") == (
        *("due", NOW, None, 1, actor.pk, note),
    )
    tick()
    tick()
    assert [message.extra_headers["Message-ID"] for message in mail.outbox] == [reminder.message_id]
    assert columns("state", "attempts", "decided_by") == ("sent", 2, actor.pk)


def test_row_resent_long_after_its_day_is_not_missed_again(reminder, actor, time_machine):
    time_machine.move_to(at("2027-01-08 10:00"), tick=False)
    answers.resend(reminder=become("missed"), actor=actor)
    tick()
    assert columns("state") == ("sent",)


def test_row_resent_on_a_closed_day_goes_out_on_the_next(reminder, actor, time_machine):
    ReminderRule.objects.update(grace_business_days=0)
    time_machine.move_to(at("2026-12-19 20:00"), tick=False)
    answers.resend(reminder=become("missed"), actor=actor)
    for moment in ("2026-12-19 20:01", "2026-12-20 00:00", "2026-12-20 10:00", "2026-12-21 08:59"):
        time_machine.move_to(at(moment), tick=False)
        PlanVersion.objects.update(reminders_number=None)
        tick()
        assert columns("state", "due_at") == ("due", at("2026-12-21 09:00"))
    time_machine.move_to(at("2026-12-21 09:00"), tick=False)
    tick()
    assert columns("state") == ("sent",)


def test_resent_row_takes_no_other_place(reminder, actor, time_machine):
    answers.resend(reminder=reminder, actor=actor)
    Reminder.objects.create(
        wave=reminder.wave,
        rule=ReminderRuleFactory(count=28, label="28日前"),
        address="a@example.go.jp",
        cutover_version=1,
        due_at=NOW - timedelta(minutes=1),
    )
    PlanVersion.objects.update(reminders_number=PlanVersion.objects.get().number)
    outbox.settle()
    assert list(Reminder.objects.order_by("pk").values_list("state", flat=True)) == ["due", "due"]


UNWANTED = {
    "moved wave": (lambda row: move(row.wave, cutover="R9.2.15"), "切替予定が変わったため"),
    "cancelled wave": (
        lambda row: move(row.wave, status="cancelled"),
        "移行単位が「中止」になったため",
    ),
    "rule switched off": (
        lambda row: ReminderRule.objects.update(active=False),
        "通知ルールが無効になったため",
    ),
    "contact switched off": (
        lambda row: Contact.objects.update(active=False),
        "宛先または通知ルールが変わったため",
    ),
}


def move(wave, **values):
    for name, value in values.items():
        setattr(wave, name, value)
    actions.save_row(row=wave, actor=None, reason="変更")


@pytest.mark.parametrize(("change", "reason"), UNWANTED.values(), ids=UNWANTED)
@pytest.mark.parametrize("state", ["unknown", "failed", "missed"])
def test_row_that_nobody_wants_any_more_is_not_resent(reminder, actor, state, change, reason):
    reminder = become(state)
    change(reminder)
    assert refusal(answers.resend, reminder=reminder, actor=actor) == f"もう送る必要がありません：{reason}"


@pytest.mark.parametrize("state", ["planned", "due", "sending", "sent", "cancelled", "skipped"])
def test_row_that_is_not_in_question_is_not_resent(reminder, actor, state):
    reminder = become(state, sent_at=CLAIMED, state_note="理由")
    expected = f"いまは「{reminder.get_state_display()}」です。理由"
    assert refusal(answers.resend, reminder=reminder, actor=actor) == expected


def test_row_whose_recipient_has_answered_is_not_resent(reminder, actor):
    reminder = become("unknown", acknowledged_at=NOW)
    assert refusal(answers.resend, reminder=reminder, actor=actor) == answers.HAS_ARRIVED
    answers.accept(reminder=reminder, actor=actor)


def test_accepted_row_was_sent_when_it_was_claimed(reminder, actor):
    answers.accept(reminder=reminder, actor=actor)
    assert columns("state", "sent_at", "decided_by", "state_note") == (
        *("sent", CLAIMED, actor.pk, "2026-12-18 10:00 sato：届いたことを確認"),
    )
    tick()
    assert (columns("state"), mail.outbox) == (("sent",), [])


TEXTS = {"unknown": "あと30日です。", "failed": "担当者 様", "missed": "担当者 様"}


@pytest.mark.parametrize(("state", "text"), TEXTS.items())
def test_mail_that_may_have_arrived_is_resent_word_for_word(reminder, actor, state, text):
    reminder = become(state, subject="件名", body="あと30日です。")
    answers.resend(reminder=reminder, actor=actor)
    tick()
    assert mail.outbox[0].body.startswith(text)
    assert columns("body") == (mail.outbox[0].body,)


@pytest.mark.parametrize("state", ["failed", "missed", "due", "sent", "planned"])
def test_row_whose_fate_is_known_is_not_accepted(reminder, actor, state):
    reminder = become(state, sent_at=CLAIMED)
    expected = f"いまは「{reminder.get_state_display()}」です。"
    assert refusal(answers.accept, reminder=reminder, actor=actor) == expected


@pytest.mark.parametrize("first", [answers.resend, answers.accept])
@pytest.mark.parametrize("second", [answers.resend, answers.accept])
def test_second_decision_is_told_of_the_first(reminder, actor, first, second):
    seen = Reminder.objects.get()
    first(reminder=reminder, actor=actor)
    assert refusal(second, reminder=seen, actor=actor) == OVERTAKEN


def test_decision_on_a_row_that_failed_again_meanwhile_is_refused(reminder, actor):
    become("unknown", attempts=2)
    assert refusal(answers.resend, reminder=reminder, actor=actor) == OVERTAKEN


@pytest.mark.servers
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("decisions", [("resend",) * 4, ("accept",) * 4, ("resend", "accept") * 2])
def test_of_several_who_decide_at_once_one_decides(time_machine, decisions):
    reminder, actor = owe(time_machine), get_user_model().objects.create_user("sato")

    def decide(name):
        getattr(answers, name)(reminder=Reminder.objects.get(pk=reminder.pk), actor=actor)

    told = at_once([partial(decide, name) for name in decisions])
    done = [message for message in told if message is None]
    assert (len(done), Reminder.objects.get().decided_by_id) == (1, actor.pk)


def at_once(calls):
    """What each call, in a thread of its own, was refused with; None where it was not."""
    start, told = threading.Barrier(len(calls)), []

    def run(call):
        try:
            start.wait()
            call()
            told.append(None)
        except ValidationError as error:
            told.append(error.messages[0])
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


@pytest.mark.servers
@pytest.mark.django_db(transaction=True)
def test_of_several_who_answer_one_link_at_once_one_writes(time_machine):
    reminder = owe(time_machine)
    versions = Wave.history.count()
    told = at_once([lambda: answers.confirm_cutover_by_link(reminder=reminder)] * 4)
    assert (told, Wave.history.count()) == ([None] * 4, versions + 1)
    assert Reminder.objects.get().acknowledged_at == NOW


def test_refused_confirmation_writes_nothing_at_all(reminder):
    move(reminder.wave, cutover="R9.2.15")
    versions = Wave.history.count()
    assert refusal(answers.confirm_cutover_by_link, reminder=reminder) == answers.MOVED
    assert Wave.history.count() == versions
