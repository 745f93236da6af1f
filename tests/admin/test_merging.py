"""The page that merges waves: chosen from the list, asked why, shown before it is done."""

import pytest
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.urls import reverse

from rollout.models import Rollout, Wave
from tests.admin.edits import errors, everything, hidden_fields, post, save, url, wave
from tests.factories import WaveFactory
from tests.rollout.what_ifs import suppose

pytestmark = pytest.mark.usefixtures("seeded")

WHY = "12月3日 国税庁からの連絡"
LIST = reverse("admin:rollout_wave_changelist")
PAGE = reverse("admin:rollout_wave_merge")
BLANK = (
    "国税庁（nta-1）の人数が空欄なので、合わせた人数が分かりません。"
    "先にその人数を入力するか、ほかの移行単位の人数を空欄にしてから統合してください。"
)
MERGED_HELP = "この移行単位は、別の移行単位に統合されています。"


@pytest.fixture
def second():
    """A second wave of 国税庁, later than the first."""
    return WaveFactory(rollout=Rollout.objects.get(code="nta"), code="nta-2", name="第2陣", cutover="R9.6")


def page(*waves):
    return f"{PAGE}?{'&'.join(f'waves={each.pk}' for each in waves)}"


def told(answer):
    return [str(message) for message in get_messages(answer.wsgi_request)]


def merge(client, into, *waves):
    address = page(into, *waves)
    answer = client.post(address, {"into": into.pk, "reason": WHY})
    return client.post(address, hidden_fields(answer))


def test_waves_chosen_from_the_list_lead_to_the_page(staff_client, second):
    chosen = {"action": "merge_chosen", "_selected_action": [second.pk, wave().pk]}
    answer = staff_client.post(LIST, chosen)
    assert (answer.status_code, answer["Location"]) == (302, page(wave(), second))
    shown = staff_client.get(answer["Location"]).context
    assert shown["waves"] == [
        "国税庁（nta-1）：切替 R8.6~、人数 空欄、予定",
        "国税庁 第2陣（nta-2）：切替 R9.6、人数 空欄、予定",
    ]
    assert [label for _, label in shown["form"].fields["into"].choices] == shown["waves"]


def test_page_shows_what_merging_does_before_it_is_done(staff_client, second):
    before = everything()
    answer = staff_client.post(page(wave(), second), {"into": second.pk, "reason": WHY})
    impact, entries = answer.context["impact"], answer.context["entries"]
    assert [(row.label, row.difference) for row in impact.years if row.changed] == [("R8年度", "−34,300")]
    assert [(mover.cause, mover.users) for mover in impact.movers] == [("統合", "−34,300")]
    assert [(each["row"], [change["field"] for change in each["changes"]]) for each in entries] == [
        ("国税庁", ["状態", "統合先"])
    ]
    assert everything() == before


def test_confirmed_merge_is_done_and_leads_to_the_target(staff_client, second):
    answer = merge(staff_client, second, wave())
    assert (answer.status_code, answer["Location"]) == (302, url(second))
    assert told(answer) == ["国税庁 第2陣（nta-2）に統合しました。"]
    assert (wave().status, wave().merged_into) == ("cancelled", second)
    assert wave().history.first().history_change_reason == f"国税庁 第2陣（nta-2）に統合：{WHY}"


def test_merge_that_was_looked_at_on_another_plan_is_shown_anew(staff_client, second):
    address = page(wave(), second)
    seen = hidden_fields(staff_client.post(address, {"into": second.pk, "reason": WHY}))
    save(staff_client, second, cutover="R9.7", reason=WHY)
    answer = staff_client.post(address, seen)
    assert answer.context["moved_on"].startswith("確認のあいだに、ほかの変更が保存されました。")
    assert wave().status == "planned"
    staff_client.post(address, hidden_fields(answer))
    assert wave().merged_into == second


def test_person_comes_back_to_what_was_filled_in(staff_client, second):
    address = page(wave(), second)
    seen = hidden_fields(staff_client.post(address, {"into": second.pk, "reason": WHY}))
    answer = staff_client.post(address, {**seen, "_back": "1"})
    form = answer.context["form"]
    assert ("impact" in answer.context, form["into"].value(), form["reason"].value()) == (
        False,
        str(second.pk),
        WHY,
    )
    assert wave().status == "planned"


WRONG = [
    pytest.param({"reason": WHY}, {"into": ["統合先を選んでください。"]}, id="no target"),
    pytest.param({"into": "nta-2"}, {"reason": ["統合する理由を書いてください。"]}, id="no reason"),
    pytest.param(
        {"into": "isa-1", "reason": WHY},
        {"into": ["正しく選択してください。選択したものは候補にありません。"]},
        id="another rollout",
    ),
]


@pytest.mark.parametrize(("sent", "refused"), WRONG)
def test_page_says_what_is_missing(staff_client, second, sent, refused):
    into = {"into": wave(sent["into"]).pk} if "into" in sent else {}
    answer = staff_client.post(page(wave(), second), {**sent, **into})
    assert answer.context["form"].errors == refused


def test_page_says_what_the_rules_refuse(staff_client, second):
    save(staff_client, second, users="100", reason=WHY)
    answer = staff_client.post(page(wave(), second), {"into": second.pk, "reason": WHY})
    assert answer.context["form"].errors == {"__all__": [BLANK]}


CHOSEN = [
    pytest.param(
        ["nta-1", "isa-1"], "統合できるのは、同じ導入案件の移行単位どうしだけです。", id="two rollouts"
    ),
    pytest.param([], "統合する移行単位を、統合先のほかに1つ以上選んでください。", id="none"),
]


@pytest.mark.parametrize(("codes", "message"), CHOSEN)
def test_page_goes_back_to_the_list_where_nothing_can_be_merged(staff_client, codes, message):
    answer = staff_client.get(page(*map(wave, codes)))
    assert (answer["Location"], told(answer)) == (LIST, [message])


@pytest.mark.parametrize(("right", "status"), [("view_wave", 403), ("change_wave", 200)])
def test_page_is_for_who_may_change_waves(client, django_user_model, right, status):
    person = django_user_model.objects.create_user("clerk", is_staff=True)
    person.user_permissions.add(Permission.objects.get(codename=right))
    client.force_login(person)
    assert client.get(page(wave())).status_code == status


def test_merged_wave_says_where_it_went_until_it_is_taken_up_again(staff_client, second):
    merge(staff_client, second, wave())
    answer = staff_client.get(url(wave()))
    title, options = answer.context["adminform"].model_admin.get_fieldsets(answer.wsgi_request, wave())[0]
    assert (title, options["fields"], options["description"][: len(MERGED_HELP)]) == (
        "統合",
        ("merged_into",),
        MERGED_HELP,
    )
    assert save(staff_client, wave(), status="planned", reason=WHY).status_code == 302
    assert (wave().status, wave().merged_into) == ("planned", None)


def test_list_shows_merged_waves_as_such(staff_client, second):
    merge(staff_client, second, wave())
    [row] = [each for each in staff_client.get(LIST).context["cl"].result_list if each.code == "nta-1"]
    model_admin = staff_client.get(LIST).context["cl"].model_admin
    assert model_admin.status_text(row) == '<span class="status status-cancelled">中止（統合）</span>'
    assert model_admin.users_text(row) == "—"


def test_users_of_a_merged_wave_are_refused(staff_client, second):
    merge(staff_client, second, wave())
    answer = post(staff_client, wave(), users="5", reason=WHY)
    assert errors(answer) == ["統合した移行単位には人数を入力できません。統合先の人数に含めてください。"]


def test_scenario_refuses_a_merged_wave(staff_client, second):
    scenario = suppose(("nta", "cutover", "R9.9", "nta-1"))
    merge(staff_client, second, wave())
    answer = post(staff_client, scenario, changes__0__value="R9.10")
    assert errors(answer) == ["この移行単位は、別の移行単位に統合されています。統合先を選んでください。"]


def test_history_says_where_a_wave_went_and_when_that_is_gone(staff_client, second):
    merge(staff_client, second, wave())
    assert changes(staff_client) == [("状態", "予定", "中止"), ("統合先", "（空欄）", "国税庁 第2陣")]
    Wave.objects.filter(code="nta-1").update(merged_into=None)
    second.delete()
    assert changes(staff_client)[1] == ("統合先", "（空欄）", "国税庁 第2陣（削除済み）")


def changes(client):
    """What the last version of the wave's history changed."""
    entry = client.get(url(wave(), "history")).context["page"][0]
    return [(each["field"], each["old"], each["new"]) for each in entry["changes"]]


def test_rollout_with_merged_waves_can_be_deleted(staff_client, second):
    merge(staff_client, second, wave())
    address = url(Rollout.objects.get(code="nta"), "delete")
    assert list(staff_client.get(address).context["protected"]) == []
    staff_client.post(address, {"post": "yes", "reason": WHY})
    assert not Wave.objects.filter(rollout__code="nta").exists()
