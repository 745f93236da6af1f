"""The flat tables: what each reader gets, to the last character."""

import csv
import json
import re
from datetime import timedelta
from io import BytesIO, StringIO
from pathlib import Path
from time import sleep

import pandas as pd
import pytest
import time_machine
from django.db import DatabaseError, connection
from django.utils import timezone
from openpyxl import load_workbook

from ministries.models import Ministry
from rollout import recompute
from rollout.exports import WAVE_COLUMNS, WAVE_HEADINGS
from rollout.models import Wave
from tests.api.edits import change, move, publish, withdraw
from tests.conftest import SEED_NOW

pytestmark = pytest.mark.usefixtures("seeded")

FORMULA = "=HYPERLINK(1)"


def fetch(client, path, status=200):
    answer = client.get(f"/api/v1/export/{path}")
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    assert answer.status_code == status, body
    return answer, body


def table(client, path):
    """The rows of a CSV, its headings first."""
    return list(csv.reader(StringIO(fetch(client, path)[1].decode("utf-8-sig"), newline="")))


def test_people_get_japanese_headings_and_labels_with_the_mark(client):
    answer, body = fetch(client, "waves.csv")
    rows = table(client, "waves.csv")
    nta = dict(zip(rows[0], next(row for row in rows if row[0] == "nta-1"), strict=True))
    assert (body[:3], answer["Content-Type"]) == (b"\xef\xbb\xbf", "text/csv; charset=utf-8")
    assert answer["Content-Disposition"] == 'attachment; filename="gss-waves-2026-11-23.csv"'
    assert (tuple(rows[0]), len(rows)) == (WAVE_HEADINGS, Wave.objects.count() + 1)
    assert (nta["切替"], nta["見込みでの人数"], nta["人数の根拠"], nta["状態"]) == (
        "R8.6~",
        "68600",
        "公表・確認",
        "予定",
    )


@pytest.mark.parametrize("headers", ["ja", "en"])
def test_one_period_keeps_each_of_its_spellings(client, headers):
    move("nta-1", "R8.6")
    move("mof-1", "令和8年6月")
    [headings, *rows] = table(client, f"waves.csv?headers={headers}")
    column = headings.index("切替" if headers == "ja" else "cutover")
    written = {row[0]: row[column] for row in rows}
    assert (written["nta-1"], written["mof-1"]) == ("R8.6", "令和8年6月")


def test_machines_get_names_and_codes(client):
    rows = table(client, "waves.csv?headers=en&bom=false")
    nta = dict(zip(rows[0], next(row for row in rows if row[0] == "nta-1"), strict=True))
    assert (tuple(rows[0]), fetch(client, "waves.csv?bom=false")[1][:1]) == (WAVE_COLUMNS, "コ".encode()[:1])
    assert (nta["cutover_earliest"], nta["cutover_open_ended"], nta["fiscal_year"]) == (
        "2026-06-01",
        "true",
        "2026",
    )
    assert (nta["users"], nta["users_basis"], nta["status"]) == ("68600", "stated", "planned")


def test_formula_is_quoted_for_people_and_exact_for_machines(client):
    change(Wave.objects.get(code="nta-1"), note=FORMULA)
    found = [
        next(row for row in table(client, f"waves.csv?{query}") if row[0] == "nta-1")[-1]
        for query in ("", "headers=en", "raw=true")
    ]
    assert found == [f"'{FORMULA}", f"'{FORMULA}", FORMULA]


def test_json_lines_are_typed(client):
    answer, body = fetch(client, "waves.jsonl")
    rows = {row["code"]: row for row in map(json.loads, body.splitlines())}
    assert (answer["Content-Type"], len(rows)) == ("application/jsonl; charset=utf-8", Wave.objects.count())
    assert {
        name: rows["nta-1"][name] for name in ("users", "cutover_open_ended", "confirmed_on", "users_stated")
    } == {
        "users": 68600,
        "cutover_open_ended": True,
        "confirmed_on": None,
        "users_stated": None,
    }


@pytest.mark.parametrize(("query", "headings"), [("", WAVE_HEADINGS), ("?headers=en", WAVE_COLUMNS)])
def test_workbook_has_typed_cells(client, query, headings):
    _, body = fetch(client, f"waves.xlsx{query}")
    sheet = load_workbook(BytesIO(body)).worksheets[0]
    first, *rows = sheet.iter_rows(values_only=True)
    day = headings.index("cutover_earliest" if query else "切替（最早）")
    nta = next(row for row in rows if row[0] == "nta-1")
    assert (first, nta[day].isoformat()[:10]) == (headings, "2026-06-01")


def test_filters_search_and_order_are_those_of_the_list(client, codes):
    query = "fiscal_year=R8&search=省&ordering=-code"
    assert [row[0] for row in table(client, f"waves.csv?{query}")[1:]] == codes(
        f"waves/?{query}&page_size=1000"
    )


@pytest.mark.parametrize(
    "path",
    [
        *(
            "waves.csv?x=1",
            "waves.csv?page=2",
            "waves.csv?as_of=soon",
            "waves.csv?headers=fr",
            "waves.csv?raw=1",
        ),
        *(
            "waves.jsonl?headers=ja",
            "waves.xlsx?raw=true",
            "waves.csv?ordering=colour",
            "waves.csv?status=done",
        ),
        *("projection.csv?risk=true", "projection.csv?basis=x", "changes.csv?since=1", "waves.pbids?x=1"),
    ],
)
def test_what_cannot_be_meant_is_told_as_a_problem(client, path):
    answer, body = fetch(client, path, 400)
    assert (answer["Content-Type"], json.loads(body)["type"]) == (
        "application/problem+json",
        "/problems/input/",
    )


def test_projection_is_a_table(client, get):
    points = get("projection/?granularity=quarter&basis=group")["points"]
    rows = table(client, "projection.csv?granularity=quarter&basis=group&headers=en")
    assert set(rows[0]) == set(points[0])
    assert [dict(zip(rows[0], row, strict=True)) for row in rows[1:]] == [
        {name: str(point[name]) for name in rows[0]} for point in points
    ]


def test_projection_of_the_past_and_in_a_workbook(client):
    rows = table(client, "projection.csv?as_of=2026-11-23T16:00:00%2B09:00&granularity=fiscal_year")
    _, body = fetch(client, "projection.xlsx?granularity=fiscal_year")
    sheet = list(load_workbook(BytesIO(body)).worksheets[0].iter_rows(values_only=True))
    assert rows[0][:3] == ["期間", "表示", "年度"]
    assert [str(cell) for cell in sheet[-1]] == rows[-1]


def test_changes_are_a_table_of_values(client, get):
    since = get("changes/?since=now")["cursor"]
    move("nta-1", "R9.1")
    Wave.objects.get(code="jftc-1").citations.all().delete()
    heads, *rows = table(client, f"changes.csv?since={since}&headers=en")
    [row] = [dict(zip(heads, row, strict=True)) for row in rows]
    assert (row["kind"], row["code"], row["field"], row["before"], row["after"]) == (
        *("wave", "nta-1", "cutover", "R8.6~", "R9.1"),
    )
    assert (row["by"], row["reason"]) == ("", "")


def test_all_changes_are_there_whatever_their_number(client, monkeypatch):
    whole = table(client, "changes.csv")
    monkeypatch.setattr("rollout.api.feeds.MANY", 7)
    assert table(client, "changes.csv") == whole
    assert len(whole) > 500


def test_file_for_power_bi_names_the_table(client, settings):
    settings.SITE_URL = "https://gss.example.go.jp"
    answer, body = fetch(client, "waves.pbids")
    [source] = json.loads(body)["connections"]
    assert answer["Content-Disposition"] == 'attachment; filename="gss-waves.pbids"'
    path = source["details"]["address"]["url"].removeprefix("https://gss.example.go.jp/api/v1/export/")
    assert (source["details"]["protocol"], table(client, path)[0]) == ("http", list(WAVE_COLUMNS))


@pytest.mark.parametrize("path", ["waves.csv", "waves.xlsx", "projection.csv", "changes.csv", "waves.pbids"])
def test_table_that_is_there_is_not_made_again(client, path):
    recompute.recompute()
    first, _ = fetch(client, path)
    for known in (first["ETag"], "*"):
        again = client.get(f"/api/v1/export/{path}", headers={"if_none_match": known})
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["waves.csv", "projection.xlsx", "changes.csv"])
def test_table_is_for_who_may_read(client, settings, path):
    settings.PUBLIC_READ = False
    assert fetch(client, path, 401)[0]["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("accept", ["text/csv", "image/png", "*/*", "application/json"])
def test_address_alone_says_the_form(client, accept):
    answer = client.get("/api/v1/export/waves.csv", headers={"accept": accept})
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/csv; charset=utf-8")
    b"".join(answer.streaming_content)


def test_table_is_read_by_the_line_of_the_docs(client):
    """As a notebook does; the address is a file here."""
    text = Path("docs/api.md").read_text(encoding="utf-8")
    lines = text.split("```python\nimport pandas as pd\n")[1].split("```")[0]
    query = re.search(r"export/(waves.csv[^\"]*)", lines)[1]
    assignments = re.sub(r"^url = .*$", "", lines, flags=re.M).replace(
        "read_csv(url", "read_csv(BytesIO(body)"
    )
    scope = {"pd": pd, "BytesIO": BytesIO, "body": fetch(client, query)[1]}
    exec(assignments, scope)  # noqa: S102 (our own docs)
    waves = scope["waves"].set_index("code")
    assert (waves.loc["nta-1", "users"], waves.loc["nta-1", "cutover"]) == (68600, "R8.6~")
    assert waves.loc["nta-1", "cutover_latest"] == pd.Timestamp("2026-06-30")
    assert (waves.index.size, waves["cutover_open_ended"].dtype) == (Wave.objects.count(), bool)


def test_json_lines_and_workbooks_are_read_by_pandas(client):
    lines = pd.read_json(BytesIO(fetch(client, "waves.jsonl")[1]), lines=True)
    book = pd.read_excel(BytesIO(fetch(client, "waves.xlsx?headers=en")[1]))
    assert list(lines.columns) == list(book.columns) == list(WAVE_COLUMNS)
    assert lines["users"].sum() == book["users"].sum() > 100_000


@pytest.mark.parametrize("query", ["headers=en", "headers=ja", "headers=en&status=planned&ordering=-cutover"])
def test_table_of_a_past_moment_is_what_it_was_then(client, query):
    then = table(client, f"waves.csv?{query}")
    moment = timezone.now().isoformat().replace("+", "%2B")
    withdraw("jftc-1")
    move("nta-1", "R9.6")
    change(Ministry.objects.get(code="nta"), name="改称庁")
    publish(300_000)
    recompute.recompute()
    assert table(client, f"waves.csv?{query}") != then
    answer, _ = fetch(client, f"waves.csv?{query}&as_of={moment}")
    assert (answer["X-Stale"], "X-As-Of" in answer) == ("false", True)
    assert table(client, f"waves.csv?{query}&as_of={moment}") == then


@pytest.mark.parametrize("ending", ["csv", "jsonl", "xlsx"])
def test_table_of_the_past_has_its_day_in_the_name_and_a_tag(client, ending):
    with time_machine.travel(SEED_NOW + timedelta(days=3)):
        answer, _ = fetch(client, f"waves.{ending}?as_of=2026-11-24")
        assert f'"gss-waves-2026-11-24.{ending}"' in answer["Content-Disposition"]
        path = f"/api/v1/export/waves.{ending}?as_of=2026-11-24"
        assert client.get(path, headers={"If-None-Match": answer["ETag"]}).status_code == 304


@pytest.mark.servers
@pytest.mark.django_db(transaction=True)
def test_who_goes_away_leaves_no_transaction_open(client, monkeypatch):
    """On PostgreSQL a table is read within one."""
    monkeypatch.setattr("rollout.exports.CHUNK", 2)
    monkeypatch.setattr("rollout.tables.PIECE", 10)
    answer = client.get("/api/v1/export/waves.csv?bom=false")
    pieces = answer.streaming_content
    assert next(pieces).decode().startswith("コード")
    assert "デジタル庁" in next(pieces).decode()
    assert connection.in_atomic_block
    answer.close()
    assert not connection.in_atomic_block


@pytest.mark.servers
@pytest.mark.django_db(transaction=True)
def test_who_stops_reading_holds_up_nobody_for_long(client, monkeypatch):
    """The table breaks off, so that nobody takes it for the whole."""
    monkeypatch.setattr("rollout.exports.CHUNK", 2)
    monkeypatch.setattr("rollout.exports.LONGEST_PAUSE", "200ms")
    monkeypatch.setattr("rollout.tables.PIECE", 10)
    pieces = client.get("/api/v1/export/waves.csv?bom=false").streaming_content
    next(pieces)
    next(pieces)
    sleep(1)
    with pytest.raises(DatabaseError):
        list(pieces)
    connection.close()
