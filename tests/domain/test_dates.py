"""FuzzyDate: what documents write, what it means, and that writing and reading are each other's inverse."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rollout.domain.dates import (
    FIRST_DAY,
    LAST_DAY,
    FuzzyDate,
    FuzzyDateError,
    Precision,
    fiscal_year_bounds,
    fiscal_year_label,
    fiscal_year_of,
    month_label,
    parse,
    parse_fiscal_year,
)

DAY, MONTH, QUARTER, HALF, FISCAL_YEAR, YEAR = Precision
ACCEPTED = (
    "日付として読めません。R8.6、R8.6~、R8.6.15、令和8年6月、R8年、R8年度、R8年度末、R8年度上期、"
    "R8年度第2四半期、R8年度以降、2026-06、検討中 のように書いてください。"
)
ACCEPTED_FISCAL_YEAR = "年度として読めません。2026、FY2026、R8、R8年度、令和8年度 のように書いてください。"
OUT_OF_RANGE = "1912年7月30日（大正元年）から2117年3月31日（令和99年）までの日付を書いてください。"


def summary(fuzzy):
    """earliest, latest, precision in one line: `2026-06-01..2026-06-30 month open`."""
    return f"{fuzzy.earliest}..{fuzzy.latest or ''} {fuzzy.precision}" + " open" * fuzzy.open_ended


def refusal(text, read=parse):
    with pytest.raises(FuzzyDateError) as caught:
        read(text)
    return str(caught.value)


READINGS = {
    "R8.6": "2026-06-01..2026-06-30 month",
    "R8.6~": "2026-06-01..2026-06-30 month open",
    "R8.6〜": "2026-06-01..2026-06-30 month open",
    "R8.6から": "2026-06-01..2026-06-30 month open",
    "Ｒ８．６～": "2026-06-01..2026-06-30 month open",
    "r8.6": "2026-06-01..2026-06-30 month",
    "R08.06": "2026-06-01..2026-06-30 month",
    "R8-6": "2026-06-01..2026-06-30 month",
    "R7.10": "2025-10-01..2025-10-31 month",
    "R7.1": "2025-01-01..2025-01-31 month",
    "R08.06.15": "2026-06-15..2026-06-15 day",
    "R8.2.28": "2026-02-28..2026-02-28 day",
    "R6.2.29": "2024-02-29..2024-02-29 day",
    "㋿8.6.1": "2026-06-01..2026-06-01 day",
    "H31.4.30": "2019-04-30..2019-04-30 day",
    "令和8年6月": "2026-06-01..2026-06-30 month",
    "令和 8年 6月 ": "2026-06-01..2026-06-30 month",
    "令和八年六月": "2026-06-01..2026-06-30 month",
    "令和十年十月二十日": "2028-10-20..2028-10-20 day",
    "平成三十一年四月三十日": "2019-04-30..2019-04-30 day",
    "令和元年5月1日": "2019-05-01..2019-05-01 day",
    "R元.5": "2019-05-01..2019-05-31 month",
    "R3~": "2021-01-01..2021-12-31 year open",
    "R8年": "2026-01-01..2026-12-31 year",
    "R8年度": "2026-04-01..2027-03-31 fiscal_year",
    "R8年度末": "2027-03-01..2027-03-31 month",
    "R8年度上期": "2026-04-01..2026-09-30 half",
    "R8年度下半期": "2026-10-01..2027-03-31 half",
    "R8年度第2四半期": "2026-07-01..2026-09-30 quarter",
    "令和八年度第四四半期": "2027-01-01..2027-03-31 quarter",
    "R8年度4Q": "2027-01-01..2027-03-31 quarter",
    "R8年度Q1": "2026-04-01..2026-06-30 quarter",
    "平成31年度": "2019-04-01..2020-03-31 fiscal_year",
    "令和元年度": "2019-04-01..2020-03-31 fiscal_year",
    "令和8年度以降": "2026-04-01.. fiscal_year open",
    "R8.6.1以降": "2026-06-01.. day open",
    "2026-06": "2026-06-01..2026-06-30 month",
    "2026/6/1": "2026-06-01..2026-06-01 day",
    "2026年6月": "2026-06-01..2026-06-30 month",
    "二〇二六年六月": "2026-06-01..2026-06-30 month",
    "2026-Q4": "2027-01-01..2027-03-31 quarter",
    "2026-H2": "2026-10-01..2027-03-31 half",
    "fy2026": "2026-04-01..2027-03-31 fiscal_year",
    "2026-06/..": "2026-06-01.. month open",
    "検討中": "None.. None",
    "未定": "None.. None",
    "調整中": "None.. None",
    "": "None.. None",
    " \u3000\n": "None.. None",
    # Cut where the era begins or ends; western text is not cut, and neither is a fiscal year.
    "R1": "2019-05-01..2019-12-31 year",
    "H31": "2019-01-01..2019-04-30 year",
    "2019": "2019-01-01..2019-12-31 year",
    "R1以降": "2019-05-01.. year open",
    "S64.1": "1989-01-01..1989-01-07 month",
    "H1.1": "1989-01-08..1989-01-31 month",
    "1989-01": "1989-01-01..1989-01-31 month",
    "大正元年": "1912-07-30..1912-12-31 year",
    "昭和63年度": "1988-04-01..1989-03-31 fiscal_year",
    "大正15年度": "1926-04-01..1927-03-31 fiscal_year",
    "H31年度末": "2020-03-01..2020-03-31 month",
    "H31年度下期": "2019-10-01..2020-03-31 half",
}


@pytest.mark.parametrize(("text", "meaning"), READINGS.items(), ids=READINGS)
def test_parse_reads_what_documents_write(text, meaning):
    assert summary(parse(text)) == meaning
    assert parse(text).text == text


REFUSALS = {
    "令和元年4月30日": "令和は2019年5月1日からです。正しくは「平成31年4月30日」です。",
    "R1.4": "令和は2019年5月1日からです。正しくは「平成31年4月」です。",
    "H31.5.1": "平成は2019年4月30日までです。正しくは「令和元年5月1日」です。",
    "H32.1": "平成は2019年4月30日までです。正しくは「令和2年1月」です。",
    "H32": "平成は2019年4月30日までです。正しくは「令和2年」です。",
    "平成32年度": "平成は2019年4月30日までです。正しくは「令和2年度」です。",
    "S64年度": "昭和は1989年1月7日までです。正しくは「平成元年度」です。",
    "S94": "昭和は1989年1月7日までです。正しくは「2019年」です。",
    "R8.13": "月は1〜12です（13はありません）。",
    "R8.0": "月は1〜12です（0はありません）。",
    "R8.6.31": "2026年6月は30日までです（31はありません）。",
    "R8.2.29": "2026年2月は28日までです（29はありません）。",
    "R8.6.0": "2026年6月は30日までです（0はありません）。",
    "R8年度第5四半期": "四半期は第1〜第4です（5はありません）。",
    "R0.1": "令和は元年（R1）から始まります。0年はありません。",
    "平成0年度": "平成は元年（H1）から始まります。0年はありません。",
    "明治45年7月29日": OUT_OF_RANGE,
    "1912-07-29": OUT_OF_RANGE,
    "T1.7.29": OUT_OF_RANGE,
    "0000": OUT_OF_RANGE,
    "R100": OUT_OF_RANGE,
    "2118-01": OUT_OF_RANGE,
    "R99年度": OUT_OF_RANGE,
    "R8.6~R8.9": ACCEPTED,
    "R8.6頃": ACCEPTED,
    "R8夏": ACCEPTED,
    "8.6": ACCEPTED,
    "R8 6": ACCEPTED,
    "R8  6": ACCEPTED,
    "R二三十.6": ACCEPTED,
    "R二十十": ACCEPTED,
    "2026-H3": ACCEPTED,
    "R8.6.": ACCEPTED,
    "検討中~": ACCEPTED,
    "\x00": ACCEPTED,
}


@pytest.mark.parametrize(("text", "message"), REFUSALS.items(), ids=lambda value: repr(value)[:20])
def test_parse_refuses_and_says_what_would_be_right(text, message):
    assert refusal(text) == f"「{text}」：{message}"


def test_parse_refuses_long_text_without_repeating_all_of_it():
    assert refusal("R" * 101) == f"「{'R' * 100}」：日付は100字以内で書いてください（今は101字です）。"


LENIENT = {
    "平成32年": "2020-01-01..2020-12-31 year",
    "H32.1": "2020-01-01..2020-01-31 month",
    "令和元年4月30日": "2019-04-30..2019-04-30 day",
    "平成32年度": "2020-04-01..2021-03-31 fiscal_year",
    "H31": "2019-01-01..2019-04-30 year",
    "R8.6~": "2026-06-01..2026-06-30 month open",
}


@pytest.mark.parametrize(("text", "meaning"), LENIENT.items(), ids=LENIENT)
def test_parse_lenient_counts_the_years_on(text, meaning):
    assert summary(parse(text, lenient=True)) == meaning


@pytest.mark.parametrize("text", ["R0.1", "R8.13", "M45", "R8夏"])
def test_parse_lenient_still_refuses_what_means_nothing(text):
    assert refusal(text, lambda text: parse(text, lenient=True)) == refusal(text)


FORMATS = [
    ("R8.6~", "R8.6~", "令和8年6月", "2026-06~"),
    ("R8.6", "R8.6", "令和8年6月", "2026-06"),
    ("R8.6以降", "R8.6以降", "令和8年6月以降", "2026-06/.."),
    ("R08.06.15", "R8.6.15", "令和8年6月15日", "2026-06-15"),
    ("令和元年5月1日", "R1.5.1", "令和元年5月1日", "2019-05-01"),
    ("R8年度上期", "R8年度上期", "令和8年度上期", "2026-H1"),
    ("R8年度下期", "R8年度下期", "令和8年度下期", "2026-H2"),
    ("R8年度第2四半期", "R8年度第2四半期", "令和8年度第2四半期", "2026-Q2"),
    ("2026-Q4", "R8年度第4四半期", "令和8年度第4四半期", "2026-Q4"),
    ("R8年度", "R8年度", "令和8年度", "FY2026"),
    ("R8年度以降", "R8年度以降", "令和8年度以降", "FY2026/.."),
    ("平成31年度", "R1年度", "令和元年度", "FY2019"),
    ("R8年度末", "R9.3", "令和9年3月", "2027-03"),
    ("R3~", "R3~", "令和3年", "2021~"),
    ("検討中", "検討中", "検討中", ""),
    ("未定", "検討中", "検討中", ""),
    ("R1", "R1", "令和元年", "2019-05-01/2019-12-31"),
    ("H31~", "H31~", "平成31年", "2019-01-01/2019-04-30~"),
    ("R1以降", "R1以降", "令和元年以降", "2019-05-01/.."),
    ("2019", "2019年", "2019年", "2019"),
    ("1989-01", "1989年1月", "1989年1月", "1989-01"),
    ("S64.1", "S64.1", "昭和64年1月", "1989-01-01/1989-01-07"),
    ("H1.1", "H1.1", "平成元年1月", "1989-01-08/1989-01-31"),
    ("T1年度第4四半期", "T1年度第4四半期", "大正元年度第4四半期", "1912-Q4"),
]


@pytest.mark.parametrize(("text", "short", "japanese", "iso"), FORMATS, ids=[row[0] for row in FORMATS])
def test_fuzzy_date_formats(text, short, japanese, iso):
    fuzzy = parse(text)
    assert (fuzzy.format_short(), fuzzy.format_japanese(), fuzzy.format_iso()) == (short, japanese, iso)


def test_fuzzy_date_equality_ignores_the_text():
    assert parse("令和8年6月") == parse("R8.6")
    assert hash(parse("令和8年6月")) == hash(parse("R8.6"))
    assert parse("R8.6") != parse("R8.6~")
    assert FuzzyDate.undecided("未定") == parse("検討中")


def test_fuzzy_date_is_undecided_only_without_any_day():
    undecided = {text: parse(text).is_undecided for text in ("未定", "R8.6", "R8年度以降")}
    assert undecided == {"未定": True, "R8.6": False, "R8年度以降": False}


@pytest.mark.parametrize(
    ("text", "year"),
    [("R9.1", 2026), ("R8.2", 2025), ("R3~", 2021), ("R8年度末", 2026), ("R8年度以降", None), ("", None)],
)
def test_fuzzy_date_fiscal_year_is_that_of_the_latest_day(text, year):
    assert parse(text).fiscal_year == year


def test_fuzzy_date_sorts_by_latest_then_earliest_undecided_last():
    in_order = [
        "R8.5.31",
        "R8.6~",
        "R8.6.30",
        "R8年度第1四半期",
        "R8年度",
        "R8年度以降",
        "R9.1以降",
        "検討中",
    ]
    expected = ["R8.5.31", "R8年度第1四半期", "R8.6~", "R8.6.30", *in_order[4:]]
    found = sorted(map(parse, reversed(in_order)), key=lambda fuzzy: fuzzy.sort_key)
    assert [fuzzy.text for fuzzy in found] == expected


JUNE = date(2026, 6, 1), date(2026, 6, 30)
CONTRADICTIONS = {
    "latest without earliest": (
        (None, JUNE[1], None),
        "検討中の日付に、最遅日・精度・「以降」は付けられません。",
    ),
    "precision without earliest": (
        (None, None, MONTH),
        "検討中の日付に、最遅日・精度・「以降」は付けられません。",
    ),
    "undecided but open": (
        (None, None, None, True),
        "検討中の日付に、最遅日・精度・「以降」は付けられません。",
    ),
    "no precision": ((*JUNE, None), "最早日があるときは、精度（日、月、年度など）も必要です。"),
    "no latest": ((JUNE[0], None, MONTH), "最遅日がないのは「以降」のときだけです。最遅日を入れてください。"),
    "backwards": ((*JUNE[::-1], MONTH), "最遅日は最早日と同じか、それより後にしてください。"),
    "too early": ((FIRST_DAY - timedelta(1), JUNE[1], YEAR), OUT_OF_RANGE),
    "too late": ((JUNE[0], LAST_DAY + timedelta(1), YEAR), OUT_OF_RANGE),
    "open and too late": ((LAST_DAY + timedelta(1), None, YEAR, True), OUT_OF_RANGE),
}


@pytest.mark.parametrize(("parts", "message"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_fuzzy_date_refuses_contradictions(parts, message):
    assert refusal("R8.6", lambda text: FuzzyDate(text, *parts)) == message


ERA_BOUNDARIES = [
    (date(1926, 12, 25), "大正15年12月24日", "昭和元年12月25日", "T15.12.24", "S1.12.25"),
    (date(1989, 1, 8), "昭和64年1月7日", "平成元年1月8日", "S64.1.7", "H1.1.8"),
    (date(2019, 5, 1), "平成31年4月30日", "令和元年5月1日", "H31.4.30", "R1.5.1"),
]


@pytest.mark.parametrize(
    ("first_day", "eve", "first", "short_eve", "short_first"), ERA_BOUNDARIES, ids=["昭和", "平成", "令和"]
)
def test_era_changes_at_its_first_day(first_day, eve, first, short_eve, short_first):
    before, after = parse(str(first_day - timedelta(1))), parse(str(first_day))
    assert (before.format_japanese(), after.format_japanese()) == (eve, first)
    assert (before.format_short(), after.format_short()) == (short_eve, short_first)
    assert (parse(eve), parse(first)) == (before, after)


OVERSHOOTS = {
    "昭和元年12月24日": "大正15年12月24日",
    "大正15年12月25日": "昭和元年12月25日",
    "平成元年1月7日": "昭和64年1月7日",
    "昭和64年1月8日": "平成元年1月8日",
    "令和元年4月30日": "平成31年4月30日",
    "平成31年5月1日": "令和元年5月1日",
}


@pytest.mark.parametrize(("wrong", "right"), OVERSHOOTS.items(), ids=OVERSHOOTS)
def test_era_one_day_over_its_boundary_is_refused(wrong, right):
    assert refusal(wrong).endswith(f"正しくは「{right}」です。")
    assert parse(wrong, lenient=True) == parse(right)


def test_era_range_ends_are_readable():
    assert [parse(text).earliest for text in ("T1.7.30", "R99.3.31")] == [FIRST_DAY, LAST_DAY]


def test_fiscal_year_starts_in_april():
    days = [date(2026, 3, 31), date(2026, 4, 1), date(2027, 3, 31)]
    assert [fiscal_year_of(day) for day in days] == [2025, 2026, 2026]
    assert fiscal_year_bounds(2026) == (date(2026, 4, 1), date(2027, 3, 31))


@pytest.mark.parametrize(
    ("year", "label"),
    [
        (2026, "R8年度"),
        (2019, "R1年度"),
        (2018, "H30年度"),
        (1989, "H1年度"),
        (1988, "S63年度"),
        (1927, "S2年度"),
        (1926, "T15年度"),
        (1912, "T1年度"),
        (2116, "R98年度"),
    ],
)
def test_fiscal_year_label_names_the_era_in_force_in_july(year, label):
    assert fiscal_year_label(year) == label


@pytest.mark.parametrize("year", [1911, 2118])
def test_fiscal_year_label_refuses_years_without_an_era(year):
    assert refusal(year, fiscal_year_label) == OUT_OF_RANGE


@pytest.mark.parametrize(
    ("year", "month", "label"),
    [(2026, 6, "R8.6"), (2019, 5, "R1.5"), (2019, 4, "H31.4"), (1989, 1, "H1.1"), (1926, 12, "S1.12")],
)
def test_month_label_takes_the_era_of_the_last_day(year, month, label):
    assert month_label(year, month) == label


def test_month_label_refuses_months_without_an_era():
    assert refusal(1912, lambda year: month_label(year, 6)) == OUT_OF_RANGE


@pytest.mark.parametrize(
    "text", ["2026", "R8", "r8", "Ｒ８", "R8年度", "令和8年度", "令和八年度", "FY2026", " 2026年度"]
)
def test_parse_fiscal_year_reads_every_name_of_a_year(text):
    assert parse_fiscal_year(text) == 2026


def test_parse_fiscal_year_reads_both_eras_of_a_year():
    assert [parse_fiscal_year(text) for text in ("H31", "R1", "令和元年度")] == [2019, 2019, 2019]


@pytest.mark.parametrize(
    "text", ["", "検討中", "R8.6", "R8年", "R8年度~", "R8年度末", "2026-Q2", "8", "R8年度年度"]
)
def test_parse_fiscal_year_refuses_anything_else(text):
    assert refusal(text, parse_fiscal_year) == f"「{text}」：{ACCEPTED_FISCAL_YEAR}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("H32", "「H32年度」：平成は2019年4月30日までです。正しくは「令和2年度」です。"),
        ("1912", f"「1912年度」：{OUT_OF_RANGE}"),
        ("R" * 101, "日付は100字以内で書いてください（今は101字です）。"),
    ],
    ids=["misfitting era", "before the first era", "too long"],
)
def test_parse_fiscal_year_says_what_would_be_right(text, message):
    assert refusal(text, parse_fiscal_year) == message


# `y` is the western year and `e` the year in an era. What no era fits counts as undecided.
WESTERN = "{y}-{m:02}-{d:02}|{y}年{m}月{d}日|{y}.{m}|{y}年|{y}年度|FY{y}|{y}年度末|{y}-Q{q}|{y}-H{h}"
IN_ERA = "{e}.{m}.{d}|{e}年{m}月|{e}|{e}年度|{e}年度第{q}四半期|{e}年度上期|{e}年度末"
SPELLINGS = f"{WESTERN}|{IN_ERA}".split("|")


def read_or_none(text, *, lenient):
    try:
        return parse(text, lenient=lenient)
    except FuzzyDateError:
        return None


@st.composite
def fuzzy_dates(draw):
    day = draw(st.dates(FIRST_DAY, LAST_DAY) | st.sampled_from([row[0] for row in ERA_BOUNDARIES]))
    letter, before = draw(st.sampled_from([("R", 2018), ("H", 1988), ("S", 1925), ("T", 1911)]))
    text = draw(st.sampled_from(SPELLINGS)).format(
        y=day.year,
        m=day.month,
        d=day.day,
        q=draw(st.integers(1, 4)),
        h=draw(st.integers(1, 2)),
        e=f"{letter}{day.year - before}" if day.year - before in range(1, 100) else day.year,
    )
    fuzzy = read_or_none(text + draw(st.sampled_from(["", "~", "以降"])), lenient=draw(st.booleans()))
    return fuzzy or FuzzyDate.undecided()


def is_cut_by_an_era(fuzzy):
    return fuzzy.precision in {MONTH, YEAR} and len(fuzzy.format_iso().partition("/")[0]) == 10


@given(fuzzy_dates())
@example(parse("T1年度第4四半期以降"))
@example(parse("2019以降"))
def test_fuzzy_date_short_form_reads_back(fuzzy):
    assert parse(fuzzy.format_short()) == fuzzy


@given(fuzzy_dates())
def test_fuzzy_date_japanese_form_reads_back_but_for_the_tilde(fuzzy):
    expected = replace(fuzzy, open_ended=False) if fuzzy.latest else fuzzy
    assert parse(fuzzy.format_japanese()) == expected


@given(fuzzy_dates().filter(lambda fuzzy: not is_cut_by_an_era(fuzzy)))
def test_fuzzy_date_iso_form_reads_back_unless_an_era_cuts_it(fuzzy):
    assert parse(fuzzy.format_iso()) == fuzzy


@given(fuzzy_dates())
def test_fuzzy_date_bounds_are_in_order(fuzzy):
    assert (fuzzy.earliest or date.min) <= (fuzzy.latest or date.max)
    assert fuzzy.is_undecided == (fuzzy.precision is None)


@given(st.dates(FIRST_DAY, LAST_DAY))
@example(FIRST_DAY)
@example(LAST_DAY)
def test_fuzzy_date_of_every_day_is_that_day(day):
    fuzzy = parse(day.isoformat())
    assert fuzzy == FuzzyDate("", day, day, DAY)
    assert parse(fuzzy.format_short()) == parse(fuzzy.format_japanese()) == fuzzy


@given(st.lists(fuzzy_dates()))
def test_fuzzy_date_sort_puts_dated_before_open_before_undecided(fuzzy_list):
    found = sorted(fuzzy_list, key=lambda fuzzy: fuzzy.sort_key)
    ranks = [(fuzzy.is_undecided, fuzzy.latest is None, fuzzy.latest or date.max) for fuzzy in found]
    assert ranks == sorted(ranks)


LETTERS = "RHSTM0123456789.-/~年月日度末元上下期第Q 十三〇㋿８．～"
PIECES = [*LETTERS, "令和", "平成", "四半期", "以降", "から", "FY"]


@given(st.text() | st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.booleans())
def test_parse_reads_or_refuses_any_text(text, lenient):
    fuzzy = read_or_none(text, lenient=lenient)
    assert fuzzy is None or fuzzy.text == text


@given(st.integers(1913, 2116))
def test_fiscal_year_label_reads_back(year):
    assert parse_fiscal_year(fiscal_year_label(year)) == year
    assert parse(fiscal_year_label(year)).fiscal_year == year


@pytest.mark.parametrize(("text", "shown"), [("R8.6~", "R8.6~"), ("検討中", "検討中"), ("", "検討中")])
def test_date_is_shown_as_it_was_written(text, shown):
    assert str(parse(text)) == shown
