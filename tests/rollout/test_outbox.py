"""The ledger follows the plan, and decides what is due, skipped, missed and unknown."""

from collections import Counter

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rollout import actions, outbox
from rollout.domain.reminders import State
from rollout.models import PlanVersion, Reminder, RolloutCoverage
from tests.factories import ContactFactory, MinistryFactory, ReminderRuleFactory, WaveFactory
from tests.rollout.ledger import DUE, START, at, change, due_days, ledger, make_wave, owe

pytestmark = pytest.mark.django_db

PLANNED, CANCELLED, WAITING, SENT = State.PLANNED, State.CANCELLED, State.DUE, State.SENT
AFTER_DUE = at("2026-12-16 15:00")


@pytest.fixture(autouse=True)
def clock():
    """Time stands still at 10:00 in Tokyo on 2026-11-24."""
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def test_plan_reminders_owes_a_row_to_every_address():
    wave = make_wave()
    covered = MinistryFactory()
    RolloutCoverage.objects.create(rollout=wave.rollout, ministry=covered)
    ContactFactory(ministry=covered, email="covered@example.go.jp")
    ContactFactory(role="pmo", email="pmo@example.go.jp")
    ContactFactory(email="stranger@example.go.jp")
    ContactFactory(ministry=covered, email="silent@example.go.jp", active=False)
    owe(wave)
    addresses = ["a@example.go.jp", "covered@example.go.jp", "pmo@example.go.jp"]
    assert ledger("address", "due_at", "state") == [(address, DUE, PLANNED) for address in addresses]


def test_plan_reminders_owes_an_address_at_two_ministries_once():
    wave = make_wave()
    covered = MinistryFactory()
    RolloutCoverage.objects.create(rollout=wave.rollout, ministry=covered)
    ContactFactory(ministry=covered, email="A@Example.go.jp")
    owe(wave)
    assert ledger("address") == ["a@example.go.jp"]


def test_plan_reminders_owes_nothing_for_a_day_that_has_passed():
    owe(make_wave("R8.12.20"), days=(30, 7))
    assert due_days() == ["2026-12-11"]


def test_plan_reminders_twice_changes_nothing():
    wave = owe(days=(30, 7))
    before = list(Reminder.objects.order_by("pk").values())
    wave.save()
    outbox.plan_reminders()
    assert list(Reminder.objects.order_by("pk").values()) == before


def test_plan_reminders_does_nothing_until_something_changes():
    wave = owe()
    Reminder.objects.all().delete()
    outbox.plan_reminders()
    assert ledger("pk") == []
    wave.save()
    outbox.plan_reminders()
    assert due_days() == ["2026-12-16"]


def test_plan_reminders_remembers_the_version_that_it_planned_for():
    owe()
    version = PlanVersion.objects.get()
    assert version.reminders_number == version.number


def test_moved_cutover_cancels_what_is_unsent_and_owes_anew():
    wave = owe(days=(30, 7))
    change(wave, cutover="R9.2.15")
    moved = "切替予定が変わったため"
    assert ledger("cutover_version", "state", "state_note") == [
        (1, CANCELLED, moved),
        (1, CANCELLED, moved),
        (2, PLANNED, ""),
        (2, PLANNED, ""),
    ]
    assert due_days() == ["2027-01-15", "2027-02-08"]


def test_moved_cutover_leaves_what_was_sent():
    wave = owe()
    Reminder.objects.update(state=SENT, sent_at=DUE)
    change(wave, cutover="R9.2.15")
    assert ledger("cutover_version", "state") == [(1, SENT), (2, PLANNED)]


def test_moved_cutover_cancels_what_waits_for_another_attempt():
    wave = owe()
    outbox.settle(now=DUE)
    change(wave, cutover="R9.2.15")
    assert ledger("cutover_version", "state") == [(1, CANCELLED), (2, PLANNED)]


def test_cutover_written_another_way_moves_nothing():
    wave = owe(make_wave("R9.1"))
    change(wave, cutover="令和9年1月から")
    assert ledger("cutover_version", "state") == [(1, PLANNED)]


def test_coarser_cutover_owes_nothing():
    wave = owe()
    change(wave, cutover="R8年度")
    assert ledger("cutover_version", "state") == [(1, CANCELLED)]


@pytest.mark.parametrize(
    ("values", "label"),
    [
        pytest.param({"status": "cancelled"}, "中止", id="cancelled"),
        pytest.param({"status": "in_use", "cutover": "R8.11.24"}, "利用中", id="in use"),
    ],
)
def test_settled_wave_cancels_what_is_unsent(values, label):
    wave = owe()
    change(wave, **values)
    assert ledger("state", "state_note") == [(CANCELLED, f"移行単位が「{label}」になったため")]


def test_cancelled_wave_that_is_planned_again_revives_its_row():
    wave = owe()
    change(wave, status="cancelled")
    change(wave, status="planned")
    assert ledger("state", "state_note", "due_at") == [(PLANNED, "", DUE)]


def switched_row(kind):
    wave = owe()
    reminder = Reminder.objects.get()
    return reminder.rule if kind == "rule" else wave.rollout.lead_ministry.contacts.get()


SWITCHES = [
    pytest.param("rule", "通知ルールが無効になったため", id="rule"),
    pytest.param("contact", "宛先または通知ルールが変わったため", id="contact"),
]


@pytest.mark.parametrize(("kind", "note"), SWITCHES)
def test_switching_off_cancels_and_switching_on_revives(kind, note):
    row = switched_row(kind)
    change(row, active=False)
    assert ledger("state", "state_note") == [(CANCELLED, note)]
    change(row, active=True)
    assert ledger("state", "state_note") == [(PLANNED, "")]


SWITCHED_ON = {
    "on its day, after nine": (AFTER_DUE, PLANNED),
    "the day after": (at("2026-12-17 08:00"), CANCELLED),
}


@pytest.mark.parametrize(("moment", "state"), SWITCHED_ON.values(), ids=SWITCHED_ON)
@pytest.mark.parametrize("kind", ["rule", "contact"])
def test_switching_on_owes_what_is_due_from_that_day_on(clock, kind, moment, state):
    row = switched_row(kind)
    change(row, active=False)
    clock.move_to(moment)
    change(row, active=True)
    assert ledger("state") == [state]


@pytest.mark.parametrize(
    ("moment", "state"),
    [
        pytest.param(at("2026-12-23 12:00"), PLANNED, id="within its grace"),
        pytest.param(at("2026-12-24 12:00"), CANCELLED, id="past its grace"),
    ],
)
def test_wave_planned_again_owes_what_is_within_its_grace(clock, moment, state):
    wave = owe()
    change(wave, status="cancelled")
    clock.move_to(moment)
    change(wave, status="planned")
    assert ledger("state") == [state]


@pytest.mark.parametrize("state", [PLANNED, WAITING])
def test_changed_offset_moves_the_day(state):
    owe()
    Reminder.objects.update(state=state)
    change(Reminder.objects.get().rule, count=7)
    assert (ledger("state"), due_days()) == ([PLANNED], ["2027-01-08"])


def test_changed_offset_to_a_day_that_has_passed_cancels():
    owe()
    change(Reminder.objects.get().rule, count=90)
    assert ledger("state", "state_note") == [(CANCELLED, "宛先または通知ルールが変わったため")]


def test_ministry_covered_no_more_is_owed_nothing():
    wave = make_wave()
    coverage = RolloutCoverage.objects.create(rollout=wave.rollout, ministry=MinistryFactory())
    ContactFactory(ministry=coverage.ministry, email="covered@example.go.jp")
    owe(wave)
    actions.delete_row(row=coverage, actor=None, reason="対象外")
    outbox.plan_reminders()
    assert ledger("address", "state") == [
        ("a@example.go.jp", PLANNED),
        ("covered@example.go.jp", CANCELLED),
    ]


def test_new_rule_and_contact_are_owed_from_then_on():
    wave = owe()
    ContactFactory(ministry=wave.rollout.lead_ministry, email="b@example.go.jp")
    ReminderRuleFactory(count=7)
    outbox.plan_reminders()
    assert due_days() == ["2026-12-16", "2026-12-16", "2027-01-08", "2027-01-08"]


@pytest.mark.parametrize(
    ("moment", "state"),
    [
        pytest.param(at("2026-12-16 08:59"), PLANNED, id="08:59"),
        pytest.param(at("2026-12-16 09:00"), WAITING, id="09:00"),
    ],
)
def test_settle_finds_due_what_was_due_at_nine(moment, state):
    owe()
    outbox.settle(now=moment)
    assert ledger("state") == [state]


LATE = {
    "on the last day of its grace": (at("2026-12-23 23:59"), WAITING, ""),
    "past its grace": (
        at("2026-12-24 00:00"),
        State.MISSED,
        "期日から猶予の営業日数を過ぎたため送りませんでした。",
    ),
}


@pytest.mark.parametrize(("moment", "state", "note"), LATE.values(), ids=LATE)
@pytest.mark.parametrize("before", [PLANNED, WAITING])
def test_settle_gives_up_past_the_grace(before, moment, state, note):
    owe()
    Reminder.objects.update(state=before)
    outbox.settle(now=moment)
    assert ledger("state", "state_note") == [(state, note)]


def test_settle_lets_the_nearest_to_the_cutover_go():
    owe(days=(14, 7, 10))
    outbox.settle(now=at("2027-01-08 09:00"))
    skipped = "切替により近い「7日前」を送るため省略しました。"
    states = [(14, State.SKIPPED, skipped), (10, State.SKIPPED, skipped), (7, WAITING, "")]
    assert ledger("rule__count", "state", "state_note") == states


def test_settle_skips_what_waits_for_another_attempt_once_the_next_is_due():
    owe(days=(14, 10))
    for moment in (at("2027-01-04 09:00"), at("2027-01-05 09:00")):
        outbox.settle(now=moment)
    assert ledger("rule__count", "state") == [(14, State.SKIPPED), (10, WAITING)]


def test_settle_compares_one_address_and_one_wave_alone():
    owe(emails=("a@example.go.jp", "b@example.go.jp"), days=(10,))
    owe(WaveFactory(cutover="R9.1.15"), days=())
    outbox.settle(now=at("2027-01-05 09:00"))
    assert ledger("state") == [WAITING] * 3


STUCK = {
    "ten minutes": (at("2026-12-16 09:10"), State.SENDING, ""),
    "over ten minutes": (
        at("2026-12-16 09:10:01"),
        State.UNKNOWN,
        "送信中に処理が途切れました。届いたか確認してください。",
    ),
}


@pytest.mark.parametrize(("moment", "state", "note"), STUCK.values(), ids=STUCK)
def test_settle_shows_what_was_cut_off_while_sending(moment, state, note):
    owe()
    Reminder.objects.update(state=State.SENDING, claimed_at=DUE)
    outbox.settle(now=moment)
    assert ledger("state", "state_note") == [(state, note)]


@pytest.mark.parametrize("state", [SENT, State.FAILED, State.UNKNOWN, State.MISSED, State.SKIPPED])
def test_finished_rows_stay_as_they_are(state):
    wave = owe()
    Reminder.objects.update(state=state, sent_at=DUE)
    change(wave, note="別の変更")
    outbox.settle(now=AFTER_DUE)
    change(wave, status="cancelled")
    assert ledger("state") == [state]


def test_clean_refuses_a_rule_whose_texts_name_something_unknown():
    rule = ReminderRuleFactory.build(subject="{担当}", body="{宛名")
    with pytest.raises(ValidationError) as caught:
        rule.full_clean()
    assert sorted(caught.value.message_dict) == ["body", "subject"]
    assert ReminderRuleFactory.build().full_clean() is None


def test_settle_gives_up_many_in_as_few_statements_as_one():
    def statements(emails):
        owe(WaveFactory(cutover="R9.1.15"), emails=emails, days=())
        with CaptureQueriesContext(connection) as found:
            outbox.settle(now=at("2027-01-08 09:00"))
        return len(found)

    owe(days=(14, 10))
    assert statements(["b@example.go.jp"]) == statements([f"{n}@example.go.jp" for n in range(20)])
    assert Counter(ledger("state")) == {State.SKIPPED: 22, WAITING: 22}
