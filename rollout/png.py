"""Vega-Lite -> PNG, the same on every machine.

Letters are drawn in the font of the package `manimgx_fonts_cjk`. It is registered on import, so that charts
measure their labels alike from the first one on, whether they become PNG or SVG.
"""

import re
from importlib.resources import files
from typing import Any

import vl_convert

vl_convert.register_font_directory(str(files("manimgx_fonts_cjk")))
PNG_CONFIG = {"font": "Noto Sans CJK JP", "axis": {"labelFontWeight": 100}}
PNG_STROKE, PNG_BOLD_STROKE = 0.045, 0.075
"""What makes letters of a PNG readable, in parts of their size.

The font is a variable one, of which the renderer draws the thinnest weight, whatever is asked for: letters
get an edge of their own colour.
"""


def draw_png(spec: dict[str, Any], scale: float) -> bytes:
    """A Vega-Lite chart as a PNG, its letters from the font that comes along."""
    svg = vl_convert.vegalite_to_svg({**spec, "config": spec["config"] | PNG_CONFIG})
    png: bytes = vl_convert.svg_to_png(re.sub(r"<text\b[^>]*?(?=/?>)", _with_edge, svg), scale=scale)
    return png


def _with_edge(text: re.Match[str]) -> str:
    """A text's tag up to its end: the thinnest weight, and an edge of its own colour unless it has one."""
    read = dict(re.findall(r'\s([\w-]+)="([^"]*)"', text[0]))
    part = PNG_BOLD_STROKE if read.get("font-weight") == "bold" else PNG_STROKE
    width = float(read["font-size"].removesuffix("px")) * part
    edge = {"stroke": read["fill"], "stroke-width": f"{width:.3f}", "stroke-linejoin": "round"}
    drawn = {**edge, **read, "font-weight": "100"}
    return "<text " + " ".join(f'{name}="{value}"' for name, value in drawn.items())
