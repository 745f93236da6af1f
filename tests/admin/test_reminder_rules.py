"""Rules of reminders: bad input is refused beside its field, a text is seen on a wave before it is saved."""

import re
from itertools import product

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from rollout import outbox
from rollout.domain.letters import VARIABLES
from rollout.domain.reminders import Kind
from rollout.models import Reminder, ReminderRule, Wave
from rollout.outbox.foresight import DIGEST_LATER
from tests.admin.edits import edited, everything, post, url, values_of
from tests.admin.test_pages import fill_ledger, questions
from tests.factories import ReminderRuleFactory

KNOWN = "、".join(f"{{{name}}}" for name in VARIABLES[Kind.OFFSET])
LIST = reverse("admin:rollout_reminderrule_changelist")
ADD = reverse("admin:rollout_reminderrule_add")


def rule(code="before-90"):
    return ReminderRule.objects.get(code=code)


def form_errors(answer):
    """The messages beside each field of the form that comes back."""
    return {name: list(found) for name, found in answer.context["adminform"].form.errors.items()}


NO_MORE = {"kind": "overdue", "count": 0}
BAD = {
    "unknown variable in the body": (
        {"body": "{宛名} 様\r\n{電話}"},
        {"body": [f"2行目の1文字目の「{{電話}}」は使えません。使えるのは {KNOWN} です。"]},
    ),
    "unknown variable in the subject": (
        {"subject": "{変更前}"},
        {"subject": [f"1文字目の「{{変更前}}」は使えません。使えるのは {KNOWN} です。"]},
    ),
    "brace alone": ({"subject": "切替{"}, {"subject": ["3文字目の「{」に対になるかっこがありません。"]}),
    "no subject": ({"subject": " "}, {"subject": ["この項目は必須です。"]}),
    "no text": ({"body": " \r\n "}, {"body": ["この項目は必須です。"]}),
    "endless subject": (
        {"subject": "あ" * 201},
        {"subject": ["この値は 200 文字以下でなければなりません( 201 文字になっています)。"]},
    ),
    "no status": ({"statuses": []}, {"statuses": ["対象の状態を1つ以上選んでください。"]}),
    "settled status": (
        {"statuses": ["planned", "in_use"]},
        {"statuses": ["正しく選択してください。 in_use は候補にありません。"]},
    ),
    "nobody": ({"audience": []}, {"audience": ["宛先を1つ以上選んでください。"]}),
    "somebody else": (
        {"audience": ["to_all"]},
        {"audience": ["正しく選択してください。 to_all は候補にありません。"]},
    ),
    "no interval": (NO_MORE, {"count": ["間隔は 1 以上にしてください。"]}),
    "too far": ({"count": 1001}, {"count": ["この値は 1000 以下でなければなりません。"]}),
    "backwards": ({"count": -1}, {"count": ["この値は 0 以上でなければなりません。"]}),
    "count in words": ({"count": "三十"}, {"count": ["整数を入力してください。"]}),
    "endless grace": (
        {"grace_business_days": 61},
        {"grace_business_days": ["この値は 60 以下でなければなりません。"]},
    ),
    "unknown kind": ({"kind": "whim"}, {"kind": ["正しく選択してください。 whim は候補にありません。"]}),
    "escalates nothing": (
        {"kind": "escalation"},
        {"follows": ["「受領の確認がないとき」のルールでは、元のルールを選んでください。"]},
    ),
    "code in use": ({"code": "before-30"}, {"code": ["この コード を持った 通知ルール が既に存在します。"]}),
}


@pytest.mark.parametrize(("change", "messages"), BAD.values(), ids=BAD)
def test_bad_rule_is_refused_beside_its_field_and_keeps_what_was_typed(
    seeded, staff_client, change, messages
):
    row, before = rule(), everything()
    answer = post(staff_client, row, label="打ちかけの名称", **change)
    assert (answer.status_code, form_errors(answer)) == (200, messages)
    form = answer.context["adminform"].form
    sent = {"label": "打ちかけの名称", **change}
    assert {name: str(form[name].value()) for name in sent} == {name: str(sent[name]) for name in sent}
    assert everything() == before


FOLLOWER = "受領の確認がないとき副担当へ（14日前の通知）"
TIES = {
    "its kind while another follows it": (
        "before-14",
        {"kind": "overdue"},
        {
            "kind": [f"「{FOLLOWER}」がこのルールを元にしているため、種類は変えられません。"],
        },
    ),
    "a rule to follow without waiting for an answer": (
        "unanswered-14",
        {"kind": "offset"},
        {"follows": ["元のルールは「受領の確認がないとき」のルールでだけ選びます。空欄に戻してください。"]},
    ),
}


@pytest.mark.parametrize(("code", "change", "messages"), TIES.values(), ids=TIES)
def test_rule_does_not_take_what_its_kind_cannot_work_with(seeded, staff_client, code, change, messages):
    before = everything()
    answer = post(staff_client, rule(code), **change)
    assert (form_errors(answer), everything()) == (messages, before)


def test_rule_follows_nothing_but_another_rule_before_or_after_a_cutover(seeded, staff_client):
    answer = post(staff_client, rule(), kind="escalation", follows=rule().pk)
    assert form_errors(answer) == {"follows": ["「切替の前・当日・後」のルールを選んでください。"]}
    answer = post(staff_client, rule(), kind="escalation", follows=rule("overdue-weekly").pk)
    assert list(form_errors(answer)) == ["follows"]


@pytest.mark.parametrize("code", ["before-90", "unanswered-14", "changed", "digest-weekly", "paused"])
def test_rule_saved_as_a_browser_sends_it_gets_no_new_version(seeded, staff_client, code):
    row, before = rule(code), everything()
    text = row.body.replace("\n", "\r\n")
    assert (post(staff_client, row, body=text).status_code, everything()) == (302, before)


def test_rule_takes_what_the_form_says(seeded, staff_client):
    values = {"count": 2, "unit": "months", "direction": "after", "body": "{宛名} 様\r\n\r\n{お願い}\r\n"}
    chosen = {"statuses": ["migrating"], "audience": ["to_deputy", "to_watchers"]}
    assert post(staff_client, rule(), **values, **chosen).status_code == 302
    row = rule()
    assert (row.schedule_text, row.audience_text) == ("切替の2か月後", "副担当・関係者")
    assert (row.statuses, row.body) == (["migrating"], "{宛名} 様\n\n{お願い}\n")
    assert row.history.first().history_user.username == "pmo"


def test_rule_with_another_audience_alone_is_one_version(seeded, staff_client):
    assert post(staff_client, rule(), audience=["to_pmo"]).status_code == 302
    assert (rule().audience_text, rule().history.count()) == ("PMO", 2)


def test_what_a_kind_does_not_use_need_not_be_chosen(seeded, staff_client):
    assert post(staff_client, rule("digest-weekly"), audience=[], statuses=[]).status_code == 302
    assert (rule("digest-weekly").to_pmo, len(rule("digest-weekly").statuses)) == (True, 4)


def test_new_rule_is_made(seeded, staff_client):
    sent = {"code": "new", "label": "新しいルール", "kind": "offset", "count": 10, "unit": "business_days"}
    sent |= {"direction": "before", "statuses": ["planned"], "audience": ["to_lead"], "active": "on"}
    sent |= {"grace_business_days": 3, "subject": "{案件}", "body": "{お願い}"}
    assert staff_client.post(ADD, {**sent, "_preview": "page"}).status_code == 200
    assert not ReminderRule.objects.filter(code="new").exists()
    assert staff_client.post(ADD, sent).status_code == 302
    assert rule("new").schedule_text == "切替の10営業日前"


def look(client, row, **changes):
    """Press the button that shows the text."""
    return client.post(url(row), edited(client, row, _preview="page", **changes))


def all_rows():
    return everything(), list(Reminder.objects.order_by("pk").values())


def test_text_is_shown_as_typed_and_nothing_is_saved(seeded, staff_client):
    fill_ledger()
    before = all_rows()
    wave = Wave.objects.get(code="mof-1")
    answer = look(
        staff_client, rule(), subject="{府省庁}へ", count="20", audience=["to_pmo"], preview_wave=wave.pk
    )
    preview, form = answer.context["preview"], answer.context["adminform"].form
    assert (preview.letter.subject, preview.due_text) == (
        "財務省へ",
        "2027年5月12日（水）の9時以降に送ります。",
    )
    assert (form["subject"].value(), form["audience"].value()) == ("{府省庁}へ", ["to_pmo"])
    assert "まだ保存していません。" in answer.content.decode()
    assert all_rows() == before


def test_wrong_text_is_pointed_out_beside_its_field_and_in_the_preview(seeded, staff_client):
    before = everything()
    answer = look(staff_client, rule(), subject="{電話}", body="{")
    brace = "1文字目の「{」に対になるかっこがありません。"
    unknown = f"1文字目の「{{電話}}」は使えません。使えるのは {KNOWN} です。"
    assert form_errors(answer) == {"subject": [unknown], "body": [brace]}
    assert answer.context["preview"].errors == {"件名": unknown, "本文": brace}
    assert everything() == before


def test_text_while_typing_comes_alone(seeded, staff_client):
    answer = staff_client.post(
        url(rule()), edited(staff_client, rule(), _preview="live", subject="<b>{範囲}")
    )
    assert answer.templates[0].name == "admin/_rule_preview.html"
    assert re.findall('rule-preview-subject" lang="ja">(.*?)</dd>', answer.content.decode()) == [
        "&lt;b&gt;全体"
    ]


@pytest.mark.parametrize("asked", ["", "0", "abc", "999999"])
def test_text_on_no_sensible_wave_is_shown_on_the_next_one(seeded, staff_client, asked):
    answer = look(staff_client, rule(), preview_wave=asked)
    assert answer.context["preview"].wave.code == "isa-1"


def test_text_without_any_wave_says_so(db, staff_client):
    answer = staff_client.get(url(ReminderRuleFactory()))
    said = "移行単位がまだ登録されていないため、文面を確認できません。"
    assert (answer.status_code, answer.context["preview"].errors) == (200, {"移行単位": said})


def test_who_may_only_look_sees_the_text_and_no_button(seeded, client, django_user_model):
    user = django_user_model.objects.create_user("auditor", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_reminderrule"))
    client.force_login(user)
    html = client.get(url(rule())).content.decode()
    assert ("出入国在留管理庁 切替のお知らせ" in html, "文面を確認" in html) == (True, False)
    assert client.post(url(rule()), {"_preview": "live"}).status_code == 403


@pytest.mark.parametrize("sees", [True, False], ids=["may see the ledger", "may not"])
def test_digest_with_its_addresses_is_shown_to_who_may_see_the_ledger(
    seeded, client, django_user_model, sees
):
    user = django_user_model.objects.create_user("clerk", is_staff=True)
    names = ["change_reminderrule", "view_reminder"] if sees else ["change_reminderrule"]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    digest = client.get(url(rule("digest-weekly"))).context["preview"].values["まとめ"]
    assert (digest == DIGEST_LATER, "■ 見込み" in digest) == (not sees, sees)


def test_rule_with_records_is_not_deleted_and_says_what_to_do(seeded, staff_client):
    fill_ledger()
    row = ReminderRule.objects.filter(reminders__isnull=False).first()
    count, before = row.reminders.count(), all_rows()
    said = (
        f"通知ルール「{row}」は台帳に{count}件の記録があるため、削除できません。"
        "「有効」を外すと、まだ送っていない通知は取り消され、これからは送りません。"
    )
    bulk = {"action": "delete_selected", "_selected_action": [row.pk, rule("changed").pk], "post": "yes"}
    answers = [
        staff_client.get(url(row, "delete")),
        staff_client.post(url(row, "delete"), {"post": "yes", "reason": "不要"}),
        staff_client.post(LIST, bulk),
    ]
    assert [re.findall("<li>(通知ルール「.*?)</li>", each.content.decode()) for each in answers] == [
        [said]
    ] * 3
    assert all_rows() == before


def test_rule_that_another_follows_is_not_deleted(seeded, staff_client):
    html = staff_client.get(url(rule("before-14"), "delete")).content.decode()
    assert "使わないときは、削除せずに「有効」を外してください。" in html


def test_rule_without_records_is_deleted(seeded, staff_client):
    answer = staff_client.post(url(rule("changed"), "delete"), {"post": "yes", "reason": "不要"})
    assert (answer.status_code, ReminderRule.objects.filter(code="changed").exists()) == (302, False)


def row_of(client, code):
    shown = client.get(LIST).context["cl"].result_list.get(code=code)
    return shown.unsent_count, shown.sent_count


def test_list_counts_what_was_sent_and_what_is_to_come(seeded, staff_client):
    fill_ledger()
    rows = Reminder.objects.filter(rule=rule("before-7")).order_by("pk")
    total = rows.count()
    Reminder.objects.filter(pk=rows[0].pk).update(state="sent", sent_at=rows[0].due_at)
    Reminder.objects.filter(pk=rows[1].pk).update(state="due")
    Reminder.objects.filter(pk=rows[2].pk).update(state="missed")
    assert (row_of(staff_client, "before-7"), row_of(staff_client, "changed")) == ((total - 2, 1), (0, 0))


def test_list_asks_the_same_number_of_questions_however_many_rules(seeded, staff_client):
    fill_ledger()
    questions(staff_client, ReminderRule)
    few = questions(staff_client, ReminderRule)
    for count in range(5):
        ReminderRuleFactory(kind="escalation", follows=ReminderRuleFactory(count=count + 1))
    outbox.plan_reminders()
    assert questions(staff_client, ReminderRule) == few


@pytest.mark.parametrize("code", ["before-90", "changed", "digest-weekly", "paused", "unanswered-14"])
def test_page_of_every_kind_shows_its_text(seeded, staff_client, code):
    answer = staff_client.get(url(rule(code)))
    preview = answer.context["preview"]
    assert (answer.status_code, preview.errors) == (200, {})
    assert tuple(preview.values) == VARIABLES[preview.kind]
    assert values_of(staff_client, rule(code))["label"] == rule(code).label


KINDS = ["offset", "overdue", "unconfirmed", "change", "escalation", "digest", "alert"]
NUMBERS = ["0", "1001", "9999999", "", "x"]


@pytest.mark.parametrize(
    "asked", [{"_preview": "live"}, {"_preview": "1"}, {}], ids=["live", "button", "save"]
)
@pytest.mark.parametrize("kind", KINDS)
def test_new_rule_with_any_number_is_answered_at_once(seeded, staff_client, kind, asked):
    before = all_rows()
    for number, unit in product(NUMBERS, ["days", "business_days", "months"]):
        typed = {"kind": kind, "count": number, "unit": unit, "body": "{宛名}", "direction": "after"}
        typed |= {"follows": str(rule("before-14").pk) if kind == "escalation" else ""}
        answer = staff_client.post(ADD, typed | asked)
        assert answer.status_code == 200, typed
    assert all_rows() == before


@pytest.mark.parametrize("kind", ["overdue", "unconfirmed", "escalation", "digest"])
def test_interval_of_nothing_is_refused(seeded, staff_client, kind):
    answer = staff_client.post(ADD, {"kind": kind, "count": "0"})
    assert form_errors(answer)["count"] == ["間隔は 1 以上にしてください。"]
