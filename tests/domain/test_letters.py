"""What the texts of reminders may say, and the sentences that depend on a cutover and a day."""

import re
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.dates import parse
from rollout.domain.letters import (
    VARIABLES,
    TemplateError,
    check_template,
    days_left_text,
    render,
    request_text,
    standing_text,
)
from rollout.domain.reminders import MERGED, Kind, due_day
from tests.domain.owing import DAYS, on_day, rule

AWAITED = ["宛名", "案件", "府省庁", "範囲", "状態", "切替予定", "切替予定の読み"]
AWAITED += ["残り日数", "人数", "お願い", "確認ページ", "カレンダー"]
CHANGED = ["宛名", "案件", "府省庁", "範囲", "状態", "切替予定", "切替予定の読み"]
CHANGED += ["変更の内容", "変更前", "変更後", "人数", "確認ページ", "カレンダー"]
KNOWN = {
    Kind.OFFSET: AWAITED,
    Kind.OVERDUE: AWAITED,
    Kind.UNCONFIRMED: AWAITED,
    Kind.ESCALATION: AWAITED,
    Kind.CHANGE: CHANGED,
    Kind.DIGEST: ["宛名", "日付", "まとめ"],
    Kind.ALERT: ["宛名", "日付", "警告"],
}
ALL_NAMES = sorted(set().union(*KNOWN.values()))


def refusal(template, kind=Kind.OFFSET):
    """What is said of a text that is refused; None of one that is not."""
    try:
        check_template(template, kind)
    except TemplateError as error:
        return str(error)
    return None


def listed(kind):
    """The variables of a kind, as a refusal lists them."""
    return "、".join(f"{{{name}}}" for name in KNOWN[kind])


@pytest.mark.parametrize("name", ALL_NAMES)
@pytest.mark.parametrize("kind", Kind)
def test_check_template_knows_the_variables_of_each_kind(kind, name):
    expected = f"4文字目の「{{{name}}}」は使えません。使えるのは {listed(kind)} です。"
    assert refusal(f"あ い{{{name}}}", kind) == (None if name in KNOWN[kind] else expected)


UNKNOWN = f"は使えません。使えるのは {listed(Kind.OFFSET)} です。"
UNPAIRED = "に対になるかっこがありません。"
BAD_TEMPLATES = {
    "unknown": ("{宛名} 様 {担当}", f"8文字目の「{{担当}}」{UNKNOWN}"),
    "two unknown: the first": ("{x}{y}", f"1文字目の「{{x}}」{UNKNOWN}"),
    "empty": ("{}", f"1文字目の「{{}}」{UNKNOWN}"),
    "a space inside": ("{ 宛名}", f"1文字目の「{{ 宛名}}」{UNKNOWN}"),
    "an attribute": ("{宛名.x}", f"1文字目の「{{宛名.x}}」{UNKNOWN}"),
    "an index": ("{0}", f"1文字目の「{{0}}」{UNKNOWN}"),
    "a format": ("{宛名!r}", f"1文字目の「{{宛名!r}}」{UNKNOWN}"),
    "over two lines": ("{宛\n名}", f"1行目の1文字目の「{{宛\n名}}」{UNKNOWN}"),
    "on the first of several lines": ("{担当} 様\n\n本文", f"1行目の1文字目の「{{担当}}」{UNKNOWN}"),
    "on a line of its own": ("{宛名} 様\n\n{担当}\n", f"3行目の1文字目の「{{担当}}」{UNKNOWN}"),
    "within a line of many": ("{宛名} 様\r\n担当 {担当}", f"2行目の4文字目の「{{担当}}」{UNKNOWN}"),
    "opened and not closed": ("様 {宛名", f"3文字目の「{{」{UNPAIRED}"),
    "closed and not opened": ("{宛名} 様}", f"7文字目の「}}」{UNPAIRED}"),
    "closed on another line": ("{宛名}\n様 }", f"2行目の3文字目の「}}」{UNPAIRED}"),
    "doubled": ("{{宛名}}", f"1文字目の「{{」{UNPAIRED}"),
}


@pytest.mark.parametrize(("template", "message"), BAD_TEMPLATES.values(), ids=BAD_TEMPLATES)
def test_check_template_says_what_is_wrong_and_where(template, message):
    assert refusal(template) == message


@pytest.mark.parametrize("kind", Kind)
def test_check_template_accepts_texts_without_variables_and_with_all(kind):
    assert refusal("本文", kind) is None
    assert refusal("".join(f"{{{name}}}\n" for name in VARIABLES[kind]), kind) is None


VALUES = {name: f"＜{name}＞" for name in ALL_NAMES}


@pytest.mark.parametrize("kind", Kind)
def test_render_fills_in_every_variable(kind):
    template = "".join(f"{name}：{{{name}}}\n" for name in KNOWN[kind])
    assert render(template, kind, VALUES) == "".join(f"{name}：＜{name}＞\n" for name in KNOWN[kind])


def test_render_fills_in_a_variable_wherever_it_stands():
    assert render("{案件}：{案件}", Kind.OFFSET, VALUES) == "＜案件＞：＜案件＞"


@pytest.mark.parametrize("value", ["{案件}", "{宛名}", "{", "}}", r"\1\g<0>", "%s", "{0.__class__}", ""])
def test_render_never_reads_values_as_templates(value):
    assert render("{宛名} 様", Kind.OFFSET, {**VALUES, "宛名": value}) == f"{value} 様"


@given(st.text("{}宛名案件%\\g0\n"), st.text("{}宛名案件%\\g0\n"))
def test_render_puts_values_in_as_they_are(name, case):
    values = {"宛名": name, "案件": case}
    assert render("{宛名} 様\n{案件}", Kind.CHANGE, values) == f"{name} 様\n{case}"


@given(st.text("{}宛名\n", max_size=12))
def test_render_gives_a_text_without_variables_or_refuses(template):
    message = refusal(template)
    if message is None:
        assert render(template, Kind.OFFSET, VALUES) == template.replace("{宛名}", "＜宛名＞")
    else:
        with pytest.raises(TemplateError, match=re.escape(message)):
            render(template, Kind.OFFSET, VALUES)


DAYS_LEFT = {
    "day, ahead": ("R9.1.15", date(2027, 1, 7), "切替予定日まであと8日です"),
    "day, tomorrow": ("R9.1.15", date(2027, 1, 14), "切替予定日まであと1日です"),
    "day, today": ("R9.1.15", date(2027, 1, 15), "切替予定日は本日です"),
    "day, passed": ("R9.1.15", date(2027, 1, 18), "切替予定日から3日たっています"),
    "day that goes on, passed": ("R9.1.15~", date(2027, 1, 18), "切替予定日から3日たっています"),
    "from a day on, ahead": ("R9.1.15以降", date(2027, 1, 7), "切替予定期間の初日まであと8日です"),
    "from a day on, passed": ("R9.1.15以降", date(2027, 1, 18), "切替予定期間の初日から3日たっています"),
    "month, ahead": ("R9.1~", date(2026, 12, 28), "切替予定期間の初日まであと4日です"),
    "month, first day": ("R9.1~", date(2027, 1, 1), "切替予定期間の初日は本日です"),
    "month, within": ("R9.1", date(2027, 1, 4), "切替予定期間の初日から3日たっています"),
    "month, last day": ("R9.1", date(2027, 1, 31), "切替予定期間の初日から30日たっています"),
    "month, passed": ("R9.1", date(2027, 2, 3), "切替予定期間の最終日から3日たっています"),
    "month, over a leap day": ("R10.3", date(2028, 2, 28), "切替予定期間の初日まであと2日です"),
    "fiscal year, ahead": ("R9年度", date(2027, 3, 31), "切替予定期間の初日まであと1日です"),
    "fiscal year, passed": ("R8年度", date(2027, 4, 1), "切替予定期間の最終日から1日たっています"),
    "from a month on, long ago": ("R8.6以降", date(2026, 7, 1), "切替予定期間の初日から30日たっています"),
    "undecided": ("検討中", date(2027, 1, 4), "切替予定は未定です"),
}


@pytest.mark.parametrize(("cutover", "today", "text"), DAYS_LEFT.values(), ids=DAYS_LEFT)
def test_days_left_text_counts_to_the_first_day_and_from_the_last(cutover, today, text):
    assert days_left_text(parse(cutover), today) == text


@given(DAYS, st.integers(1, 400))
def test_days_left_text_is_right_on_the_day_that_a_closed_day_moved_the_mail_to(day, count):
    due = due_day(on_day(day), rule(count))
    assert due + timedelta(days=int(re.sub(r"\D", "", days_left_text(on_day(day), due)))) == day


CHECK = (
    "予定どおり切替ができるか、利用者への周知、端末の配布、業務の停止時間をご確認ください。"
    "変更がある場合は、このメールに返信してPMOへお知らせください。"
)
FIX = (
    "切替の日がまだ決まっていません。"
    "日が決まっている場合も、予定が変わる場合も、このメールに返信してPMOへお知らせください。"
)
CONFIRM = (
    "この切替予定は、しばらくどなたにも確認されていません。このままでよければ、"
    "下の確認ページで「日程確認」を押してください。変わる場合は、このメールに返信してPMOへお知らせください。"
)
REPORT = (
    "切替予定を過ぎましたが、利用の開始がまだ確認されていません。"
    "利用を始めている場合は、下の確認ページから実際の開始日をお知らせください。"
    "まだの場合は、このメールに返信して新しい予定をPMOへお知らせください。"
)
REQUESTS = {
    "day, ahead": (Kind.OFFSET, "R9.1.15", date(2027, 1, 7), CHECK),
    "day, today": (Kind.OFFSET, "R9.1.15", date(2027, 1, 15), CHECK),
    "day, moved past it by a holiday": (Kind.OFFSET, "R9.1.15", date(2027, 1, 18), REPORT),
    "from a day on, passed": (Kind.OFFSET, "R9.1.15以降", date(2027, 1, 18), FIX),
    "month, ahead": (Kind.OFFSET, "R9.1~", date(2026, 12, 28), FIX),
    "month, within": (Kind.OFFSET, "R9.1", date(2027, 1, 31), FIX),
    "month, passed": (Kind.OFFSET, "R9.1", date(2027, 2, 1), REPORT),
    "overdue day": (Kind.OVERDUE, "R9.1.15", date(2027, 1, 22), REPORT),
    "overdue fiscal year": (Kind.OVERDUE, "R8年度", date(2027, 4, 8), REPORT),
    "unconfirmed day": (Kind.UNCONFIRMED, "R9.1.15", date(2026, 12, 7), CONFIRM),
    "unconfirmed on its last day": (Kind.UNCONFIRMED, "R9.1.15", date(2027, 1, 15), CONFIRM),
    "unconfirmed, sent late": (Kind.UNCONFIRMED, "R9.1.15", date(2027, 1, 18), REPORT),
    "unconfirmed fiscal year": (Kind.UNCONFIRMED, "R9年度", date(2026, 12, 7), CONFIRM),
    "unconfirmed from a month on": (Kind.UNCONFIRMED, "R8.6以降", date(2026, 12, 7), CONFIRM),
    "escalation of a day": (Kind.ESCALATION, "R9.1.15", date(2027, 1, 7), CHECK),
    "escalation of a month": (Kind.ESCALATION, "R9.1", date(2026, 12, 28), FIX),
}


@pytest.mark.parametrize(("kind", "cutover", "today", "text"), REQUESTS.values(), ids=REQUESTS)
def test_request_text_asks_for_what_the_day_calls_for(kind, cutover, today, text):
    assert request_text(kind, parse(cutover), today) == text


STANDINGS = {
    "planned": ("R9.1", "planned", "切替予定 R9.1"),
    "as written": ("令和9年1月から", "migrating", "切替予定 令和9年1月から"),
    "undecided": ("検討中", "under_review", "切替予定 検討中"),
    "undecided, nothing written": ("", "under_review", "切替予定 検討中"),
    "in use": ("R9.1.15", "in_use", "R9.1.15 利用開始を確認"),
    "cancelled": ("R9.1", "cancelled", "中止"),
    "merged": ("R9.6", MERGED, "別の移行単位に統合（切替予定 R9.6）"),
    "merged into one without a date": ("", MERGED, "別の移行単位に統合（切替予定 検討中）"),
}


@pytest.mark.parametrize(("cutover", "status", "text"), STANDINGS.values(), ids=STANDINGS)
def test_standing_text_says_what_is_told(cutover, status, text):
    assert standing_text(parse(cutover), status) == text
