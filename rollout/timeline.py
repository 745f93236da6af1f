"""Cutovers over time as a picture: one line a wave, in order of cohort and date.

A period stays a period: a bar is as long as what is known, a month for R8.6 and a year for R8年度, and a wave
without a date has a line with words but no bar. Status is a shape, a word and a colour. Beside a baseline,
what it had is an empty bar with a dashed edge, and the slip is said in words.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

import altair as alt
import vl_convert
from django.utils.translation import gettext

from rollout.charts import (
    AXIS_TEXT,
    CONFIRMED,
    CONFIRMED_FILL,
    CONFIRMED_TEXT,
    FONT,
    GRID,
    NOTE,
    OBSERVED,
    PLANNED,
    Layer,
    Size,
    month_position,
    month_text,
)
from rollout.domain.dates import FuzzyDate
from rollout.domain.plan import Status, month_number, month_parts
from rollout.models.labels import OVERDUE_LABEL, STATUS_LABELS
from rollout.shown import ShownWave

WIDE = Size("wide", 1040, 27, 14, 10)
NARROW = Size("narrow", 400, 25, 12, 4)
PAGE_SIZES = (WIDE, NARROW)
"""`height` is that of one line, `years` the number of labels on the axis."""

ROOM_FOR_NAMES, ROOM_FOR_TEXT = 0.3, 0.55
"""Parts of the width: what names may take; and where a bar begins too far right for words behind it."""

SHORTEST = 0.35
"""Months that a bar has at least, or a day would not be seen."""

PLANNED_FILL, LATE_FILL = "#d9e6ff", "#ffdfca"  # blue-100, orange-100
LATE_TEXT, NO_FILL = "#ac3e00", "#f2f2f2"  # orange-900, solid-gray-50


class Look(NamedTuple):
    """How a bar and its words are drawn."""

    mark: str
    edge: str
    fill: str
    text: str


IN_USE = Look("●", CONFIRMED, CONFIRMED_FILL, CONFIRMED_TEXT)
OVERDUE = Look("▲", OBSERVED, LATE_FILL, LATE_TEXT)
UNDER_WAY = Look("◐", PLANNED, PLANNED, PLANNED)
COMING = Look("○", PLANNED, PLANNED_FILL, PLANNED)
CANCELLED = Look("×", NOTE, NO_FILL, NOTE)
UNDER_WAY_STATUSES = (Status.PREPARING, Status.MIGRATING)


@dataclass(frozen=True)
class Beside:
    """What a baseline had of a wave, and by how much it has slipped since, in words."""

    cutover: FuzzyDate
    slip: str


@dataclass(frozen=True)
class Line:
    """One line: a wave, or the name of the cohort whose waves follow."""

    wave: ShownWave | None
    heading: str = ""
    beside: Beside | None = None


def lines(waves: Sequence[ShownWave], beside: dict[int, Beside]) -> list[Line]:
    """The waves in their order, each cohort under its name; `beside` has what differs, by the wave's id."""
    found: list[Line] = []
    cohort = ""
    for wave in waves:
        if wave.cohort != cohort:
            cohort = wave.cohort
            found.append(Line(None, wave.cohort_label))
        found.append(Line(wave, beside=beside.get(wave.id)))
    return found


def look_of(wave: ShownWave, today: date) -> Look:
    """By its status, and whether nobody has confirmed what should have happened."""
    if wave.is_overdue(today):
        return OVERDUE
    status = Status(wave.status)
    if status in UNDER_WAY_STATUSES:
        return UNDER_WAY
    return {Status.IN_USE: IN_USE, Status.CANCELLED: CANCELLED}.get(status, COMING)


def status_text(wave: ShownWave, today: date) -> str:
    """The status in words, 予定日経過・未確認 first."""
    return str(OVERDUE_LABEL if wave.is_overdue(today) else STATUS_LABELS[wave.status])


def timeline_alt(shown: Sequence[ShownWave], today: date) -> str:
    """What the chart shows, in a sentence for those who do not see it."""
    kinds = Counter(status_text(wave, today) for wave in shown)
    parts = [gettext("{status} {count}件").format(status=name, count=kinds[name]) for name in kinds]
    sentence = gettext("移行単位 {count}件の切替の時期の図。{names}。").format(
        count=len(shown), names=gettext("、").join(parts)
    )
    coming = [wave for wave in shown if wave.is_coming(today)]
    if not coming:
        return sentence
    first = min(coming, key=lambda wave: wave.cutover.sort_key)
    return sentence + gettext("次の切替は {label}（{cutover}）。").format(
        label=first.label, cutover=first.cutover.format_short()
    )


def timeline_svg(shown: Sequence[Line], today: date, size: Size = WIDE) -> str:
    """The chart as an SVG element without style attributes or scripts."""
    svg: str = vl_convert.vegalite_to_svg(timeline_spec(shown, today, size))
    return svg.replace(
        '<svg xmlns="http', f'<svg aria-hidden="true" id="timeline-{size.name}" xmlns="http', 1
    )


def timeline_spec(shown: Sequence[Line], today: date, size: Size = WIDE) -> dict[str, Any]:
    """The chart in Vega-Lite. With nothing dated it is the lines alone, round today."""
    frame = _Frame.of(shown, today, size)
    layers = [
        *_headings(frame),
        *_today(frame, today),
        *_beside(frame),
        *_bars(frame, today),
        *_words(frame, today),
    ]
    chart = (
        alt.layer(*layers)
        .properties(
            width=size.width,
            height=size.height * len(shown) + size.font * 4,
            autosize=alt.AutoSizeParams(type="fit", contains="padding"),
            padding={"left": 4, "top": size.font, "right": 4, "bottom": 4},
        )
        .configure(aria=False, font=FONT)
        .configure_view(stroke=None)
    )
    spec: dict[str, Any] = chart.to_dict(validate=False)  # takes half of the time; the tests validate
    return spec


@dataclass(frozen=True)
class _Frame:
    """The plane that all layers share: months from `first` up to `end`, one line below the other."""

    shown: Sequence[Line]
    size: Size
    first: float
    end: float

    @classmethod
    def of(cls, shown: Sequence[Line], today: date, size: Size) -> "_Frame":
        periods = [period for line in shown for period in _periods(line)]
        now = month_position(today)
        first = min([now - 1, *(start for start, _ in periods)])
        end = max([now + 1, *(end for _, end in periods)])
        return cls(shown, size, first, end)

    def is_far_right(self, month: float) -> bool:
        """True where words behind a bar would not fit any more."""
        return month > self.first + (self.end - self.first) * ROOM_FOR_TEXT

    @property
    def x(self) -> alt.X:
        return alt.X(
            "month:Q", scale=alt.Scale(domain=[self.first, self.end], nice=False), axis=self._years()
        )

    def chart(self, rows: Sequence[dict[str, Any]]) -> alt.Chart:
        lines = alt.Scale(domain=list(range(len(self.shown))))
        y = alt.Y("line:O", scale=lines, axis=self._names())
        return alt.Chart({"values": list(rows)}).encode(x=self.x, y=y)

    def _years(self) -> alt.Axis:
        aprils = [month for month in range(int(self.first), int(self.end) + 1) if month % 12 == 3]
        aprils = aprils[:: -(-len(aprils) // self.size.years) or 1]
        labels = json.dumps({month: self._year_text(month) for month in aprils})
        return alt.Axis(
            values=aprils,
            title=None,
            orient="top",
            labelExpr=f"({labels})[datum.value]",
            labelFontSize=self.size.font - 1,
            labelColor=AXIS_TEXT,
            gridColor=GRID,
            gridDash=[1, 3],
            domainColor=NOTE,
            tickColor=NOTE,
        )

    def _year_text(self, month: int) -> str:
        """`R8.4 (2026)`, where there is room for both."""
        return month_text(month) if self.size is NARROW else f"{month_text(month)} ({month_parts(month)[0]})"

    def _names(self) -> alt.Axis:
        names = {number: line.wave.label if line.wave else "" for number, line in enumerate(self.shown)}
        return alt.Axis(
            title=None,
            labelExpr=f"({json.dumps(names, ensure_ascii=False)})[datum.value]",
            labelFontSize=self.size.font,
            labelColor=AXIS_TEXT,
            labelLimit=int(self.size.width * ROOM_FOR_NAMES),
            labelPadding=6,
            domain=False,
            ticks=False,
        )


def _periods(line: Line) -> list[tuple[float, float]]:
    """From where to where each bar of a line goes, in months."""
    dates = [line.wave.cutover] if line.wave else []
    if line.beside is not None:
        dates.append(line.beside.cutover)
    return [period for day in dates if (period := _period(day))]


def _period(cutover: FuzzyDate) -> tuple[float, float] | None:
    """A period without a latest day (「以降」) is as long as its first month: nobody knows its end."""
    if cutover.earliest is None:
        return None
    start = month_position(cutover.earliest)
    if cutover.latest is None:
        return start, start + 1
    return start, max(start + SHORTEST, month_position(cutover.latest + timedelta(days=1)))


def _headings(frame: _Frame) -> list[Layer]:
    rows = [
        {"line": number, "month": frame.first, "text": line.heading}
        for number, line in enumerate(frame.shown)
        if line.wave is None
    ]
    marks: dict[str, Any] = {"align": "left", "baseline": "middle", "dx": 2, "fontWeight": "bold"}
    text = frame.chart(rows).mark_text(**marks, fontSize=frame.size.font, color=AXIS_TEXT)
    return [text.encode(text="text:N")]


def _today(frame: _Frame, today: date) -> list[Layer]:
    """A line from top to bottom, named at its foot."""
    row = {"month": month_position(today), "line": len(frame.shown) - 1}
    rule = alt.Chart({"values": [row]}).mark_rule(color=NOTE, strokeWidth=1.2).encode(x=frame.x)
    text = gettext("{month_text}.{day} 時点").format(
        month_text=month_text(month_number(today)), day=today.day
    )
    marks: dict[str, Any] = {"align": "center", "baseline": "top", "dy": frame.size.height / 2 + 3}
    label = frame.chart([{**row, "text": text}]).mark_text(
        **marks, color=AXIS_TEXT, fontSize=frame.size.font - 1
    )
    return [rule, label.encode(text="text:N")]


def _beside(frame: _Frame) -> list[Layer]:
    """What the baseline had: empty bars with a dashed edge."""
    rows = [
        {"line": number, "month": period[0], "end": period[1]}
        for number, line in enumerate(frame.shown)
        if line.beside and (period := _period(line.beside.cutover))
    ]
    if not rows:
        return []
    marks: dict[str, Any] = {"fill": "#ffffff", "stroke": NOTE, "strokeWidth": 1.5, "strokeDash": [3, 2]}
    return [frame.chart(rows).mark_bar(height={"band": 0.78}, **marks).encode(x2="end:Q")]


def _bars(frame: _Frame, today: date) -> list[Layer]:
    """One layer for each look that occurs."""
    found: dict[Look, list[dict[str, Any]]] = {}
    for number, line in enumerate(frame.shown):
        if line.wave and (period := _period(line.wave.cutover)):
            row = {"line": number, "month": period[0], "end": period[1]}
            found.setdefault(look_of(line.wave, today), []).append(row)
    return [
        frame.chart(rows)
        .mark_bar(height={"band": 0.55}, fill=look.fill, stroke=look.edge, strokeWidth=1.5)
        .encode(x2="end:Q")
        for look, rows in found.items()
    ]


def _words(frame: _Frame, today: date) -> list[Layer]:
    """Behind each bar, or before one that is far right: mark, date, status and slip."""
    layers: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for number, line in enumerate(frame.shown):
        if line.wave:
            month, align = _place(frame, line)
            text = _text(line, line.wave, today, short=frame.size is NARROW)
            row = {"line": number, "month": month, "text": text}
            layers.setdefault((look_of(line.wave, today).text, align), []).append(row)
    return [
        frame.chart(rows)
        .mark_text(**_placed(align), color=color, fontSize=frame.size.font - 1)
        .encode(text="text:N")
        for (color, align), rows in layers.items()
    ]


def _placed(align: str) -> dict[str, Any]:
    return {"align": align, "baseline": "middle", "dx": 6 if align == "left" else -6}


def _place(frame: _Frame, line: Line) -> tuple[float, str]:
    """The month where the words of a line stand, and to which side they go from there."""
    periods = _periods(line)
    if not periods:
        return frame.end, "right"
    start, end = min(start for start, _ in periods), max(end for _, end in periods)
    return (start, "right") if frame.is_far_right(start) else (end, "left")


def _text(line: Line, wave: ShownWave, today: date, *, short: bool) -> str:
    words = f"{look_of(wave, today).mark} {wave.cutover.format_short()}"
    if not short and not (wave.cutover.is_undecided and wave.status == Status.UNDER_REVIEW):
        words += f" {status_text(wave, today)}"
    return f"{words} {_slip_text(line.beside)}" if line.beside else words


def _slip_text(beside: Beside) -> str:
    return gettext("（基準は {cutover}、{slip}）").format(
        cutover=beside.cutover.format_short(), slip=beside.slip
    )
