"""The palette: every pair of colours that the pages use has the contrast it needs, by day and in the dark.

WCAG 2.2: 4.5 for text (1.4.3), 3 for what is drawn and for the edges of controls (1.4.11).
"""

import re
from pathlib import Path

import pytest

from rollout import charts, timeline

STATIC = Path("rollout/static/rollout")
TOKENS = (STATIC / "design-tokens-1.1.9/tokens.css").read_text(encoding="utf-8")
PAGES = "".join(
    (STATIC / f"{name}.css").read_text(encoding="utf-8") for name in ("dashboard", "front", "calendar")
)
DARK = (STATIC / "dark.css").read_text(encoding="utf-8")
TEXT, DRAWN = 4.5, 3


def declared(css):
    return dict(re.findall(r"--color-([\w-]+): ([^;]+);", css))


def scheme(*sheets):
    """Every token as a colour, those of later sheets over those of earlier ones."""
    values = {name: value for sheet in sheets for name, value in declared(sheet).items()}

    def colour(value):
        named = re.fullmatch(r"var\(--color-([\w-]+)\)", value)
        return colour(values[named[1]]) if named else value

    return {name: colour(value) for name, value in values.items()}


SCHEMES = {"light": scheme(TOKENS), "dark": scheme(TOKENS, DARK)}

PAIRS = [
    *((f"neutral-solid-gray-{step}", "neutral-white", TEXT) for step in (600, 700, 800, 900)),
    *((f"neutral-solid-gray-{step}", "neutral-solid-gray-50", TEXT) for step in (600, 700, 800, 900)),
    ("neutral-solid-gray-800", "primitive-blue-50", TEXT),
    ("neutral-solid-gray-420", "neutral-white", DRAWN),
    ("neutral-black", "neutral-white", DRAWN),
    ("primitive-blue-900", "neutral-white", TEXT),
    ("primitive-blue-900", "primitive-blue-50", TEXT),
    ("primitive-blue-1000", "neutral-white", TEXT),
    ("primitive-blue-1000", "neutral-solid-gray-50", TEXT),
    ("primitive-blue-1000", "primitive-blue-50", TEXT),
    ("neutral-white", "primitive-blue-900", TEXT),
    ("neutral-white", "primitive-blue-1000", TEXT),
    ("primitive-blue-500", "neutral-white", DRAWN),
    ("primitive-green-800", "neutral-white", DRAWN),
    ("primitive-green-900", "neutral-white", TEXT),
    ("neutral-white", "primitive-green-900", TEXT),
    ("primitive-orange-800", "neutral-white", DRAWN),
    ("primitive-orange-900", "neutral-white", TEXT),
    ("primitive-red-900", "neutral-white", TEXT),
    ("primitive-magenta-900", "neutral-white", DRAWN),
    ("semantic-error-2", "neutral-white", TEXT),
    ("semantic-warning-orange-2", "neutral-white", DRAWN),
]
FILLS = {"primitive-blue-100", "primitive-green-100"}
"""Areas whose edges are drawn."""
FOCUS = {"primitive-yellow-300"}
"""Behind a link that has the focus: its words are dark in both schemes."""

INKS = {charts.PLANNED: TEXT, charts.BAND_EDGE: DRAWN, charts.CONFIRMED: DRAWN, charts.CONFIRMED_TEXT: TEXT}
INKS |= {charts.OBSERVED: TEXT, charts.TARGET: TEXT, charts.NOTE: TEXT, charts.AXIS_TEXT: TEXT}
INKS |= {charts.SCENARIO: TEXT, timeline.LATE_TEXT: TEXT}
AREAS = {charts.BAND_FILL, charts.CONFIRMED_FILL, timeline.PLANNED_FILL, timeline.LATE_FILL, timeline.NO_FILL}


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def in_the_dark():
    """What each colour of a chart becomes, by how it is used."""
    rules = re.findall(r'\.chart \[(fill|stroke)="(#\w+)"\] \{ (?:fill|stroke): (#\w+); \}', DARK)
    return {(use, colour): dark for use, colour, dark in rules}


@pytest.mark.parametrize("name", SCHEMES)
@pytest.mark.parametrize(("front", "back", "least"), PAIRS)
def test_pair_of_the_pages_has_enough_contrast(name, front, back, least):
    colours = SCHEMES[name]
    assert contrast(colours[front], colours[back]) >= least


def test_every_colour_of_the_pages_is_in_a_pair():
    used = set(re.findall(r"var\(--color-([\w-]+)\)", PAGES))
    paired = {name for front, back, _ in PAIRS for name in (front, back)}
    assert used == paired | FILLS | FOCUS
    assert re.findall(r"#[0-9a-f]{3,8}\b", PAGES) == []


def test_words_of_a_link_in_focus_can_be_read():
    [focus] = re.findall(r"a:focus-visible \{ color: (#\w+); \}", DARK)
    yellow = SCHEMES["light"]["primitive-yellow-300"]
    inks = (SCHEMES["light"]["primitive-blue-1000"], focus)
    assert [contrast(ink, yellow) >= TEXT for ink in inks] == [True, True]


def test_dark_colours_are_of_the_palette():
    palette = set(SCHEMES["light"].values())
    assert set(re.findall(r"#\w{6}", DARK)) <= palette


@pytest.mark.parametrize(("ink", "least"), INKS.items())
def test_ink_of_a_chart_has_enough_contrast(ink, least):
    dark = in_the_dark()
    assert contrast(ink, "#ffffff") >= least
    assert {
        contrast(dark[use, ink], SCHEMES["dark"]["neutral-white"]) >= least for use in ("fill", "stroke")
    } == {True}


def test_every_colour_of_a_chart_has_one_in_the_dark():
    colours = {*INKS, *AREAS, charts.GRID, "#ffffff"}
    assert {colour for _, colour in in_the_dark()} == colours


@pytest.mark.parametrize(
    ("words", "area"),
    [(charts.CONFIRMED_TEXT, charts.CONFIRMED_FILL), (charts.AXIS_TEXT, charts.BAND_FILL)],
)
def test_words_within_an_area_can_be_read(words, area):
    dark = in_the_dark()
    pairs = [(words, area), (dark["fill", words], dark["fill", area])]
    assert [contrast(*pair) >= TEXT for pair in pairs] == [True, True]
