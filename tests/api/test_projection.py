"""The projection in JSON: names, figures and what is said when there is none."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
import time_machine

from rollout import recompute
from rollout.models import Projection, Target, Wave
from tests.conftest import SEED_NOW
from tests.factories import CohortFactory, RolloutFactory, TargetFactory, WaveFactory

pytestmark = pytest.mark.django_db

KNOWN = "basis、as_of、scenario、granularity、risk"


@pytest.mark.parametrize("path", ["projection/", "reconciliation/"])
def test_nothing_computed_yet_is_told_with_the_remedy(client, path):
    answer = client.get(f"/api/v1/{path}")
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    assert answer.json() == {
        "request_id": answer["X-Request-ID"],
        "type": "/problems/not-ready/",
        "title": "まだ答えられません",
        "status": 503,
        "detail": (
            "見込みがまだ計算されていません。1分ほど待つか、"
            "`manage.py recompute` を実行してからやり直してください。"
        ),
    }


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("basis=x", "「x」は選べません。使えるのは cumulative、group です。"),
        ("basis=", "「」は選べません。使えるのは cumulative、group です。"),
        ("risk=1", "「1」は選べません。使えるのは true、false です。"),
        ("granularity=year", "「year」は選べません。使えるのは month、quarter、fiscal_year です。"),
        ("cohort=fy2026", f"「cohort」というパラメータはありません。使えるのは {KNOWN} です。"),
    ],
)
def test_parameter_that_cannot_be_meant_is_refused(get, query, message):
    assert get(f"projection/?{query}", 400)["errors"] == {query.split("=")[0]: [message]}


@pytest.mark.usefixtures("seeded")
def test_names_are_those_that_dashboards_know(get):
    answer = get("projection/")
    assert list(answer) == [
        *("basis", "granularity", "scenario", "as_of", "computed_at", "data_version", "stale", "target"),
        *("summary", "points", "fiscal_years", "checkpoints", "undated", "conflicts", "risk"),
    ]
    assert (answer["basis"], answer["granularity"], answer["scenario"], answer["as_of"]) == (
        "cumulative",
        "month",
        None,
        None,
    )
    assert (answer["stale"], answer["conflicts"]) == (False, [])
    assert answer["target"] == {"users": 272000, "reached_in": None}


@pytest.mark.usefixtures("seeded")
def test_summary_is_that_of_the_current_month(get):
    assert get("projection/")["summary"] == {
        "month": "2026-11",
        "planned_users": 145312,
        "confirmed_users": 47000,
        "dated_users": 152000,
        "undated_users": 120000,
        "total_users": 272000,
        "share_of_target": 145312 / 272000,
    }


@pytest.mark.parametrize(
    ("granularity", "size", "point"),
    [
        ("month", 87, {"period": "2027-03", "label": "R9.3", "added": 0}),
        ("quarter", 29, {"period": "2026-Q4", "label": "R8年度第4四半期", "added": 3344}),
        ("fiscal_year", 8, {"period": "2026", "label": "R8年度", "added": 80000}),
    ],
)
@pytest.mark.usefixtures("seeded")
def test_points_follow_the_granularity(get, granularity, size, point):
    points = get(f"projection/?granularity={granularity}")["points"]
    found = next(entry for entry in points if entry["period"] == point["period"])
    end = {"fiscal_year": 2026, "cumulative": 152000, "confirmed": 47000, "low": 146000, "high": 158000}
    assert (len(points), found) == (size, {**point, **end})


@pytest.mark.usefixtures("seeded")
def test_fiscal_year_stands_beside_what_was_published(get):
    years = {entry["fiscal_year"]: entry for entry in get("projection/")["fiscal_years"]}
    assert {year: entry["published_added"] for year, entry in years.items() if entry["published_added"]} == {
        2026: 80000
    }
    assert years[2025]["cumulative"] == 72000
    assert years[2026] == {
        "fiscal_year": 2026,
        "label": "R8年度",
        "added": 80000,
        "cumulative": 152000,
        "confirmed": 47000,
        "published_added": 80000,
    }


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize(
    ("basis", "undated", "target"), [("cumulative", 120000, 272000), ("group", 192000, 344000)]
)
def test_basis_decides_what_is_left(get, basis, undated, target):
    answer = get(f"projection/?basis={basis}")
    assert (answer["basis"], answer["target"]["users"]) == (basis, target)
    assert answer["undated"] == [
        {
            "cohort": "fy2026-onward",
            "users": undated,
            "uncounted_rollouts": ["mof", "moj-rehabilitation"],
            "dateless_waves": [],
            "note": "その他省庁は検討中",
        }
    ]


@pytest.mark.usefixtures("seeded")
def test_plan_without_a_target_has_no_share(get):
    Target.objects.all().delete()
    recompute.recompute()
    answer = get("projection/")
    assert (answer["target"], answer["summary"]["share_of_target"]) == (None, None)


def test_target_is_reached_in_its_first_month(get):
    TargetFactory(users=10)
    WaveFactory(users=10, cutover="R8年度上期")
    recompute.recompute()
    assert get("projection/")["target"] == {"users": 10, "reached_in": "2026-09"}


def test_conflicts_and_dateless_waves_are_not_hidden(get):
    cohort = CohortFactory(code="c", published_users=100)
    rollout = RolloutFactory(code="r", cohort=cohort, users=150)
    WaveFactory(rollout=rollout, code="w", cutover="検討中")
    recompute.recompute()
    answer = get("projection/")
    assert answer["conflicts"] == [
        {
            "kind": "negative_remainder",
            "cohort": "c",
            "rollout": None,
            "users": -50,
            "message": "内訳の合計が公表値を超えています",
        }
    ]
    assert answer["undated"] == [
        {"cohort": "c", "users": 150, "uncounted_rollouts": [], "dateless_waves": ["w"], "note": ""}
    ]


def test_empty_plan_has_a_flat_year(get):
    with time_machine.travel(SEED_NOW, tick=False):
        recompute.recompute()
        answer = get("projection/?granularity=fiscal_year")
    assert answer["computed_at"] == "2026-11-23T16:00:00+09:00"
    assert [(point["period"], point["cumulative"]) for point in answer["points"]] == [("2026", 0)]


@pytest.mark.usefixtures("seeded")
def test_answer_says_when_the_plan_has_changed_since(get):
    before = get("projection/")
    Wave.objects.get(code="isa-1").save()
    after = get("projection/")
    assert (before["stale"], after["stale"]) == (False, True)
    assert after["data_version"] == before["data_version"]


@pytest.mark.usefixtures("seeded")
def test_answer_says_when_the_day_has_changed_since(get):
    with time_machine.travel(datetime(2026, 12, 1, tzinfo=ZoneInfo("Asia/Tokyo"))):
        answer = get("projection/")
    assert (answer["stale"], answer["summary"]["month"]) == (True, "2026-12")


def test_last_month_that_can_be_said_has_a_label(get):
    WaveFactory(users=1, cutover="R99.3")
    recompute.recompute()
    last = get("projection/")["points"][-1]
    assert (last["period"], last["label"], last["cumulative"]) == ("2117-03", "R99.3", 1)


def test_stored_projection_is_read_and_not_computed(get):
    recompute.recompute()
    Projection.objects.update(today=date(2000, 1, 1))
    assert get("projection/")["stale"] is True
