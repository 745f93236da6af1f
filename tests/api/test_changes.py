"""Who follows `changes/` has the same plan, whatever is done to it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ministries.models import Contact
from rollout.api.changes import START
from rollout.models import Rollout, Wave
from tests.api.edits import EDITS, REWORDINGS, change, move, remove

pytestmark = pytest.mark.usefixtures("seeded")


def linked(value):
    """What a copy keeps of a row that another names: the code may change."""
    return value["id"] if isinstance(value, dict) and set(value) == {"id", "code"} else value


def follow(get, copy, since=None, size=7):
    """Take over all that has changed; the new cursor."""
    while True:
        query = f"changes/?page_size={size}" + (f"&since={since}" if since else "")
        answer = get(query)
        for entry in answer["results"]:
            key = entry["kind"], entry["id"]
            if entry["change"] == "deleted":
                copy.pop(key)
            else:
                copy[key] = {name: linked(value) for name, value in entry["values"].items()}
        since = answer["cursor"]
        if answer["next"] is None:
            return since


def test_copy_follows_every_change(get):
    copy = {}
    since = follow(get, copy)
    for edit in [*EDITS, *REWORDINGS]:
        edit()
        since = follow(get, copy, since)
    afresh = {}
    follow(get, afresh, size=1000)
    assert copy == afresh
    waves = {values["code"]: values for (kind, _), values in copy.items() if kind == "wave"}
    shown = {row["code"]: row for row in get("waves/?page_size=1000")["results"]}
    assert {code: values["cutover"] for code, values in waves.items()} == {
        code: row["cutover"] for code, row in shown.items()
    }


def test_now_is_where_one_begins_who_has_read_the_rows(get):
    start = get("changes/?since=now")
    assert (start["results"], start["next"]) == ([], None)
    move("nta-1", "R9.1")
    [entry] = get(f"changes/?since={start['cursor']}")["results"]
    assert (entry["kind"], entry["code"], entry["change"]) == ("wave", "nta-1", "changed")
    assert entry["before"] == {"cutover": entry["before"]["cutover"]}
    assert (entry["before"]["cutover"]["text"], entry["values"]["cutover"]["text"]) == ("R8.6~", "R9.1")
    assert (entry["values"]["rollout"]["code"], entry["by"], entry["reason"]) == ("nta", None, None)


def test_deleted_rows_are_told_with_the_codes_that_they_had(get):
    since = get("changes/?since=now")["cursor"]
    Rollout.objects.get(code="isa").citations.all().delete()
    remove(Rollout.objects.get(code="isa"))
    entries = get(f"changes/?since={since}")["results"]
    gone = [(entry["kind"], entry["code"]) for entry in entries if entry["change"] == "deleted"]
    assert {("wave", "isa-1"), ("rollout", "isa")} <= set(gone)
    [wave] = [entry for entry in entries if entry["kind"] == "wave"]
    assert wave["values"]["rollout"]["code"] == "isa"


def test_who_is_signed_in_reads_who_and_why(get, client, editor):
    since = get("changes/?since=now")["cursor"]
    change(Wave.objects.get(code="nta-1"), note="照会済")
    client.force_login(editor)
    assert get(f"changes/?since={since}")["results"][0]["reason"] == "変更"


def test_name_of_a_person_is_not_kept_by_a_304(client, editor):
    change(Wave.objects.get(code="nta-1"), note="照会済")
    client.force_login(editor)
    tag = client.get("/api/v1/changes/?page_size=1000")["ETag"]
    Wave.history.filter(note="照会済").update(history_user=editor)
    assert client.get("/api/v1/changes/?page_size=1000", headers={"if_none_match": tag}).status_code == 200


@pytest.mark.parametrize(
    "since", ["", "x", "1-2", "-".join(["x"] * len(START)), "-".join(["9" * 30] * len(START))]
)
def test_cursor_that_nobody_gave_is_refused(get, since):
    assert list(get(f"changes/?since={since}", 400)["errors"]) == ["since"]


def test_contacts_are_not_part_of_it(get):
    since = get("changes/?since=now")["cursor"]
    contact = Contact(ministry=Rollout.objects.first().lead_ministry, name="担当", email="a@example.go.jp")
    change(contact)
    assert get(f"changes/?since={since}")["results"] == []


def test_queries_do_not_grow_with_the_changes(get):
    since = get("changes/?since=now")["cursor"]
    counts = []
    for code in ("nta-1", "mof-1"):
        move(code, "R9.1")
        with CaptureQueriesContext(connection) as caught:
            get(f"changes/?since={since}")
        counts.append(len(caught))
        move("jftc-1", "R9.2")
    assert counts[0] == counts[1]
