"""An import from arrival to end: two workers, none, one that dies, a plan that moves on, a file forgotten."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from kombu.exceptions import OperationalError

from ministries.models import Contact
from rollout import actions
from rollout.importing import decisions, lifecycle, tasks
from rollout.models import PlanImport, PlanVersion, Wave
from rollout.models.reminders import Reminder
from tests.factories import ContactFactory, RolloutFactory, WaveFactory

pytestmark = pytest.mark.usefixtures("seeded")

WHY = "照会の結果"


def received(text="コード,備考\nnta-1,照会済\n", kind="wave"):
    return decisions.receive(kind=kind, file_name="照会.csv", data=text.encode(), actor=None).pk


def checked(*args, **kwargs):
    key = received(*args, **kwargs)
    lifecycle.follow(key)
    return PlanImport.objects.get(pk=key)


def confirmed(row):
    decisions.confirm(key=row.pk, seen_version=row.seen_version, actor=None, reason=WHY)
    return row.pk


def state(key):
    return PlanImport.objects.get(pk=key).state


def note():
    return Wave.objects.get(code="nta-1").note


def test_what_no_message_reached_is_taken_up_by_the_tick():
    key = received()
    call_command("tick")
    assert state(key) == "checked"
    confirmed(PlanImport.objects.get(pk=key))
    call_command("tick")
    assert (state(key), note()) == ("applied", "照会済")


@pytest.mark.django_db(transaction=True)
def test_broker_that_is_away_costs_time_only(settings, monkeypatch):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    def broker_away(_key):
        raise OperationalError("connection refused")

    monkeypatch.setattr(tasks.follow_import, "delay", broker_away)
    key = received()
    assert state(key) == "waiting"
    tasks.follow_imports()
    assert state(key) == "checked"


def test_import_that_a_worker_is_at_is_left_to_it_until_that_worker_is_silent():
    key = received()
    PlanImport.objects.update(touched_at=timezone.now())
    lifecycle.follow(key)
    assert (state(key), lifecycle.waiting()) == ("waiting", [])
    PlanImport.objects.update(touched_at=timezone.now() - lifecycle.STALLED - timedelta(seconds=1))
    assert lifecycle.waiting() == [key]
    lifecycle.follow(key)
    assert state(key) == "checked"


def test_second_worker_finds_it_applied():
    key = confirmed(checked())
    row = PlanImport.objects.get(pk=key)
    lifecycle.follow(key)
    number = PlanVersion.objects.get().number
    lifecycle._apply(row)
    assert (state(key), PlanVersion.objects.get().number) == ("applied", number)


def test_worker_that_dies_while_writing_has_written_nothing(monkeypatch):
    key = confirmed(checked())
    before = PlanVersion.objects.get().number

    def dies(*_args):
        raise SystemExit

    monkeypatch.setattr(lifecycle, "settle", dies)
    with pytest.raises(SystemExit):
        lifecycle.follow(key)
    assert (state(key), note(), PlanVersion.objects.get().number) == ("confirmed", "", before)


def test_file_that_is_the_end_of_every_worker_is_given_up(monkeypatch):
    key = received()

    def dies(_row):
        raise SystemExit

    monkeypatch.setattr(lifecycle, "_check", dies)
    for _ in range(lifecycle.MOST_ATTEMPTS):
        with pytest.raises(SystemExit):
            lifecycle.follow(key)
        PlanImport.objects.update(touched_at=timezone.now() - lifecycle.STALLED - timedelta(seconds=1))
    lifecycle.follow(key)
    row = PlanImport.objects.get(pk=key)
    assert (row.state, row.file, row.found) == ("refused", None, {"messages": [lifecycle.GIVEN_UP]})


def test_what_nobody_has_checked_yet_can_be_dropped():
    key = received()
    decisions.discard(key=key)
    lifecycle.follow(key)
    assert state(key) == "discarded"


def test_failure_is_told_without_what_it_was_about(monkeypatch, caplog):
    key = received()

    def fails(_found):
        raise RuntimeError("secret@example.go.jp")

    monkeypatch.setattr(lifecycle.Preview, "of", fails)
    lifecycle.follow(key)
    row = PlanImport.objects.get(pk=key)
    assert (row.state, row.found) == ("refused", {"messages": [lifecycle.FAILED]})
    assert [record.message for record in caplog.records] == [f"import {key} failed: RuntimeError"]


def test_confirmed_on_another_plan_is_checked_again():
    row = checked()
    confirmed(row)
    other = Wave.objects.get(code="mof-1")
    actions.save_row(row=other, actor=None, reason="")
    lifecycle.follow(row.pk)
    again = PlanImport.objects.get(pk=row.pk)
    assert (again.state, again.moved_on, note(), again.seen_version) == (
        "checked",
        True,
        "",
        row.seen_version + 1,
    )


def test_confirmed_as_seen_before_a_second_check_is_shown_again():
    row = checked()
    decisions.confirm(key=row.pk, seen_version=row.seen_version - 1, actor=None, reason=WHY)
    assert (state(row.pk), PlanImport.objects.get().moved_on) == ("waiting", True)


@pytest.mark.parametrize("text", ["コード,備考\nnta-1,\n", "コード,備考\nnobody,x\n"])
def test_what_changes_nothing_or_is_wrong_is_not_confirmed(text):
    row = checked(text)
    with pytest.raises(ValidationError):
        confirmed(row)


def test_what_is_being_put_into_force_is_not_dropped():
    key = confirmed(checked())
    with pytest.raises(ValidationError):
        decisions.discard(key=key)
    lifecycle.follow(key)
    assert state(key) == "applied"


def test_files_that_nobody_decides_about_are_let_go_after_a_week():
    old, new = checked(), checked()
    refused = checked("担当\nx\n")
    unread, sure = received(), confirmed(checked())
    ages = timezone.now() - lifecycle.KEPT - timedelta(seconds=1)
    PlanImport.objects.filter(pk__in=[old.pk, refused.pk, unread, sure]).update(since=ages)
    tasks.follow_imports()
    assert (state(unread), state(sure), note()) == ("discarded", "discarded", "")
    old, new, refused = (PlanImport.objects.get(pk=row.pk) for row in (old, new, refused))
    assert (old.state, old.file, "differences" in old.found) == ("discarded", None, False)
    assert (new.state, new.file is not None, refused.found) == ("checked", True, {})


def test_contacts_of_an_import_are_told_from_now_on_and_their_old_url_is_void():
    known = ContactFactory(ministry=Wave.objects.get(code="nta-1").rollout.lead_ministry, active=False)
    long_ago = timezone.now() - timedelta(days=400)
    Contact.objects.update(reachable_since=long_ago)
    confirmed_key = confirmed(
        checked(f"府省庁,メールアドレス,役割,通知する\n国税庁,{known.email},副担当,はい\n", kind="contact")
    )
    lifecycle.follow(confirmed_key)
    serial = known.calendar_serial
    known.refresh_from_db()
    assert (known.active, known.role, known.calendar_serial) == (True, "deputy", serial + 1)
    assert known.reachable_since > long_ago


def test_ledger_and_figures_follow_an_import():
    ContactFactory(ministry=Wave.objects.get(code="nta-1").rollout.lead_ministry)
    key = confirmed(checked("コード,切替\nnta-1,R9.6.1\n"))
    lifecycle.follow(key)
    call_command("tick")
    assert Reminder.objects.filter(wave__code="nta-1", cutover_version=2).exists()


def test_import_asks_the_database_as_often_for_many_rows_as_for_few():
    rollout = RolloutFactory()
    for number in range(30):
        WaveFactory(rollout=rollout, code=f"many-{number}", cutover="R9.6")

    def queries(count, month):
        rows = "".join(f"many-{number},R9.{month}\n" for number in range(count))
        with CaptureQueriesContext(connection) as caught:
            row = checked(f"コード,切替\n{rows}")
            lifecycle.follow(confirmed(row))
        assert state(row.pk) == "applied"
        return len(caught)

    queries(2, 7)
    assert queries(30, 9) == queries(2, 8)


@pytest.mark.parametrize("text", ["コード,備考\nnta-1,\n", "コード,備考\nnobody,x\n"])
def test_file_that_cannot_be_confirmed_is_not_kept(text):
    assert checked(text).file is None


def test_rules_that_have_changed_meanwhile_send_it_back(monkeypatch):
    key = confirmed(checked())
    row = PlanImport.objects.get(pk=key)
    monkeypatch.setattr(lifecycle.WaveSheet, "check", refuse)
    lifecycle._apply(row)
    assert (state(key), PlanImport.objects.get().moved_on, note()) == ("waiting", True, "")


def refuse(*_args):
    raise ValidationError({"note": "新しい規則"})
