"""Baselines in the admin: kept in one step, by whom it is allowed to, and then only to be read."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.urls import reverse

from rollout import actions
from rollout.models import Baseline, PlanVersion, Wave
from rollout.reader import read_plan
from tests.conftest import SEED_NOW
from tests.factories import BaselineFactory

TOKYO = ZoneInfo("Asia/Tokyo")
ADD, LIST = reverse("admin:rollout_baseline_add"), reverse("admin:rollout_baseline_changelist")


@pytest.fixture
def clock(db):
    """The published plan, loaded half a second less than a week before SEED_NOW, where the clock stands."""
    loaded = SEED_NOW - timedelta(days=7) + timedelta(milliseconds=500)
    with time_machine.travel(loaded, tick=False) as clock:
        call_command("seed", verbosity=0)
        clock.move_to(SEED_NOW)
        yield clock


def post(client, day="", at="", **values):
    sent = {"label": "R8概算要求時点", "code": "r8-request", "note": ""}
    return client.post(ADD, {**sent, "moment_0": day, "moment_1": at, **values})


def messages_of(response):
    """What the form says, by field."""
    found = response.context["adminform"].form.errors.get_json_data()
    return {name: [each["message"] for each in messages] for name, messages in found.items()}


def staff(django_user_model, *permissions):
    person = django_user_model.objects.create_user("sato", is_staff=True)
    person.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return person


# Unhappy paths


BEFORE = "計画の履歴がそこまで遡れません。2026-11-16 16:00:01 以降の日時にしてください。"
FUTURE = "未来の時点です。今（2026-11-23 16:00:00）までの日時にするか、空欄にしてください。"


@pytest.mark.parametrize(
    ("day", "at", "message"),
    [
        pytest.param("2026-11-23", "16:00:01", FUTURE, id="in a second"),
        pytest.param("2026-11-24", "", FUTURE, id="tomorrow"),
        pytest.param("2026-11-16", "16:00:00", BEFORE, id="just before the history"),
        pytest.param("2026-11-15", "", BEFORE, id="long before the history"),
        pytest.param(
            "",
            "12:00",
            "時刻だけでは時点が決まりません。日付も入力するか、両方を空欄にしてください。",
            id="no day",
        ),
        pytest.param("2026-02-30", "", "日付を正しく入力してください。", id="no such day"),
    ],
)
def test_moment_that_cannot_be_one_is_refused(staff_client, clock, day, at, message):
    assert messages_of(post(staff_client, day, at)) == {"moment": [message]}
    assert Baseline.objects.count() == 0


def test_plan_without_history_has_no_moment(staff_client):
    message = "計画の履歴がまだありません。計画を登録してから作ってください。"
    assert messages_of(post(staff_client)) == {"moment": [message]}


@pytest.mark.parametrize("name", ["label", "code"])
def test_name_and_code_are_used_once(staff_client, clock, name):
    BaselineFactory(**{name: {"label": "R8概算要求時点", "code": "r8-request"}[name]})
    assert list(messages_of(post(staff_client))) == [name]


@pytest.mark.parametrize(
    ("permissions", "add", "seen"),
    [([], 403, 403), (["view_baseline"], 403, 200), (["add_baseline"], 200, 403)],
    ids=["none", "view", "add"],
)
def test_pages_ask_for_the_permission(client, clock, django_user_model, permissions, add, seen):
    client.force_login(staff(django_user_model, *permissions))
    page = reverse("admin:rollout_baseline_change", args=[BaselineFactory().pk])
    answers = [client.get(url).status_code for url in (ADD, LIST, page)]
    assert answers == [add, seen, seen]
    assert post(client).status_code == (302 if add == 200 else 403)


def test_kept_baseline_is_neither_changed_nor_deleted(staff_client, clock):
    row = BaselineFactory(code="kept", label="基準")
    pages = [reverse(f"admin:rollout_baseline_{page}", args=[row.pk]) for page in ("change", "delete")]
    posted = [staff_client.post(page, {"label": "別名", "post": "yes"}).status_code for page in pages]
    chosen = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    staff_client.post(LIST, chosen)
    assert posted == [403, 403]
    assert list(Baseline.objects.values_list("code", "label")) == [("kept", "基準")]


@pytest.mark.parametrize(
    "save", [lambda row: row.save(), lambda row: actions.save_baseline(row=row, actor=None)]
)
def test_kept_baseline_refuses_to_be_saved_again(clock, save):
    row = BaselineFactory(label="基準")
    row.label = "別名"
    with pytest.raises(ValidationError, match="基準計画は変更できません。"):
        save(row)
    assert Baseline.objects.get().label == "基準"


# One step


def test_one_step_keeps_now_and_who(staff_client, clock):
    number = PlanVersion.objects.get().number
    assert post(staff_client, note="8月末の概算要求").status_code == 302
    row = Baseline.objects.get()
    assert (row.code, row.label, row.note) == ("r8-request", "R8概算要求時点", "8月末の概算要求")
    assert (row.moment, row.created_at, row.created_by.username) == (SEED_NOW, SEED_NOW, "pmo")
    assert PlanVersion.objects.get().number == number


@pytest.mark.parametrize(
    ("day", "at", "moment"),
    [
        pytest.param("2026-11-20", "18:30", datetime(2026, 11, 20, 18, 30, tzinfo=TOKYO), id="day and time"),
        pytest.param("2026-11-20", "00:00", datetime(2026, 11, 20, tzinfo=TOKYO), id="midnight"),
        pytest.param(
            "2026-11-20", "", datetime(2026, 11, 20, 23, 59, 59, 999_999, tzinfo=TOKYO), id="the end of a day"
        ),
        pytest.param("2026-11-23", "", SEED_NOW, id="the day that is not over is now"),
        pytest.param(
            "2026-11-16", "16:00:01", datetime(2026, 11, 16, 16, 0, 1, tzinfo=TOKYO), id="the first second"
        ),
    ],
)
def test_moment_is_entered_in_tokyo(staff_client, clock, day, at, moment):
    post(staff_client, day, at)
    assert Baseline.objects.get().moment == moment


def test_baseline_of_now_knows_rows_that_were_loaded_past_the_history(clock):
    clock.shift(60)
    Wave.objects.filter(code="nta-1").update(cutover="R9.6")
    PlanVersion.objects.raise_number(history_missing=True)
    row = actions.save_baseline(row=Baseline(code="now", label="今"), actor=None)
    plan, _ = read_plan(row.moment)
    assert plan.waves.latest_month[plan.waves.codes.index("nta-1")] == 2027 * 12 + 5
    assert PlanVersion.objects.get().history_missing is False


def test_form_offers_a_code_of_the_day_that_is_free(staff_client, clock):
    def offered():
        return staff_client.get(ADD).context["adminform"].form.initial["code"]

    first = offered()
    BaselineFactory(code="baseline-20261123")
    second = offered()
    BaselineFactory(code="baseline-20261123-2")
    assert [first, second, offered()] == [f"baseline-20261123{end}" for end in ("", "-2", "-3")]


def test_form_has_one_button(staff_client, clock):
    html = staff_client.get(ADD).content.decode()
    assert [name for name in ("_save", "_addanother", "_continue") if f'name="{name}"' in html] == ["_save"]


def test_list_says_when_who_and_leads_to_the_comparison(staff_client, clock):
    post(staff_client, "2026-11-20", "18:30", note="8月末")
    answer = staff_client.get(LIST)
    (row,) = answer.context["cl"].result_list
    shown = answer.context["cl"].model_admin
    assert (str(row), shown.moment_text(row), str(row.created_by)) == (
        "R8概算要求時点",
        "2026-11-20 18:30:00",
        "pmo",
    )
    assert 'href="/comparison/?baseline=r8-request"' in answer.content.decode()
