"""What moved a figure as a picture: from the one state, step by step, to the other.

Each step is a bar from where the one before it ended, so the eye adds up what the table says in figures.
The axis begins near the lowest figure, not at 0: bars show differences, points the two totals. A step up is
blue and one down orange, and each says so with a sign.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import vl_convert
from django.utils.translation import gettext

from rollout.charts import AXIS_TEXT, FONT, GRID, NOTE, OBSERVED, PLANNED, TARGET, Size
from rollout.models.labels import signed_text

ROOM_FOR_TEXT = 0.4
"""Part of the span of all figures that the longest text beside a bar takes up."""

Layer = alt.Chart | alt.LayerChart


@dataclass(frozen=True)
class Step:
    """One line of the chart: what it is (rollout and cause, or a name), and the users before and after it."""

    words: tuple[str, ...]
    start: int
    end: int


WIDE = Size("wide", 1040, 40, 15, 8)
NARROW = Size("narrow", 400, 36, 13, 3)
"""`height` is that of one line, `years` the number of labels on the axis."""


def waterfall_svg(steps: Sequence[Step], size: Size = WIDE) -> str:
    """The chart as an SVG element without style attributes or scripts."""
    svg: str = vl_convert.vegalite_to_svg(waterfall_spec(steps, size))
    return svg.replace(
        '<svg xmlns="http', f'<svg aria-hidden="true" id="waterfall-{size.name}" xmlns="http', 1
    )


def waterfall_spec(steps: Sequence[Step], size: Size = WIDE) -> dict[str, Any]:
    """The chart in Vega-Lite; the first and the last step are totals, where start and end are the same."""
    chart = (
        alt.layer(*_bars(steps, size), *_totals(steps, size))
        .properties(
            width=size.width,
            height=size.height * len(steps) + 3 * size.font,
            autosize=alt.AutoSizeParams(type="fit", contains="padding"),
            padding={"left": 4, "top": 4, "right": size.font, "bottom": 4},
        )
        .configure(aria=False, font=FONT)
        .configure_view(stroke=None)
    )
    spec: dict[str, Any] = chart.to_dict(validate=False)  # takes half of the time; the tests validate
    return spec


def _bars(steps: Sequence[Step], size: Size) -> list[Layer]:
    moves = list(enumerate(steps))[1:-1]
    rows = [{"line": line, "users": step.start, "end": step.end} for line, step in moves]
    color: Any = alt.condition("datum.end > datum.users", alt.value(PLANNED), alt.value(OBSERVED))
    levels = [
        {"line": line + after, "users": step.end, "step": line}
        for line, step in enumerate(steps[:-1])
        for after in (0, 1)
    ]
    texts = [(line, max(step.start, step.end), signed_text(step.end - step.start)) for line, step in moves]
    return [
        _chart(levels, steps, size).mark_line(color=NOTE, strokeWidth=1).encode(detail="step:N"),
        _chart(rows, steps, size).mark_bar(height={"band": 0.55}).encode(x2="end:Q", color=color),
        _texts(texts, steps, size, AXIS_TEXT),
    ]


def _totals(steps: Sequence[Step], size: Size) -> list[Layer]:
    ends = [(0, steps[0].end), (len(steps) - 1, steps[-1].end)]
    rows = [{"line": line, "users": users} for line, users in ends]
    points = _chart(rows, steps, size).mark_point(
        shape="circle", filled=True, color=TARGET, size=90, opacity=1
    )
    texts = [(line, users, gettext("{users:,}人").format(users=users)) for line, users in ends]
    return [points, _texts(texts, steps, size, TARGET, fontWeight="bold")]


def _texts(
    texts: Sequence[tuple[int, int, str]], steps: Sequence[Step], size: Size, color: str, **marks: Any
) -> alt.Chart:
    rows = [{"line": line, "users": users, "text": text} for line, users, text in texts]
    placed: dict[str, Any] = {
        "align": "left",
        "baseline": "middle",
        "dx": 8,
        "fontSize": size.font,
        "color": color,
    }
    label: alt.Chart = _chart(rows, steps, size).mark_text(**placed, **marks).encode(text="text:N")
    return label


def _chart(rows: Sequence[dict[str, Any]], steps: Sequence[Step], size: Size) -> alt.Chart:
    levels = [users for step in steps for users in (step.start, step.end)]
    span = max(levels) - min(levels) or 1
    domain = [max(0, min(levels) - span * 0.05), max(levels) + span * ROOM_FOR_TEXT]
    return alt.Chart({"values": list(rows)}).encode(
        x=alt.X("users:Q", scale=alt.Scale(domain=domain, nice=False), axis=_users(size)),
        y=alt.Y("line:O", scale=alt.Scale(domain=list(range(len(steps)))), axis=_lines(steps, size)),
    )


def _users(size: Size) -> alt.Axis:
    return alt.Axis(
        title=gettext("人"),
        titleFontWeight="normal",
        titleFontSize=size.font - 1,
        titleColor=AXIS_TEXT,
        titleAnchor="end",
        format=",d",
        labelFontSize=size.font - 1,
        labelColor=AXIS_TEXT,
        tickCount=size.years,
        gridColor=GRID,
        gridDash=[1, 3],
        domain=False,
        ticks=False,
    )


def _lines(steps: Sequence[Step], size: Size) -> alt.Axis:
    """What each line is: in full where there is room, else without the cause, which the table names."""
    texts = [gettext("の").join(step.words) if size is WIDE else step.words[0] for step in steps]
    labels = json.dumps(dict(enumerate(texts)), ensure_ascii=False)
    return alt.Axis(
        title=None,
        labelExpr=f"({labels})[datum.value]",
        labelFontSize=size.font,
        labelColor=AXIS_TEXT,
        labelLimit=size.width // 3,
        labelPadding=8,
        domain=False,
        ticks=False,
    )
