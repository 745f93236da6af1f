"""Waves written by the API: changed by who has read them, once, with a reason, and never half."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rollout import recompute
from rollout.models import Citation, PlanVersion, Wave
from tests.api.edits import move

pytestmark = pytest.mark.usefixtures("seeded")

WHY = "9月3日 国税庁からの連絡"


@pytest.fixture
def version(get):
    return get("waves/nta-1/")["version"]


def number():
    return PlanVersion.objects.current().number


def wave(code="nta-1"):
    return Wave.objects.get(code=code)


def errors(answer):
    return answer.json()["errors"]


def test_change_is_a_version_with_who_and_why(send, editor, version):
    answer = send("PATCH", "waves/nta-1/", {"cutover": "R9.1", "reason": WHY}, version=version)
    newest = wave().history.first()
    assert (answer.json()["cutover"]["earliest"], wave().cutover.text) == ("2027-01-01", "R9.1")
    assert (newest.history_user, newest.history_change_reason) == (editor, WHY)
    assert answer["ETag"] == f'"{answer.json()["version"]}"' == f'"{newest.history_id}"'


def test_figures_follow(send, get, version):
    recompute.recompute()
    send("PATCH", "waves/nta-1/", {"cutover": "R9.6", "reason": WHY}, version=version)
    recompute.recompute()
    years = get("projection/?granularity=fiscal_year")["fiscal_years"]
    assert {year["fiscal_year"]: year["cumulative"] for year in years}[2026] == 83_400


def test_what_is_left_out_stays_and_null_is_a_value(send, version):
    answer = send("PATCH", "waves/nta-1/", {"note": "照会済", "reason": WHY}, version=version)
    assert (wave().cutover.text, wave().note) == ("R8.6~", "照会済")
    send("PATCH", "waves/nta-1/", {"cutover": None, "reason": WHY}, version=answer.json()["version"])
    assert wave().cutover.is_undecided


def test_change_to_the_same_is_no_version(send, version):
    before = number()
    answer = send("PATCH", "waves/nta-1/", {"cutover": "R8.6~", "reason": WHY}, version=version)
    assert (answer.json()["version"], number()) == (version, before)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"cutover": "R9.1"}, "reason"),
        ({"cutover": "R9.1", "reason": " "}, "reason"),
        ({"cutover": "R9.13", "reason": WHY}, "cutover"),
        ({"cutover": 9.1, "reason": WHY}, "cutover"),
        ({"users": -1, "reason": WHY}, "users"),
        ({"users": "many", "reason": WHY}, "users"),
        ({"status": "done", "reason": WHY}, "status"),
        ({"status": "in_use", "reason": WHY}, "cutover"),
        ({"status": "in_use", "cutover": "2099-01-01", "reason": WHY}, "cutover"),
        ({"colour": "red", "reason": WHY}, "colour"),
        ({"note": "\0", "reason": WHY}, "note"),
        (
            {"evidence": {"source": "nobody", "text": "九月"}, "cutover": "R9.1", "reason": WHY},
            "evidence.source",
        ),
        ({"evidence": {"source": "report-2023", "text": "九月"}, "note": "x", "reason": WHY}, "evidence"),
        (["R9.1"], "non_field_errors"),
        ("R9.1", "non_field_errors"),
    ],
    ids=str,
)
def test_mistake_is_told_by_field_and_changes_nothing(send, version, body, field):
    before = number()
    answer = send("PATCH", "waves/nta-1/", body, 400, version=version)
    assert (list(errors(answer)), number()) == ([field], before)


@pytest.mark.parametrize("text", ["", "{", "nonsense", '{"note": NaN}', "[" * 100_000, '{"note": "\\ud800"}'])
def test_body_that_is_no_json_is_told(send, client, version, text):
    answer = client.patch(
        "/api/v1/waves/nta-1/", text, "application/json", headers={"if_match": f'"{version}"'}
    )
    assert answer.status_code == 400, answer.content


def test_writer_must_say_what_they_have_read(send):
    answer = send("PATCH", "waves/nta-1/", {"cutover": "R9.1", "reason": WHY}, 428)
    assert answer.json()["type"] == "/problems/condition-missing/"
    send("PATCH", "waves/nta-1/", {"cutover": "R9.1", "reason": WHY}, 428, if_match="*")


def test_who_has_read_an_older_version_is_shown_the_difference(send, editor, version):
    move("nta-1", "R8.9")
    answer = send("PATCH", "waves/nta-1/", {"cutover": "R9.1", "reason": WHY}, 412, version=version).json()
    assert answer["type"] == "/problems/changed-meanwhile/"
    [entry] = answer["difference"]
    assert (entry["before"]["cutover"]["text"], entry["values"]["cutover"]["text"]) == ("R8.6~", "R8.9")
    send("PATCH", "waves/nta-1/", {"cutover": "R9.1", "reason": WHY}, if_match=answer["current"])
    assert wave().cutover.text == "R9.1"


@pytest.mark.parametrize("tag", ['"x"', '"1-2-3"', '"99999999999999999999"', '"", "0"', "nonsense"])
def test_version_that_there_never_was_is_no_key(send, tag):
    send(
        "PATCH",
        "waves/nta-1/",
        {"cutover": "R9.1", "reason": WHY},
        428 if tag == "nonsense" else 412,
        if_match=tag,
    )


def test_etag_of_the_row_is_the_key_however_the_figures_move(send, client):
    before = client.get("/api/v1/waves/nta-1/")["ETag"]
    move("jftc-1", "R9.3")
    recompute.recompute()
    assert client.get("/api/v1/waves/nta-1/")["ETag"] != before
    send("PATCH", "waves/nta-1/", {"cutover": "R9.1", "reason": WHY}, if_match=before)


def test_compression_leaves_the_key_strong(send, client):
    zipped = client.get("/api/v1/waves/nta-1/", headers={"accept_encoding": "gzip"})
    assert (zipped["Content-Encoding"], zipped["ETag"][0]) == ("gzip", '"')
    plain = client.get("/api/v1/waves/nta-1/")
    assert zipped["ETag"] != plain["ETag"]
    again = client.get(
        "/api/v1/waves/nta-1/", headers={"accept_encoding": "gzip", "if_none_match": zipped["ETag"]}
    )
    assert (again.status_code, again["ETag"]) == (304, zipped["ETag"])
    assert "Accept-Encoding" in again["Vary"]
    twice = client.get("/api/v1/waves/nta-1/", headers={"accept_encoding": "gzip"})
    assert twice.content == zipped.content
    send("PATCH", "waves/nta-1/", {"cutover": "R9.1", "reason": WHY}, if_match=zipped["ETag"])


def test_evidence_becomes_the_citation_that_the_plan_follows(send, version):
    evidence = {"source": "report-2023", "text": "R9年1月から", "locator": "p.3"}
    send("PATCH", "waves/nta-1/", {"cutover": "R9.1", "reason": WHY, "evidence": evidence}, version=version)
    adopted = Citation.objects.get(rollout__code="nta", subject="cutover", adopted=True)
    assert (adopted.source.code, adopted.text, adopted.locator) == ("report-2023", "R9年1月から", "p.3")


def test_use_is_confirmed_with_its_day(send, version):
    body = {"day": "R8.6.15", "reason": WHY}
    answer = send("POST", "waves/nta-1/confirm-use/", body, version=version).json()
    assert (answer["status"], answer["cutover"]["earliest"]) == ("in_use", "2026-06-15")
    again = send("POST", "waves/nta-1/confirm-use/", body, version=answer["version"]).json()
    assert again["version"] == answer["version"]


def test_use_without_a_day_is_refused(send, version):
    answer = send("POST", "waves/nta-1/confirm-use/", {"day": "R8.6", "reason": WHY}, 400, version=version)
    assert list(errors(answer)) == ["cutover"]


def test_date_that_holds_is_confirmed(send, get):
    version = get("waves/mof-1/")["version"]
    send("POST", "waves/mof-1/confirm-cutover/", {"reason": WHY}, version=version)
    assert wave("mof-1").confirmed_on.isoformat() == "2026-11-23"


def test_wave_is_added_once(send):
    body = {"code": "nta-2", "rollout": "nta", "cutover": "R9.1", "users": 100, "reason": WHY}
    answer = send("POST", "waves/", body, 201)
    assert (answer["Location"], answer.json()["count"]["users"]) == (
        "http://testserver/api/v1/waves/nta-2/",
        100,
    )
    again = send("POST", "waves/", body, 409).json()
    assert (again["type"], again["existing"]) == ("/problems/conflict/", answer["Location"])
    assert Wave.objects.filter(rollout__code="nta").count() == 2


def test_dry_run_shows_what_would_change_and_changes_nothing(send, version):
    before, body = number(), {"cutover": "R9.6", "reason": WHY}
    answer = send("PATCH", "waves/nta-1/?dry_run=true", body, version=version).json()
    ends = {year["label"]: year["difference"] for year in answer["fiscal_years"]}
    [entry] = answer["changes"]
    assert (answer["dry_run"], ends["R8年度"], ends["R9年度"]) == (True, -68_600, 0)
    assert (entry["code"], entry["before"]["cutover"]["text"]) == ("nta-1", "R8.6~")
    assert (wave().cutover.text, number()) == ("R8.6~", before)
    send("PATCH", "waves/nta-1/", body, version=version)


def test_dry_run_of_a_new_wave_leaves_none(send):
    body = {"code": "nta-2", "rollout": "nta", "cutover": "R9.3.31", "reason": WHY}
    answer = send("POST", "waves/?dry_run=true", body).json()
    assert {warning["kind"] for warning in answer["warnings"]} == {"fiscal_year_end", "short_notice"}
    assert not Wave.objects.filter(code="nta-2").exists()


def test_parameter_that_writing_does_not_know_is_refused(send, version):
    answer = send("PATCH", "waves/nta-1/?as_of=2026-11-22", {"reason": WHY}, 400, version=version)
    assert list(errors(answer)) == ["as_of"]


def many(get, *codes, **values):
    rows = {row["code"]: row["version"] for row in get("waves/")["results"]}
    return {"reason": WHY, "waves": [{"code": code, "version": rows[code], **values} for code in codes]}


def test_many_are_changed_for_one_reason(send, get):
    answer = send("PATCH", "waves/", many(get, "mof-1", "nta-1", "jftc-1", cutover="R9.7")).json()
    assert [row["code"] for row in answer["waves"]] == ["mof-1", "nta-1", "jftc-1"]
    assert {wave(code).cutover.text for code in ("mof-1", "nta-1", "jftc-1")} == {"R9.7"}
    assert {row["version"] for row in answer["waves"]} == {
        str(wave(row["code"]).history.first().history_id) for row in answer["waves"]
    }


def test_one_mistake_among_many_changes_none_and_stands_by_its_row(send, get):
    body = many(get, "mof-1", "nta-1", "jftc-1", cutover="R9.7")
    body["waves"][1]["version"] = "1"
    body["waves"][2] |= {"status": "in_use"}
    body["waves"] += [{"code": "nobody", "version": "1"}, dict(body["waves"][0])]
    answer = send("PATCH", "waves/", body, 400)
    assert sorted(errors(answer)) == [
        *("waves[1].version", "waves[2].cutover", "waves[3].code", "waves[4].code"),
    ]
    assert wave("mof-1").cutover.text != "R9.7"


@pytest.mark.parametrize(
    "rows", [[], [{"code": "nta-1", "version": "1"}] * 1001, None, [1]], ids=["0", "1001", "null", "1"]
)
def test_number_of_rows_is_limited(send, rows):
    before = number()
    send("PATCH", "waves/", {"reason": WHY, "waves": rows}, 400)
    assert number() == before


def test_queries_do_not_grow_with_the_rows_that_are_changed(send, get):
    counts = []
    for codes in (["nta-1"], ["mof-1", "jftc-1", "isa-1"]):
        body = many(get, *codes, cutover="R9.7")
        with CaptureQueriesContext(connection) as caught:
            send("PATCH", "waves/", body)
        counts.append(len(caught))
    assert counts[0] == counts[1]
