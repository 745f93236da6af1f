"""Tables for people: CSV as Excel opens it, and workbooks with typed cells. No cell is ever a formula."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from io import StringIO
from typing import IO

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

Cell = str | int | date | None
Row = Sequence[Cell]

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
MARK = "\ufeff"
"""Tells Excel that what follows is UTF-8."""
WIDE = 18
"""Width of a column, in digits."""


def csv_lines(rows: Iterable[Row]) -> Iterator[str]:
    """The mark, then a line for each row; text that Excel could take for a formula gets an apostrophe."""
    yield MARK
    for row in rows:
        line = StringIO()
        csv.writer(line).writerow([_plain(cell) for cell in row])
        yield line.getvalue()


def write_workbook(file: IO[bytes], title: str, headings: Sequence[str], rows: Iterable[Row]) -> None:
    """One sheet: bold headings that stay in sight, days and numbers as such, text as text."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for number in range(1, len(headings) + 1):
        sheet.column_dimensions[get_column_letter(number)].width = WIDE
    bold = Font(bold=True)
    sheet.append([_cell(sheet, heading, font=bold) for heading in headings])
    for row in rows:
        sheet.append([_cell(sheet, value) for value in row])
    book.save(file)


def _plain(cell: Cell) -> str:
    text = "" if cell is None else str(cell)
    return f"'{text}" if isinstance(cell, str) and text.startswith(FORMULA_STARTS) else text


def _cell(sheet: object, value: Cell, font: Font | None = None) -> WriteOnlyCell:
    text = ILLEGAL_CHARACTERS_RE.sub("", value) if isinstance(value, str) else value
    cell = WriteOnlyCell(sheet, text)
    if isinstance(value, str):
        cell.data_type = "s"  # also where it begins like a formula
    elif isinstance(value, date):
        cell.number_format = "yyyy-mm-dd"
    elif value is not None:
        cell.number_format = "#,##0"
    if font:
        cell.font = font
    return cell
