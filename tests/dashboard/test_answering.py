"""The page behind the link in a mail: it shows, asks, and changes nothing until a button is pressed."""

import logging
import re
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.core.signing import TimestampSigner
from django.test import Client
from django.utils import timezone

from rollout import actions
from rollout.models import Reminder, Wave
from rollout.outbox.links import (
    AnswerLinkExpiredError,
    AnswerLinkInvalidError,
    answer_url,
    read_answer_token,
)
from tests.admin.edits import everything
from tests.answers import NOW, at, make_reminder, make_rule, sent_reminder

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_clock")]


@pytest.fixture
def _clock(time_machine):
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def reminder():
    return sent_reminder("R9.1.15")


def path(reminder):
    return answer_url(reminder.pk).partition("/reminders/")[2].join(["/reminders/", ""])


def post(client, reminder, **sent):
    return client.post(path(reminder), sent)


def change(wave, **values):
    """The plan moves on after the mail."""
    for name, value in values.items():
        setattr(wave, name, value)
    actions.save_row(row=wave, actor=None, reason="変更")


def rows():
    return everything(), list(Reminder.objects.order_by("pk").values()), Session.objects.count()


def text(answer):
    """What the page says, without its tags."""
    main = answer.content.decode().partition("<main")[2].partition("</main>")[0]
    return " ".join(re.sub(r"<[^>]*>", " ", main.partition(">")[2]).split())


def buttons(answer):
    return re.findall(r'<button name="answer" value="(\w+)">', answer.content.decode())


def said(client, answer):
    """What the page says after the redirect."""
    assert (answer.status_code, answer["Location"]) == (303, answer.request["PATH_INFO"])
    found = re.findall(
        r'notice-done" role="status">\s*<p>(.*?)</p>', client.get(answer["Location"]).content.decode()
    )
    return found[0]


def test_link_is_absolute_and_names_the_row(settings, reminder):
    settings.SITE_URL = "https://gss.example.go.jp"
    url = answer_url(reminder.pk)
    token = re.fullmatch(r"https://gss\.example\.go\.jp/reminders/([\w.-]+)/", url)[1]
    assert read_answer_token(token) == reminder.pk


@pytest.mark.parametrize(("days", "read"), [(119, True), (121, False)])
def test_link_expires_after_120_days(time_machine, days, read):
    token = answer_url(7).split("/")[-2]
    time_machine.move_to(NOW + timedelta(days=days))
    if read:
        assert read_answer_token(token) == 7
    else:
        with pytest.raises(AnswerLinkExpiredError):
            read_answer_token(token)


FORGED = {
    "nothing": "x",
    "another number": lambda token: token.replace("7.", "8.", 1),
    "cut off": lambda token: token[:-1],
    "signed for something else": lambda _: TimestampSigner(sep=".", salt="other").sign("7"),
    "signed without a number": lambda _: TimestampSigner(sep=".", salt="rollout.outbox.links").sign("七"),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_link_that_is_not_ours_is_refused(forge):
    token = forge if isinstance(forge, str) else forge(answer_url(7).split("/")[-2])
    with pytest.raises(AnswerLinkInvalidError):
        read_answer_token(token)


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize("public", [True, False])
def test_looking_changes_nothing(client, settings, reminder, method, public):
    settings.PUBLIC_READ = public
    before = rows()
    answer = getattr(client, method)(path(reminder))
    assert (answer.status_code, rows() == before) == (200, True)


def test_link_stays_out_of_the_log(client, reminder, capsys):
    [console] = logging.getLogger().handlers[:1]
    record = logging.makeLogRecord({"msg": "%s: %s", "args": ("Not Found", path(reminder))})
    console.filter(record)
    assert record.getMessage() == "Not Found: /reminders/…/"


@pytest.mark.parametrize("method", ["put", "delete", "patch", "options"])
def test_other_methods_are_refused(client, reminder, method):
    assert getattr(client, method)(path(reminder)).status_code == 405


def test_page_is_kept_by_nobody(client, reminder):
    answer = client.get(path(reminder))
    names = ("Cache-Control", "Referrer-Policy", "X-Robots-Tag", "Content-Language")
    assert [answer[name] for name in names] == ["no-store", "strict-origin", "noindex, nofollow", "ja"]


def test_page_shows_the_wave_and_asks(client, reminder):
    answer = client.get(path(reminder))
    assert text(answer) == (
        "事前通知への回答 案件 国税庁（地方拠点） 府省庁 国税庁 "
        "切替予定 R9.1.15 令和9年1月15日 2027-01-15 R8年度 日数 切替予定日まであと30日です "
        "状態 予定 人数 計算待ち "
        "ボタンを押すまで、何も記録されません。ここにない変更や質問は、メールに返信してお知らせください。 "
        "受け取りの確認 メールを受け取ったことだけを記録します。計画は変わりません。 受け取りました "
        "日程確認 切替予定「R9.1.15」のままで変わりがないことを、今日の日付で記録します。 "
        "この予定のままで変わりありません（日程確認）"
    )


def test_page_names_nobody(client, reminder):
    assert b"a@example.go.jp" not in client.get(path(reminder)).content


def test_received_is_recorded_once(client, reminder):
    told = [said(client, post(client, reminder, answer="received")) for _ in range(2)]
    reminder.refresh_from_db()
    assert told == [
        "受け取ったことを記録しました。ありがとうございます。",
        "受け取ったことは、すでに記録されています。",
    ]
    assert reminder.acknowledged_at == NOW


def test_received_cancels_the_escalation_at_once(client, reminder):
    rule = {"kind": "escalation", "follows": reminder.rule, "to_lead": True}
    waiting = make_reminder(reminder.wave, rule=make_rule(**rule), state="planned")
    post(client, reminder, answer="received")
    waiting.refresh_from_db()
    assert waiting.state == "cancelled"


def test_second_receipt_keeps_the_first_moment(client, reminder, time_machine):
    post(client, reminder, answer="received")
    time_machine.move_to(NOW + timedelta(days=1))
    post(client, reminder, answer="received")
    reminder.refresh_from_db()
    assert reminder.acknowledged_at == NOW


def test_cutover_is_confirmed_once_a_day_and_history_names_the_row(client, reminder):
    told = [said(client, post(client, reminder, answer="cutover")) for _ in range(2)]
    reminder.refresh_from_db()
    assert told == ["日程確認を記録しました。ありがとうございます。", "日程確認は、すでに記録されています。"]
    assert (reminder.wave.confirmed_on.isoformat(), reminder.acknowledged_at) == ("2026-12-16", NOW)
    assert latest_history() == (2, None, f"事前通知 #{reminder.pk} のリンクから確認")


def test_confirmed_page_says_so(client, reminder):
    post(client, reminder, answer="cutover")
    client.get(path(reminder))
    assert buttons(client.get(path(reminder))) == []
    assert "日程確認 2026年12月16日に確認" in text(client.get(path(reminder)))


def latest_history():
    latest = Wave.history.latest("history_id")
    return Wave.history.count(), latest.history_user, latest.history_change_reason


@pytest.fixture
def begun(reminder, time_machine):
    """The cutover's day was yesterday."""
    time_machine.move_to(at("2027-01-16 10:00"), tick=False)
    return reminder


@pytest.mark.parametrize("day", ["R9.1.14", "令和9年1月14日", "2027-01-14"])
def test_use_is_confirmed_with_its_actual_day(client, begun, day):
    told = [said(client, post(client, begun, answer="use", day=day)) for _ in range(2)]
    begun.refresh_from_db()
    assert told == ["利用開始を記録しました。ありがとうございます。", "利用開始は、すでに記録されています。"]
    assert (begun.wave.status, begun.wave.cutover_earliest.isoformat()) == ("in_use", "2027-01-14")
    assert (begun.acknowledged_at, latest_history()) == (
        timezone.now(),
        (2, None, f"事前通知 #{begun.pk} のリンクから確認"),
    )


WRONG_DAYS = {
    "": "利用を開始した日を入力してください。",
    "R9.1": actions.DAY_NEEDED,
    "R9.1.17": "「利用中」にするときの利用開始日は、今日までの日付にしてください。",
    "検討中": actions.DAY_NEEDED,
    "きのう": "「きのう」：日付として読めません。",
}


@pytest.mark.parametrize(("day", "message"), WRONG_DAYS.items(), ids=[day or "nothing" for day in WRONG_DAYS])
def test_use_without_a_past_day_is_refused_beside_the_field(client, begun, day, message):
    before = rows()
    answer = post(client, begun, answer="use", day=day)
    html = answer.content.decode()
    [error] = re.findall(r'<p class="field-error" id="day-error">(.*?)</p>', html)
    assert (answer.status_code, error.startswith(str(message)), rows() == before) == (400, True, True)
    assert f'value="{day}" autocomplete="off" maxlength="60" aria-describedby="day-help day-error"' in html


EXPECTED = {
    "day to come": ("R9.1.15", {}, ["received", "cutover"]),
    "day has come": ("R8.12.16", {}, ["received", "cutover", "use"]),
    "month going on": ("R8.12", {}, ["received", "cutover", "use"]),
    "passed": ("R8.12.1", {}, ["received", "use"]),
    "without a date": ("検討中", {}, ["received"]),
    "from then on": ("R9.1以降", {}, ["received", "cutover"]),
    "moved": ("R9.1.15", {"cutover": "R9.2.1"}, ["received"]),
    "only written otherwise": ("R9.1.15", {"cutover": "令和9年1月15日"}, ["received", "cutover"]),
    "cancelled": ("R9.1.15", {"status": "cancelled"}, ["received"]),
    "in use": ("R8.12.1", {"status": "in_use"}, ["received"]),
    "being prepared": ("R9.1.15", {"status": "preparing"}, ["received", "cutover"]),
}


@pytest.mark.parametrize(("cutover", "change_to", "offered"), EXPECTED.values(), ids=EXPECTED)
def test_page_offers_what_still_makes_sense(client, cutover, change_to, offered):
    reminder = sent_reminder(cutover)
    change(reminder.wave, **change_to)
    assert buttons(client.get(path(reminder))) == offered


CHANGED = {
    "moved": ({"cutover": "R9.2.1"}, "切替予定 R9.2.1"),
    "cancelled": ({"status": "cancelled"}, "中止"),
    "in use": ({"status": "in_use", "cutover": "R8.12.15"}, "R8.12.15 利用開始を確認"),
}


@pytest.mark.parametrize(("change_to", "now"), CHANGED.values(), ids=CHANGED)
def test_page_says_what_has_changed_since_the_mail(client, reminder, change_to, now):
    change(reminder.wave, **change_to)
    said_first = text(client.get(path(reminder))).partition(" 案件 ")[0]
    assert said_first == (
        "事前通知への回答 メールでお知らせした内容から変わりました "
        f"メールでは「切替予定 R9.1.15」とお知らせしましたが、いまは「{now}」です。"
    )


OVERTAKEN = {
    "cutover of a moved wave": ({"cutover": "R9.2.1"}, {"answer": "cutover"}),
    "cutover of a cancelled wave": ({"status": "cancelled"}, {"answer": "cutover"}),
    "use of a cancelled wave": ({"status": "cancelled"}, {"answer": "use", "day": "R8.12.1"}),
    "use before the time": ({}, {"answer": "use", "day": "R8.12.1"}),
    "use since another day": (
        {"status": "in_use", "cutover": "R8.12.15"},
        {"answer": "use", "day": "R8.12.14"},
    ),
}


@pytest.mark.parametrize(("change_to", "sent"), OVERTAKEN.values(), ids=OVERTAKEN)
def test_answer_that_no_longer_holds_is_refused(client, reminder, change_to, sent):
    change(reminder.wave, **change_to)
    before = rows()
    answer = post(client, reminder, **sent)
    assert (answer.status_code, answer.content.count(b'role="alert"'), rows() == before) == (409, 1, True)


def test_moved_wave_can_still_be_received(client, reminder):
    change(reminder.wave, cutover="R9.2.1")
    assert said(client, post(client, reminder, answer="received")).startswith("受け取ったことを記録しました")


def test_page_of_a_wave_in_use_says_since_when(client, reminder):
    change(reminder.wave, status="in_use", cutover="R8.12.15")
    said_now = text(client.get(path(reminder)))
    assert said_now.partition(" 府省庁 国税庁 ")[2].partition(" ボタンを")[0] == (
        "利用開始 R8.12.15 令和8年12月15日 2026-12-15 R8年度 状態 利用中 人数 計算待ち"
    )
    assert "日程確認" not in said_now


def test_merged_wave_says_into_which(client, reminder):
    other = Wave.objects.create(rollout=reminder.wave.rollout, code="other", name="第2陣", cutover="R9.3")
    change(reminder.wave, status="cancelled", merged_into=other)
    answer = client.get(path(reminder))
    assert ("状態 「国税庁（地方拠点） 第2陣」に統合" in text(answer), buttons(answer)) == (
        True,
        ["received"],
    )


def test_button_that_is_none_is_refused(client, reminder):
    before = rows()
    assert (post(client, reminder, answer="delete").status_code, rows() == before) == (400, True)


def test_post_without_the_form_is_refused(reminder):
    before = rows()
    answer = Client(enforce_csrf_checks=True).post(path(reminder), {"answer": "received"})
    assert (answer.status_code, "送信を確認できませんでした" in text(answer), rows() == before) == (
        403,
        True,
        True,
    )


@pytest.mark.parametrize("method", ["get", "post"])
def test_expired_link_says_what_to_do(client, reminder, time_machine, method):
    link = path(reminder)
    time_machine.move_to(NOW + timedelta(days=121), tick=False)
    before = rows()
    answer = getattr(client, method)(link, {"answer": "received"})
    assert (answer.status_code, answer["Cache-Control"], rows() == before) == (410, "no-store", True)
    assert "回答は、元のメールに返信してお知らせください。" in text(answer)


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("forge", ["tampered", "without a row", "without a wave"])
def test_wrong_link_says_what_to_do(client, reminder, method, forge):
    link = {
        "tampered": path(reminder)[:-2] + "/",
        "without a row": path(Reminder(pk=reminder.pk + 1)),
        "without a wave": path(reminder),
    }[forge]
    if forge == "without a wave":
        Reminder.objects.update(wave=None)
    before = rows()
    answer = getattr(client, method)(link, {"answer": "received"})
    assert (answer.status_code, rows() == before) == (404, True)
    assert "メールに返信してお知らせください。" in text(answer)
