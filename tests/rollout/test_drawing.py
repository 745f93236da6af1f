"""A drawing is kept for what it shows, and for nothing else."""

from dataclasses import replace

import pytest
from django.core.cache import cache
from django.utils.translation import get_language

from rollout import charts, drawing
from rollout.domain.plan import Basis
from tests.rollout.test_charts import make_curve


@pytest.fixture(autouse=True)
def _nothing_kept():
    cache.clear()


def test_same_curve_is_drawn_once(monkeypatch):
    drawn = []
    monkeypatch.setattr(charts, "s_curve_svg", lambda *shown: drawn.append(shown) or "<svg>")
    once, again = (drawing.s_curve(make_curve(), [], charts.WIDE) for _ in range(2))
    assert (once, again, len(drawn)) == ("<svg>", "<svg>", 1)


def test_whatever_is_otherwise_makes_another_drawing(monkeypatch):
    curve, drawn = make_curve(), []
    monkeypatch.setattr(charts, "s_curve_svg", lambda *shown: drawn.append(shown) or "<svg>")
    beside = charts.Beside("基準", curve, is_scenario=False)
    drawing.s_curve(curve, [], charts.WIDE)
    drawing.s_curve(curve, [], charts.NARROW)
    drawing.s_curve(curve, [], charts.WIDE, [beside])
    drawing.s_curve(replace(curve, target_users=None), [], charts.WIDE)
    assert len(drawn) == 4


@pytest.mark.usefixtures("seeded")
def test_charts_are_drawn_ahead_in_every_language_and_reading(monkeypatch):
    drawn = []
    monkeypatch.setattr(charts, "s_curve_svg", lambda curve, *_: drawn.append(curve.basis) or get_language())
    monkeypatch.setattr(drawing, "timeline_svg", lambda *_: "<svg>")
    drawing.draw_ahead(["ja", "en"], Basis)
    assert drawn == [Basis.CUMULATIVE] * 2 + [Basis.GROUP] * 2 + [Basis.CUMULATIVE] * 2 + [Basis.GROUP] * 2
