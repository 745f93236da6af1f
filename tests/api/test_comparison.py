"""Two states of the plan side by side: a baseline and now, or now and a scenario."""

from datetime import UTC, datetime

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from ministries.models import Ministry
from rollout import actions, moments
from rollout.models import PlanVersion, Rollout, Scenario, Wave
from tests.api.edits import EDITS, move, withdraw
from tests.factories import (
    BaselineFactory,
    RolloutFactory,
    ScenarioChangeFactory,
    ScenarioFactory,
    WaveFactory,
)

ONE_OF = "「baseline」か「scenario」のどちらか1つを指定してください。"
PATHS = ["projection/comparison/", "projection/comparison/waves/"]
BUDGET = "projection/comparison/?baseline=budget"
WAVES = "projection/comparison/waves/?baseline=budget"


@pytest.fixture
def budget(clock):
    """A baseline at SEED_NOW; the clock then stands a minute later."""
    baseline = BaselineFactory(code="budget", label="R8概算要求時点")
    clock.shift(60)
    return baseline


@pytest.fixture
def late(clock, sign_in):
    """国税庁 in R9.6, as a scenario."""
    scenario = ScenarioFactory(code="late", label="国税庁 一年遅れ")
    ScenarioChangeFactory(scenario=scenario, rollout=Rollout.objects.get(code="nta"), value="令和9年6月")
    clock.shift(60)
    return scenario


@pytest.fixture
def waves(get):
    """The rows that a path lists, by wave code."""

    def waves(path):
        return {row["wave"]: row for row in get(path)["results"]}

    return waves


def add_rollout():
    cohort = Rollout.objects.get(code="nta").cohort
    rollout = RolloutFactory(code="bot", cohort=cohort, lead_ministry__name="造幣局", users=500)
    return WaveFactory(rollout=rollout, code="bot-1", name="第1陣", cutover="R9.2.15")


def all_edits(clock):
    """国税庁 a year later, one wave cancelled, one added, one deleted; a minute between each."""
    for edit in (
        lambda: move("nta-1", "R9.6"),
        lambda: withdraw("meti-1"),
        add_rollout,
        lambda: actions.delete_row(row=Rollout.objects.get(code="isa"), actor=None, reason="統合"),
    ):
        clock.shift(60)
        edit()
    clock.shift(60)


# Unhappy paths


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("query", ["", "?baseline=budget&scenario=late"], ids=["none", "both"])
def test_comparison_takes_a_baseline_or_a_scenario(get, budget, late, path, query):
    assert get(f"{path}{query}", 400)["errors"] == {"baseline": [ONE_OF], "scenario": [ONE_OF]}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("query", "name", "message"),
    [
        ("baseline=nothing", "baseline", "「nothing」というコードの基準計画はありません。"),
        ("scenario=nothing", "scenario", "「nothing」というコードの試算はありません。"),
        (
            "baseline=budget&basis=all",
            "basis",
            "「all」は選べません。使えるのは cumulative、group です。",
        ),
    ],
)
def test_value_that_cannot_be_meant_is_refused(get, budget, sign_in, path, query, name, message):
    assert get(f"{path}?{query}", 400)["errors"] == {name: [message]}


def test_month_must_be_one(get, budget):
    assert get(f"{BUDGET}&month=R8", 400)["errors"] == {
        "month": ["「R8」は月ではありません。「2027-03」のように指定してください。"]
    }


@pytest.mark.parametrize(
    ("parameter", "status"),
    [("changed=1", 400), ("month=2027-03", 400), ("page_size=0", 400), ("page=2", 404), ("page=x", 404)],
)
def test_waves_refuse_what_they_do_not_know(get, budget, parameter, status):
    assert get(f"{WAVES}&{parameter}", status)["status"] == status


@pytest.mark.parametrize("path", PATHS)
def test_anonymous_reader_is_refused_where_reading_is_not_public(get, budget, settings, path):
    settings.PUBLIC_READ = False
    assert get(f"{path}?baseline=budget", 401)["title"] == "ログインが必要です"


@pytest.mark.parametrize("path", PATHS)
def test_signed_in_reader_may_read_where_reading_is_not_public(staff_client, budget, settings, path):
    settings.PUBLIC_READ = False
    assert staff_client.get(f"/api/v1/{path}?baseline=budget").status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_baseline_before_the_history_is_a_404_and_no_empty_plan(get, clock, path):
    BaselineFactory(code="early", moment=datetime(2026, 11, 1, tzinfo=UTC))
    detail = "計画の履歴がそこまで遡れません。履歴の始まりは 2026-11-16 16:00:00 です。"
    assert get(f"{path}?baseline=early", 404)["detail"] == detail


@pytest.mark.parametrize("path", PATHS)
def test_comparison_that_a_long_change_holds_up_is_a_503(get, budget, monkeypatch, path):
    def locked():
        raise OperationalError("database is locked")

    monkeypatch.setattr(moments, "settled_moment", locked)
    detail = "計画の変更を書き込んでいるところです。少し待ってからやり直してください。"
    assert get(f"{path}?baseline=budget", 503)["detail"] == detail


# A baseline and now


def test_plan_that_has_not_moved_says_so(get, budget):
    answer = get(BUDGET)
    version = PlanVersion.objects.get().number
    assert {name: answer[name] for name in ("month", "label", "before", "after", "difference", "movers")} == {
        "month": "2027-03",
        "label": "R9.3",
        "before": 152_000,
        "after": 152_000,
        "difference": 0,
        "movers": [],
    }
    assert (answer["user_months"], answer["waves_moved"]) == (0, 0)
    assert (answer["computed_at"], answer["data_version"], answer["stale"]) == (
        "2026-11-23T16:01:00+09:00",
        version,
        False,
    )
    assert {year["difference"] for year in answer["fiscal_years"]} == {0}


def test_moved_cutover_shows_in_every_figure(get, budget):
    move("nta-1", "R9.6")
    answer = get(BUDGET)
    assert answer["baseline"] == get("baselines/budget/")
    assert (answer["scenario"], answer["basis"]) == (None, "cumulative")
    assert answer["from"] == {"label": "R8概算要求時点", "at": "2026-11-23T16:00:00+09:00"}
    assert answer["to"] == {"label": "現在の計画", "at": "2026-11-23T16:01:00+09:00"}
    assert [year for year in answer["fiscal_years"] if year["difference"]] == [
        {
            "fiscal_year": 2026,
            "label": "R8年度",
            "before": 152_000,
            "after": 83_400,
            "difference": -68_600,
        }
    ]
    assert (answer["user_months"], answer["waves_moved"]) == (823_200, 1)


@pytest.mark.parametrize("query", ["", "&basis=group", "&month=R9.6", "&basis=group&month=2028-03"])
def test_movers_are_those_of_the_movers_endpoint_and_add_up(get, budget, clock, query):
    all_edits(clock)
    answer, movers = get(f"{BUDGET}{query}"), get(f"projection/movers/?baseline=budget{query}")
    names = ("month", "label", "before", "after", "difference", "movers")
    assert {name: answer[name] for name in names} == {name: movers[name] for name in names}
    assert sum(mover["users"] for mover in answer["movers"]) == answer["difference"]
    assert len(answer["movers"]) >= 3


@pytest.mark.parametrize("basis", ["cumulative", "group"])
def test_year_ends_are_those_of_both_projections(get, budget, clock, basis):
    for edit in EDITS:
        clock.shift(60)
        edit()
    answer = get(f"{BUDGET}&basis={basis}")
    for side, name in (("from", "before"), ("to", "after")):
        at = answer[side]["at"].replace("+", "%2B")
        years = get(f"projection/?basis={basis}&as_of={at}")["fiscal_years"]
        told = {year["fiscal_year"]: year["cumulative"] for year in years}
        ours = {year["fiscal_year"]: year[name] for year in answer["fiscal_years"]}
        assert told == {year: ours[year] for year in told}


def test_who_and_why_is_told_to_those_signed_in_alone(get, budget, client, django_user_model):
    clerk = django_user_model.objects.create_user("sato")
    wave = Wave.objects.get(code="nta-1")
    wave.cutover = "R9.6"
    actions.save_row(row=wave, actor=clerk, reason="国税庁からの連絡")
    told = [(change["by"], change["reason"]) for change in get(BUDGET)["movers"][0]["changes"]]
    client.force_login(clerk)
    signed_in = [(change["by"], change["reason"]) for change in get(BUDGET)["movers"][0]["changes"]]
    assert (told, signed_in) == ([(None, None)], [("sato", "国税庁からの連絡")])


def test_rows_that_the_history_does_not_know_yet_make_the_answer_stale(get, budget):
    PlanVersion.objects.raise_number(history_missing=True)
    assert get(BUDGET)["stale"] is True


# By wave


def test_moved_wave_stands_with_both_cutovers_and_what_it_costs(waves, budget):
    move("nta-1", "R9.6")
    told = waves(f"{WAVES}&changed=true")
    period = {"open_ended": False, "precision": "month"}
    assert told == {
        "nta-1": {
            "rollout": "nta",
            "wave": "nta-1",
            "label": "国税庁",
            "ministry": "国税庁",
            "presence": "kept",
            "before": period
            | {
                "text": "R8.6~",
                "earliest": "2026-06-01",
                "latest": "2026-06-30",
                "open_ended": True,
                "era": "令和8年6月",
                "fiscal_year": 2026,
                "fiscal_year_label": "R8年度",
            },
            "after": period
            | {
                "text": "R9.6",
                "earliest": "2027-06-01",
                "latest": "2027-06-30",
                "era": "令和9年6月",
                "fiscal_year": 2027,
                "fiscal_year_label": "R9年度",
            },
            "status_before": "planned",
            "status_after": "planned",
            "users_before": {"users": 68_600, "basis": "stated"},
            "users_after": {"users": 68_600, "basis": "stated"},
            "slip_months": 12,
            "slip_low": 12,
            "slip_high": 12,
            "user_months": 823_200,
        }
    }


@pytest.mark.parametrize(
    ("cutover", "slip"),
    [
        pytest.param("R8年度", (9, -2, 9, 617_400), id="a whole year"),
        pytest.param("R8.3", (-3, -3, -3, -205_800), id="earlier"),
        pytest.param("R8.6.20", (0, 0, 0, 0), id="a day within the month"),
        pytest.param("検討中", (None, None, None, None), id="undecided"),
        pytest.param("R9以降", (None, None, None, None), id="no last day"),
    ],
)
def test_slip_has_bounds_where_periods_are_longer_than_a_month(waves, budget, cutover, slip):
    move("nta-1", cutover)
    row = waves(f"{WAVES}&changed=true")["nta-1"]
    assert (row["slip_months"], row["slip_low"], row["slip_high"], row["user_months"]) == slip
    assert row["after"] is None if cutover == "検討中" else row["after"]["text"] == cutover


def test_every_wave_of_either_state_appears_once(get, waves, budget, clock):
    all_edits(clock)
    rows = get(WAVES)["results"]
    assert [(row["rollout"], row["wave"]) for row in rows] == sorted(
        {(r["rollout"], r["wave"]) for r in rows}
    )
    assert len(rows) == 25
    changed, same = waves(f"{WAVES}&changed=true"), waves(f"{WAVES}&changed=false")
    assert changed.keys() | same.keys() == {row["wave"] for row in rows}
    assert changed.keys() & same.keys() == set()


def test_added_removed_and_cancelled_waves_are_told_apart(waves, budget, clock):
    all_edits(clock)
    told = waves(f"{WAVES}&changed=true")
    columns = ("label", "presence", "status_before", "status_after", "slip_months")
    assert {code: tuple(told[code][name] for name in columns) for code in ("bot-1", "isa-1", "meti-1")} == {
        "bot-1": ("造幣局 第1陣", "added", None, "planned", None),
        "isa-1": ("出入国在留管理庁", "removed", "planned", None, None),
        "meti-1": ("経済産業省", "kept", "planned", "cancelled", None),
    }
    absent = [(told[code][side], told[code][f"users_{side}"]) for code, side in (("bot-1", "before"),)]
    absent += [(told["isa-1"]["after"], told["isa-1"]["users_after"])]
    assert absent == [(None, None), (None, None)]


def test_deleted_rollout_keeps_its_name_of_the_time(waves, budget, clock):
    actions.delete_row(row=Rollout.objects.get(code="isa"), actor=None, reason="統合")
    clock.shift(60)
    Ministry.objects.filter(code="isa").update(name="別の名前")
    renamed = Ministry.objects.get(code="nta")
    renamed.name = "国税庁（新）"
    renamed.save()
    told = waves(WAVES)
    names = {code: (told[code]["label"], told[code]["ministry"]) for code in ("isa-1", "nta-1")}
    assert names == {
        "isa-1": ("出入国在留管理庁", "出入国在留管理庁"),
        "nta-1": ("国税庁（新）", "国税庁（新）"),
    }


def test_share_that_moved_counts_as_a_change(waves, budget):
    rollout = Rollout.objects.get(code="nta")
    rollout.users = 70_000
    actions.save_row(row=rollout, actor=None, reason="確認")
    told = waves(f"{WAVES}&changed=true")
    assert {
        code: (row["users_before"]["users"], row["users_after"]["users"]) for code, row in told.items()
    } == {
        "nta-1": (68_600, 70_000),
        "nra-1": (589, 517),
        "meti-1": (4_123, 3_617),
        "isa-1": (3_344, 2_933),
        "local-finance-bureaus-1": (3_344, 2_933),
    }


def test_date_written_otherwise_is_no_change(waves, budget):
    move("isa-1", "令和8年12月~")
    assert waves(f"{WAVES}&changed=true") == {}


def test_waves_come_in_pages(get, budget):
    first = get(f"{WAVES}&page_size=20")
    assert (len(first["results"]), first["previous"]) == (20, None)
    assert len(get(first["next"].partition("/api/v1/")[2])["results"]) == 4


# Now and a scenario


def test_scenario_stands_beside_the_plan(get, late):
    answer = get("projection/comparison/?scenario=late")
    assert (answer["baseline"], answer["scenario"]["code"]) == (None, "late")
    assert answer["scenario"] == get("projection/?scenario=late")["scenario"]
    assert (answer["from"]["label"], answer["to"]["label"]) == ("現在の計画", "国税庁 一年遅れ")
    assert answer["from"]["at"] == answer["to"]["at"] == answer["computed_at"]
    assert (answer["before"], answer["after"], answer["user_months"]) == (152_000, 83_400, 823_200)
    assert [(each["cause"], each["users"], each["changes"]) for each in answer["movers"]] == [
        ("date", -68_600, [])
    ]


def test_scenario_agrees_with_its_projection(get, late):
    ours = get("projection/comparison/?scenario=late")["fiscal_years"]
    theirs = get("projection/?scenario=late")["fiscal_years"]
    assert [year["after"] for year in ours] == [year["cumulative"] for year in theirs]


def test_scenario_shows_its_cutovers_as_written(waves, late):
    told = waves("projection/comparison/waves/?scenario=late&changed=true")
    assert {code: (row["before"]["text"], row["after"]["text"]) for code, row in told.items()} == {
        "nta-1": ("R8.6~", "令和9年6月")
    }


def test_scenario_of_a_wave_stands_over_that_of_its_rollout(waves, late):
    nta = Rollout.objects.get(code="nta")
    second = WaveFactory(rollout=nta, code="nta-2", cutover="R8.6")
    for field, value in (("cutover", "検討中"), ("status", "中止"), ("users", "600")):
        ScenarioChangeFactory(scenario=late, rollout=nta, wave=second, field=field, value=value)
    told = waves("projection/comparison/waves/?scenario=late&changed=true")
    names = ("after", "status_after", "users_after")
    assert told["nta-1"]["after"]["text"] == "令和9年6月"
    assert {name: told["nta-2"][name] for name in names} == {
        "after": None,
        "status_after": "cancelled",
        "users_after": {"users": 600, "basis": "stated"},
    }


def test_scenario_of_a_rollout_leaves_waves_that_are_settled(waves, late):
    nta = Rollout.objects.get(code="nta")
    WaveFactory(rollout=nta, code="nta-2", cutover="R8.6.1", status="in_use")
    WaveFactory(rollout=nta, code="nta-3", cutover="R8.6", status="cancelled")
    told = waves("projection/comparison/waves/?scenario=late")
    dates = {code: told[code]["after"]["text"] for code in ("nta-1", "nta-2", "nta-3")}
    assert dates == {"nta-1": "令和9年6月", "nta-2": "R8.6.1", "nta-3": "R8.6"}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("code", ["late", "none"])
def test_anonymous_reader_compares_with_no_scenario(client, get, late, path, code):
    client.logout()
    problem = get(f"{path}?scenario={code}", 401)
    assert problem["detail"] == "ログインが必要です。ログインしてからやり直してください。"


def test_scenario_does_not_touch_the_plan(get, late):
    before = list(Wave.objects.values())
    for path in PATHS:
        get(f"{path}?scenario=late")
    assert list(Wave.objects.values()) == before


# Queries


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("query", ["baseline=budget", "scenario=late"])
def test_queries_do_not_grow_with_what_moved(client, budget, late, clock, path, query):
    def count():
        clock.shift(60)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(f"/api/v1/{path}?{query}").status_code == 200
        return len(captured)

    move("nta-1", "R9.6")
    one = count()
    for code in ("isa", "meti", "nra"):
        clock.shift(60)
        move(f"{code}-1", "R9.6")
        ScenarioChangeFactory(
            scenario=Scenario.objects.get(), rollout=Rollout.objects.get(code=code), value="R9.9"
        )
    add_rollout()
    assert count() == one
    assert one <= 40


@pytest.mark.parametrize("path", [*PATHS, "projection/movers/"])
@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("", "基準計画のコードを指定してください。"),
        ("%00", "「\0」というコードの基準計画はありません。"),
    ],
    ids=["empty", "NUL"],
)
def test_code_that_no_baseline_can_have_is_refused(get, clock, path, code, message):
    assert get(f"{path}?baseline={code}", 400)["errors"] == {"baseline": [message]}
