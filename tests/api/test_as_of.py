"""The projection as it was known at a moment of the past."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from rollout import moments, recompute
from tests.api.edits import EDITS, move
from tests.conftest import SEED_NOW

TOKYO = ZoneInfo("Asia/Tokyo")
FORMS = "「2026-11-22」（その日の終わり）か「2026-11-22T09:00:00+09:00」のように指定してください。"


def figures(answer):
    return {name: answer[name] for name in ("target", "summary", "points", "undated", "conflicts")}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("soon", f"「soon」は読めません。{FORMS}", id="not a date"),
        pytest.param("2026-02-30", f"「2026-02-30」は読めません。{FORMS}", id="no such day"),
        pytest.param("2026-11-22T09:00:00", f"「2026-11-22T09:00:00」は読めません。{FORMS}", id="no offset"),
        pytest.param("2026-11-24", f"未来の日です。{FORMS}", id="tomorrow"),
        pytest.param("2026-11-23T16:00:01%2B09:00", f"未来の時点です。{FORMS}", id="in a second"),
    ],
)
def test_as_of_that_cannot_be_answered_is_refused(get, clock, text, message):
    problem = get(f"projection/?as_of={text}", status=400)
    assert problem["errors"] == {"as_of": [message]}


def test_as_of_before_the_history_is_a_404_and_no_empty_curve(get, clock):
    problem = get("projection/?as_of=2026-11-15", status=404)
    assert problem["detail"] == ("計画の履歴がそこまで遡れません。履歴の始まりは 2026-11-16 16:00:00 です。")


def test_as_of_without_any_history_is_a_404(get, db):
    problem = get("projection/?as_of=2026-11-15", status=404)
    assert problem["detail"] == "計画の履歴がまだありません。計画が登録されてから指定してください。"


@pytest.mark.parametrize("basis", ["cumulative", "group"])
def test_as_of_answers_what_was_answered_at_the_time(get, clock, basis):
    told = []
    for hour, edit in enumerate(EDITS):
        clock.move_to(SEED_NOW + timedelta(hours=hour))
        edit()
        recompute.recompute()
        told.append((datetime.now(TOKYO), figures(get(f"projection/?basis={basis}"))))
    clock.move_to(SEED_NOW + timedelta(days=400))
    for moment, answer in told:
        past = get(f"projection/?basis={basis}&as_of={moment.isoformat()}")
        assert figures(past) == answer
        assert (past["as_of"], past["computed_at"]) == (moment.isoformat(), moment.isoformat())
        assert (past["data_version"], past["stale"]) == (None, False)


def test_as_of_a_moment_gives_the_same_bytes_for_ever(client, clock):
    path = "/api/v1/projection/?as_of=2026-11-20"
    before = client.get(path).content
    for edit in EDITS:
        clock.shift(60)
        edit()
    clock.move_to(SEED_NOW + timedelta(days=800))
    assert client.get(path).content == before


def test_as_of_a_day_means_its_end_in_tokyo(get, clock):
    clock.move_to(datetime(2026, 11, 24, 23, 59, 59, tzinfo=TOKYO))
    move("nta-1", "R9.6")
    clock.move_to(datetime(2026, 11, 25, 0, 0, 0, tzinfo=TOKYO))
    move("nta-1", "R9.9")
    answer = get("projection/?as_of=2026-11-24")
    assert answer["as_of"] == "2026-11-24T23:59:59.999999+09:00"
    assert figures(answer) == figures(get("projection/?as_of=2026-11-24T23:59:59%2B09:00"))


def test_as_of_today_answers_as_of_now_and_says_which_moment(get, clock):
    assert get("projection/?as_of=2026-11-23")["as_of"] == "2026-11-23T16:00:00+09:00"


@pytest.mark.parametrize(("minutes", "waits"), [(0, True), (4, True), (6, False)])
def test_as_of_waits_for_writers_only_where_they_may_still_change_it(get, clock, minutes, waits):
    moment = (SEED_NOW - timedelta(minutes=minutes)).isoformat().replace("+", "%2B")
    with CaptureQueriesContext(connection) as captured:
        get(f"projection/?as_of={moment}")
    assert any("rollout_planversion" in query["sql"] for query in captured) == waits


def test_as_of_that_a_long_change_holds_up_is_a_503(get, clock, monkeypatch):
    def locked():
        raise OperationalError("database is locked")

    monkeypatch.setattr(moments, "settled_moment", locked)
    problem = get("projection/?as_of=2026-11-23", status=503)
    assert problem["detail"] == "計画の変更を書き込んでいるところです。少し待ってからやり直してください。"
