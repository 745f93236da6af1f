"""Files as people send them: what comes back from an export, and what is refused before it does harm."""

import csv
from datetime import date
from io import BytesIO, StringIO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from rollout.importing import files
from rollout.importing.files import UnreadableFileError, read_table
from rollout.tables import csv_lines, write_workbook

HEADINGS = ("コード", "切替（和暦）", "備考")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
CELLS = st.one_of(st.none(), st.integers(0, 10**9), st.dates(date(1990, 1, 1), date(2200, 1, 1)), TEXT)
ROWS = st.lists(st.tuples(st.just("code"), CELLS, CELLS), min_size=1, max_size=5)


def read(name, data):
    table = read_table(name, data, title="表", headings=HEADINGS)
    return [[line.cells.get(heading) for heading in HEADINGS] for line in table.lines]


def exported(value):
    """What an export leaves of a cell: no control characters, no blanks around it."""
    if not isinstance(value, str):
        return value
    return files.printable(value).strip() or None


@given(ROWS)
def test_workbook_of_an_export_is_read_as_it_was_written(rows):
    file = BytesIO()
    write_workbook(file, "表", HEADINGS, rows)
    expected = [[lines(exported(cell)) for cell in row] for row in rows]
    assert [[lines(cell) for cell in row] for row in read("a.xlsx", file.getvalue())] == expected


@given(ROWS)
def test_csv_of_an_export_is_read_as_it_was_written(rows):
    text = "".join(csv_lines([HEADINGS, *rows]))
    expected = [[exported(str(cell)) if cell is not None else None for cell in row] for row in rows]
    assert read("a.csv", text.encode()) == expected


def lines(value):
    """XML knows one kind of line end."""
    return value.replace("\r\n", "\n").replace("\r", "\n") if isinstance(value, str) else value


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_csv_is_read_in_the_encodings_of_excel(encoding):
    text = StringIO()
    csv.writer(text).writerows([HEADINGS, ["nta-1", "令和8年6月", "照会済"]])
    assert read("a.csv", text.getvalue().encode(encoding)) == [["nta-1", "令和8年6月", "照会済"]]


def test_headings_are_known_whatever_their_width_and_order():
    assert read("a.csv", " 備考 ,切替(和暦),コード\nx,令和8年6月,nta-1\n".encode()) == [
        ["nta-1", "令和8年6月", "x"]
    ]


def test_other_sheets_and_blank_rows_are_left_out():
    book, file = Workbook(), BytesIO()
    book.active.append(["メモ"])
    for row in (HEADINGS, ["nta-1"], [], ["mof-1"]):
        (book["表"] if "表" in book.sheetnames else book.create_sheet("表")).append(row)
    book.save(file)
    table = read_table("a.xlsx", file.getvalue(), title="表", headings=HEADINGS)
    assert [(line.number, line.cells["コード"]) for line in table.lines] == [(2, "nta-1"), (4, "mof-1")]


def refusal(name, data):
    with pytest.raises(UnreadableFileError) as caught:
        read(name, data)
    return caught.value.messages[0]


def packed(**members):
    file = BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        for name, content in {"xl/workbook.xml": "", **members}.items():
            archive.writestr(name, content)
    return file.getvalue()


def test_archive_that_would_fill_the_memory_is_refused_unread(monkeypatch):
    monkeypatch.setattr(files, "MOST_UNPACKED", 1_000_000)
    bomb = packed(**{"xl/worksheets/sheet1.xml": "0" * 1_000_001})
    assert (len(bomb) < 10_000, refusal("a.xlsx", bomb)[:18]) == (
        True,
        "ファイルの中身が大きすぎます。行を分",
    )


def test_entities_are_not_expanded():
    book, file = Workbook(), BytesIO()
    book.active.append(HEADINGS)
    book.save(file)
    evil = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
    out = BytesIO()
    with ZipFile(file) as source, ZipFile(out, "w") as target:
        for name in source.namelist():
            text = source.read(name).decode()
            target.writestr(name, evil + text if name.endswith("sheet1.xml") else text)
    assert refusal("a.xlsx", out.getvalue()) == files.NOT_A_WORKBOOK


def test_more_rows_than_one_import_takes_are_refused(monkeypatch):
    monkeypatch.setattr(files, "MOST_ROWS", 3)
    text = "\n".join(["コード", *("nta-1" for _ in range(4))])
    assert refusal("a.csv", text.encode()) == files.TOO_MANY_ROWS


def test_archive_that_is_no_workbook_is_refused():
    file = BytesIO()
    with ZipFile(file, "w") as archive:
        archive.writestr("a.txt", "x")
    assert refusal("a.xlsx", file.getvalue()) == files.NOT_A_WORKBOOK
