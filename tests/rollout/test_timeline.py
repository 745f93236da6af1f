"""The timeline: a period stays a period, status is told without colour, and what has no date has a line."""

import re
from dataclasses import replace
from datetime import date

import altair as alt
import pytest

from rollout import timeline
from rollout.charts import month_position
from rollout.domain.allocation import CountBasis
from rollout.domain.dates import parse
from rollout.shown import ShownWave
from rollout.timeline import NARROW, WIDE, Beside, lines, timeline_spec, timeline_svg
from tests.rollout.test_charts import texts

TODAY = date(2026, 11, 23)


def wave(cutover="R9.1", status="planned", **values):
    shown = ShownWave(
        id=1,
        code="nta-1",
        name="",
        rollout="nta",
        rollout_label="国税庁",
        cohort="fy2026",
        cohort_label="R8年度導入予定",
        cutover=parse(cutover),
        status=status,
        users=68_600,
        count_basis=CountBasis.STATED,
        sources=(),
    )
    return replace(shown, **values)


def spec_of(*waves, beside=None, size=WIDE):
    return timeline_spec(lines(waves, beside or {}), TODAY, size)


def bars(spec):
    """The bars as pairs of months, and the fill and the edge of each layer's."""
    found = [layer for layer in spec["layer"] if layer["mark"]["type"] == "bar"]
    return [
        (row["month"], row["end"], layer["mark"]["fill"], layer["mark"]["stroke"])
        for layer in found
        for row in spec["datasets"][layer["data"]["name"]]
    ]


def words(spec):
    rows = [row for values in spec["datasets"].values() for row in values if "text" in row]
    return [row["text"] for row in rows]


@pytest.mark.parametrize(
    ("cutover", "first", "last"),
    [
        ("R9.1.15", date(2027, 1, 15), None),
        ("R9.1~", date(2027, 1, 1), date(2027, 2, 1)),
        ("令和8年度第4四半期", date(2027, 1, 1), date(2027, 4, 1)),
        ("R9年度", date(2027, 4, 1), date(2028, 4, 1)),
        ("R3", date(2021, 1, 1), date(2022, 1, 1)),
    ],
)
def test_bar_is_as_long_as_what_is_known(cutover, first, last):
    [(start, end, *_)] = bars(spec_of(wave(cutover)))
    shortest = month_position(first) + timeline.SHORTEST
    assert (start, end) == (month_position(first), month_position(last) if last else shortest)


def test_wave_without_a_date_has_a_line_and_no_bar():
    spec = spec_of(wave("検討中", "under_review"))
    assert (bars(spec), "○ 検討中" in words(spec)) == ([], True)


@pytest.mark.parametrize(
    ("status", "cutover", "said"),
    [
        ("in_use", "R7.5~", "● R7.5~ 利用中"),
        ("planned", "R8.6~", "▲ R8.6~ 予定日経過・未確認"),
        ("planned", "R9.1~", "○ R9.1~ 予定"),
        ("migrating", "R9.1~", "◐ R9.1~ 移行中"),
        ("cancelled", "R8.6~", "× R8.6~ 中止"),
    ],
)
def test_status_is_a_mark_and_a_word(status, cutover, said):
    assert said in words(spec_of(wave(cutover, status)))


def test_looks_differ_by_more_than_colour():
    looks = [timeline.IN_USE, timeline.OVERDUE, timeline.UNDER_WAY, timeline.COMING, timeline.CANCELLED]
    assert len({look.mark for look in looks}) == len(looks)


def test_what_a_baseline_had_is_an_empty_bar_and_words():
    beside = {1: Beside(parse("R8.6~"), "+12か月")}
    spec = spec_of(wave("R9.6"), beside=beside)
    before, now = bars(spec)
    assert before[:3] == (month_position(date(2026, 6, 1)), month_position(date(2026, 7, 1)), "#ffffff")
    assert now[:2] == (month_position(date(2027, 6, 1)), month_position(date(2027, 7, 1)))
    assert "○ R9.6 予定 （基準は R8.6~、+12か月）" in words(spec)


def test_each_cohort_stands_over_its_waves():
    first, second = wave(cohort="a", cohort_label="甲"), wave(cohort="b", cohort_label="乙", id=2)
    drawn = lines([first, second], {})
    assert [line.heading or line.wave.label for line in drawn] == ["甲", "国税庁", "乙", "国税庁"]


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=lambda size: size.name)
def test_spec_is_valid_vega_lite(size):
    spec = spec_of(wave(), wave("検討中"), beside={1: Beside(parse("R8.6~"), "+7か月")}, size=size)
    assert alt.LayerChart.from_dict(spec, validate=True).to_dict(validate=True)["height"] == spec["height"]


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=lambda size: size.name)
def test_svg_needs_no_inline_style_and_no_script(size):
    svg = timeline_svg(lines([wave()], {}), TODAY, size)
    assert re.findall(r"\sstyle=|<style|<script|\son\w+=|href=", svg) == []
    assert {"国税庁", "R8年度導入予定", "R8.11.23 時点"} <= texts(svg)


def test_timeline_of_nothing_can_be_drawn():
    assert timeline_svg([], TODAY).startswith("<svg")
