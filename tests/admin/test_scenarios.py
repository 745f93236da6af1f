"""Scenarios in the admin: beside the plan, never in it, until somebody with the right promotes one."""

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from rollout import actions
from rollout.models import PlanVersion, Rollout, Scenario, ScenarioChange, Wave
from tests.admin.test_editing import errors, everything, history_count, values_of
from tests.api.edits import move
from tests.factories import WaveFactory
from tests.rollout.what_ifs import suppose

pytestmark = pytest.mark.usefixtures("seeded")

REASON = "12月3日 推進会議で了承"
LOOK_AGAIN = (
    "確認のあとで計画か試算が変わりました。まだ何も反映していません。"
    "変わったところを見て、もう一度反映してください。"
)
ADD = reverse("admin:rollout_scenario_add")
NAMED = {"label": "国税庁 三か月遅れ", "code": "nta-3-months", "state": "draft", "note": ""}


def url(scenario, page="change"):
    return reverse(f"admin:rollout_scenario_{page}", args=[scenario.pk])


def rows(*changes):
    """New rows of the changes as a browser sends them: rollout, wave or None, field, value."""
    sent = {"changes-TOTAL_FORMS": len(changes), "changes-INITIAL_FORMS": 0}
    for index, (rollout, wave, field, value) in enumerate(changes):
        keys = {
            "rollout": Rollout.objects.get(code=rollout).pk if rollout else "",
            "wave": Wave.objects.get(code=wave).pk if wave else "",
        }
        row = {**keys, "field": field, "value": value}
        sent |= {f"changes-{index}-{name}": text for name, text in row.items()}
    return sent


def edit(client, scenario, **values):
    row = Scenario.objects.get(pk=scenario.pk)
    changes = {name.replace("__", "-"): value for name, value in values.items()}
    return client.post(url(row), {**values_of(client, row), **changes})


def test_new_scenario_says_who_made_it_and_leaves_the_plan_alone(staff_client):
    before = everything()
    sent = rows(("nta", None, "cutover", "Ｒ８．９"), ("nta", "nta-1", "users", "６８，６００人"))
    assert staff_client.post(ADD, {**NAMED, **sent}).status_code == 302
    scenario = Scenario.objects.get()
    assert (scenario.created_by.username, scenario.state) == ("pmo", "draft")
    told = [(str(row.wave), row.field, row.value) for row in scenario.changes.order_by("field")]
    assert told == [("None", "cutover", "Ｒ８．９"), ("国税庁", "users", "68600")]
    assert everything() == before


WAVE_NEEDED = (
    "この導入案件の移行単位はすべて「利用中」か「中止」です。それを変える試算なら、移行単位を選んでください。"
)
USERS_ERROR = (
    "「約5千」は人数として読めません。"
    "「68,600」のように、0〜10,000,000 の数字で入力してください。分からなければ空欄にします。"
)
WRONG = {
    "unreadable date": (
        ("nta", None, "cutover", "R8.13"),
        {"value": ["「R8.13」：月は1〜12です（13はありません）。"]},
    ),
    "unreadable count": (("nta", None, "users", "約5千"), {"value": [USERS_ERROR]}),
    "wave of another": (
        ("nta", "isa-1", "cutover", "R8.9"),
        {"wave": ["この移行単位は、選んだ導入案件のものではありません。"]},
    ),
    "nothing to reach": (
        ("npa", None, "cutover", "R9.6"),
        {"wave": [WAVE_NEEDED]},
    ),
    "no rollout": (("", None, "cutover", "R9.6"), {"rollout": ["この項目は必須です。"]}),
    "no field": (("nta", None, "", "R9.6"), {"field": ["この項目は必須です。"]}),
}


@pytest.mark.parametrize(("change", "expected"), WRONG.values(), ids=WRONG)
def test_error_stands_beside_its_field(staff_client, change, expected):
    answer = staff_client.post(ADD, {**NAMED, **rows(change)})
    (inline,) = answer.context["inline_admin_formsets"]
    assert (answer.status_code, inline.formset.errors) == (200, [expected])
    assert (Scenario.objects.count(), ScenarioChange.objects.count()) == (0, 0)


def test_one_fact_twice_is_refused(staff_client):
    twice = [("nta", None, "cutover", "R8.9"), ("nta", None, "cutover", "R8.12")]
    answer = staff_client.post(ADD, {**NAMED, **rows(*twice)})
    assert errors(answer) == ["同じ導入案件・移行単位・項目の行が2つあります。1つにしてください。"]
    scenario = suppose(twice_first := ("nta", "cutover", "R8.9"))
    sent = {"changes__1__rollout": scenario.changes.get().rollout_id, "changes__1__field": twice_first[1]}
    answer = edit(staff_client, scenario, changes__1__value="R9.1", **sent)
    assert errors(answer) == ["同じ導入案件・移行単位・項目の行が2つあります。1つにしてください。"]
    assert Scenario.objects.count() == 1


def test_nobody_makes_a_scenario_promoted_by_hand(staff_client):
    answer = staff_client.post(ADD, {**NAMED, "state": "promoted", **rows()})
    assert list(answer.context["adminform"].form.errors) == ["state"]


def test_saving_a_scenario_unchanged_writes_no_version(staff_client):
    scenario = suppose(("nta", "cutover", "R8.9"))
    assert edit(staff_client, scenario).status_code == 302
    assert (scenario.history.count(), Scenario.objects.get().based_on) == (1, scenario.based_on)


def test_editing_and_removing_changes(staff_client):
    scenario = suppose(("nta", "cutover", "R8.9"))
    assert edit(staff_client, scenario, changes__0__value="R8.12").status_code == 302
    assert (scenario.changes.get().value, scenario.history.count()) == ("R8.12", 2)
    assert Scenario.objects.get().based_on > scenario.based_on
    assert edit(staff_client, scenario, changes__0__DELETE="on").status_code == 302
    assert scenario.changes.count() == 0


def present(client, scenario):
    """What the page says of the plan beside each change; the empty row last."""
    (inline,) = client.get(url(scenario)).context["inline_admin_formsets"]
    return [getattr(form.instance, "beside", "") for form in inline.formset.forms]


def test_change_stands_beside_the_plan_and_says_what_moved(staff_client):
    scenario = suppose(("nta", "cutover", "R8.9"), ("nta", "users", "70,000"), ("mof", "users", "5", "mof-1"))
    assert sorted(present(staff_client, scenario)) == ["", "68,600人", "R8.6~", "不明"]
    assert staff_client.get(url(scenario)).context["moved_at"] is None
    move("nta-1", "R8.7~")
    texts = ["", "68,600人", "不明", "確認時 R8.6~ → 現在 R8.7~"]
    assert sorted(present(staff_client, scenario)) == texts
    html = staff_client.get(url(scenario)).content.decode()
    assert html.count("この試算を確かめたあとで、計画が変わっています") == 1


def test_change_that_reaches_nothing_any_more_says_so(staff_client):
    scenario = suppose(("nta", "cutover", "R8.9"))
    row = Wave.objects.get(code="nta-1")
    row.status = "cancelled"
    actions.save_row(row=row, actor=None, reason="中止")
    assert present(staff_client, scenario) == ["確認時 R8.6~ → 現在 対象なし", ""]


def test_looking_again_takes_the_banner_away(staff_client):
    scenario = suppose(("nta", "cutover", "R8.9"))
    assert "looked_again" not in staff_client.get(url(scenario)).content.decode()
    move("nta-1", "R8.7~")
    assert edit(staff_client, scenario, looked_again="on").status_code == 302
    assert "いまの計画と見比べました" not in staff_client.get(url(scenario)).content.decode()
    assert present(staff_client, scenario) == ["R8.7~", ""]


def look(client, scenario):
    """What the page that promotes would send back."""
    page = client.get(url(scenario, "promote"))
    assert page.status_code == 200
    seen = {"seen_version": page.context["version"]}
    return {**seen, "seen_based_on": page.context["scenario"].based_on.isoformat()}


def test_page_that_promotes_shows_what_would_change_and_changes_nothing(staff_client):
    scenario = suppose(
        ("nta", "cutover", "R9.6"), ("nta", "users", "68,600"), ("isa", "status", "中止"), label="一年遅れ"
    )
    before = everything()
    context = staff_client.get(url(scenario, "promote")).context
    told = [
        (step.row, step.field, step.before, step.after, step.start, step.changes_nothing)
        for step in context["steps"]
    ]
    assert sorted(told) == [
        ("出入国在留管理庁", "状態", "予定", "中止", "", False),
        ("国税庁", "切替", "R8.6~", "R9.6", "", False),
        ("国税庁（全体）", "人数", "68,600人", "68,600人", "", True),
    ]
    ends = {year.label: (year.before, year.after, year.difference) for year in context["impact"].years}
    assert ends["R8年度"] == ("152,000", "80,056", "−71,944")
    assert (everything(), context["broken"]) == (before, [])


def test_promoting_writes_the_plan_and_freezes_the_scenario(staff_client):
    scenario = suppose(("nta", "cutover", "R9.6"), label="一年遅れ")
    before = history_count()
    answer = staff_client.post(url(scenario, "promote"), {**look(staff_client, scenario), "reason": REASON})
    assert (answer.status_code, answer.url) == (302, url(scenario))
    assert history_count() == {**before, "Wave": before["Wave"] + 1}
    version = Wave.objects.get(code="nta-1").history.first()
    assert (version.cutover.text, version.history_user.username, version.history_change_reason) == (
        "R9.6",
        "pmo",
        f"試算「一年遅れ」を反映：{REASON}",
    )
    frozen = staff_client.get(url(scenario))
    assert (frozen.status_code, frozen.context["may_promote"], frozen.context["moved_at"]) == (
        200,
        False,
        None,
    )
    assert [staff_client.post(url(scenario, page), {}).status_code for page in ("change", "delete")] == [
        403
    ] * 2
    selected = {"action": "delete_selected", "_selected_action": [scenario.pk], "post": "yes"}
    staff_client.post(reverse("admin:rollout_scenario_changelist"), selected)
    assert Scenario.objects.get().state == "promoted"


def refused(client, scenario, **sent):
    """What the page says; nothing was written."""
    before, state = everything(), scenario.state
    answer = client.post(url(scenario, "promote"), sent)
    assert (answer.status_code, everything(), Scenario.objects.get().state) == (200, before, state)
    form = answer.context["form"]
    return sorted({str(error) for found in form.errors.values() for error in found})


def test_promoting_needs_a_reason(staff_client):
    scenario = suppose(("nta", "cutover", "R9.6"))
    seen = look(staff_client, scenario)
    assert refused(staff_client, scenario, reason=" ", **seen) == ["計画に反映する理由を書いてください。"]


@pytest.mark.parametrize("garble", ["", "x"])
def test_promoting_without_knowing_what_was_seen_is_refused(staff_client, garble):
    scenario = suppose(("nta", "cutover", "R9.6"))
    sent = {"reason": REASON, "seen_version": garble, "seen_based_on": garble}
    assert refused(staff_client, scenario, **sent) == [LOOK_AGAIN]


def test_promoting_after_the_plan_moved_asks_to_look_again(staff_client):
    scenario = suppose(("nta", "cutover", "R9.6"))
    seen = look(staff_client, scenario)
    move("nta-1", "R8.7~")
    assert refused(staff_client, scenario, reason=REASON, **seen) == [LOOK_AGAIN]
    answer = staff_client.post(url(scenario, "promote"), {**seen, "reason": REASON})
    html = answer.content.decode()
    assert f'name="seen_version" value="{PlanVersion.objects.get().number}"' in html
    assert ("確認時は R8.6~" in html, REASON in html) == (True, True)
    again = {**look(staff_client, scenario), "reason": REASON}
    assert staff_client.post(url(scenario, "promote"), again).status_code == 302


def test_rule_that_would_be_broken_is_told_before_the_question(staff_client):
    scenario = suppose(("nta", "status", "利用中"))
    page = staff_client.get(url(scenario, "promote"))
    assert page.context["broken"] == [
        "国税庁（nta-1）：「利用中」にするときは、実際に利用を始めた日を「R8.6.15」のように日まで入力してください。"
    ]
    assert "計画に反映する" not in page.content.decode()
    assert refused(staff_client, scenario, reason=REASON, **look(staff_client, scenario)) != []


@pytest.mark.parametrize("method", ["get", "post"])
def test_value_that_cannot_be_read_is_put_right_before_promoting(staff_client, method):
    scenario = suppose(("nta", "cutover", "R9.6"))
    ScenarioChange.objects.update(value="そのうち")
    before = everything()
    answer = getattr(staff_client, method)(url(scenario, "promote"), {"reason": REASON}, follow=True)
    assert answer.redirect_chain == [(url(scenario), 302)]
    why = (
        f"試算「{scenario}」の変更点「国税庁 切替：そのうち」は、値を読めません。"
        "管理画面の「試算」で直してください。"
    )
    assert [str(message) for message in answer.context["messages"]] == [why]
    assert everything() == before


def test_withdrawn_scenario_is_not_promoted(staff_client):
    scenario = suppose(("nta", "cutover", "R9.6"), state="withdrawn")
    html = staff_client.get(url(scenario, "promote")).content.decode()
    assert "この試算は「取り下げ」なので、計画に反映できません。" in html
    sent = {**look(staff_client, scenario), "reason": REASON}
    assert refused(staff_client, scenario, **sent) == ["この試算は「取り下げ」なので、計画に反映できません。"]


@pytest.fixture
def clerk(client, django_user_model):
    """A client of a person who may edit scenarios; `promote_scenario` is given by name."""

    def sign_in(*rights):
        user = django_user_model.objects.create_user("clerk", is_staff=True)
        edits = Permission.objects.filter(content_type__model__startswith="scenario")
        user.user_permissions.set(edits.exclude(codename="promote_scenario"))
        user.user_permissions.add(*Permission.objects.filter(codename__in=rights))
        client.force_login(user)
        return client

    return sign_in


def test_person_without_the_right_finds_no_way_to_promote(clerk):
    client, scenario = clerk(), suppose(("nta", "cutover", "R9.6"))
    before = everything()
    page = client.get(url(scenario))
    assert (page.status_code, "計画に反映" in page.content.decode().replace("計画に反映済み", "")) == (
        200,
        False,
    )
    seen = {"seen_version": PlanVersion.objects.get().number, "seen_based_on": scenario.based_on.isoformat()}
    answers = [
        client.get(url(scenario, "promote")),
        client.post(url(scenario, "promote"), {**seen, "reason": REASON}),
    ]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert (everything(), Scenario.objects.get().state) == (before, "draft")


def test_person_with_the_right_needs_no_other_to_promote(clerk):
    client, scenario = clerk("promote_scenario"), suppose(("nta", "cutover", "R9.6"))
    assert url(scenario, "promote") in client.get(url(scenario)).content.decode()
    sent = {**look(client, scenario), "reason": REASON}
    assert client.post(url(scenario, "promote"), sent).status_code == 302
    assert Wave.objects.get(code="nta-1").cutover.text == "R9.6"


def test_promotion_page_of_no_scenario_leads_back(staff_client):
    assert staff_client.get(reverse("admin:rollout_scenario_promote", args=[999])).status_code == 302


def test_history_tells_what_became_of_a_scenario(staff_client):
    scenario = suppose(("nta", "cutover", "R9.6"))
    edit(staff_client, scenario, changes__0__value="R9.9")
    staff_client.post(url(scenario, "promote"), {**look(staff_client, scenario), "reason": REASON})
    page = staff_client.get(url(scenario, "history")).context["page"].object_list
    told = [(entry["kind_of_row"], entry["kind"], str(entry["who"]), entry["why"]) for entry in page]
    assert told[0] == ("試算", "変更", "pmo", REASON)
    assert page[0]["changes"] == [{"field": "状況", "old": "検討中", "new": "計画に反映済み"}]
    changed = next(entry for entry in page if entry["kind_of_row"] == "試算の変更点")
    assert changed["changes"] == [{"field": "試算での値", "old": "R9.6", "new": "R9.9"}]


def test_deleting_a_scenario_leaves_the_plan_alone(staff_client):
    scenario, before = suppose(("nta", "cutover", "R9.6")), everything()
    assert staff_client.post(url(scenario, "delete"), {"post": "yes"}).status_code == 302
    assert (Scenario.objects.count(), everything()) == (0, before)
    last = Scenario.history.first()
    assert (last.history_type, last.history_user.username) == ("-", "pmo")


def test_list_says_which_scenarios_the_plan_moved_under(staff_client):
    old, over = suppose(("nta", "cutover", "R9.6")), suppose(("nta", "cutover", "R9.6"))
    Scenario.objects.filter(pk=over.pk).update(state="withdrawn")
    move("nta-1", "R8.7~")
    new = suppose(("nta", "cutover", "R9.6"), ("isa", "users", "5"))
    page = staff_client.get(reverse("admin:rollout_scenario_changelist"))
    site = page.context["cl"].model_admin
    told = {row.pk: (site.size(row), site.moved(row)) for row in page.context["cl"].result_list}
    moved = "2026-11-23 16:00 に変更あり"
    assert told == {old.pk: ("1件", moved), over.pk: ("1件", "—"), new.pk: ("2件", "—")}


def questions(client, address):
    with CaptureQueriesContext(connection) as asked:
        assert client.get(address).status_code == 200
    return len(asked)


def test_list_and_promotion_ask_the_same_number_of_questions_however_long(staff_client):
    scenario = suppose(("nta", "cutover", "R9.3"))  # a month of which the calendar warns
    addresses = [reverse("admin:rollout_scenario_changelist"), url(scenario, "promote")]
    few = [questions(staff_client, address) for address in [*addresses, *addresses]][2:]
    for _ in range(4):
        row = WaveFactory(rollout__cohort=Rollout.objects.get(code="nta").cohort, cutover="R9.9")
        ScenarioChange.objects.create(scenario=scenario, rollout=row.rollout, field="cutover", value="R9.12")
        suppose(("nta", "cutover", "R9.6"))
    assert [questions(staff_client, address) for address in addresses] == few


def test_scenario_leads_to_its_comparison(staff_client):
    scenario = suppose(("nta", "cutover", "R9.9"))
    html = staff_client.get(url(scenario)).content.decode()
    assert f'href="/comparison/?scenario={scenario.code}"' in html
