"""What the mail of a rule would say of a wave, and when; nobody gets it and nothing is written."""

import pytest
from django.utils import timezone

from rollout.models import Reminder
from rollout.outbox.foresight import CALENDAR_LATER, LINK_LATER
from rollout.outbox.preview import Preview
from tests.conftest import SEED_NOW
from tests.factories import ContactFactory, ReminderRuleFactory
from tests.rollout.ledger import make_wave

pytestmark = pytest.mark.django_db

SCHEDULES = {
    "days before": ({}, "切替の30日前"),
    "on the day": ({"count": 0}, "切替の当日"),
    "business days after": (
        {"count": 3, "unit": "business_days", "direction": "after"},
        "切替の3営業日後",
    ),
    "a month's precision": ({"precision": "month"}, "切替の30日前（月までの予定だけ）"),
    "overdue": ({"kind": "overdue", "count": 1, "unit": "weeks"}, "予定日を過ぎて未確認のあいだ1週間ごと"),
    "unconfirmed": ({"kind": "unconfirmed", "count": 90}, "日程確認がないあいだ90日ごと"),
    "change": ({"kind": "change"}, "知らせた内容が変わったとき"),
    "digest": ({"kind": "digest", "count": 2, "unit": "weeks"}, "2週間ごとの月曜日"),
    "alert": ({"kind": "alert"}, "送信を一時止めたとき"),
}


@pytest.mark.parametrize(("values", "text"), SCHEDULES.values(), ids=SCHEDULES)
def test_schedule_is_said_in_words(values, text):
    assert ReminderRuleFactory(**values).schedule_text == text


def test_escalation_names_what_it_follows():
    rule = ReminderRuleFactory(
        kind="escalation", count=3, unit="business_days", follows=ReminderRuleFactory()
    )
    assert rule.schedule_text == "「30日前」の送信から3営業日後に受領の確認がないとき"


AUDIENCES = {
    "everybody": ({}, "主担当・副担当・対象府省庁・関係者・PMO"),
    "the lead alone": (
        {"to_deputy": False, "to_covered": False, "to_watchers": False, "to_pmo": False},
        "主担当",
    ),
    "who was told": ({"kind": "change"}, "知らせ済みの人"),
    "the PMO": ({"kind": "digest"}, "PMO"),
}


@pytest.mark.parametrize(("values", "text"), AUDIENCES.values(), ids=AUDIENCES)
def test_audience_is_said_in_words(values, text):
    assert ReminderRuleFactory(**values).audience_text == text


def preview(cutover="R9.1.15", status="planned", **values):
    rule = ReminderRuleFactory.build(**values)
    return Preview(rule, make_wave(cutover, status=status, cutover_since=SEED_NOW), SEED_NOW)


DUE = {
    "days before": ("R9.1.15", {}, "2026年12月16日（水）の9時以降に送ります。"),
    "a closed day": ("R9.1", {"count": 1}, "2026年12月28日（月）の9時以降に送ります。"),
    "gone by": ("R8.12.1", {}, "送る日（2026年10月30日（金））を過ぎているため、送りません。"),
    "too coarse": (
        "R9年度",
        {},
        "この移行単位の切替予定（令和9年度）には送る日がないため、送りません。",
    ),
    "another precision": (
        "R9.1.15",
        {"precision": "month"},
        "「月までの予定だけ」が対象のため、送りません。",
    ),
    "another status": (
        "R9.1.15",
        {"statuses": ["migrating"]},
        "この移行単位の状態「予定」は対象に選ばれていないため、送りません。",
    ),
    "overdue": (
        "R8.10.30",
        {"kind": "overdue", "count": 1, "unit": "weeks"},
        "次は2026年11月27日（金）の9時以降に送ります。",
    ),
    "unconfirmed": (
        "R9.6",
        {"kind": "unconfirmed", "count": 90},
        "次は2027年2月22日（月）の9時以降に送ります。",
    ),
    "unconfirmed to the end": (
        "R9.1.15",
        {"kind": "unconfirmed", "count": 90},
        "この移行単位の切替予定（令和9年1月15日）には送る日がないため、送りません。",
    ),
    "digest": (
        "R9.1.15",
        {"kind": "digest", "count": 1, "unit": "weeks"},
        "次は2026年11月24日（火）の9時以降に送ります。",
    ),
    "change": (
        "R9.1.15",
        {"kind": "change"},
        "知らせた切替予定や状態が変わってから10分後に、知らせ済みの人へ送ります（変更前は例です）。",
    ),
    "alert": ("R9.1.15", {"kind": "alert"}, "送信数が上限に達して送信を一時止めたときに、PMOへ送ります。"),
}


@pytest.mark.parametrize(("cutover", "values", "text"), DUE.values(), ids=DUE)
def test_preview_says_when_it_would_go_out(cutover, values, text):
    assert preview(cutover, in_force_since=SEED_NOW, **values).due_text == text


ESCALATED = {
    "to come": (
        "R9.1.15",
        "2026年12月21日（月）の9時以降に送ります（元のルールの通知に受領の確認がない場合）。",
    ),
    "gone by": ("R8.12.1", "送る日（2026年11月5日（木））を過ぎているため、送りません。"),
    "never": ("検討中", "この移行単位の切替予定（検討中）には送る日がないため、送りません。"),
}


@pytest.mark.parametrize(("cutover", "text"), ESCALATED.values(), ids=ESCALATED)
def test_preview_of_an_escalation_counts_from_the_mail_it_follows(cutover, text):
    values = {"kind": "escalation", "count": 3, "unit": "business_days"}
    assert preview(cutover, follows=ReminderRuleFactory(), **values).due_text == text


def test_letter_says_what_holds_on_the_day_that_it_goes_out():
    letter = preview(body="{宛名} 様 {残り日数}").letter
    assert (letter.subject, letter.body) == (
        "国税庁（地方拠点） 切替のお知らせ",
        "ご担当者 様 切替予定日まであと30日です",
    )


TOLD = {
    "a day": ("R9.1.15", "切替予定 R8.10 → 切替予定 R9.1.15"),
    "undecided": ("検討中", "切替予定 R8.8 → 切替予定 検討中"),
}


@pytest.mark.parametrize(("cutover", "text"), TOLD.values(), ids=TOLD)
def test_notice_of_change_is_shown_with_an_example(cutover, text):
    assert preview(cutover, kind="change", body="{変更の内容}").letter.body == text


def test_preview_names_no_contact_and_writes_nothing():
    shown = preview(body="{宛名}")
    ContactFactory(ministry=shown.wave.rollout.lead_ministry, name="国税太郎")
    assert (shown.letter.body, Reminder.objects.count(), shown.rule.pk) == ("ご担当者", 0, None)


def test_preview_has_words_in_place_of_links():
    assert preview(body="{確認ページ}{カレンダー}").letter.body == LINK_LATER + CALENDAR_LATER


ENCLOSED = {
    "before a cutover": ({}, ["予定表に登録できる予定（iCalendar）"]),
    "after it": ({"direction": "after"}, []),
    "digest": ({"kind": "digest", "subject": "{日付}", "body": "{まとめ}"}, ["見込みの図（PNG）"]),
    "wrong text": ({"subject": "{"}, []),
}


@pytest.mark.parametrize(("values", "words"), ENCLOSED.values(), ids=ENCLOSED)
def test_preview_says_what_goes_along(values, words):
    assert preview(**values).enclosures == words


def test_wrong_texts_are_each_pointed_out():
    shown = preview(subject="{", body="{変更前}")
    assert (list(shown.errors), shown.letter) == (["件名", "本文"], None)


def test_preview_without_a_wave_says_so_and_shows_nothing():
    shown = Preview(ReminderRuleFactory.build(), None, timezone.now())
    said = "移行単位がまだ登録されていないため、文面を確認できません。"
    assert (shown.errors, shown.letter, shown.values, shown.due_text) == ({"移行単位": said}, None, {}, "")
