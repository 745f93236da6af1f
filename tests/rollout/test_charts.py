"""The chart: pure from domain values, clean for a strict CSP, readable without colour and without sight."""

import os
import re
import struct
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import altair as alt
import pytest

from rollout import charts
from rollout.chart_words import s_curve_alt
from rollout.domain.plan import Basis
from rollout.domain.projection import Projection, Undated
from rollout.png import draw_png

TOKENS = Path("rollout/static/rollout/design-tokens-1.1.9/tokens.css").read_text(encoding="utf-8")
SEEN = [charts.Observed(date(2026, 5, 1), date(2026, 5, 31), 90)]


def make_curve():
    """Twelve months of R8年度: 100 users from R8.4, 400 from R9.1, of which 100 are confirmed."""
    return Projection(
        basis=Basis.CUMULATIVE,
        today=date(2026, 11, 23),
        first_month=2026 * 12 + 3,
        planned=(100,) * 9 + (400,) * 3,
        confirmed=(100,) * 12,
        low=(90,) * 9 + (380,) * 3,
        high=(110,) * 9 + (420,) * 3,
        target_users=1000,
        published_added={},
        undated=(Undated("later", 600, (), (), "検討中"),),
        conflicts=(),
    )


@pytest.fixture
def curve():
    return make_curve()


def texts(svg):
    return {re.sub(r"<[^>]+>", "", text) for text in re.findall(r"<text.*?</text>", svg)}


def contrast_to_white(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 1.05 / (luminance + 0.05)


@pytest.mark.parametrize("size", [charts.WIDE, charts.NARROW], ids=lambda size: size.name)
def test_svg_needs_no_inline_style_and_no_script(curve, size):
    svg = charts.s_curve_svg(curve, SEEN, size)
    assert re.findall(r"\sstyle=|<style|<script|\son\w+=|href=", svg) == []
    assert f'viewBox="0 0 {size.width} ' in svg


@pytest.mark.parametrize("size", [charts.WIDE, charts.NARROW], ids=lambda size: size.name)
def test_svg_names_its_lines_where_they_are(curve, size):
    names = texts(charts.s_curve_svg(curve, SEEN, size))
    assert {
        "目標 1,000人",
        "計画 400人（R8年度末）",
        "公表値 90人",
        "時期未定600人",
        "R8.11.23 時点",
        "R8.42026",
        "R9.42027",
    } <= names


def test_svg_names_confirmed_users_only_where_there_is_room(curve):
    roomy = replace(curve, confirmed=(300,) * 12)
    assert "利用確認済み 100人" not in texts(charts.s_curve_svg(curve, SEEN))
    assert "利用確認済み 300人" in texts(charts.s_curve_svg(roomy, SEEN))


def test_spec_is_pure(curve):
    assert charts.s_curve_spec(curve, SEEN) == charts.s_curve_spec(curve, SEEN)


def rows_of(spec, field):
    return next(rows for rows in spec["datasets"].values() if field in rows[0])


def test_spec_draws_every_month_and_the_width_of_the_last(curve):
    rows = rows_of(charts.s_curve_spec(curve, SEEN), "high")
    assert [row["users"] for row in rows] == [*curve.low, 380]
    assert rows[-1]["month"] == rows[-2]["month"] + 1


def test_spec_of_a_plan_without_target_observations_or_confirmed_users(curve):
    bare = replace(
        curve, target_users=None, confirmed=(0,) * 12, undated=(), planned=(0,) * 12, low=(0,) * 12
    )
    names = texts(charts.s_curve_svg(bare, []))
    assert {name for name in names if re.match("目標|公表値|利用確認済み|時期未定", name)} == set()


def test_spec_of_a_plan_that_begins_after_today_has_no_line_for_today(curve):
    early = replace(curve, today=date(2026, 1, 5))
    assert not any("時点" in name for name in texts(charts.s_curve_svg(early, SEEN)))


def test_spec_makes_room_for_observations_outside_the_plan(curve):
    seen = [
        charts.Observed(date(2025, 1, 1), date(2025, 1, 31), 5),
        charts.Observed(date(2028, 2, 1), date(2028, 2, 29), 900),
    ]
    domains = {
        tuple(layer["encoding"]["x"]["scale"]["domain"])
        for layer in charts.s_curve_spec(curve, seen)["layer"]
        if "encoding" in layer
    }
    assert domains == {(2025 * 12, 2028 * 12 + 2)}


def test_year_labels_thin_out_where_there_is_no_room(curve):
    years = replace(curve, planned=(1,) * 480, confirmed=(0,) * 480, low=(1,) * 480, high=(1,) * 480)
    labels = {
        name
        for name in texts(charts.s_curve_svg(years, [], charts.NARROW))
        if re.match(r"R\d+\.4\d{4}$", name)
    }
    assert 4 <= len(labels) <= charts.NARROW.years


def test_alt_sentence_says_what_the_chart_shows(curve):
    assert s_curve_alt(curve, SEEN) == (
        "月ごとの累計利用者数の図。計画はR8.11で100人、R8年度末で400人（幅380〜420人）、"
        "利用を確認できたのは100人、目標は1,000人で、時期の決まった計画だけでは届きません、"
        "時期未定は600人、公表値は1件で、最新はR8.5の90人。"
    )


def test_alt_sentence_says_when_the_target_is_reached(curve):
    assert "目標は400人で、計画ではR9.1に届きます" in s_curve_alt(replace(curve, target_users=400), [])


def picture_of(letter):
    mark = {"type": "text", "text": letter, "fontSize": 40}
    return draw_png({"mark": mark, "data": {"values": [{}]}, "config": {}}, 1)


NO_LETTER = "\U000ffffe"
"""What no font has a letter for, since there will never be one."""


def test_png_has_every_letter_of_the_chart(curve):
    letters = {*"".join(texts(charts.s_curve_svg(curve, SEEN))), *"令和利用確認済み"} - {" "}
    pictures = {picture_of(letter) for letter in letters}
    assert len(pictures) == len(letters)
    assert picture_of(NO_LETTER) == picture_of("\U0010fffe")
    assert picture_of(NO_LETTER) not in pictures


NO_FONTS = "<fontconfig><dir>/nonexistent</dir></fontconfig>"
DRAW = """
import sys
import django
django.setup()
from rollout import charts
from tests.rollout.test_charts import SEEN, make_curve
sys.stdout.buffer.write(charts.s_curve_png(make_curve(), SEEN))
"""


def test_png_is_the_same_on_a_machine_without_fonts(curve, tmp_path):
    (tmp_path / "fonts.conf").write_text(NO_FONTS)
    environment = {**os.environ, "FONTCONFIG_FILE": str(tmp_path / "fonts.conf")}
    drawn = subprocess.run([sys.executable, "-c", DRAW], env=environment, capture_output=True, check=True)
    assert drawn.stdout == charts.s_curve_png(curve, SEEN)


def test_png_is_as_wide_as_a_mail(curve):
    assert struct.unpack(">II", charts.s_curve_png(curve, SEEN)[16:24]) == (1020, 600)


@pytest.mark.parametrize(
    "colour",
    [charts.PLANNED, charts.BAND_EDGE, charts.CONFIRMED, charts.OBSERVED, charts.TARGET, charts.NOTE],
)
def test_lines_stand_out_from_white(colour):
    assert contrast_to_white(colour) >= 3


def test_colours_are_the_digital_agencys():
    used = re.findall(r"#[0-9a-f]{6}", Path(charts.__file__).read_text(encoding="utf-8"))
    assert {colour for colour in used if colour not in TOKENS} == set()


@pytest.mark.parametrize("beside", [(), (charts.Beside("試算", make_curve(), is_scenario=True),)])
def test_spec_is_valid_vega_lite(curve, beside):
    spec = charts.s_curve_spec(curve, SEEN, beside=beside)
    assert alt.LayerChart.from_dict(spec, validate=True).to_dict(validate=True)["height"] == spec["height"]


def test_curve_beside_the_plan_is_drawn_and_named(curve):
    other = replace(curve, planned=(50,) * 12)
    for is_scenario in (True, False):
        beside = [charts.Beside("別の計画", other, is_scenario)]
        svg = charts.s_curve_svg(curve, SEEN, beside=beside)
        assert ("別の計画" in texts(svg), charts.SCENARIO in svg) == (True, is_scenario)
