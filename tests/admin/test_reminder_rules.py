"""Rules of reminders: bad input is refused beside its field, and a text is seen on a wave before it is saved."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from rollout import outbox
from rollout.models import Reminder, ReminderRule, Wave
from tests.admin.edits import edited, everything, post, save, url, values_of
from tests.admin.test_pages import fill_ledger
from tests.factories import ReminderRuleFactory, WaveFactory
from tests.rollout.ledger import owe

KNOWN = (
    "{宛名}、{案件}、{府省庁}、{範囲}、{状態}、{切替予定}、{切替予定の読み}、{残り日数}、{人数}、{お願い}、{確認ページ}、{カレンダー}"
)
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
        {"body": [f"8文字目の「{{電話}}」は使えません。使えるのは {KNOWN} です。"]},
    ),
    "unknown variable in the subject": (
        {"subject": "{変更前}"},
        {"subject": [f"1文字目の「{{変更前}}」は使えません。使えるのは {KNOWN} です。"]},
    ),
    "brace alone": ({"subject": "切替{"}, {"subject": ["3文字目の「{」に対になるかっこがありません。"]}),
    "no subject": ({"subject": " "}, {"subject": ["このフィールドは必須です。"]}),
    "no text": ({"body": " \r\n "}, {"body": ["このフィールドは必須です。"]}),
    "endless subject": (
        {"subject": "あ" * 201},
        {"subject": ["この値は 200 文字以下でなければなりません( 201 文字になっています)。"]},
    ),
    "no status": ({"statuses": []}, {"statuses": ["対象の状態を1つ以上選んでください。"]}),
    "settled status": (
        {"statuses": ["planned", "in_use"]},
        {"statuses": ["正しく選択してください。 in_use は選択肢にありません。"]},
    ),
    "nobody": ({"audience": []}, {"audience": ["宛先を1つ以上選んでください。"]}),
    "somebody else": ({"audience": ["to_all"]}, {"audience": ["正しく選択してください。 to_all は選択肢にありません。"]}),
    "no interval": (NO_MORE, {"count": ["くり返しの間隔は 1 以上にしてください。"]}),
    "too far": ({"count": 1001}, {"count": ["この値は 1000 以下でなければなりません。"]}),
    "backwards": ({"count": -1}, {"count": ["この値は 0 以上でなければなりません。"]}),
    "count in words": ({"count": "三十"}, {"count": ["整数を入力してください。"]}),
    "endless grace": (
        {"grace_business_days": 61},
        {"grace_business_days": ["この値は 60 以下でなければなりません。"]},
    ),
    "unknown kind": ({"kind": "whim"}, {"kind": ["正しく選択してください。 whim は選択肢にありません。"]}),
    "escalates nothing": (
        {"kind": "escalation"},
        {"follows": ["「受領の確認がないとき」のルールでは、元のルールを選んでください。"]},
    ),
    "code in use": ({"code": "before-30"}, {"code": ["この コード を持った 通知ルール が既に存在します。"]}),
}


@pytest.mark.parametrize(("change", "messages"), BAD.values(), ids=BAD)
def test_bad_rule_is_refused_beside_its_field_and_keeps_what_was_typed(seeded, staff_client, change, messages):
    row, before = rule(), everything()
    answer = post(staff_client, row, label="打ちかけの名称", **change)
    assert (answer.status_code, form_errors(answer)) == (200, messages)
    form = answer.context["adminform"].form
    typed = {name: form[name].value() for name in ("label", *change)}
    assert typed == {"label": "打ちかけの名称", **change}
    assert everything() == before
