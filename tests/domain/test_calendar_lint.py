"""What speaks against a cutover: days, freeze periods, months too full, too little notice."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.audience import Party
from rollout.domain.calendar_lint import (
    Calendar,
    FreezePeriod,
    MonthLoad,
    MonthlyLimit,
    WarningKind,
    lint,
    lints_of,
)
from rollout.domain.dates import FuzzyDate, Precision, parse
from rollout.domain.plan import month_number
from rollout.domain.reminders import TOKYO, Direction, Kind, NotifiedWave, Rule, Unit

TODAY = date(2026, 6, 1)
NTA, MOF = 1, 2
TAX = FreezePeriod("tax", "確定申告期", NTA, date(2027, 2, 16), date(2027, 3, 15), yearly=True)
SYSTEM = FreezePeriod("system", "システム凍結", None, date(2026, 8, 1), date(2026, 9, 30))
BUDGET = FreezePeriod("budget", "予算編成期", MOF, date(2026, 12, 15), date(2027, 1, 10), yearly=True)
LEAP = FreezePeriod("leap", "月末", NTA, date(2024, 2, 29), date(2024, 2, 29), yearly=True)


def a_wave(cutover, *, lead=NTA, covered=(), status="planned", since=TODAY):
    return NotifiedWave(
        key=7,
        cutover=cutover if isinstance(cutover, FuzzyDate) else parse(cutover),
        version=1,
        since_at=datetime(since.year, since.month, since.day, 12, tzinfo=TOKYO),
        lead=lead,
        covered=frozenset(covered),
        status=status,
    )


def a_rule(count, unit=Unit.DAYS, **values):
    plain = {
        "key": 1,
        "kind": Kind.OFFSET,
        "direction": Direction.BEFORE,
        "precision": None,
        "statuses": frozenset({"planned"}),
        "parties": frozenset(Party),
        "since": date.min,
    }
    return Rule(count=count, unit=unit, **(plain | values))


def found(cutover, calendar=None, **values):
    calendar = calendar or Calendar(freezes=[TAX, SYSTEM, BUDGET])
    return [(each.kind.value, each.subject) for each in lint(a_wave(cutover, **values), calendar, TODAY)]


CASES = {
    "an open day": ("R8.6.15", []),
    "a Saturday": ("R8.6.20", [("closed_day", "")]),
    "a holiday": ("R8.7.20", [("closed_day", "")]),
    "year end is closed, and said once": ("R8.12.30", [("year_end", "")]),
    "new year": ("R9.1.3", [("year_end", "")]),
    "the day after new year": ("R9.1.4", []),
    "a month with the year end in it": ("R8.12", [("year_end", "")]),
    "the month that it ends in": ("R9.1", [("year_end", "")]),
    "a month has closed days and is not warned": ("R8.6", []),
    "users move from a month on": ("R8.12~", [("year_end", "")]),
    "a day in March": ("R9.3.16", [("fiscal_year_end", "")]),
    "a day in March in the freeze": ("R9.3.15", [("fiscal_year_end", ""), ("freeze", "tax")]),
    "March, part of it frozen": ("R9.3", [("fiscal_year_end", ""), ("freeze", "tax")]),
    "the first frozen day": ("R9.2.16", [("freeze", "tax")]),
    "the day before": ("R9.2.15", []),
    "another year": ("R12.2.18", [("freeze", "tax")]),
    "a month half frozen": ("R9.2", [("freeze", "tax")]),
    "a month wholly frozen": ("R8.8", [("freeze", "system")]),
    "once is not every year": ("R9.8", []),
    "a quarter that is partly frozen": ("R8年度第4四半期", []),
    "a fiscal year": ("R8年度", []),
    "without end": ("R8.12以降", []),
    "undecided": ("検討中", []),
    "passed": ("R8.5.30", []),
    "going on": ("R8.6", []),
}


@pytest.mark.parametrize(("cutover", "expected"), CASES.values(), ids=CASES)
def test_lint_names_what_speaks_against_a_cutover(cutover, expected):
    assert found(cutover) == expected


@pytest.mark.parametrize("status", ["in_use", "cancelled"])
def test_lint_leaves_settled_waves_alone(status):
    assert found("R9.3.13", status=status) == []


@pytest.mark.parametrize(
    ("whose", "expected"),
    [
        pytest.param({"lead": NTA}, [("freeze", "tax")], id="lead"),
        pytest.param({"lead": MOF, "covered": [NTA]}, [("freeze", "tax")], id="covered"),
        pytest.param({"lead": MOF}, [], id="somebody else"),
    ],
)
def test_freeze_concerns_its_ministry_alone(whose, expected):
    assert found("R9.2.18", **whose) == expected


def test_yearly_freeze_goes_on_past_new_year():
    days = ["R8.12.14", "R8.12.15", "R9.1.8", "R9.1.12", "R10.1.7"]
    assert [found(day, lead=MOF) for day in days] == [
        [],
        [("freeze", "budget")],
        [("freeze", "budget")],
        [],
        [("freeze", "budget")],
    ]


def test_yearly_leap_day_is_the_28th_where_there_is_none():
    assert found("R9.2.26", Calendar(freezes=[LEAP])) == []
    assert found("R11.2.28", Calendar(freezes=[LEAP])) == [("freeze", "leap")]


def test_period_of_a_freeze_covers_a_coarse_cutover_whole():
    half = FreezePeriod("half", "全面更改", None, date(2026, 10, 1), date(2027, 3, 31))
    [warning] = lint(a_wave("R8年度下期"), Calendar(freezes=[half]), TODAY)
    assert warning.text == (
        "切替の期間の全体が全面更改（2026年10月1日〜2027年3月31日）に入っています。この期間の外に移してください。"
    )


TEXTS = {
    "R8.6.20": "切替日の2026年6月20日（土）は閉庁日です。"
    "休日に切り替える予定でなければ、前後の開庁日（2026年6月19日か2026年6月22日）にしてください。",
    "R8.12": "切替の期間の間に年末年始（2026年12月29日〜2027年1月3日）があります。"
    "日を決めるときは、これを避けてください。",
    "R9.2.16": "切替日が確定申告期（2027年2月16日〜2027年3月15日）に入っています。"
    "この期間の外に移してください。",
}


@pytest.mark.parametrize("cutover", TEXTS)
def test_text_says_what_is_wrong_and_what_would_help(cutover):
    assert [each.text for each in lint(a_wave(cutover), Calendar(freezes=[TAX]), TODAY)] == [TEXTS[cutover]]


JULY = month_number(date(2026, 7, 1))
USERS, CUTOVERS = ("too_many_users", "2026-07"), ("too_many_cutovers", "2026-07")


@pytest.mark.parametrize(
    ("limits", "load", "expected"),
    [
        pytest.param([], (9999, 99), [], id="no limit"),
        pytest.param([(2026, 100, 2)], (100, 2), [], id="at the limit"),
        pytest.param([(2026, 100, 2)], (101, 3), [USERS, CUTOVERS], id="above both"),
        pytest.param([(2026, 100, None)], (101, 3), [USERS], id="users alone are limited"),
        pytest.param([(2026, None, 2)], (101, 3), [CUTOVERS], id="cutovers alone are limited"),
        pytest.param([(2027, 100, 2)], (101, 3), [], id="limit of a later year"),
        pytest.param([(2026, 200, 9), (2020, 1, 1)], (101, 3), [], id="the newest limit counts"),
    ],
)
def test_limits_of_a_month(limits, load, expected):
    calendar = Calendar(limits=[MonthlyLimit(*each) for each in limits], loads={JULY: MonthLoad(*load)})
    assert [found(cutover, calendar) for cutover in ("R8.7", "R8.7.15")] == [expected] * 2
    assert [found(cutover, calendar) for cutover in ("R8.9", "R8年度上期")] == [[], []]


def test_limit_without_loads_says_nothing():
    assert found("R8.7", Calendar(limits=[MonthlyLimit(2026, 1, 1)])) == []


NOTICE = {
    "in time to the day": ([a_rule(30)], "R8.7.1", []),
    "a day short": ([a_rule(31)], "R8.7.1", [("short_notice", "")]),
    "the longest counts": ([a_rule(1), a_rule(2, Unit.MONTHS)], "R8.7.1", [("short_notice", "")]),
    "of another status": ([a_rule(60, statuses=frozenset({"migrating"}))], "R8.7.1", []),
    "of another precision": ([a_rule(60, precision=Precision.MONTH)], "R8.7.1", []),
    "after the cutover": ([a_rule(60, direction=Direction.AFTER)], "R8.7.1", []),
    "on the day": ([a_rule(0)], "R8.7.1", []),
    "repeated": ([a_rule(60, kind=Kind.UNCONFIRMED)], "R8.7.1", []),
    "too coarse for reminders": ([a_rule(60)], "R8年度上期", []),
}


@pytest.mark.parametrize(("rules", "cutover", "expected"), NOTICE.values(), ids=NOTICE)
def test_notice_is_measured_from_the_day_since_which_the_cutover_stands(rules, cutover, expected):
    assert found(cutover, Calendar(rules=rules)) == expected


def test_notice_given_in_time_is_not_short_as_the_day_comes_nearer():
    assert found("R8.7.1", Calendar(rules=[a_rule(60)]), since=date(2026, 1, 5)) == []


def test_lints_of_many_name_those_with_warnings_alone():
    assert lints_of([a_wave("R8.6.15")], Calendar(), TODAY) == {}
    [warnings] = lints_of([a_wave("R8.6.20")], Calendar(), TODAY).values()
    assert [each.kind for each in warnings] == [WarningKind.CLOSED_DAY]


@given(st.dates(date(2026, 6, 1), date(2035, 12, 31)))
def test_warnings_come_in_the_order_of_their_kinds_and_once(day):
    cutover = FuzzyDate("", day, day, Precision.DAY)
    calendar = Calendar(freezes=[TAX, SYSTEM, BUDGET], rules=[a_rule(3, Unit.MONTHS)])
    kinds = [each.kind for each in lint(a_wave(cutover), calendar, TODAY)]
    assert kinds == sorted(set(kinds), key=list(WarningKind).index)


@given(st.dates(date(2026, 6, 1), date(2035, 12, 31)))
def test_month_is_warned_of_a_freeze_when_one_of_its_days_is(day):
    month = parse(f"{day:%Y-%m}")
    days = [month.earliest + timedelta(days=n) for n in range((month.latest - month.earliest).days + 1)]
    calendar = Calendar(freezes=[TAX])
    of_days = {each.kind for each_day in days for each in lint(_on(each_day), calendar, TODAY)}
    of_month = {each.kind for each in lint(a_wave(month), calendar, TODAY)}
    assert of_month == of_days - {WarningKind.CLOSED_DAY}


def _on(day):
    return a_wave(FuzzyDate("", day, day, Precision.DAY))
