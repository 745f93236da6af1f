"""The curve as a picture: domain values -> Vega-Lite -> SVG or PNG, and one sentence that says the same.

One definition serves the page, mail, slides and notebooks: `s_curve_spec` is a plain Vega-Lite
object, pure in its arguments. The x axis is the month number of `rollout.domain.plan`; a step at a
month's left edge means "counted from this month on". Confirmed users are drawn up to today only:
nobody has confirmed the future.

Colours are the Digital Agency's (design-tokens 1.1.9). Every line has at least 3:1 contrast to
white, and none is told apart by colour alone: planned is a solid line, confirmed a filled area, the
band a pale area with dotted edges, the target dashed, a published figure a diamond.

The page names fonts and leaves the choice to the reader's machine; a PNG brings its letters along.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import altair as alt
import vl_convert
from django.utils.translation import gettext

from rollout.domain.dates import fiscal_year_label, month_label
from rollout.domain.plan import month_number, month_parts
from rollout.domain.projection import (
    Granularity,
    Projection,
    current_month,
    fiscal_year_end,
    fiscal_year_in_progress,
)
from rollout.png import draw_png

PLANNED = "#0017c1"  # blue-900
BAND_EDGE, BAND_FILL = "#4979f5", "#d9e6ff"  # blue-500, blue-100
CONFIRMED, CONFIRMED_FILL, CONFIRMED_TEXT = "#197a4b", "#c2e5d1", "#115a36"  # green-800, -100, -900
OBSERVED = "#c74700"  # orange-800
TARGET = "#1a1a1a"  # solid-gray-900
NOTE, AXIS_TEXT = "#4d4d4d", "#333333"  # solid-gray-700, -800
GRID = "#cccccc"  # solid-gray-200
SCENARIO = "#8b008b"  # magenta-900
FONT = "'Noto Sans JP', 'Hiragino Sans', 'Yu Gothic', 'Noto Sans CJK JP', sans-serif"

LABEL_ROOM = 0.12
"""A label is left out where it has less than this part of the chart's height; the tables still say it."""

Rows = Sequence[dict[str, Any]]
Layer = alt.Chart | alt.LayerChart


@dataclass(frozen=True)
class Observed:
    """A published count of users, and the first and last day that it may speak of."""

    earliest: date
    latest: date
    users: int


@dataclass(frozen=True)
class Beside:
    """Another curve beside the plan's: a baseline's, which the plan came from, or a scenario's."""

    label: str
    curve: Projection
    is_scenario: bool


@dataclass(frozen=True)
class Size:
    """Pixels the chart is drawn for; it scales from there. `years` is how many year labels fit."""

    name: str
    width: int
    height: int
    font: int
    years: int


WIDE = Size("wide", 1040, 460, 15, 14)
NARROW = Size("narrow", 400, 400, 13, 8)
PAGE_SIZES = (WIDE, NARROW)
MAIL = Size("mail", 680, 400, 15, 10)
MAIL_SCALE = 1.5
"""Pixels of a picture in a mail for each that it is drawn for: sharp on dense screens, 1,020 wide."""


def month_text(month: int) -> str:
    """`R8.6` for the month number of June 2026."""
    return month_label(*month_parts(month))


def s_curve_svg(
    curve: Projection,
    observations: Sequence[Observed],
    size: Size = WIDE,
    beside: Sequence[Beside] = (),
) -> str:
    """The chart as an SVG element without style attributes or scripts."""
    svg: str = vl_convert.vegalite_to_svg(s_curve_spec(curve, observations, size, beside))
    return svg.replace('<svg xmlns="http', f'<svg aria-hidden="true" id="s-curve-{size.name}" xmlns="http', 1)


def s_curve_png(
    curve: Projection, observations: Sequence[Observed], size: Size = MAIL, *, scale: float = MAIL_SCALE
) -> bytes:
    """The chart as a PNG on white, `scale` pixels for each of `size`; the same bytes on every machine."""
    return draw_png(s_curve_spec(curve, observations, size), scale)


def s_curve_spec(
    curve: Projection,
    observations: Sequence[Observed],
    size: Size = WIDE,
    beside: Sequence[Beside] = (),
) -> dict[str, Any]:
    """The chart in Vega-Lite: band, confirmed, planned, target, today, published figures, and `beside`."""
    frame = _Frame.of(curve, observations, size, beside)
    layers = [
        *_band(frame, curve),
        *_confirmed(frame, curve),
        *_today(frame, curve),
        *_target(frame, curve),
        *(layer for other in beside for layer in _others(frame, other)),
        *_planned(frame, curve),
        *_undated(frame, curve),
        *_published(frame, observations),
    ]
    chart = (
        alt.layer(*layers)
        .properties(
            width=size.width,
            height=size.height,
            autosize=alt.AutoSizeParams(type="fit", contains="padding"),
            padding={"left": 4, "top": size.font, "right": size.font, "bottom": 4},
        )
        .configure(aria=False, font=FONT)
        .configure_view(stroke=None)
    )
    spec: dict[str, Any] = chart.to_dict(validate=False)  # takes half of the time; the tests validate
    return spec


@dataclass(frozen=True)
class _Frame:
    """The plane that all layers share: months from `first` up to `end`, users from 0 to `top`."""

    size: Size
    first: int
    end: int
    top: int

    @classmethod
    def of(
        cls, curve: Projection, observations: Sequence[Observed], size: Size, beside: Sequence[Beside] = ()
    ) -> "_Frame":
        highest = max(
            curve.target_users or 0,
            curve.high[-1],
            curve.planned[-1] + curve.undated_users,
            *(seen.users for seen in observations),
            *(other.curve.planned[-1] for other in beside),
            1,
        )
        seen_months = [month_number(day) for seen in observations for day in (seen.earliest, seen.latest)]
        curves = [curve, *(other.curve for other in beside)]
        first = min([*(each.first_month for each in curves), *seen_months])
        ends = [each.first_month + len(each.planned) for each in curves]
        end = max([*ends, *(month + 1 for month in seen_months)])
        return cls(size, first, end, highest + highest // 12)

    @property
    def x(self) -> alt.X:
        return alt.X(
            "month:Q", scale=alt.Scale(domain=[self.first, self.end], nice=False), axis=self._years()
        )

    @property
    def y(self) -> alt.Y:
        return alt.Y("users:Q", scale=alt.Scale(domain=[0, self.top], nice=False), axis=self._users())

    def _years(self) -> alt.Axis:
        aprils = [month for month in range(self.first, self.end + 1) if month % 12 == 3]
        aprils = aprils[:: -(-len(aprils) // self.size.years) or 1]
        labels = ",".join(f"{month}:['{month_text(month)}','{month_parts(month)[0]}']" for month in aprils)
        return alt.Axis(
            values=aprils,
            title=None,
            labelExpr=f"({{{labels}}})[datum.value]",
            labelFontSize=self.size.font - 1,
            labelColor=AXIS_TEXT,
            labelPadding=6,
            labelFlush=False,
            gridColor=GRID,
            gridDash=[1, 3],
            domainColor=NOTE,
            tickColor=NOTE,
        )

    def _users(self) -> alt.Axis:
        myriad = gettext("万")
        myriads = f"datum.value % 10000 ? format(datum.value, ',') : datum.value / 10000 + '{myriad}'"
        return alt.Axis(
            title=gettext("人"),
            titleAngle=0,
            titleAlign="right",
            titleX=-8,
            titleY=-self.size.font,
            titleFontWeight="normal",
            titleFontSize=self.size.font - 1,
            titleColor=AXIS_TEXT,
            labelExpr=f"datum.value ? {myriads} : '0'",
            labelFontSize=self.size.font - 1,
            labelColor=AXIS_TEXT,
            tickCount=6,
            gridColor=GRID,
            domain=False,
            ticks=False,
            labelPadding=8,
        )

    def chart(self, rows: Rows) -> alt.Chart:
        return alt.Chart({"values": list(rows)}).encode(x=self.x, y=self.y)

    def text(self, month: float, users: float, text: str, color: str, **placed: Any) -> alt.Chart:
        """A label in its line's colour; `\n` begins a new line."""
        marks = {
            "fontSize": self.size.font,
            "fontWeight": "bold",
            "color": color,
            "lineBreak": "\n",
            **placed,
        }
        rows = [{"month": month, "users": users, "text": text}]
        label: alt.Chart = self.chart(rows).mark_text(**marks).encode(text="text:N")
        return label

    def halo_text(self, month: float, users: float, text: str, color: str, **placed: Any) -> alt.LayerChart:
        """A label on a white edge, for where it may cross a line."""
        edge = {"stroke": "#ffffff", "strokeWidth": 5, "strokeJoin": "round"}
        halo = self.text(month, users, text, "#ffffff", **placed, **edge)
        return alt.LayerChart(layer=[halo, self.text(month, users, text, color, **placed)])

    def is_in_first(self, part: float, month: float) -> bool:
        """True where a label that ends at `month` might not fit to its left."""
        return month < self.first + (self.end - self.first) * part

    def has_room(self, users: int) -> bool:
        return users >= self.top * LABEL_ROOM


def _steps(curve: Projection) -> list[dict[str, Any]]:
    """One row a month, and the last once more at the end, so that the last month has its width."""
    months = curve.points(Granularity.MONTH)
    rows = [{"month": p.first_month, "users": p.cumulative, "low": p.low, "high": p.high} for p in months]
    return [*rows, {**rows[-1], "month": months[-1].first_month + 1}]


def month_position(day: date) -> float:
    """Where a day stands between its month number and the next."""
    return month_number(day) + (day.day - 1) / 31


def _band(frame: _Frame, curve: Projection) -> list[Layer]:
    rows = _steps(curve)
    area = [{"month": row["month"], "users": row["low"], "high": row["high"]} for row in rows]
    edges = [[{"month": row["month"], "users": row[edge]} for row in rows] for edge in ("low", "high")]
    dots: Any = {"interpolate": "step-after", "color": BAND_EDGE, "strokeDash": [1.5, 2.5]}
    return [
        frame.chart(area).mark_area(interpolate="step-after", color=BAND_FILL, opacity=1).encode(y2="high:Q"),
        *(frame.chart(edge).mark_line(**dots, strokeWidth=1.2) for edge in edges),
    ]


def _confirmed(frame: _Frame, curve: Projection) -> list[Layer]:
    """The confirmed users as an area that ends today."""
    now, today = current_month(curve), month_position(curve.today)
    past = [point for point in curve.points(Granularity.MONTH) if point.first_month <= now.first_month]
    if not past or not now.confirmed:
        return []
    rows: list[dict[str, Any]] = [{"month": p.first_month, "users": p.confirmed} for p in past]
    rows.append({"month": today, "users": now.confirmed})
    area = frame.chart(rows).mark_area(
        interpolate="step-after", color=CONFIRMED_FILL, opacity=1, line={"color": CONFIRMED, "strokeWidth": 5}
    )
    text = gettext("利用確認済み {confirmed:,}人").format(confirmed=now.confirmed)
    placed = {"align": "right", "baseline": "middle", "dx": -8}
    label = frame.text(today, now.confirmed * 0.3, text, CONFIRMED_TEXT, **placed)
    return [area, label] if frame.has_room(now.confirmed) else [area]


def _planned(frame: _Frame, curve: Projection) -> list[Layer]:
    """The planned curve, with the end of this fiscal year marked and, up and left of it, named.

    A curve that only rises leaves that side free.
    """
    year = fiscal_year_in_progress(curve)
    end = curve.at(fiscal_year_end(year))
    mark = [{"month": end.first_month + 1, "users": end.cumulative}]
    text = gettext("計画 {cumulative:,}人（{fiscal_year_label}末）").format(
        cumulative=end.cumulative, fiscal_year_label=fiscal_year_label(year)
    )
    today = month_position(curve.today)
    at, align, dx = (frame.first, "left", 2) if frame.is_in_first(0.6, today) else (today, "right", -8)
    return [
        frame.chart(_steps(curve)).mark_line(interpolate="step-after", color=PLANNED, strokeWidth=2.5),
        frame.chart(mark).mark_point(shape="circle", filled=True, color=PLANNED, size=70, opacity=1),
        frame.halo_text(at, end.high, text, PLANNED, align=align, baseline="bottom", dx=dx, dy=-4),
    ]


def _others(frame: _Frame, other: Beside) -> list[Layer]:
    """A curve beside the plan's, named below its right end."""
    color, dash = (SCENARIO, [7, 3]) if other.is_scenario else (NOTE, [8, 3, 2, 3])
    line = frame.chart(_steps(other.curve)).mark_line(
        interpolate="step-after", color=color, strokeWidth=2.5, strokeDash=dash
    )
    placed = {"align": "right", "baseline": "top", "dx": -4, "dy": 6 if other.is_scenario else 24}
    return [line, frame.halo_text(frame.end, other.curve.planned[-1], other.label, color, **placed)]


def _target(frame: _Frame, curve: Projection) -> list[Layer]:
    if curve.target_users is None:
        return []
    rows = [{"month": month, "users": curve.target_users} for month in (frame.first, frame.end)]
    text = gettext("目標 {target_users:,}人").format(target_users=curve.target_users)
    return [
        frame.chart(rows).mark_line(color=TARGET, strokeWidth=2, strokeDash=[9, 5]),
        frame.halo_text(
            frame.first, curve.target_users, text, TARGET, align="left", baseline="bottom", dx=2, dy=-6
        ),
    ]


def _undated(frame: _Frame, curve: Projection) -> list[Layer]:
    """What would come on top, at a time nobody has named: a measure at the right edge."""
    if not frame.has_room(curve.undated_users):
        return []
    month, bottom = frame.end - 1, curve.planned[-1]
    top = bottom + curve.undated_users
    ends = [{"month": month, "users": users} for users in (bottom, top)]
    text = gettext("時期未定\n{undated_users:,}人").format(undated_users=curve.undated_users)
    return [
        frame.chart(ends).mark_line(color=NOTE, strokeWidth=1.5, strokeDash=[2, 3]),
        frame.chart(ends).mark_tick(color=NOTE, thickness=1.5, size=11, orient="horizontal"),
        frame.halo_text(month, (bottom + top) / 2, text, NOTE, align="right", baseline="middle", dx=-8),
    ]


def _today(frame: _Frame, curve: Projection) -> list[Layer]:
    today = month_position(curve.today)
    if not frame.first <= today <= frame.end:
        return []
    ends = [{"month": today, "users": users} for users in (0, frame.top)]
    text = gettext("{month_text}.{day} 時点").format(
        month_text=month_text(month_number(curve.today)), day=curve.today.day
    )
    return [
        frame.chart(ends).mark_line(color=NOTE, strokeWidth=1.2),
        frame.text(
            today, frame.top, text, AXIS_TEXT, align="center", baseline="bottom", dy=-5, fontWeight="normal"
        ),
    ]


def _published(frame: _Frame, observations: Sequence[Observed]) -> list[Layer]:
    """Published counts as diamonds at the middle of their period; the last one is named."""
    if not observations:
        return []
    rows = [
        {"month": (month_position(seen.earliest) + month_position(seen.latest)) / 2, "users": seen.users}
        for seen in observations
    ]
    last = rows[-1]
    text = gettext("公表値 {last:,}人").format(last=last["users"])
    align, dx = ("left", -4) if frame.is_in_first(0.3, last["month"]) else ("right", -6)
    placed = {"align": align, "baseline": "bottom", "dx": dx, "dy": -8}
    return [
        frame.chart(rows).mark_point(
            shape="diamond", filled=True, fill="#ffffff", stroke=OBSERVED, strokeWidth=2, size=90, opacity=1
        ),
        frame.halo_text(last["month"], last["users"], text, OBSERVED, **placed),
    ]
