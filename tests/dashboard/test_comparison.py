"""The page at `/comparison/`: what goes wrong first, then the published plan beside itself."""

import re
from datetime import UTC, datetime

import pytest
import time_machine
from django.core.cache import cache
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from rollout import actions, moments
from rollout.dashboard import differences, waterfall
from rollout.domain.comparison import Slip
from rollout.models import Cohort, PlanVersion, Rollout, Scenario, ScenarioChange, Wave
from tests.api.edits import move, withdraw
from tests.conftest import SEED_NOW
from tests.dashboard.test_page import rows_of, text_of
from tests.factories import (
    BaselineFactory,
    CohortFactory,
    RolloutFactory,
    ScenarioChangeFactory,
    ScenarioFactory,
    WaveFactory,
)

BUDGET = "?baseline=budget"


@pytest.fixture
def clock(seeded):
    """The published plan at SEED_NOW and a minute; the clock stands still."""
    with time_machine.travel(SEED_NOW, tick=False) as clock:
        clock.shift(60)
        yield clock


@pytest.fixture
def budget(clock, django_user_model):
    """A baseline; the clock then stands a minute later."""
    person = django_user_model.objects.create_user("sato", first_name="花子")
    baseline = BaselineFactory(code="budget", label="R8概算要求時点", created_by=person)
    clock.shift(60)
    return baseline


@pytest.fixture
def late(clock, sign_in):
    """財務局 in the first half of R9年度, as a scenario."""
    scenario = ScenarioFactory(code="late", label="財務局 遅れ")
    rollout = Rollout.objects.get(code="local-finance-bureaus")
    ScenarioChangeFactory(scenario=scenario, rollout=rollout, value="令和9年度上期")
    clock.shift(60)
    return scenario


def page(client, query="", status=200):
    response = client.get(f"/comparison/{query}")
    assert response.status_code == status
    return response.content.decode()


def leads(html):
    return [text_of(lead) for lead in re.findall(r'<p class="lead[^"]*">(.*?)</p>', html, re.DOTALL)]


def all_edits(clock):
    """国税庁 a year later, one wave cancelled, one added, one deleted; a minute between each."""
    rollout = {"code": "bot", "cohort": Cohort.objects.get(code="fy2026"), "users": 500}
    for edit in (
        lambda: move("nta-1", "R9.6"),
        lambda: move("nra-1", "R8年度"),
        lambda: withdraw("meti-1"),
        lambda: WaveFactory(
            rollout=RolloutFactory(lead_ministry__name="造幣局", **rollout), cutover="R9.2.15"
        ),
        lambda: actions.delete_row(row=Rollout.objects.get(code="isa"), actor=None, reason="機微な理由"),
    ):
        clock.shift(60)
        edit()
    clock.shift(60)


# Unhappy paths


def test_page_sends_the_anonymous_to_the_login_when_not_public(client, budget, settings):
    settings.PUBLIC_READ = False
    response = client.get(f"/comparison/{BUDGET}")
    assert (response.status_code, response["Location"]) == (
        302,
        "/admin/login/?next=/comparison/%3Fbaseline%3Dbudget",
    )


def test_page_opens_for_the_signed_in_when_not_public(staff_client, budget, settings):
    settings.PUBLIC_READ = False
    page(staff_client, BUDGET)


def test_page_refuses_to_be_written_to(client, budget):
    assert client.post(f"/comparison/{BUDGET}").status_code == 405


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("?baseline=nothing", "「nothing」という基準計画はありません。下から選んでください。"),
        ("?scenario=nothing", "「nothing」という試算はありません。下から選んでください。"),
        ("?baseline=budget&scenario=late", "基準計画と試算は一緒に選べません。どちらか1つを選んでください。"),
        (
            "?baseline=budget&basis=all",
            "「basis=all」という読み方はありません。cumulative か group を指定してください。",
        ),
        ("?baseline=<script>", "「&lt;script&gt;」という基準計画はありません。下から選んでください。"),
        (
            "?baseline=early",
            "「早すぎる」の時点（2026年11月1日 09:00）の計画は、履歴に残っていません。",
        ),
    ],
)
def test_page_says_what_cannot_be_compared_and_still_offers_the_rest(
    sign_in, client, budget, late, query, message
):
    BaselineFactory(code="early", label="早すぎる", moment=datetime(2026, 11, 1, tzinfo=UTC))
    html = page(client, query, status=400)
    assert re.findall(r'<div class="notice notice-error".*?<p>(.*?)</p>', html, re.DOTALL) == [message]
    assert (html.count("<form"), html.count("<table"), "<script" in html) == (2, 0, False)


def test_page_shows_no_scenario_to_who_may_not_see_them(client, budget, late):
    client.logout()
    assert "財務局 遅れ" not in page(client)
    html = page(client, "?scenario=late", status=400)
    hidden = "「late」という試算はありません。試算を見られるのは、権限のある人がログインしたときだけです。"
    assert hidden in html
    assert "財務局 遅れ" not in html


def links_to_admin(client, query):
    return sorted(set(re.findall(r'<a[^>]* href="(/admin/rollout[^"]*)"', page(client, query))))


def test_page_leads_to_the_admin_only_who_may_go_there(staff_client, reader, budget):
    move("nta-1", "R9.6")
    history = f"/admin/rollout/rollout/{Rollout.objects.get(code='nta').pk}/history/"
    add = ["/admin/rollout/baseline/add/", history, "/admin/rollout/scenario/add/"]
    assert links_to_admin(staff_client, BUDGET) == add
    staff_client.force_login(reader)
    assert links_to_admin(staff_client, BUDGET) == []
    staff_client.logout()
    assert links_to_admin(staff_client, BUDGET) == []


def test_page_waits_for_a_change_that_is_being_written(client, budget, monkeypatch):
    def locked():
        raise OperationalError("database is locked")

    monkeypatch.setattr(moments, "settled_moment", locked)
    html = page(client, BUDGET, status=503)
    assert "計画の変更を書き込んでいるところです" in html
    assert "<table" not in html


def test_page_without_a_baseline_says_how_to_make_one(client, db):
    html = page(client)
    assert "基準計画はまだありません。" in html
    assert re.findall(r'<p>基準計画.*?href="([^"]+)"', html) == ["/admin/rollout/baseline/add/"]
    assert "<form" not in html


def test_page_never_names_people_or_reasons(client, budget, clock, django_user_model):
    clerk = django_user_model.objects.create_user("tanaka", first_name="次郎")
    wave = Wave.objects.get(code="nta-1")
    wave.cutover = "R9.6"
    actions.save_row(row=wave, actor=clerk, reason="国税庁の山田さんから")
    html = page(client, BUDGET)
    found = [word for word in ("sato", "花子", "tanaka", "次郎", "山田", "@") if word in html]
    assert ("−68,600" in html, found) == (True, [])


def test_page_says_that_the_plan_is_moving(client, budget):
    PlanVersion.objects.raise_number(history_missing=True)
    assert "その後の変更が入っていません。開き直してください。" in page(client, BUDGET)


# A baseline


def test_page_offers_baselines_and_scenarios(client, budget, late):
    html = page(client)
    assert [text_of(option) for option in re.findall(r"<option.*?</option>", html)] == [
        "R8概算要求時点（2026年11月23日 16:01）",
        "財務局 遅れ（検討中）",
    ]
    assert "<table" not in html


def test_plan_that_has_not_moved_says_so(client, budget):
    html = page(client, BUDGET)
    assert leads(html) == [
        "「R8概算要求時点」から、R8年度末の見込みは 152,000人のまま変わっていません。",
        "日程の変更、追加、削除、統合、中止はありません。",
    ]
    assert "変わった移行単位はありません。" in html
    assert "ほかの 24件は変わっていません。" in html
    assert "<figure" not in html


def test_page_leads_with_the_change_in_words(client, budget):
    move("nta-1", "R9.6")
    assert leads(page(client, BUDGET)) == [
        "「R8概算要求時点」から、R8年度末の見込みは 152,000人 → 83,400人（−68,600人）になりました。",
        "日程が動いた移行単位は 1件（差し引き 823,200 人月の遅れ）です。",
    ]


def test_year_ends_stand_side_by_side(client, budget):
    move("nta-1", "R9.6")
    rows = rows_of(page(client, BUDGET), "years-heading")
    assert rows[-3:] == [
        ["R7年度末（2025-04–2026-03）", "72,000", "72,000", "±0"],
        ["R8年度末（2026-04–2027-03）今年度", "152,000", "83,400", "−68,600"],
        ["R9年度末（2027-04–2028-03）", "152,000", "152,000", "±0"],
    ]


def test_movers_add_up_from_the_one_figure_to_the_other(client, budget, clock):
    all_edits(clock)
    html = page(client, BUDGET)
    assert rows_of(html, "movers-heading") == [
        ["R8概算要求時点", "", "", "152,000"],
        ["国税庁", "日程の変更", "−68,600", "83,400"],
        ["経済産業省", "中止・再開", "−4,123", "79,277"],
        ["出入国在留管理庁", "削除", "−3,344", "75,933"],
        ["造幣局", "追加", "+500", "76,433"],
        ["原子力規制庁", "按分のし直し", "+320", "76,753"],
        ["財務局", "按分のし直し", "+289", "77,042"],
        ["現在の計画", "", "", "77,042"],
    ]
    alt = (
        "R8年度末の累計利用者数の差の内訳の図。R8概算要求時点の152,000人から、国税庁の日程の変更で−68,600人、"
        "経済産業省の中止・再開で−4,123人、出入国在留管理庁の削除で−3,344人、造幣局の追加で+500人、"
        "原子力規制庁の按分のし直しで+320人、財務局の按分のし直しで+289人、現在の計画は77,042人。"
    )
    assert re.findall(r'role="img" aria-label="([^"]+)"', html) == [alt, alt]


def test_year_that_moved_is_told_where_the_current_one_did_not(sign_in, client, clock):
    move("nta-1", "R9.6")
    scenario = ScenarioFactory(code="later", label="国税庁 再延期")
    ScenarioChangeFactory(scenario=scenario, rollout=Rollout.objects.get(code="nta"), value="R10.9")
    clock.shift(60)
    html = page(client, "?scenario=later")
    assert "R9年度末の差の内訳" in html
    assert rows_of(html, "movers-heading")[1] == ["国税庁", "日程の変更", "−68,600", "83,400"]


def test_changed_waves_stand_with_both_dates_and_the_cost(client, budget, clock):
    all_edits(clock)
    html = page(client, BUDGET)
    assert rows_of(html, "waves-heading") == [
        ["造幣局", "追加", "なし", "R9.2.15 令和9年2月15日", "—", "—", "500人（公表・確認）"],
        ["出入国在留管理庁", "削除", "R8.12~ 令和8年12月", "なし", "—", "—", "3,344人（按分）"],
        [
            "経済産業省",
            "中止・人数",
            "R8.7~ 令和8年7月",
            "R8.7~ 令和8年7月",
            "—",
            "—",
            "4,123人（按分） → 6,358人（按分）",
        ],
        [
            "国税庁",
            "日程",
            "R8.6~ 令和8年6月",
            "R9.6 令和9年6月",
            "+12か月",
            "823,200 人月",
            "68,600人（公表・確認）",
        ],
        [
            "原子力規制庁",
            "日程・人数",
            "R8.6~ 令和8年6月",
            "R8年度 令和8年度",
            "−2〜+9か月",
            "8,181 人月",
            "589人（按分） → 909人（按分）",
        ],
        [
            "財務局",
            "人数",
            "R9.1~ 令和9年1月",
            "R9.1~ 令和9年1月",
            "—",
            "—",
            "3,344人（按分） → 3,633人（按分）",
        ],
    ]
    assert "ほかの 19件は変わっていません。" in html
    assert leads(html)[1] == (
        "日程が動いた移行単位は 2件（差し引き 831,381 人月の遅れ）、追加は 1件、削除は 1件、中止は 1件です。"
    )


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ("planned", "cancelled", "中止"),
        ("cancelled", "planned", "再開"),
        ("planned", "preparing", "予定→準備中"),
    ],
)
def test_changed_status_is_named(client, clock, before, after, change):
    for number, status in enumerate((before, after)):
        wave = Wave.objects.get(code="moj-rehabilitation-1")
        wave.status = status
        actions.save_row(row=wave, actor=None, reason="変更")
        if number == 0:
            BaselineFactory(code="budget")
        clock.shift(60)
    assert [row[:2] for row in rows_of(page(client, BUDGET), "waves-heading")] == [["法務省保護局", change]]


def test_other_basis_is_kept_in_the_forms(client, budget):
    html = page(client, f"{BUDGET}&basis=group")
    assert "区分の人数として読む場合" in text_of(html)
    assert html.count('<input type="hidden" name="basis" value="group">') == 1
    assert 'href="?baseline=budget&amp;basis=cumulative"' in html


def test_front_page_leads_to_the_comparison(client, clock):
    assert '<a href="/comparison/">比較</a>' in client.get("/").content.decode()


def test_page_is_without_inline_style_or_script(client, budget):
    move("nta-1", "R9.6")
    html = client.get(f"/comparison/{BUDGET}").content.decode()
    assert re.findall(r"<script|<style|\sstyle=|\son\w+=", html) == []


# A scenario


def test_scenario_stands_beside_the_plan_as_it_is_written(client, late):
    html = page(client, "?scenario=late")
    assert leads(html) == [
        "「財務局 遅れ」では、R8年度末の見込みは 152,000人 → 148,656人（−3,344人）になります。",
        "日程が動いた移行単位は 1件（差し引き 26,752 人月の遅れ）です。",
    ]
    assert rows_of(html, "waves-heading") == [
        [
            "財務局",
            "日程",
            "R9.1~ 令和9年1月",
            "令和9年度上期 令和9年度上期",
            "+3〜+8か月",
            "26,752 人月",
            "3,344人（按分）",
        ]
    ]


def test_scenario_that_changes_nothing_says_so(sign_in, client, clock):
    ScenarioFactory(code="same", label="変更なし")
    assert leads(page(client, "?scenario=same"))[0] == (
        "「変更なし」では、R8年度末の見込みは 152,000人のままです。"
    )


# Rows and queries


@pytest.mark.parametrize(
    ("slip", "months", "cost"),
    [
        pytest.param((True, 3, 3, 3, 205_800), "+3か月", "205,800 人月", id="later"),
        pytest.param((True, -2, -2, -2, -300), "−2か月", "−300 人月", id="earlier"),
        pytest.param((True, 12, 1, 23, None), "+1〜+23か月", "不明", id="bounds, users unknown"),
        pytest.param((True, 0, 0, 11, 0), "±0〜+11か月", "0 人月", id="a wider period"),
        pytest.param((True, None, None, None, None), "—", "—", id="date given"),
        pytest.param((False, 0, 0, 0, 0), "—", "—", id="the same"),
    ],
)
def test_slip_in_words(slip, months, cost):
    row = Slip("a", "a-1", 0, 0, *slip)
    assert (differences.slip_text(row), differences.user_months_text(row)) == (months, cost)


def test_earlier_dates_are_told_as_such(client, budget):
    move("nta-1", "R8.3")
    assert leads(page(client, BUDGET))[1] == (
        "日程が動いた移行単位は 1件（差し引き 205,800 人月の前倒し）です。"
    )


def test_long_lists_say_what_is_left_off_and_still_add_up(client, budget):
    cohort = CohortFactory()
    for number in range(105):
        rollout = RolloutFactory(code=f"many-{number}", cohort=cohort, users=number + 1)
        WaveFactory(rollout=rollout, cutover="R9.2")
    html = page(client, BUDGET)
    movers = rows_of(html, "movers-heading")
    assert len(movers) == 22
    assert movers[-2][0].startswith("ほか ")
    assert movers[-2][3] == movers[-1][3]
    assert len(rows_of(html, "waves-heading")) == 100
    assert re.search(
        r"ほか \d+件は <a href=\"/api/v1/projection/comparison/waves/\?baseline=budget&amp;", html
    )


def test_charts_are_drawn_once_for_the_same_steps(client, budget, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        differences, "waterfall_svg", lambda _steps, size: drawn.append(size.name) or "<svg/>"
    )
    cache.clear()
    move("nta-1", "R9.6")
    for _ in range(2):
        page(client, BUDGET)
    cache.clear()
    assert drawn == ["wide", "narrow"]


@pytest.mark.parametrize("query", [BUDGET, "?scenario=late"])
def test_queries_do_not_grow_with_what_moved(client, budget, late, clock, query):
    def count():
        clock.shift(60)
        with CaptureQueriesContext(connection) as captured:
            page(client, query)
        return len(captured)

    move("nta-1", "R9.6")
    one = count()
    for code in ("isa", "meti", "nra"):
        clock.shift(60)
        move(f"{code}-1", "R9.6")
        rollout = Rollout.objects.get(code=code)
        ScenarioChangeFactory(scenario=Scenario.objects.get(), rollout=rollout, value="R9.9")
        BaselineFactory()
    assert count() == one
    assert one <= 40


# The chart

STEPS = [
    waterfall.Step(("前",), 152_000, 152_000),
    waterfall.Step(("国税庁", "日程の変更"), 152_000, 83_400),
    waterfall.Step(("「造幣局's」", "追加"), 83_400, 83_900),
    waterfall.Step(("後",), 83_900, 83_900),
]


def texts(svg):
    return {re.sub(r"<[^>]+>", "", text) for text in re.findall(r"<text.*?</text>", svg)}


@pytest.mark.parametrize("size", [waterfall.WIDE, waterfall.NARROW], ids=lambda size: size.name)
def test_chart_says_every_step_in_figures(size):
    svg = waterfall.waterfall_svg(STEPS, size)
    assert {"152,000人", "−68,600", "+500", "83,900人"} <= texts(svg)
    assert re.findall(r"\sstyle=|<style|<script|\son\w+=|href=", svg) == []
    assert f'id="waterfall-{size.name}"' in svg


def test_chart_names_cause_where_there_is_room():
    wide, narrow = (
        texts(waterfall.waterfall_svg(STEPS, size)) for size in (waterfall.WIDE, waterfall.NARROW)
    )
    assert {"前", "国税庁の日程の変更", "「造幣局's」の追加", "後"} <= wide
    assert {"前", "国税庁", "「造幣局's」", "後"} <= narrow


def test_chart_bars_begin_where_the_one_before_ended():
    rows = next(rows for rows in waterfall.waterfall_spec(STEPS)["datasets"].values() if "end" in rows[0])
    assert [(row["users"], row["end"]) for row in rows] == [(152_000, 83_400), (83_400, 83_900)]


def test_chart_of_a_share_that_only_changed_hands_has_a_plane():
    steps = [waterfall.Step(("前",), 0, 0), waterfall.Step(("a",), 0, 1), waterfall.Step(("b",), 1, 0)]
    assert {"+1", "−1", "0人"} <= texts(waterfall.waterfall_svg([*steps, waterfall.Step(("後",), 0, 0)]))


def test_page_refuses_a_scenario_with_a_value_that_cannot_be_read(client, late):
    ScenarioChange.objects.filter(scenario=late).update(value="そのうち")
    html = page(client, "?scenario=late", status=400)
    message = (
        "試算「財務局 遅れ」の変更点「財務局 切替：そのうち」は、値を読めません。"
        "管理画面の「試算」で直してください。"
    )
    assert re.findall(r'<div class="notice notice-error".*?<p>(.*?)</p>', html, re.DOTALL) == [message]
