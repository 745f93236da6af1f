"""The page that changes many waves: chosen in the list, asked what and why, shown before it is done."""

import pytest
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from rollout.models import Cohort, Wave
from tests.admin.edits import everything, hidden_fields, save, url, wave
from tests.factories import ContactFactory, ReminderRuleFactory, RolloutFactory, WaveFactory

pytestmark = pytest.mark.usefixtures("seeded")

WHY = "9月3日 PMO会議"
LIST = reverse("admin:rollout_wave_changelist")
PAGE = reverse("admin:rollout_wave_bulk")


def told(answer):
    return [str(message) for message in get_messages(answer.wsgi_request)]


def keys(*codes):
    return ",".join(str(wave(code).pk) for code in codes)


def choose(client, codes, **values):
    return choose_rows(client, [wave(code).pk for code in codes], **values)


def choose_rows(client, rows, **values):
    return client.post(LIST, {"action": "change_chosen", "_selected_action": rows, **values})


def ask(client, *codes, **values):
    return client.post(PAGE, {"waves": keys(*codes), "reason": WHY, **values})


def ask_and_confirm(client, *codes, **values):
    return client.post(PAGE, hidden_fields(ask(client, *codes, **values)))


def cutovers(*codes):
    return [wave(code).cutover.text for code in codes]


WRONG = [
    pytest.param({}, {"what": ["変更の内容を1つ選んでください。"]}, id="no choice"),
    pytest.param({"what": "months"}, {"months": ["「月数」を入力してください。"]}, id="no months"),
    pytest.param(
        {"what": "months", "months": "0"}, {"months": ["「月数」を入力してください。"]}, id="by none"
    ),
    pytest.param(
        {"what": "months", "months": "121"},
        {"months": ["この値は 120 以下でなければなりません。"]},
        id="too far",
    ),
    pytest.param({"what": "cutover"}, {"cutover": ["「新しい切替」を入力してください。"]}, id="no cutover"),
    pytest.param(
        {"what": "day", "day": "R8.6"},
        {"day": ["実際に利用を始めた日を「R8.6.15」のように日まで入力してください。"]},
        id="a month for a day",
    ),
    pytest.param({"what": "status"}, {"status": ["「新しい状態」を入力してください。"]}, id="no status"),
    pytest.param({"what": "cohort"}, {"cohort": ["「新しい導入区分」を入力してください。"]}, id="no cohort"),
    pytest.param(
        {"what": "confirm", "reason": ""}, {"reason": ["変更する理由を書いてください。"]}, id="no reason"
    ),
    pytest.param(
        {"what": "confirm"},
        {
            "__all__": [
                (
                    "国税庁（nta-1）：切替予定を過ぎているため、日程確認はできません。"
                    "利用開始の確認か、新しい予定が必要です。"
                )
            ]
        },
        id="refused by a rule",
    ),
]


@pytest.mark.parametrize(("sent", "refused"), WRONG)
def test_page_says_what_is_missing_and_keeps_what_was_typed(staff_client, sent, refused):
    before = everything()
    form = ask(staff_client, "nta-1", "isa-1", **sent).context["form"]
    assert (form.errors, form["reason"].value()) == (refused, sent.get("reason", WHY))
    assert everything() == before


def test_chosen_waves_are_named_on_the_page_that_asks(staff_client):
    answer = choose(staff_client, ["nta-1", "isa-1"])
    assert answer.context["waves"] == [
        "国税庁（nta-1）：切替 R8.6~（2026-06~）、予定",
        "出入国在留管理庁（isa-1）：切替 R8.12~（2026-12~）、予定",
    ]
    assert [radio.data["value"] for radio, _ in answer.context["form"].choices()] == [
        *("months", "cutover", "confirm", "day", "status", "cohort")
    ]


def test_page_shows_what_the_change_does_before_it_is_done(staff_client):
    before = everything()
    found = ask(staff_client, "nta-1", "isa-1", what="months", months="12").context
    assert [(row.before, row.after) for row in found["changed"]] == [
        ("R8.6~（2026-06~）", "R9.6~（2027-06~）"),
        ("R8.12~（2026-12~）", "R9.12~（2027-12~）"),
    ]
    assert [(row.label, row.changed) for row in found["impact"].years if row.changed] == [("R8年度", True)]
    assert everything() == before


def test_page_shows_mails_and_warnings_of_all_chosen_waves(staff_client):
    ReminderRuleFactory(code="mine", count=7, unit="days")
    for code in ("nta-1", "isa-1"):
        ContactFactory(ministry=wave(code).rollout.lead_ministry)
    found = ask(staff_client, "nta-1", "isa-1", what="cutover", cutover="R9.3.13").context
    assert {shown.wave.code for shown in found["warnings"]} == {"nta-1", "isa-1"}
    assert found["mails"][1].total >= 2


CHANGES = [
    pytest.param({"what": "months", "months": "-1"}, "cutover", "R8.11~", id="months"),
    pytest.param({"what": "cutover", "cutover": "R9年度"}, "cutover", "R9年度", id="cutover"),
    pytest.param({"what": "confirm"}, "confirmed_on", "2026-11-23", id="confirmed"),
    pytest.param({"what": "day", "day": "R8.11.20"}, "status", "in_use", id="in use"),
    pytest.param({"what": "status", "status": "migrating"}, "status", "migrating", id="status"),
]


@pytest.mark.parametrize(("sent", "name", "value"), CHANGES)
def test_confirmed_change_is_done_and_signed(staff_client, sent, name, value):
    answer = ask_and_confirm(staff_client, "isa-1", **sent)
    assert (answer.status_code, told(answer)) == (302, ["1件を変更しました。"])
    found = getattr(wave("isa-1"), name)
    assert getattr(found, "text", str(found)) == value
    version = wave("isa-1").history.latest()
    assert (version.history_user.username, version.history_change_reason) == ("pmo", WHY)


def test_cohort_is_assigned_to_the_rollouts(staff_client):
    cohort = Cohort.objects.exclude(pk=wave("isa-1").rollout.cohort_id).first()
    ask_and_confirm(staff_client, "isa-1", "nra-1", what="cohort", cohort=cohort.pk)
    assert {wave(code).rollout.cohort for code in ("isa-1", "nra-1")} == {cohort}


def test_change_that_was_looked_at_on_another_plan_is_shown_anew(staff_client):
    seen = hidden_fields(ask(staff_client, "nta-1", "isa-1", what="months", months="3"))
    save(staff_client, wave("nta-1"), cutover="R8.7", reason=WHY)
    answer = staff_client.post(PAGE, seen)
    assert answer.context["moved_on"].startswith("確認のあいだに、ほかの変更が保存されました。")
    assert cutovers("nta-1", "isa-1") == ["R8.7", "R8.12~"]
    staff_client.post(PAGE, hidden_fields(answer))
    assert cutovers("nta-1", "isa-1") == ["R8.10", "R9.3~"]


def test_change_that_is_sent_twice_is_done_once(staff_client):
    seen = hidden_fields(ask(staff_client, "isa-1", what="months", months="3"))
    staff_client.post(PAGE, seen)
    assert staff_client.post(PAGE, seen).context["changed"][0].after == "R9.6~（2027-06~）"
    assert cutovers("isa-1") == ["R9.3~"]


def test_person_comes_back_to_what_was_filled_in(staff_client):
    seen = hidden_fields(ask(staff_client, "isa-1", what="months", months="3"))
    answer = staff_client.post(PAGE, {**seen, "_back": "1"})
    form = answer.context["form"]
    assert ("impact" in answer.context, form["months"].value(), form["reason"].value()) == (False, "3", WHY)


GONE = "選んだ移行単位の一部は、もうありません。一覧から選び直してください。"
NOTHING = "まとめて変更する移行単位を、一覧で選んでください。"


@pytest.mark.parametrize(
    ("sent", "message"), [({}, NOTHING), ({"waves": "999999"}, GONE), ({"waves": "a,²"}, GONE)]
)
def test_page_goes_back_to_the_list_where_nothing_can_be_changed(staff_client, sent, message):
    answer = staff_client.post(PAGE, sent)
    assert (answer["Location"], told(answer)) == (LIST, [message])


@pytest.mark.parametrize(("right", "status"), [("view_wave", 403), ("change_wave", 302)])
def test_page_is_for_who_may_change_waves(client, django_user_model, right, status):
    person = django_user_model.objects.create_user("clerk", is_staff=True)
    person.user_permissions.add(Permission.objects.get(codename=right))
    client.force_login(person)
    assert client.get(PAGE).status_code == status


def test_wave_page_shows_when_its_date_was_confirmed(staff_client):
    ask_and_confirm(staff_client, "isa-1", what="confirm")
    assert (
        '<div class="readonly">2026年11月23日</div>' in staff_client.get(url(wave("isa-1"))).content.decode()
    )


def test_more_than_can_be_changed_in_one_go_are_sent_back(staff_client):
    rollout = RolloutFactory()
    Wave.objects.bulk_create(WaveFactory.build(rollout=rollout, code=f"many-{n}") for n in range(1000))
    answer = choose(staff_client, ["nta-1"], select_across="1")
    assert told(answer) == ["一度に変更できるのは1,000件までです。絞り込んでから選んでください。"]


def test_page_takes_as_many_queries_for_one_wave_as_for_many(staff_client):
    rows = list(Wave.objects.values_list("pk", flat=True))
    choose_rows(staff_client, rows[:1])
    with CaptureQueriesContext(connection) as one:
        choose_rows(staff_client, rows[:1])
    with CaptureQueriesContext(connection) as many:
        choose_rows(staff_client, rows)
    assert len(many) == len(one)
