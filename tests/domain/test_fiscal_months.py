"""Periods over the months of a fiscal year: where they stand, and how they lie beside one another."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.dates import parse
from rollout.domain.fiscal_months import MONTHS, Span, lay_in_lanes, months_of, span_in

SPANS = st.tuples(st.integers(0, 11), st.integers(0, 11)).map(lambda ends: Span(min(ends), max(ends)))


def placed(text, year=2026):
    period = parse(text)
    return span_in(year, period.earliest, period.latest)


@pytest.mark.parametrize("text", ["R8.3.31", "R9.4.1", "R7年度", "R9年度以降", "R7年度第4四半期"])
def test_period_outside_the_year_stands_nowhere(text):
    assert placed(text) is None


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("R8.4.1", Span(0, 0)),
        ("R9.3.31", Span(11, 11)),
        ("R8.6~", Span(2, 2)),
        ("R8年度第2四半期", Span(3, 5)),
        ("R8年度下期", Span(6, 11)),
        ("R8年度", Span(0, 11)),
        ("R8年", Span(0, 8, begins_before=True)),
        ("R9年", Span(9, 11, goes_beyond=True)),
        ("R8.12以降", Span(8, 11, goes_beyond=True)),
        ("R6年度以降", Span(0, 11, begins_before=True, goes_beyond=True)),
    ],
)
def test_period_stands_on_the_months_that_it_has_a_day_in(text, span):
    assert placed(text) == span


def test_span_says_how_long_it_is_and_whether_that_is_all():
    span = placed("R8年")
    assert (span.length, list(span.columns), span.is_within) == (9, list(range(9)), False)
    assert placed("R8.6").is_within is True


def test_months_of_a_fiscal_year_begin_in_april():
    assert months_of(2026) == range(2026 * 12 + 3, 2027 * 12 + 3)
    assert span_in(2026, date(2026, 4, 30), date(2027, 3, 1)) == Span(0, MONTHS - 1)


def test_what_finds_no_lane_is_left_off():
    laid = lay_in_lanes([(Span(0, 2), "a"), (Span(1, 3), "b"), (Span(3, 5), "c"), (Span(0, 11), "d")], 2)
    assert laid.lanes == [[(Span(0, 11), "d")], [(Span(0, 2), "a"), (Span(3, 5), "c")]]
    assert laid.left_off == ["b"]


def test_nothing_lies_in_no_lane():
    laid = lay_in_lanes([], 3)
    assert (laid.lanes, laid.left_off) == ([], [])


@given(st.lists(SPANS, max_size=30), st.integers(0, 4))
def test_lanes_hold_each_span_once_and_none_upon_another(spans, most):
    laid = lay_in_lanes([(span, place) for place, span in enumerate(spans)], most)
    held = [place for lane in laid.lanes for _, place in lane]
    assert sorted([*held, *laid.left_off]) == list(range(len(spans)))
    assert len(laid.lanes) <= most
    for lane in laid.lanes:
        columns = [column for span, _ in lane for column in span.columns]
        assert columns == sorted(set(columns))
