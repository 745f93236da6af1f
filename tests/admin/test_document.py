"""The page of the new document: typed as it reads, shown before it is done, kept when something is wrong."""

import pytest
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.urls import reverse

from rollout.admin.document import ONE_SOURCE, RIGHTS, SOURCE_NEEDED
from rollout.models import Baseline, Cohort, Rollout, Source
from tests.admin.edits import everything, hidden_fields, save

pytestmark = pytest.mark.usefixtures("seeded")

PAGE = reverse("admin:rollout_cohort_document")
LIST = reverse("admin:rollout_cohort_changelist")
REQUIRED = "この項目は必須です。"
NEW = {
    "title": "令和9年度予算",
    "publisher": "デジタル庁",
    "published_on": "R8.12",
    "source_code": "budget-r9",
    "baseline_label": "R8予算資料による計画",
    "baseline_code": "before-r9",
    "reason": "令和9年度予算案の公表",
}


def shown(client, **changes):
    """What a browser would send from the page as it is shown, with the new source and some changes."""
    context = client.get(PAGE).context
    forms = [context["form"], context["entries"].management_form, *context["entries"].forms]
    values = {field.html_name: field.value() for form in forms for field in form}
    sent = {**values, **NEW, **{name.replace("__", "-"): value for name, value in changes.items()}}
    return {name: value for name, value in sent.items() if value not in (None, False)}


def errors(answer):
    context = answer.context
    found = {**context["form"].errors}
    for form in context["entries"].forms:
        found |= {form.add_prefix(name): texts for name, texts in form.errors.items()}
    return found


REGROUPED = {
    "entries__0__published_users": "72000",
    "entries__1__DELETE": "on",
    "entries__3__fiscal_year": "",
    "entries__3__published_multiple": "",
}


def regrouped(client):
    """The second group has gone into the first."""
    members = "\n".join(client.get(PAGE).context["entries"].forms[n].initial["members"] for n in (0, 1))
    return shown(client, **REGROUPED, entries__0__members=members)


def test_page_shows_the_plan_as_the_last_document_had_it(staff_client):
    context = staff_client.get(PAGE).context
    entries = context["entries"].initial_forms
    assert [(form.instance.code, form.initial["inside_code"]) for form in entries] == [
        *(("in-use", ""), ("fy2025", ""), ("fy2026-onward", ""), ("fy2026", "fy2026-onward")),
    ]
    assert entries[1].initial["members"].splitlines() == [
        *("moj 法務省（一部）", "jftc 公正取引委員会", "jma 気象庁")
    ]
    assert context["form"].initial == {"target_users": 272_000}


WRONG = [
    pytest.param({"title": ""}, {"source": [SOURCE_NEEDED]}, id="half a source"),
    pytest.param({"source": "budget-r8"}, {"source": [ONE_SOURCE]}, id="two sources"),
    pytest.param(
        {"source_code": "budget-r8"},
        {"source_code": ["この コード を持った 出典 が既に存在します。"]},
        id="known source",
    ),
    pytest.param({"baseline_label": ""}, {"baseline_label": [REQUIRED]}, id="no baseline"),
    pytest.param({"reason": ""}, {"reason": ["変更する理由を書いてください。"]}, id="no reason"),
    pytest.param({"entries__0__label": ""}, {"entries-0-label": [REQUIRED]}, id="no label"),
    pytest.param(
        {"entries__1__members": "moj 法務省\njftc\njma\nnta"},
        {"__all__": ["導入案件 nta が2回書かれています。1つの区分だけに書いてください。"]},
        id="one rollout twice",
    ),
]


@pytest.mark.parametrize(("changes", "refused"), WRONG)
def test_page_says_what_is_wrong_and_keeps_what_was_typed(staff_client, changes, refused):
    before = everything()
    if source := changes.get("source"):
        changes = {"source": Source.objects.get(code=source).pk}
    answer = staff_client.post(PAGE, shown(staff_client, **changes))
    assert (answer.status_code, "impact" in answer.context) == (200, False)
    assert errors(answer) == refused
    assert answer.context["form"]["target_users"].value() == "272000"
    assert everything() == before


def test_known_baseline_is_refused_beside_its_field(staff_client):
    staff_client.post(PAGE, hidden_fields(staff_client.post(PAGE, regrouped(staff_client))))
    answer = staff_client.post(PAGE, shown(staff_client, source_code="budget-r10"))
    assert errors(answer) == {
        "baseline_code": ["この コード を持った 基準計画 が既に存在します。"],
        "baseline_label": ["この 名称 を持った 基準計画 が既に存在します。"],
    }


def test_page_shows_what_the_document_changes_before_it_is_done(staff_client):
    before = everything()
    found = staff_client.post(PAGE, regrouped(staff_client)).context
    assert [row.code for row in found["left_out"]] == ["fy2025"]
    [moved] = [entry["changes"][0] for entry in found["entries"] if entry["row"] == "公正取引委員会"]
    assert (moved["old"], moved["new"]) == (
        "令和7年度に導入完了予定（削除済み）",
        "GSSを利用開始している府省庁",
    )
    assert any(row.changed for row in found["impact"].years)
    assert everything() == before


def test_confirmed_document_is_in_force_and_the_plan_before_is_kept(staff_client):
    answer = staff_client.post(PAGE, hidden_fields(staff_client.post(PAGE, regrouped(staff_client))))
    said = [str(message) for message in get_messages(answer.wsgi_request)]
    assert (answer["Location"], said) == (LIST, ["「令和9年度予算」を計画に反映しました（7件の変更）。"])
    assert Cohort.objects.filter(code="fy2025").count() == 0
    assert Rollout.objects.get(code="moj").cohort.code == "in-use"
    assert Baseline.objects.get(code="before-r9").created_by.username == "pmo"


def test_new_cohort_is_typed_into_an_empty_one(staff_client):
    new = {"label": "令和9年度", "code": "fy2027", "order": "5", "members": "moj 法務省\njma 気象庁"}
    typed = {f"entries__4__{name}": value for name, value in new.items()}
    sent = shown(staff_client, entries__1__members="jftc", **typed)
    staff_client.post(PAGE, hidden_fields(staff_client.post(PAGE, sent)))
    assert [row.code for row in Cohort.objects.get(code="fy2027").rollouts.order_by("order")] == [
        "moj",
        "jma",
    ]


def test_document_that_was_looked_at_on_another_plan_is_shown_anew(staff_client):
    seen = hidden_fields(staff_client.post(PAGE, regrouped(staff_client)))
    save(staff_client, Rollout.objects.get(code="nta"), users="70000", reason="国税庁からの連絡")
    answer = staff_client.post(PAGE, seen)
    assert answer.context["moved_on"].startswith("確認のあいだに、ほかの変更が保存されました。")
    assert Cohort.objects.filter(code="fy2025").count() == 1


def test_person_comes_back_to_what_was_typed(staff_client):
    seen = hidden_fields(staff_client.post(PAGE, regrouped(staff_client)))
    context = staff_client.post(PAGE, {**seen, "_back": "1"}).context
    assert ("impact" in context, context["form"]["title"].value()) == (False, "令和9年度予算")
    assert context["entries"].forms[0]["published_users"].value() == "72000"


@pytest.mark.parametrize(("rights", "status"), [(RIGHTS[1:], 403), (RIGHTS, 200)])
def test_page_is_for_who_may_do_all_of_it(client, django_user_model, rights, status):
    person = django_user_model.objects.create_user("clerk", is_staff=True)
    codenames = [right.split(".")[1] for right in rights]
    person.user_permissions.set(Permission.objects.filter(codename__in=[*codenames, "view_cohort"]))
    client.force_login(person)
    assert client.get(PAGE).status_code == status
    assert (PAGE in client.get(LIST).content.decode()) == (status == 200)
