"""A chart is kept for one computation alone."""

from datetime import UTC, date, datetime

from rollout import charts, drawing
from rollout.models import Projection


def key(**values):
    row = Projection(
        basis="cumulative",
        data_version=7,
        today=date(2026, 11, 23),
        computed_at=datetime(2026, 11, 23, 7, tzinfo=UTC),
    )
    for name, value in values.items():
        setattr(row, name, value)
    return drawing.s_curve_key(row, [], charts.WIDE)


def test_chart_of_a_restored_database_is_another_one():
    assert key() == key()
    assert key() != key(computed_at=datetime(2026, 11, 23, 8, tzinfo=UTC))


def test_chart_of_stale_figures_is_another_one():
    assert key() != key(stale=True)
