"""Which reminders are owed and when, and what their texts say ("Reminders, exactly")."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.dates import parse
from rollout.domain.reminders import (
    VARIABLES,
    Audience,
    AwaitedWave,
    Owed,
    Recipient,
    Rule,
    TemplateError,
    check_template,
    days_left_text,
    due_day,
    due_moment,
    is_past_grace,
    owed,
    render,
    request_text,
)
from rollout.domain.workdays import is_closed

LONG_AGO = date(2020, 4, 1)
LEAD, COVERED, STRANGER = 1, 2, 3

DUE_DAYS = {
    "an open day": (date(2027, 6, 30), 14, date(2027, 6, 16)),
    "Saturday: the Friday before": (date(2026, 6, 20), 7, date(2026, 6, 12)),
    "a holiday: the day before": (date(2026, 11, 24), 1, date(2026, 11, 20)),
    "inside Golden Week": (date(2027, 5, 8), 3, date(2027, 4, 30)),
    "年末年始, from January": (date(2027, 1, 1), 1, date(2026, 12, 28)),
    "年末年始, before New Year": (date(2027, 1, 5), 2, date(2026, 12, 28)),
    "御用始め": (date(2027, 1, 5), 1, date(2027, 1, 4)),
    "over a leap day": (date(2028, 3, 1), 1, date(2028, 2, 29)),
    "over February of another year": (date(2027, 3, 2), 1, date(2027, 3, 1)),
    "365 days over a leap year": (date(2028, 12, 20), 365, date(2027, 12, 21)),
    "0 days, open": (date(2026, 6, 15), 0, date(2026, 6, 15)),
    "0 days, Saturday: the next open day": (date(2026, 6, 20), 0, date(2026, 6, 22)),
    "0 days, New Year: the next open day": (date(2027, 1, 1), 0, date(2027, 1, 4)),
    "after the cutover: the next open day": (date(2026, 6, 19), -1, date(2026, 6, 22)),
}


@pytest.mark.parametrize(("cutover", "days_before", "due"), DUE_DAYS.values(), ids=DUE_DAYS)
def test_due_day_is_a_business_day(cutover, days_before, due):
    assert due_day(cutover, days_before) == due


@given(st.dates(date(2021, 1, 1), date(2060, 12, 31)), st.integers(1, 400))
def test_due_day_lies_on_or_before_its_day_with_nothing_open_between(cutover, days_before):
    due, wished = due_day(cutover, days_before), cutover - timedelta(days=days_before)
    between = [due + timedelta(days=n) for n in range(1, (wished - due).days + 1)]
    assert (is_closed(due), [day for day in between if not is_closed(day)]) == (False, [])
    assert due <= wished


def test_due_moment_is_nine_in_tokyo():
    assert due_moment(date(2026, 12, 28)) == datetime(2026, 12, 28, tzinfo=UTC)


def awaited(cutover="R9.1.15", *, since=LONG_AGO, version=3, key=7, ministries=(LEAD, COVERED)):
    return AwaitedWave(key, parse(cutover), version, since, frozenset(ministries))


def rule(days_before=30, audience=Audience.EVERYONE, *, since=LONG_AGO, key=5):
    return Rule(key, days_before, audience, since)


def recipient(address, ministry=LEAD, *, is_pmo=False, since=LONG_AGO):
    return Recipient(address, ministry, is_pmo, since)


def addresses_owed(recipients, audience=Audience.EVERYONE):
    return sorted(entry.address for entry in owed([awaited()], [rule(audience=audience)], recipients))


def test_owed_gives_the_key_and_the_day():
    found = list(owed([awaited()], [rule()], [recipient("a@x")]))
    assert found == [Owed(wave=7, rule=5, address="a@x", version=3, due_day=date(2026, 12, 16))]


DUE_BY_PRECISION = {
    "day": ("R9.1.15", [date(2027, 1, 8)]),
    "month: from its first day": ("R9.1", [date(2026, 12, 25)]),
    "month that goes on": ("R9.1~", [date(2026, 12, 25)]),
    "quarter": ("R8年度第4四半期", []),
    "half": ("R8年度下期", []),
    "fiscal year": ("R8年度", []),
    "fiscal year on": ("R8年度以降", []),
    "year": ("R9", []),
    "undecided": ("検討中", []),
}


@pytest.mark.parametrize(("cutover", "due"), DUE_BY_PRECISION.values(), ids=DUE_BY_PRECISION)
def test_owed_needs_a_cutover_known_to_the_day_or_month(cutover, due):
    found = owed([awaited(cutover)], [rule(7)], [recipient("a@x")])
    assert [entry.due_day for entry in found] == due


DUE = date(2026, 12, 16)
DAY_AFTER = date(2026, 12, 17)
SINCE = {
    "everything long before": (LONG_AGO, LONG_AGO, LONG_AGO, True),
    "everything on the day itself": (DUE, DUE, DUE, True),
    "rule made the day after": (DAY_AFTER, LONG_AGO, LONG_AGO, False),
    "contact made the day after": (LONG_AGO, DAY_AFTER, LONG_AGO, False),
    "cutover moved the day after": (LONG_AGO, LONG_AGO, DAY_AFTER, False),
}


@pytest.mark.parametrize(("of_rule", "of_contact", "of_wave", "expected"), SINCE.values(), ids=SINCE)
def test_owed_leaves_out_days_before_all_three_existed(of_rule, of_contact, of_wave, expected):
    found = owed([awaited(since=of_wave)], [rule(since=of_rule)], [recipient("a@x", since=of_contact)])
    assert [entry.due_day for entry in found] == [DUE] * expected


EVERYBODY = [
    recipient("lead@x"),
    recipient("covered@x", COVERED),
    recipient("stranger@x", STRANGER),
    recipient("pmo@x", STRANGER, is_pmo=True),
]
AUDIENCES = {
    Audience.EVERYONE: ["covered@x", "lead@x", "pmo@x"],
    Audience.MINISTRIES: ["covered@x", "lead@x"],
    Audience.PMO: ["pmo@x"],
}


@pytest.mark.parametrize(("audience", "addresses"), AUDIENCES.items(), ids=list(AUDIENCES))
def test_owed_goes_to_the_audience_of_the_rule(audience, addresses):
    assert addresses_owed(EVERYBODY, audience) == addresses


@pytest.mark.parametrize(
    "recipients",
    [
        pytest.param([recipient("a@x"), recipient("a@x", COVERED)], id="at two ministries"),
        pytest.param([recipient("a@x"), recipient("a@x", STRANGER, is_pmo=True)], id="at a ministry and PMO"),
    ],
)
def test_owed_names_an_address_once(recipients):
    assert addresses_owed(recipients) == ["a@x"]


def test_owed_counts_an_address_from_the_first_day_that_it_could_be_told():
    late_and_early = [recipient("a@x", since=DAY_AFTER), recipient("a@x", COVERED, since=DUE)]
    assert addresses_owed(late_and_early) == ["a@x"]


def test_owed_has_one_entry_a_wave_and_rule():
    waves = [awaited(key=1), awaited("R9.2", key=2)]
    found = owed(iter(waves), iter([rule(30, key=1), rule(7, key=2)]), iter([recipient("a@x")]))
    assert [(entry.wave, entry.rule) for entry in found] == [(1, 1), (1, 2), (2, 1), (2, 2)]


@pytest.mark.parametrize("missing", ["waves", "rules", "recipients"])
def test_owed_is_nothing_when_something_is_missing(missing):
    parts = {"waves": [awaited()], "rules": [rule()], "recipients": [recipient("a@x")]} | {missing: []}
    assert list(owed(*parts.values())) == []


FRIDAY = date(2026, 12, 18)
GRACE = {
    "on the day": (0, FRIDAY, False),
    "no grace, on Saturday": (0, date(2026, 12, 19), True),
    "one day, on Monday": (1, date(2026, 12, 21), False),
    "one day, on Tuesday": (1, date(2026, 12, 22), True),
    "five days, on the fifth": (5, date(2026, 12, 25), False),
    "five days, on Saturday": (5, date(2026, 12, 26), True),
    "seven days, into New Year": (7, date(2027, 1, 4), False),
    "seven days, after it": (7, date(2027, 1, 5), True),
}


@pytest.mark.parametrize(("days", "today", "past"), GRACE.values(), ids=GRACE)
def test_is_past_grace_counts_business_days(days, today, past):
    assert is_past_grace(FRIDAY, days, today) is past


KNOWN = "、".join(f"{{{name}}}" for name in VARIABLES)
BAD_TEMPLATES = {
    "unknown": ("{宛名} 様 {担当}", f"8文字目の「{{担当}}」は使えません。使えるのは {KNOWN} です。"),
    "unknown first": ("{x}{y}", f"1文字目の「{{x}}」は使えません。使えるのは {KNOWN} です。"),
    "empty": ("{}", f"1文字目の「{{}}」は使えません。使えるのは {KNOWN} です。"),
    "a space inside": ("{ 宛名}", f"1文字目の「{{ 宛名}}」は使えません。使えるのは {KNOWN} です。"),
    "an attribute": ("{宛名.x}", f"1文字目の「{{宛名.x}}」は使えません。使えるのは {KNOWN} です。"),
    "a format": ("{宛名!r}", f"1文字目の「{{宛名!r}}」は使えません。使えるのは {KNOWN} です。"),
    "opened and not closed": ("様 {宛名", "3文字目の「{」に対になるかっこがありません。"),
    "closed and not opened": ("{宛名} 様}", "7文字目の「}」に対になるかっこがありません。"),
    "doubled": ("{{宛名}}", "1文字目の「{」に対になるかっこがありません。"),
}


@pytest.mark.parametrize(("template", "message"), BAD_TEMPLATES.values(), ids=BAD_TEMPLATES)
def test_check_template_says_what_is_wrong_and_where(template, message):
    with pytest.raises(TemplateError) as caught:
        check_template(template)
    assert str(caught.value) == message


def test_check_template_accepts_every_variable():
    assert check_template("".join(f"{{{name}}}\n" for name in VARIABLES)) is None


VALUES = {name: name for name in VARIABLES}


def test_render_fills_in_the_values():
    assert render("{宛名} 様\n{案件}：{案件}", {**VALUES, "宛名": "佐藤"}) == "佐藤 様\n案件：案件"


@pytest.mark.parametrize("value", ["{案件}", "{宛名}", "{", "}}", r"\1\g<0>", "%s", "{0.__class__}"])
def test_render_never_reads_values_as_templates(value):
    assert render("{宛名} 様", {**VALUES, "宛名": value}) == f"{value} 様"


def test_render_refuses_what_check_template_refuses():
    with pytest.raises(TemplateError):
        render("{担当}", VALUES)


DAYS_LEFT = {
    "day, ahead": ("R9.1.15", date(2027, 1, 7), "切替予定日まであと8日です"),
    "day, tomorrow": ("R9.1.15", date(2027, 1, 14), "切替予定日まであと1日です"),
    "day, today": ("R9.1.15", date(2027, 1, 15), "切替予定日は本日です"),
    "day, passed": ("R9.1.15", date(2027, 1, 18), "切替予定日から3日たっています"),
    "month, ahead": ("R9.1~", date(2026, 12, 28), "切替予定期間の初日まであと4日です"),
    "month, first day": ("R9.1~", date(2027, 1, 1), "切替予定期間の初日は本日です"),
    "month, within": ("R9.1", date(2027, 1, 4), "切替予定期間の初日から3日たっています"),
    "undecided": ("検討中", date(2027, 1, 4), "未定"),
}


@pytest.mark.parametrize(("cutover", "today", "text"), DAYS_LEFT.values(), ids=DAYS_LEFT)
def test_days_left_text_counts_to_the_first_day(cutover, today, text):
    assert days_left_text(parse(cutover), today) == text


def test_request_text_asks_to_check_a_day_and_for_the_day_of_a_month():
    day, month = request_text(parse("R9.1.15")), request_text(parse("R9.1~"))
    assert day.startswith("予定どおり切替ができるか、")
    assert month.startswith("切替の日がまだ決まっていません（月までの予定です）。")
