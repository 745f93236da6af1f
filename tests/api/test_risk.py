"""The projection with `risk=true`: what comes of it when waves slip by chance."""

from datetime import timedelta

import pytest
from django.db import connection

from rollout import actions, recompute
from rollout.api.computed import EXAMPLE
from rollout.api.projection import projection_json
from rollout.domain.plan import Basis
from rollout.domain.projection import Granularity
from rollout.models import SlipAssumption, Wave
from rollout.seen import see_now
from tests.api.edits import EDITS, move
from tests.conftest import SEED_NOW
from tests.factories import (
    RolloutFactory,
    ScenarioChangeFactory,
    ScenarioFactory,
    SlipAssumptionFactory,
    TargetFactory,
)

MISSING = (
    "遅れの仮定が登録されていないため、確率は計算できません。管理画面の「遅れの仮定」で登録してください。"
)


def risk(get, query=""):
    return get(f"projection/?risk=true{query}")["risk"]


def points(found):
    return {point["period"]: (point["p10"], point["p50"], point["p90"]) for point in found["points"]}


def assume(earliest, likely, latest, **values):
    row = SlipAssumption.objects.get()
    months = {"earliest_months": earliest, "likely_months": likely, "latest_months": latest}
    for name, value in {**months, **values}.items():
        setattr(row, name, value)
    return actions.save_row(row=row, actor=None, reason="見直し")


def test_risk_without_an_assumption_says_where_to_register_one(get, seeded):
    SlipAssumption.objects.all().delete()
    assert get("projection/?risk=true", 400)["errors"] == {"risk": [MISSING]}
    assert get("projection/")["risk"] is None


def test_risk_is_no_more_open_than_the_projection(get, seeded, settings):
    settings.PUBLIC_READ = False
    assert get("projection/?risk=true", 401)["status"] == 401


@pytest.mark.parametrize("query", ["", "?risk=false"])
def test_risk_is_null_unless_asked_for(get, seeded, query):
    assert get(f"projection/{query}")["risk"] is None


def test_published_plan_at_risk(get, seeded):
    found = risk(get)
    assert found["basis_of_slips"] == "assumption"
    assert points(found)["2026-11"] == (47000, 47000, 47000)
    assert points(found)["2026-12"] == (145312, 145312, 148656)
    assert points(found)["2027-09"] == (152000, 152000, 152000)
    assert [entry["months"] for entry in found["slips"]["chances"]] == [0, 1, 2, 3, 4, 5, 6]


def test_example_is_true_of_the_published_plan(get, seeded):
    answer = get("projection/?risk=true")
    found, example = answer["risk"], EXAMPLE["risk"]
    shortened = {
        **found,
        "slips": {**found["slips"], "chances": found["slips"]["chances"][:1]},
        "points": [point for point in found["points"] if point["period"] == "2027-03"],
    }
    assert shortened == example
    of_the_day = {name: EXAMPLE[name] for name in ("computed_at", "data_version")}
    since = {"since": EXAMPLE["checkpoints"][0]["since"]}
    whole = {
        **answer,
        **of_the_day,
        "points": [point for point in answer["points"] if point["period"] == "2027-03"],
        "fiscal_years": [year for year in answer["fiscal_years"] if year["fiscal_year"] == 2026],
        "checkpoints": [{**checkpoint, **since} for checkpoint in answer["checkpoints"]],
        "risk": example,
    }
    assert whole == EXAMPLE


def test_chances_of_the_published_plan_are_near_those_worked_out_by_hand(get, seeded):
    """By March 公正取引委員会 (due in December) may slip by 3, 財務局 (January) by 2: 22 and 18 out of 28."""
    found = risk(get)
    assert found["checkpoints"][0]["chance"] == pytest.approx(22 * 18 / 28**2, abs=0.015)
    assert found["fiscal_years"][0]["chance"] == pytest.approx(1 - 6 * 10 / 28**2, abs=0.01)


def test_plan_that_never_slips_is_the_planned_curve_from_next_month_on(get, seeded):
    assume(0, 0, 0)
    recompute.recompute()
    answer = get("projection/?risk=true")
    planned = {point["period"]: point["cumulative"] for point in answer["points"]}
    found = points(answer["risk"])
    assert list(found) == list(planned)
    later = {period: users for period, users in planned.items() if period > "2026-11"}
    assert {period: found[period] for period in later} == {p: (users,) * 3 for p, users in later.items()}
    assert [entry["chance"] for entry in answer["risk"]["checkpoints"]] == [1.0]


@pytest.mark.parametrize(
    ("granularity", "period", "month"),
    [("quarter", "2026-Q3", "2026-12"), ("fiscal_year", "2026", "2027-03")],
)
def test_longer_periods_have_the_values_at_their_end(get, seeded, granularity, period, month):
    found = risk(get, f"&granularity={granularity}")
    assert points(found)[period] == points(risk(get))[month]
    labels = [point["label"] for point in get(f"projection/?granularity={granularity}")["points"]]
    assert [point["label"] for point in found["points"]] == labels


@pytest.mark.parametrize(("basis", "users"), [("cumulative", 100_000), ("group", 172_000)])
def test_checkpoints_are_those_that_the_plan_is_judged_at(get, seeded, basis, users):
    TargetFactory(code="middle", by="2026-12-31", users=100_000, reading="ambiguous")
    recompute.recompute()
    answer = get(f"projection/?risk=true&basis={basis}")
    judged = {entry["code"]: entry["users"] for entry in answer["checkpoints"]}
    found = {entry["code"]: entry["users"] for entry in answer["risk"]["checkpoints"]}
    assert found == judged == {"middle": users, "fy2026-end": 152_000}
    assert answer["risk"]["checkpoints"][0]["chance"] == (1.0 if users == 100_000 else 0.0)


def confirm(code, cutover):
    wave = Wave.objects.get(code=code)
    wave.cutover, wave.status = cutover, "in_use"
    actions.save_row(row=wave, actor=None, reason="利用開始確認")


@pytest.mark.parametrize(("learn_from", "basis"), [(2, "history"), (3, "assumption")])
def test_history_is_learnt_from_once_there_is_enough_of_it(get, clock, learn_from, basis):
    assume(0, 1, 2, learn_from=learn_from)
    confirm("nta-1", "R8.9.1")
    confirm("jma-1", "R8.2.1")
    recompute.recompute()
    found = risk(get)
    assert (found["basis_of_slips"], found["slips"]["learnt"]) == (basis, 2)
    assert found["slips"]["learn_from"] == learn_from
    if basis == "history":
        assert (found["note"], found["slips"]["likely_months"]) == (None, None)
        chances = [{"months": 0, "chance": 0.5}, {"months": 3, "chance": 0.5}]
        assert found["slips"]["chances"] == chances


def test_same_moment_gives_the_same_bytes_for_ever(client, clock):
    path = "/api/v1/projection/?risk=true&as_of=2026-11-23T16:00:00%2B09:00"
    before = client.get(path).content
    clock.shift(60)
    assume(3, 4, 9, learn_from=1, note="実績から")
    confirm("nta-1", "R8.9.1")
    for edit in EDITS:
        clock.shift(60)
        edit()
    clock.move_to(SEED_NOW + timedelta(days=800))
    assert client.get(path).content == before


def test_past_is_drawn_from_the_assumption_and_the_day_of_then(get, clock):
    clock.shift(timedelta(days=30))
    assume(1, 1, 1)
    clock.shift(timedelta(days=1))
    assume(2, 2, 2)
    recompute.recompute()
    then, now = risk(get, "&as_of=2026-12-23"), risk(get)
    assert [found["slips"]["likely_months"] for found in (then, now)] == [1, 2]
    assert points(then)["2026-12"] == (47000, 47000, 47000)


def test_past_without_an_assumption_is_refused(get, clock):
    SlipAssumption.history.all().delete()
    assert get("projection/?risk=true&as_of=2026-11-20", 400)["errors"] == {"risk": [MISSING]}


def test_scenario_is_drawn_with_its_changes(get, sign_in, clock):
    scenario = ScenarioFactory(code="late")
    wave = Wave.objects.get(code="nta-1")
    ScenarioChangeFactory(scenario=scenario, rollout=wave.rollout, wave=wave, field="cutover", value="R10.1")
    recompute.recompute()
    assert points(risk(get, "&scenario=late"))["2027-09"] == (83400, 83400, 83400)
    assert risk(get, "&scenario=late")["checkpoints"][0]["chance"] == 0.0


def test_stale_answer_draws_from_the_rows_as_they_are(get, clock):
    recompute.recompute()
    connection.run_on_commit.clear()
    move("nta-1", "R9.9")
    answer = get("projection/?risk=true")
    assert answer["stale"] is True
    assert points(answer["risk"])["2027-03"][2] == 83400


def test_answer_of_an_earlier_day_is_drawn_for_today(get, clock):
    recompute.recompute()
    clock.shift(timedelta(days=30))
    answer = get("projection/?risk=true")
    assert (answer["stale"], points(answer["risk"])["2026-12"]) == (True, (47000, 47000, 50344))


def test_large_plan_is_drawn_less_often_and_says_so(get, db):
    SlipAssumptionFactory()
    rollout = RolloutFactory(users=60_000)
    Wave.objects.bulk_create(Wave(rollout=rollout, code=f"w{n}", cutover="R9.1") for n in range(600))
    recompute.recompute()
    assert risk(get)["draws"] == 5_000_000 // 600


def test_band_of_a_plan_that_moved_on_after_its_curve_is_stale(clock):
    recompute.recompute()
    seen = see_now(Basis.CUMULATIVE)
    move("nta-1", "R9.6")
    assert projection_json(seen, Granularity.MONTH, with_risk=False)["stale"] is False
    assert projection_json(seen, Granularity.MONTH, with_risk=True)["stale"] is True
