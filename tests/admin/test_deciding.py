"""Decisions about mails: asked once more, then done row by row, with what could not be done said."""

import re

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from rollout.admin.ledger import MAIL_IS_LATE, TICK_IS_LATE
from rollout.models import PlanVersion, Reminder
from tests.admin.edits import hidden_fields, url
from tests.answers import NOW, at, make_reminder, make_rule, make_wave

pytestmark = pytest.mark.django_db

LEDGER = "/admin/rollout/reminder/"


@pytest.fixture(autouse=True)
def _clock(db, time_machine):
    """Time stands still, and the product keeps up."""
    time_machine.move_to(NOW, tick=False)
    PlanVersion.objects.current()
    PlanVersion.objects.update(ticked_at=NOW)


def test_ledger_says_above_its_list_what_does_not_keep_up(staff_client, time_machine):
    make_reminder(make_wave("R9.1.15"), state="due")
    time_machine.move_to(at("2026-12-16 10:16"))
    PlanVersion.objects.update(ticked_at=at("2026-12-16 10:15"))
    assert said(staff_client.get(LEDGER)) == [MAIL_IS_LATE]
    time_machine.move_to(at("2026-12-16 10:19"))
    assert said(staff_client.get(LEDGER)) == [TICK_IS_LATE]


@pytest.fixture
def deciding(client, django_user_model):
    """A client that may look at the ledger and decide about it, and nothing else."""
    client.force_login(person(django_user_model, "view_reminder", "change_reminder"))
    return client


def person(users, *rights):
    user = users.objects.create_user("sato", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    return user


@pytest.fixture
def unclear():
    """Three rows of one wave: unknown, failed, sent."""
    wave, rule = make_wave("R9.1.15"), make_rule()
    moments = {"claimed_at": NOW, "sent_at": NOW}
    return [
        make_reminder(wave, f"{state}@example.go.jp", rule=rule, state=state, **moments)
        for state in ("unknown", "failed", "sent")
    ]


def choose(client, path, action, rows):
    chosen = [row.pk for row in rows]
    return client.post(path, {"action": action, "_selected_action": chosen, "index": 0})


def said(answer):
    return [str(message) for message in answer.context["messages"]]


def confirm(client, answer, action):
    return client.post(LEDGER, {**hidden_fields(answer), "action": action}, follow=True)


def states():
    return list(Reminder.objects.order_by("pk").values_list("state", flat=True))


def test_decision_is_asked_first_and_then_done_row_by_row(deciding, unclear):
    asked = choose(deciding, LEDGER, "accept", unclear)
    html = asked.content.decode()
    assert states() == ["unknown", "failed", "sent"]
    assert re.findall(r"<td>(\w+@example.go.jp)</td>", html) == [row.address for row in unclear]
    answer = confirm(deciding, asked, "accept")
    assert states() == ["sent", "failed", "sent"]
    assert said(answer) == [
        "1件について「届いたものとして扱う」を記録しました。",
        f"#{unclear[1].pk} 国税庁（地方拠点）（failed@example.go.jp）：いまは「失敗」です。",
        f"#{unclear[2].pk} 国税庁（地方拠点）（sent@example.go.jp）：いまは「送信済み」です。",
    ]


def test_resend_that_nobody_wants_is_refused_with_the_reason(deciding, unclear):
    answer = confirm(deciding, choose(deciding, LEDGER, "resend", unclear[:1]), "resend")
    assert said(answer) == [
        (
            f"#{unclear[0].pk} 国税庁（地方拠点）（unknown@example.go.jp）："
            "もう送る必要がありません：宛先または通知ルールが変わったため"
        )
    ]
    assert states() == ["unknown", "failed", "sent"]


def test_decision_on_what_has_changed_since_it_was_shown_is_refused(deciding, unclear):
    asked = choose(deciding, LEDGER, "accept", unclear[:1])
    Reminder.objects.filter(pk=unclear[0].pk).update(state="sent", state_note="佐藤：届いたことを確認")
    assert said(confirm(deciding, asked, "accept")) == [
        (
            f"#{unclear[0].pk} 国税庁（地方拠点）（unknown@example.go.jp）：確認のあとで状態が変わったため、"
            "何もしていません。いまは「送信済み」です。佐藤：届いたことを確認"
        )
    ]


def test_many_refusals_are_counted(deciding):
    wave, rule = make_wave("R9.1.15"), make_rule()
    rows = [make_reminder(wave, f"{n}@example.go.jp", rule=rule) for n in range(23)]
    found = said(confirm(deciding, choose(deciding, LEDGER, "accept", rows), "accept"))
    assert (len(found), found[-1]) == (21, "ほか3件も、できませんでした。")


@pytest.mark.parametrize(
    ("index", "buttons"),
    [(0, ["resend", "accept"]), (1, ["resend"]), (2, [])],
    ids=["unknown", "failed", "sent"],
)
def test_row_page_has_a_button_for_what_it_waits_for(deciding, unclear, index, buttons):
    html = deciding.get(url(unclear[index])).content.decode()
    assert re.findall(r'name="action" value="(\w+)"', html) == buttons


def test_button_of_the_row_page_asks(deciding, unclear):
    page = deciding.get(url(unclear[0]))
    asked = deciding.post(LEDGER, {**hidden_fields(page), "action": "accept"})
    assert said(confirm(deciding, asked, "accept")) == ["1件について「届いたものとして扱う」を記録しました。"]


def test_row_page_shows_what_the_mail_said_and_who_decided(deciding, unclear):
    Reminder.objects.update(told_cutover="R9.1.15", reply_to="pmo@example.go.jp", acknowledged_at=NOW)
    html = deciding.get(url(unclear[0])).content.decode()
    labels = re.findall(r"<label>(.*?):</label>", html)
    shown = {"判断した人", "受領の確認", "知らせた切替", "知らせた状態", "返信先", "予定（iCalendar）"}
    assert shown - set(labels) == set()


def test_who_may_only_look_decides_nothing(client, django_user_model, unclear):
    client.force_login(person(django_user_model, "view_reminder"))
    assert re.findall(r'name="action"', client.get(url(unclear[0])).content.decode()) == []
    choose(client, LEDGER, "accept", unclear)
    assert states() == ["unknown", "failed", "sent"]


def test_right_to_decide_edits_no_row(deciding, unclear):
    assert deciding.post(url(unclear[0]), {"state": "sent"}).status_code == 403
    assert deciding.get(reverse("admin:rollout_reminder_delete", args=[unclear[0].pk])).status_code == 403
