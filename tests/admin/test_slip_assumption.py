"""The assumption about delays in the admin: one row, which is changed and never added again or deleted."""

import pytest
from django.urls import reverse

from rollout.models import PlanVersion, SlipAssumption
from tests.admin.test_editing import errors, history_count, post
from tests.admin.test_pages import leaks

ORDER = "早い場合 ≦ 最もありそうな場合 ≦ 遅い場合 の順に入力してください。"
LIST, ADD = (reverse(f"admin:rollout_slipassumption_{page}") for page in ("changelist", "add"))


def page(name):
    return reverse(f"admin:rollout_slipassumption_{name}", args=[SlipAssumption.objects.get().pk])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"likely_months": "-1"}, ORDER, id="likely before earliest"),
        pytest.param({"likely_months": "7"}, ORDER, id="likely after latest"),
        pytest.param({"latest_months": "61"}, "この値は 60 以下でなければなりません。", id="too late"),
        pytest.param({"earliest_months": "-61"}, "この値は -60 以上でなければなりません。", id="too early"),
        pytest.param({"learn_from": "0"}, "この値は 1 以上でなければなりません。", id="learns from nobody"),
        pytest.param({"note": ""}, "この項目は必須です。", id="rests on nothing"),
    ],
)
def test_bad_assumption_is_refused_and_changes_nothing(seeded, staff_client, change, message):
    before = SlipAssumption.objects.values().get(), history_count(), PlanVersion.objects.get().number
    answer = post(staff_client, SlipAssumption.objects.get(), **change)
    assert (answer.status_code, errors(answer)) == (200, [message])
    after = SlipAssumption.objects.values().get(), history_count(), PlanVersion.objects.get().number
    assert after == before


def test_edit_says_who_and_why_and_moves_the_plan_on(seeded, staff_client, django_user_model):
    number = PlanVersion.objects.get().number
    row = SlipAssumption.objects.get()
    answer = post(staff_client, row, likely_months="2", note="過去の例", reason="PMO会議 11月24日")
    assert (answer.status_code, answer["Location"]) == (302, LIST)
    last = SlipAssumption.history.first()
    assert (last.likely_months, last.note) == (2, "過去の例")
    assert (last.history_change_reason, last.history_user.username) == ("PMO会議 11月24日", "pmo")
    assert PlanVersion.objects.get().number == number + 1


def test_pages_open_in_japanese_without_inline_code(seeded, staff_client):
    answers = [staff_client.get(url) for url in (LIST, page("change"), page("history"))]
    assert [(answer.status_code, leaks(answer)) for answer in answers] == [(200, [])] * 3


def test_no_second_row_is_added_and_the_one_is_not_deleted(seeded, staff_client):
    answers = [
        staff_client.get(ADD),
        staff_client.post(ADD, {}),
        staff_client.post(page("delete"), {"reason": "x"}),
    ]
    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert SlipAssumption.objects.count() == 1


def test_missing_row_can_be_added(db, staff_client):
    sent = {
        "earliest_months": "0",
        "likely_months": "1",
        "latest_months": "3",
        "learn_from": "20",
        "note": "例",
    }
    assert staff_client.post(ADD, sent).status_code == 302
    assert str(SlipAssumption.objects.get()) == "0〜3か月（最もありそうなのは 1か月）"
