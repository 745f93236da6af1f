"""Uploaded files become tables: workbooks and CSV, whatever Excel has made of them. Nothing is guessed."""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from io import BytesIO, StringIO
from typing import Any
from unicodedata import normalize
from zipfile import BadZipFile, ZipFile

from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from openpyxl import load_workbook
from openpyxl.utils import get_column_letter

from rollout.tables import QUOTE, printable

MOST_ROWS = 20_000
MOST_BYTES = 10 * 1024 * 1024
MOST_UNPACKED = 300 * 1024 * 1024
"""Of a workbook, which is a packed archive."""
OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"
"""How files begin that are an .xls, or an .xlsx with a password."""
WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
"""How UTF-16 begins."""
MERGED = re.compile(rb'<(?:\w+:)?mergeCell ref="([A-Z0-9:]+)"')
ERRORS, FORMULA = "e", "f"
"""What openpyxl calls cells that hold an error or a formula."""

NOT_A_WORKBOOK = _("Excelファイルとして開けません。Excelで開いて .xlsx で保存し直してください。")
IS_OLD = _(
    "古い形式（.xls）か、パスワード付きのファイルです。"
    "パスワードを外し、「Excelブック（.xlsx）」で保存し直してください。"
)
NOT_TEXT = _(
    "文字コードを判別できません。「CSV UTF-8」か、Excelの標準のCSV（Shift_JIS）で保存し直してください。"
)
TOO_MANY_ROWS = format_lazy(
    _("行が多すぎます。1回に{most_rows:,}行までです。ファイルを分けてください。"), most_rows=MOST_ROWS
)


class UnreadableFileError(ValueError):
    """A file that cannot be taken in as a whole; every reason is in `messages`, in Japanese."""

    def __init__(self, *messages: str) -> None:
        super().__init__(*messages)
        self.messages = list(messages)


@dataclass(frozen=True)
class Broken:
    """A cell that holds no value; says what it holds instead."""

    why: str


Value = str | int | float | date | Broken
"""A cell that is not empty."""


@dataclass(frozen=True)
class Line:
    """One row of the file by its headings, without empty cells; `number` is where a person sees it."""

    number: int
    cells: Mapping[str, Value]


@dataclass(frozen=True)
class Table:
    """The rows of a file that hold anything, under headings that are known."""

    headings: list[str]
    lines: list[Line]


def read_table(name: str, data: bytes, *, title: str, headings: Sequence[str]) -> Table:
    """The table in an uploaded file; of a workbook, the sheet called `title`, or else the first.

    `headings` are those that it may have. Raises UnreadableFileError.
    """
    if data.startswith(OLD_WORKBOOK):
        raise UnreadableFileError(str(IS_OLD))
    is_workbook = name.lower().endswith((".xlsx", ".xlsm")) or data.startswith(b"PK")
    rows = _workbook_rows(data, title) if is_workbook else _csv_rows(data)
    return _table(rows, headings)


def _table(rows: Iterator[Sequence[Value | None]], headings: Sequence[str]) -> Table:
    first = next(rows, ())
    found = _headings(first, headings)
    lines: list[Line] = []
    stray: list[str] = []
    for number, row in enumerate(rows, 2):
        cells = {
            heading: value
            for heading, value in zip(found, row, strict=False)
            if value is not None and heading
        }
        stray += [
            f"{get_column_letter(place)}{number}"
            for place, value in enumerate(row, 1)
            if value is not None and (place > len(found) or not found[place - 1])
        ]
        if cells:
            lines.append(Line(number, cells))
        if len(lines) > MOST_ROWS:
            raise UnreadableFileError(str(TOO_MANY_ROWS))
    if stray:
        raise UnreadableFileError(
            gettext(
                "見出しのない列に値があります（{names}{value}）。値を消すか、1行目に見出しを書いてください。"
            ).format(names=gettext("、").join(stray[:5]), value=gettext(" など") if stray[5:] else "")
        )
    if not lines:
        raise UnreadableFileError(gettext("見出しの下に行がありません。"))
    return Table([heading for heading in found if heading], lines)


def _headings(row: Sequence[Value | None], known: Sequence[str]) -> list[str]:
    """The headings of the first row as they are known; "" where a column has none."""
    of_text = {plain_text(heading): heading for heading in known}
    texts = ["" if cell is None else plain_text(cell) for cell in row]
    found = [of_text.get(text, "") for text in texts]
    if not any(found):
        raise UnreadableFileError(
            gettext(
                "1行目に見出し（{names} など）がありません。"
                "見出しより上の行を消すか、様式をダウンロードして使ってください。"
            ).format(names=gettext("、").join(known[:3]))
        )
    unknown = [text for text, heading in zip(texts, found, strict=True) if text and not heading]
    wrong = [
        gettext("「{text}」という列は取り込めません。列を消すか、見出しを直してください。").format(text=text)
        for text in unknown
    ]
    wrong += [
        gettext("「{heading}」の列が{count}つあります。1つにしてください。").format(
            heading=heading, count=count
        )
        for heading, count in Counter(found).items()
        if heading and count > 1
    ]
    if wrong:
        raise UnreadableFileError(*wrong)
    return found


def _workbook_rows(data: bytes, title: str) -> Iterator[Sequence[Value | None]]:
    try:
        with ZipFile(BytesIO(data)) as archive:
            _check_archive(archive)
        book = load_workbook(BytesIO(data), read_only=True, keep_links=False)
    except UnreadableFileError:
        raise
    except Exception as error:  # a broken archive can fail openpyxl in any way
        raise UnreadableFileError(str(NOT_A_WORKBOOK)) from error
    if not book.worksheets:
        raise UnreadableFileError(str(NOT_A_WORKBOOK))
    sheet: Any = book[title] if title in book.sheetnames else book.worksheets[0]
    sheet.reset_dimensions()  # what the file says of its size may be wrong
    try:
        for row in sheet.iter_rows():
            yield [_cell(cell) for cell in row]
    except Exception as error:
        raise UnreadableFileError(str(NOT_A_WORKBOOK)) from error


def _check_archive(archive: ZipFile) -> None:
    """Refuse what would fill the memory, and cells that stand for several."""
    if sum(member.file_size for member in archive.infolist()) > MOST_UNPACKED:
        raise UnreadableFileError(gettext("ファイルの中身が大きすぎます。行を分けてください。"))
    if "xl/workbook.xml" not in archive.namelist():
        raise BadZipFile
    for name in archive.namelist():
        if name.startswith("xl/worksheets/") and (merged := MERGED.findall(archive.read(name))):
            places = gettext("、").join(place.decode() for place in merged[:5])
            raise UnreadableFileError(
                gettext(
                    "結合されたセルがあります（{places}）。結合を解除し、どの行にも値を入れてください。"
                ).format(places=places)
            )


def _cell(cell: Any) -> Value | None:
    value = cell.value
    if value is None:
        return None
    if cell.data_type == FORMULA:
        return Broken(gettext("数式です。「値の貼り付け」で、計算結果の値にしてください"))
    if cell.data_type == ERRORS:
        return Broken(gettext("エラー値（{value}）です。正しい値を入れてください").format(value=value))
    if isinstance(value, datetime):
        return (
            value.date()
            if value.time() == time()
            else Broken(gettext("時刻があります。日付だけにしてください"))
        )
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, int | float | date):
        return value
    return _text(str(value)) if isinstance(value, str) else Broken(gettext("読めない形式の値です"))


def _csv_rows(data: bytes) -> Iterator[Sequence[Value | None]]:
    lines = csv.reader(StringIO(_decoded(data), newline=""), strict=True)
    try:
        for row in lines:
            yield [_text(cell.removeprefix(QUOTE)) for cell in row]
    except csv.Error as error:
        raise UnreadableFileError(
            gettext(
                '{line_num}行目のあたりで、CSVとして読めません。引用符（"）の数を確かめてください。'
            ).format(line_num=lines.line_num)
        ) from error


def _decoded(data: bytes) -> str:
    if data.startswith(WIDE_MARKS):
        raise UnreadableFileError(str(NOT_TEXT))
    for encoding in ("utf-8-sig", "cp932"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnreadableFileError(str(NOT_TEXT))


def _text(text: str) -> str | None:
    return printable(text).strip() or None


def plain_text(value: Value | None) -> str:
    """A value as text that can be compared: width and blanks do not count, a day is ISO."""
    if value is None or isinstance(value, Broken):
        return ""
    return normalize("NFKC", str(value)).strip()
