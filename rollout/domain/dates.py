"""Dates as Japanese documents write them: a period, how finely it is known, and the text itself.

`R8.6~` means "from June 2026". It is read as a FuzzyDate with earliest 2026-06-01, latest 2026-06-30,
precision month, open-ended: users start to move within that month and go on. `R8年度以降` has the
earliest day 2026-04-01 and no latest. 「検討中」 has neither. The text is kept as written.

- Fiscal years start in April: R9.1 lies in R8年度, R8年度末 is March 2027, its 第4四半期 January to March.
- Eras begin on a day: 大正 1912-07-30, 昭和 1926-12-25, 平成 1989-01-08, 令和 2019-05-01 (改元の政令).
  A month or year written in an era ends where the era ends: H31 is 2019-01-01 to 2019-04-30, R1 is
  2019-05-01 to 2019-12-31. Western 2019 is the whole year. An era fits a fiscal year that it touches:
  平成31年度 and 令和元年度 both name the whole of FY2019, and R1年度 is how we write it.
- An era that does not fit (令和元年4月30日, H32.1) is refused; lenient reading counts the years on.
- Days from 1912-07-30 (大正元年) to 2117-03-31 (令和99年) can be said, no others.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from rollout.domain.eras import ERA_BY_NAME, ERAS, FIRST_DAY, LAST_DAY, Era, Period
from rollout.domain.words import Words, day_words

UNDECIDED = "検討中"
MAX_TEXT_LENGTH = 100


class FuzzyDateError(ValueError):
    """A text or a period that is no FuzzyDate; `words` tell a PMO clerk what would be right."""

    def __init__(self, words: Words | str, **values: Any) -> None:
        self.words = Words(words, **values) if isinstance(words, str) else words
        super().__init__(str(self.words))


class Precision(StrEnum):
    """How finely a date is known. Quarters and halves are those of the fiscal year."""

    DAY = "day"
    MONTH = "month"
    QUARTER = "quarter"
    HALF = "half"
    FISCAL_YEAR = "fiscal_year"
    YEAR = "year"


_MONTHS_LONG = {Precision.MONTH: 1, Precision.QUARTER: 3, Precision.HALF: 6}
_OF_FISCAL_YEAR = frozenset({Precision.QUARTER, Precision.HALF, Precision.FISCAL_YEAR})


_OUT_OF_RANGE = Words("1912年7月30日（大正元年）から2117年3月31日（令和99年）までの日付を書いてください。")


def _era_of(day: date) -> Era:
    for era in ERAS:
        if era.first_day <= day <= era.last_day:
            return era
    raise FuzzyDateError(_OUT_OF_RANGE)


def _months(year: int, month: int, count: int) -> Period:
    """`count` whole months from `month` of `year`; month 13 is January of the next year."""
    start = year * 12 + month - 1
    end = start + count
    return date(start // 12, start % 12 + 1, 1), date(end // 12, end % 12 + 1, 1) - timedelta(days=1)


def _around(day: date, precision: Precision) -> Period:
    """The period of this precision that `day` lies in."""
    if precision is Precision.DAY:
        return day, day
    year, origin = (day.year, 1) if precision is Precision.YEAR else (fiscal_year_of(day), 4)
    count = _MONTHS_LONG.get(precision, 12)
    return _months(year, origin + (day.month - origin) % 12 // count * count, count)


# What the templates call `short` and `long` is the year in its era, R8 and 令和8; `day` is the earliest.
_SHORT = {
    Precision.DAY: "{short}.{day.month}.{day.day}",
    Precision.MONTH: "{short}.{day.month}",
    Precision.QUARTER: "{short}年度第{quarter}四半期",
    Precision.HALF: "{short}年度{half}期",
    Precision.FISCAL_YEAR: "{short}年度",
    Precision.YEAR: "{short}",
}
_JAPANESE = {
    Precision.DAY: "{long}年{day.month}月{day.day}日",
    Precision.MONTH: "{long}年{day.month}月",
    Precision.QUARTER: "{long}年度第{quarter}四半期",
    Precision.HALF: "{long}年度{half}期",
    Precision.FISCAL_YEAR: "{long}年度",
    Precision.YEAR: "{long}年",
}
_WESTERN = {precision: template.replace("long", "year") for precision, template in _JAPANESE.items()}
_ISO = {
    Precision.DAY: "{day}",
    Precision.MONTH: "{day:%Y-%m}",
    Precision.QUARTER: "{year}-Q{quarter}",
    Precision.HALF: "{year}-H{half_number}",
    Precision.FISCAL_YEAR: "FY{year}",
    Precision.YEAR: "{year}",
}


def _render(templates: Mapping[Precision, str], precision: Precision, day: date) -> str:
    fiscal = precision in _OF_FISCAL_YEAR
    year = fiscal_year_of(day) if fiscal else day.year
    # Of a fiscal year we name the era in force in July: on the 30th, so that FY1912 has one.
    era = _era_of(date(year, 7, 30) if fiscal else day)
    count = year - era.first_day.year + 1
    half = (day.month - 4) % 12 // 6
    long = f"{era.name}{'元' if count == 1 else count}"
    names = {"short": f"{era.letter}{count}", "long": long, "year": year}
    parts = {"quarter": (day.month - 4) % 12 // 3 + 1, "half": "上下"[half], "half_number": half + 1}
    return templates[precision].format(day=day, **names, **parts)


@dataclass(frozen=True)
class FuzzyDate:
    """A period known to a precision. Two are equal when they mean the same, however they were written.

    `earliest` and `latest` are inclusive days; both are None when undecided. `open_ended` with a latest
    day is `R8.6~` (starts within June); without one it is `R8.6以降` (starts in June or any time after).
    Raises FuzzyDateError when the parts contradict one another or leave 1912-07-30..2117-03-31.
    """

    text: str = field(compare=False)
    earliest: date | None
    latest: date | None
    precision: Precision | None
    open_ended: bool = False

    def __post_init__(self) -> None:
        if self.earliest is None:
            if self.latest or self.precision or self.open_ended:
                raise FuzzyDateError("検討中の日付に、最遅日・精度・「以降」は付けられません。")
            return
        if self.precision is None:
            raise FuzzyDateError("最早日があるときは、精度（日、月、年度など）も必要です。")
        if self.latest is None and not self.open_ended:
            raise FuzzyDateError("最遅日がないのは「以降」のときだけです。最遅日を入れてください。")
        if self.latest is not None and self.earliest > self.latest:
            raise FuzzyDateError("最遅日は最早日と同じか、それより後にしてください。")
        if self.earliest < FIRST_DAY or (self.latest or self.earliest) > LAST_DAY:
            raise FuzzyDateError(_OUT_OF_RANGE)

    def __str__(self) -> str:
        return self.text or UNDECIDED

    @classmethod
    def undecided(cls, text: str = "") -> "FuzzyDate":
        """No date at all (検討中)."""
        return cls(text, None, None, None)

    @property
    def is_undecided(self) -> bool:
        """True when no date is known. False for 「以降」, which has an earliest day."""
        return self.earliest is None

    @property
    def fiscal_year(self) -> int | None:
        """The fiscal year of the latest day (DESIGN, "Projection, exactly", 7); None without one."""
        return fiscal_year_of(self.latest) if self.latest else None

    @property
    def sort_key(self) -> Period:
        """Orders by latest day, then earliest; 「以降」 after all that have a latest day, undecided last."""
        return self.latest or date.max, self.earliest or date.max

    def format_short(self) -> str:
        """As the slides write it: `R8.6~`, `R8.6.15`, `R8年度上期`, `R8年度以降`, `検討中`.

        A whole month or year in which the era changes has no era: `1989年1月`, `2019年`.
        """
        return self._in_era(_SHORT) + self._suffix("~", "以降")

    def format_japanese(self) -> str:
        """In full: `令和8年6月`, `令和元年5月1日`, `令和8年度以降`, `検討中`; western as `format_short`.

        Leaves out the `~` of `R8.6~` (DESIGN, section 5), so there `open_ended` does not parse back.
        """
        return self._in_era(_JAPANESE) + self._suffix("", "以降")

    def format_iso(self) -> str:
        """`2026-06-15`, `2026-06`, `2026-Q2`, `2026-H1` (fiscal: 2026-Q4 is 2027-01..03), `FY2026`, `2026`.

        `R8.6~` is `2026-06~` and `R8.6以降` is `2026-06/..` (ISO 8601-2, open end); undecided is empty.
        A period cut by an era (R1, S64.1) is an ISO 8601 interval, `2019-05-01/2019-12-31`, the one form that
        does not parse back (`2019-05-01/..` does, as a day).
        """
        if self.earliest is None or self.precision is None:
            return ""
        whole = _around(self.earliest, self.precision)
        if (self.earliest, self.latest or whole[1]) != whole:
            return f"{self.earliest}/{self.latest or '..'}" + self._suffix("~", "")
        return _render(_ISO, self.precision, self.earliest) + self._suffix("~", "/..")

    def _in_era(self, templates: Mapping[Precision, str]) -> str:
        if self.earliest is None or self.precision is None:
            return UNDECIDED
        period = _around(self.earliest, self.precision)
        if self.precision not in _OF_FISCAL_YEAR:
            period = _era_of(self.earliest).clip(period)
        fits = (self.earliest, self.latest or period[1]) == period
        return _render(templates if fits else _WESTERN, self.precision, self.earliest)

    def _suffix(self, within: str, after: str) -> str:
        return (within if self.latest else after) if self.open_ended else ""


def _up_to(highest: int, value: int, rule: Words) -> int:
    if not 1 <= value <= highest:
        raise FuzzyDateError("{rule}（{value}はありません）。", rule=rule, value=value)
    return value


def _read_month(year: int, found: re.Match[str]) -> Period:
    return _months(year, _up_to(12, int(found["month"]), Words("月は1〜12です")), 1)


def _read_day(year: int, found: re.Match[str]) -> Period:
    first, last = _read_month(year, found)
    rule = Words("{year}年{month}月は{day}日までです", year=year, month=first.month, day=last.day)
    day = first.replace(day=_up_to(last.day, int(found["day"]), rule))
    return day, day


def _read_quarter(year: int, found: re.Match[str]) -> Period:
    return _months(year, 1 + 3 * _up_to(4, int(found["part"]), Words("四半期は第1〜第4です")), 3)


def _read_half(year: int, found: re.Match[str]) -> Period:
    return _months(year, 4 if found["part"] in "上1" else 10, 6)


_YEAR = r"(?:(?P<era>令和|平成|昭和|大正|明治|[RHSTM])(?P<era_year>元|[0-9]{1,3})|(?P<western_year>[0-9]{4}))"
_MONTH = rf"{_YEAR}(?:年|[./-])(?P<month>[0-9]{{1,2}})"
_OPEN = r"(?P<open>~|から|以降|/\.\.)?"


class _Form(NamedTuple):
    precision: Precision
    pattern: str
    read: Callable[[int, re.Match[str]], Period]
    of_fiscal_year: bool = True


# One row a way of writing. 四半期 stands here as Q, and any `_OPEN` may follow.
_FORMS = (
    _Form(Precision.DAY, rf"{_MONTH}(?:月|[./-])(?P<day>[0-9]{{1,2}})日?", _read_day, of_fiscal_year=False),
    _Form(Precision.MONTH, rf"{_MONTH}月?", _read_month, of_fiscal_year=False),
    _Form(Precision.MONTH, rf"{_YEAR}年度末", lambda year, _: _months(year, 15, 1)),
    _Form(Precision.QUARTER, rf"{_YEAR}年度第?(?P<part>[0-9])Q", _read_quarter),
    _Form(Precision.QUARTER, rf"{_YEAR}(?:年度|-)Q(?P<part>[0-9])", _read_quarter),
    _Form(Precision.HALF, rf"{_YEAR}年度(?P<part>[上下])半?期", _read_half),
    _Form(Precision.HALF, rf"{_YEAR}-H(?P<part>[12])", _read_half),
    _Form(Precision.FISCAL_YEAR, rf"{_YEAR}年度", lambda year, _: fiscal_year_bounds(year)),
    _Form(Precision.FISCAL_YEAR, rf"FY{_YEAR}", lambda year, _: fiscal_year_bounds(year)),
    _Form(Precision.YEAR, rf"{_YEAR}年?", lambda year, _: _months(year, 1, 12), of_fiscal_year=False),
)
_GRAMMAR = tuple((form, re.compile(form.pattern + _OPEN)) for form in _FORMS)
_UNDECIDED_WORDS = frozenset({"", UNDECIDED, "未定", "調整中"})
_ACCEPTED = Words(
    "日付として読めません。R8.6、R8.6~、R8.6.15、令和8年6月、R8年、R8年度、R8年度末、R8年度上期、"
    "R8年度第2四半期、R8年度以降、2026-06、検討中 のように書いてください。"
)
_ACCEPTED_FISCAL_YEAR = Words(
    "年度として読めません。2026、FY2026、R8、R8年度、令和8年度 のように書いてください。"
)
_KANJI_NUMBER = re.compile("[〇零一二三四五六七八九十]+")
_KANJI_DIGITS = str.maketrans("〇零一二三四五六七八九", "00123456789")
_LOOKALIKES = str.maketrans("〜∼‐−", "~~--")


def _kanji_number(found: re.Match[str]) -> str:
    digits = found[0].translate(_KANJI_DIGITS)
    tens, ten, units = digits.partition("十")
    return f"{tens or 1}{units or 0}" if ten and len(tens) < 2 and len(units) < 2 else digits


def _normalise(text: str) -> str:
    if len(text) > MAX_TEXT_LENGTH:
        raise FuzzyDateError(
            "日付は{most}字以内で書いてください（今は{count}字です）。", most=MAX_TEXT_LENGTH, count=len(text)
        )
    plain = unicodedata.normalize("NFKC", text).translate(_LOOKALIKES).upper().replace("四半期", "Q")
    plain = " ".join(_KANJI_NUMBER.sub(_kanji_number, plain).split())
    # A space between two digits separates: `R8 6` must not become R86, so it stays and is refused.
    return re.sub("(?<![0-9]) | (?![0-9])", "", plain)


def _year(found: re.Match[str]) -> int:
    era = ERA_BY_NAME.get(found["era"])
    if era is None:
        year = int(found["western_year"] or 0)
    else:
        count = 1 if found["era_year"] == "元" else int(found["era_year"])
        if count == 0:
            raise FuzzyDateError(
                "{era}は元年（{letter}1）から始まります。0年はありません。", era=era.name, letter=era.letter
            )
        year = era.first_day.year + count - 1
    if not FIRST_DAY.year <= year <= LAST_DAY.year:
        raise FuzzyDateError(_OUT_OF_RANGE)
    return year


def _misfit(era: Era, precision: Precision, period: Period) -> FuzzyDateError:
    right = FuzzyDate("", *period, precision).format_japanese()
    is_early = period[0] < era.first_day
    day = era.first_day if is_early else era.last_day
    limits = {"era": era.name, "day": day_words(day), "right": right}
    if is_early:
        return FuzzyDateError("{era}は{day}からです。正しくは「{right}」です。", **limits)
    return FuzzyDateError("{era}は{day}までです。正しくは「{right}」です。", **limits)


def _fit_to_era(form: _Form, found: re.Match[str], *, lenient: bool) -> Period:
    year = _year(found)
    period = form.read(year, found)
    if found["western_year"]:
        return period
    era = ERA_BY_NAME[found["era"]]
    if era.overlaps(fiscal_year_bounds(year) if form.of_fiscal_year else period):
        return period if form.of_fiscal_year else era.clip(period)
    if not lenient:
        raise _misfit(era, form.precision, period)
    return period


def _read(text: str, *, lenient: bool) -> FuzzyDate:
    plain = _normalise(text)
    if plain in _UNDECIDED_WORDS:
        return FuzzyDate.undecided(text)
    for form, pattern in _GRAMMAR:
        if found := pattern.fullmatch(plain):
            earliest, latest = _fit_to_era(form, found, lenient=lenient)
            last = None if found["open"] in {"以降", "/.."} else latest
            return FuzzyDate(text, earliest, last, form.precision, found["open"] is not None)
    raise FuzzyDateError(_ACCEPTED)


@lru_cache(maxsize=4096)
def parse(text: str, *, lenient: bool = False) -> FuzzyDate:
    """Read a date as documents write it; every `format_short` and `format_japanese` reads back.

    Full width, kanji numerals, lower case, spaces and the separators `.` `/` `-` are all read. `lenient`
    counts the years of a misfitting era on (平成32年). Raises FuzzyDateError: what to write instead.
    """
    try:
        return _read(text, lenient=lenient)
    except FuzzyDateError as error:
        raise FuzzyDateError("「{text}」：{why}", text=text[:MAX_TEXT_LENGTH], why=error.words) from None


def fiscal_year_of(day: date) -> int:
    """The fiscal year a day lies in, by the year it starts in: 2027-01-31 lies in 2026 (財政法第11条)."""
    return day.year - (day.month < 4)


def fiscal_year_bounds(year: int) -> Period:
    """First and last day of a fiscal year: 2026 is 2026-04-01 to 2027-03-31."""
    return _months(year, 4, 12)


def fiscal_year_label(year: int) -> str:
    """`R8年度` for 2026. The era is that in force in July: 2019 is R1年度, 1988 is S63年度.

    Raises FuzzyDateError before 1912 and after 2117.
    """
    return _render(_SHORT, Precision.FISCAL_YEAR, date(year, 4, 1))


def month_label(year: int, month: int) -> str:
    """`R8.6` for June 2026. The era is that of the month's last day: 2019-05 is R1.5, 1989-01 is H1.1.

    Raises FuzzyDateError for a month that ends before 1912-07-30 or after 2117-03-31.
    """
    return _render(_SHORT, Precision.MONTH, _months(year, month, 1)[1])


def parse_fiscal_year(text: str) -> int:
    """Read a fiscal year, with or without 年度: `2026`, `FY2026`, `R8`, `R8年度`, `令和8年度` are all 2026.

    Raises FuzzyDateError for anything else, and for an era that does not touch that fiscal year.
    """
    name = _normalise(text).removeprefix("FY").removesuffix("年度")
    year = parse(f"{name}年度").fiscal_year if re.fullmatch(_YEAR, name) else None
    if year is None:
        raise FuzzyDateError("「{text}」：{why}", text=text[:MAX_TEXT_LENGTH], why=_ACCEPTED_FISCAL_YEAR)
    return year
