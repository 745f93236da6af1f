"""Tables that Excel opens: typed cells, text that stays text, and no formula whatever was typed."""

import csv
from datetime import date
from io import BytesIO, StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from rollout.tables import FORMULA_STARTS, MARK, csv_lines, write_workbook

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


def read_csv(rows):
    mark, *lines = csv_lines(rows)
    assert mark == MARK
    return list(csv.reader(StringIO("".join(lines), newline="")))


def read_workbook(rows, headings=("見出し",)):
    file = BytesIO()
    write_workbook(file, "表", headings, rows)
    return load_workbook(file)["表"]


@pytest.mark.parametrize("start", FORMULA_STARTS)
def test_text_is_no_formula_in_csv(start):
    assert read_csv([[f"{start}1+1", "1"]]) == [[f"'{start}1+1", "1"]]


def test_numbers_days_and_blanks_are_plain_in_csv():
    assert read_csv([[-5, date(2026, 6, 1), None, ""]]) == [["-5", "2026-06-01", "", ""]]


@given(st.lists(st.lists(TEXT, min_size=2, max_size=4), max_size=5))
def test_text_comes_back_from_csv_when_one_apostrophe_is_taken_off(rows):
    assert [[cell.removeprefix("'") for cell in row] for row in read_csv(rows)] == rows


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "007", "R8.6~"])
def test_text_is_text_in_a_workbook(text):
    cell = read_workbook([[text]])["A2"]
    assert (cell.value, cell.data_type) == (text, "s")


def test_cells_of_a_workbook_have_the_type_of_their_values():
    first, second, third = read_workbook([[68_600, date(2026, 6, 1), None]], ("人数", "日", "空"))[2]
    assert (first.value, first.data_type, first.number_format) == (68_600, "n", "#,##0")
    assert (second.value.date(), second.is_date, second.number_format) == (
        date(2026, 6, 1),
        True,
        "yyyy-mm-dd",
    )
    assert third.value is None


def test_what_no_workbook_can_hold_is_left_out():
    assert read_workbook([["前\x00\x0b後"]])["A2"].value == "前後"


def test_headings_stay_in_sight():
    sheet = read_workbook([["値"]])
    assert (sheet["A1"].value, sheet["A1"].font.b, sheet.freeze_panes) == ("見出し", True, "A2")
