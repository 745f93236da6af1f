"""Tables for people: CSV as Excel opens it, and workbooks with typed cells. No cell is ever a formula."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from io import StringIO
from itertools import zip_longest
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

Cell = str | int | bool | date | None
Row = Sequence[Cell]

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
QUOTE = "'"
"""Stands before text in CSV that begins like a formula or with itself; whoever reads it takes one off."""
QUOTED = frozenset((QUOTE, *FORMULA_STARTS))
MARK = "\ufeff"
"""Tells Excel that what follows is UTF-8."""
PIECE = 16_384
"""Characters of a table that go out together."""
WIDE = 18
"""Width of a column, in digits."""
CHOICES = "選択肢"
LAST_ROW = 20_001
"""How far down a column offers its choices."""


def csv_lines(rows: Iterable[Row], *, mark: bool = True, raw: bool = False) -> Iterator[str]:
    """The mark, then a line for each row, many at a time (`PIECE`).

    Text that Excel could take for a formula is quoted (`QUOTE`) unless it is to be `raw`, for machines.
    """
    if mark:
        yield MARK
    lines, quoted = StringIO(), frozenset() if raw else QUOTED
    writer = csv.writer(lines)
    for row in rows:  # in one expression, without a call: tables have millions of cells
        writer.writerow(
            [
                f"{QUOTE}{cell}"
                if isinstance(cell, str) and cell[:1] in quoted
                else str(cell).lower()
                if cell is True or cell is False
                else cell
                for cell in row
            ]
        )
        if lines.tell() > PIECE:
            yield lines.getvalue()
            lines.seek(0)
            lines.truncate()
    yield lines.getvalue()


def write_workbook(
    file: IO[bytes],
    title: str,
    headings: Sequence[str],
    rows: Iterable[Row],
    choices: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """One sheet: bold headings that stay in sight, days and numbers as such, text as text.

    Under the headings of `choices` Excel offers these values, which stand in a hidden sheet.
    """
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    if choices:
        _offer(book, sheet, headings, choices)
    sheet.freeze_panes = "A2"
    for number in range(1, len(headings) + 1):
        sheet.column_dimensions[get_column_letter(number)].width = WIDE
    bold = Font(bold=True)
    sheet.append([_cell(sheet, heading, font=bold) for heading in headings])
    for row in rows:
        sheet.append([_cell(sheet, value) for value in row])
    book.save(file)


def printable(text: str) -> str:
    """The text without the control characters that no workbook can hold."""
    return str(ILLEGAL_CHARACTERS_RE.sub("", text))


def _offer(book: Workbook, sheet: Any, headings: Sequence[str], choices: Mapping[str, Sequence[str]]) -> None:
    hidden = book.create_sheet(CHOICES)
    hidden.sheet_state = "hidden"
    for row in zip_longest(*choices.values()):
        hidden.append([_cell(hidden, value) for value in row])
    for number, (heading, values) in enumerate(choices.items(), 1):
        source, column = get_column_letter(number), get_column_letter(headings.index(heading) + 1)
        rule = DataValidation("list", f"={CHOICES}!${source}$1:${source}${len(values)}", allow_blank=True)
        rule.error, rule.errorTitle = "一覧から選んでください。", heading
        rule.add(f"{column}2:{column}{LAST_ROW}")
        sheet.data_validations.append(rule)


def _cell(sheet: object, value: Cell, font: Font | None = None) -> WriteOnlyCell:
    text = printable(value) if isinstance(value, str) else value
    cell = WriteOnlyCell(sheet, text)
    if isinstance(value, str):
        cell.data_type = "s"  # also where it begins like a formula
    elif isinstance(value, date):
        cell.number_format = "yyyy-mm-dd"
    elif value is not None and not isinstance(value, bool):
        cell.number_format = "#,##0"
    if font:
        cell.font = font
    return cell
