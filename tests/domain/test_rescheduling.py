"""Periods moved by months: as fine as before, and back again where no month is shorter."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rollout.domain.dates import FuzzyDateError, Precision, parse
from rollout.domain.rescheduling import MONTHS_LONG, move_by_months

MOVED = [
    ("R8.6~", 3, "R8.9~"),
    ("R8.6", -6, "R7.12"),
    ("令和8年6月以降", 1, "R8.7以降"),
    ("R8.6.15", 1, "R8.7.15"),
    ("R9.1.31", 1, "R9.2.28"),
    ("R10.2.29", 12, "R11.2.28"),
    ("R8年度第4四半期", 3, "R9年度第1四半期"),
    ("R8年度上期", 6, "R8年度下期"),
    ("R8年度以降", 12, "R9年度以降"),
    ("R8年度末", 12, "R10.3"),
    ("R2年", -12, "2019年"),
]
REFUSED = [
    ("検討中", 1, "切替の時期が決まっていないので、月数ではずらせません。"),
    ("R8年度", 3, "「R8年度」は12か月単位でずらしてください。"),
    ("R8年度第2四半期", 1, "「R8年度第2四半期」は3か月単位でずらしてください。"),
    ("R1", 12, "改元で区切られた期間なので、月数ではずらせません。"),
    ("R1以降", 12, "改元で区切られた期間なので、月数ではずらせません。"),
    ("R99.3.1", 1, "1912年7月30日（大正元年）から2117年3月31日（令和99年）までの日付を書いてください。"),
    ("R8.6", 120_000, "ずらした先の年が、日付として書ける範囲を超えます。"),
]


@pytest.mark.parametrize(("text", "months", "moved"), MOVED)
def test_period_moves_and_stays_as_fine_as_it_was(text, months, moved):
    found = move_by_months(parse(text), months)
    assert (found, found.text) == (parse(moved), moved)


@pytest.mark.parametrize(("text", "months", "message"), REFUSED)
def test_what_cannot_be_moved_says_what_to_do(text, months, message):
    with pytest.raises(FuzzyDateError) as caught:
        move_by_months(parse(text), months)
    assert str(caught.value) == message


@given(st.dates(parse("R2.1.1").earliest, parse("R80.1.1").earliest), st.integers(-60, 60), st.booleans())
def test_month_moves_there_and_back(day, months, is_open):
    text = f"{day:%Y-%m}" + "~" * is_open
    moved = move_by_months(parse(text), months)
    assert (moved.precision, moved.open_ended) == (Precision.MONTH, is_open)
    assume(moved.earliest >= parse("R2.1.1").earliest)
    assert move_by_months(moved, -months) == parse(text)


@given(
    st.sampled_from(["R8.6.15", "R8.6", "R8年度第2四半期", "R8年度下期", "R8年度", "R8"]), st.integers(-5, 40)
)
def test_moved_period_reads_back_from_its_text(text, steps):
    cutover = parse(text)
    moved = move_by_months(cutover, steps * MONTHS_LONG[cutover.precision])
    assert parse(moved.text) == moved
