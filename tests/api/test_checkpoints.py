"""Users to reach on the way: where the plan stands, the verdict, and since when."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rollout import actions, recompute
from rollout.models import Projection, Target
from tests.api.edits import move
from tests.conftest import SEED_NOW
from tests.factories import SourceFactory, TargetFactory

SEEN = {
    "code": "fy2026-end",
    "label": "R8年度末の利用者数",
    "by": "2027-03-31",
    "derivation": "R7年度末 72,000（約47,000＋約25,000）＋ R8年度の増加 約8万",
    "users": 152000,
    "planned": 152000,
    "confirmed": 47000,
    "low": 146000,
    "high": 158000,
    "verdict": "at_risk",
    "verdict_label": "遅れると未達",
}


def checkpoints(get, query=""):
    return get(f"projection/{query}")["checkpoints"]


def since(get):
    return [entry["since"] for entry in checkpoints(get)]


@pytest.mark.parametrize("query", ["", "?basis=group", "?granularity=fiscal_year"])
def test_published_plan_is_at_risk(get, seeded, query):
    (found,) = checkpoints(get, query)
    began = found.pop("since")
    assert found == SEEN
    assert began.startswith("2026-11-23T16:00:0")


def test_verdict_of_the_past_is_computed_and_not_followed(get, clock):
    (found,) = checkpoints(get, "?as_of=2026-11-20")
    assert found == {**SEEN, "since": None}


def test_verdict_keeps_the_day_it_began_on(get, clock):
    recompute.recompute()
    began = since(get)
    clock.move_to(SEED_NOW + timedelta(days=3))
    recompute.recompute()
    assert since(get) == began
    move("nta-1", "R9.6")
    recompute.recompute()
    (found,) = checkpoints(get)
    assert (found["verdict"], found["planned"]) == ("will_miss", 83400)
    assert found["since"].startswith("2026-11-26T16:00:0")


def test_verdict_follows_the_calendar(get, clock):
    clock.move_to(SEED_NOW.replace(year=2027, month=4, day=1))
    recompute.recompute()
    (found,) = checkpoints(get)
    assert (found["verdict"], found["since"][:19]) == ("missed", "2027-04-01T16:00:00")


def test_new_checkpoint_waits_for_the_computation(get, seeded):
    target = Target(
        code="half", label="上期末", users=1, by=date(2026, 9, 30), source=SourceFactory(), reading="group"
    )
    actions.save_row(row=target, actor=None, reason="")
    assert [entry["code"] for entry in checkpoints(get)] == ["fy2026-end"]
    recompute.recompute()
    assert [(entry["code"], entry["verdict"]) for entry in checkpoints(get)] == [
        ("half", "reached"),
        ("fy2026-end", "at_risk"),
    ]


def test_deleted_checkpoint_is_gone_at_once(get, seeded):
    Target.objects.get(code="fy2026-end").delete()
    assert checkpoints(get) == []
    recompute.recompute()
    assert [row.checkpoints for row in Projection.objects.all()] == [{}, {}]


def test_plan_without_checkpoints_has_none(get, db):
    recompute.recompute()
    assert checkpoints(get) == []


def test_queries_do_not_grow_with_the_checkpoints(get, seeded):
    def queries():
        recompute.recompute()
        with CaptureQueriesContext(connection) as captured:
            get("projection/")
        return len(captured)

    first = queries()
    for year in range(2030, 2040):
        TargetFactory(by=date(year, 3, 31))
    assert queries() == first
