"""The page at `/calendar/`: what goes wrong first, then what it draws of a fiscal year."""

import re

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rollout import actions
from rollout.calendar_warnings import warnings_about
from rollout.models import Wave
from rollout.recompute import recompute
from tests.conftest import SEED_NOW
from tests.dashboard.test_page import text_of
from tests.factories import (
    CohortFactory,
    FreezePeriodFactory,
    MinistryFactory,
    MonthlyLimitFactory,
    RolloutFactory,
    WaveFactory,
)

PATH = "/calendar/"


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(SEED_NOW, tick=True):
        yield


@pytest.fixture
def law(db):
    """A rollout of 法務省, in a cohort without a published total."""
    ministry = MinistryFactory(name="法務省", order=16)
    return RolloutFactory(lead_ministry=ministry, cohort=CohortFactory(published_users=None))


def page(client, query=""):
    recompute()
    response = client.get(f"{PATH}{query}")
    assert response.status_code == 200
    return response.content.decode()


def row_of(row):
    """The cells of a row that are not empty, by their first month; 4 is April, 15 March."""
    place, cells = 4, {}
    for attributes, content in re.findall(r"<td([^>]*)>(.*?)</td>", row, re.DOTALL):
        if text := text_of(content):
            cells[place] = text
        place += int((re.findall(r'colspan="(\d+)"', attributes) or ["1"])[0])
    assert place == 16
    return cells


def rows_of(html, part="tbody"):
    """Each row's heading, empty where it goes on, and its cells."""
    parts = re.findall(rf"<{part}[^>]*>(.*?)</{part}>", html, re.DOTALL)
    rows = [row for each in parts for row in re.findall(r"<tr>(.*?)</tr>", each, re.DOTALL)]
    return [(text_of("".join(re.findall(r"<th.*?</th>", row, re.DOTALL))), row_of(row)) for row in rows]


def notes_of(html):
    return [text_of(note) for note in re.findall(r"<li>(.*?)</li>", list_of(html, "calendar-notes"))]


def list_of(html, name):
    return re.search(rf'<ul class="{name}">(.*?)</ul>', html, re.DOTALL)[1]


def listed_under(html, heading):
    """The entries of the list under the heading that begins like this."""
    found = re.search(rf"<h3>{heading}.*?<ul[^>]*>(.*?)</ul>", html, re.DOTALL)
    return [text_of(entry) for entry in re.findall(r"<li>(.*?)</li>", found[1], re.DOTALL)]


# Unhappy paths


@pytest.mark.usefixtures("seeded")
def test_page_sends_the_anonymous_to_the_login_when_not_public(client, settings):
    settings.PUBLIC_READ = False
    response = client.get(f"{PATH}?fiscal_year=R9")
    location = "/admin/login/?next=/calendar/%3Ffiscal_year%3DR9"
    assert (response.status_code, response["Location"]) == (302, location)


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["", "?fiscal_year=soon"])
def test_page_says_what_to_do_before_the_first_computation(client, query):
    response = client.get(f"{PATH}{query}")
    assert (response.status_code, response["Retry-After"]) == (503, "60")


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize("text", ["", "来年度", "R0", "H40", "1911", "3000", "R8.6", "<script>", "9" * 500])
def test_page_refuses_what_is_no_year_and_shows_the_current_one(client, text):
    response = client.get(PATH, {"fiscal_year": text})
    html = response.content.decode()
    assert (response.status_code, "<script" in html) == (400, False)
    assert "<p>下は今年度（R8年度）です。</p>" in html
    assert rows_of(html)[0] == ("出入国在留管理庁", {12: "R8.12~ 予定 按分 3,344人"})


@pytest.mark.usefixtures("seeded")
def test_page_says_how_a_year_is_written(client):
    html = client.get(PATH, {"fiscal_year": "来年度"}).content.decode()
    notice = re.search(
        r'<div class="notice notice-error" role="alert">.*?年度を読めません.*?</div>', html, re.DOTALL
    )
    assert "「来年度」：年度として読めません。2026、FY2026、R8、R8年度、令和8年度 のように" in text_of(
        notice[0]
    )


@pytest.mark.usefixtures("seeded")
def test_page_refuses_an_unknown_basis_beside_a_good_year(client):
    response = client.get(PATH, {"basis": "half", "fiscal_year": "R9"})
    html = response.content.decode()
    assert (response.status_code, "「basis=half」という読み方はありません" in html) == (400, True)
    assert "<h1>切替のカレンダー R9年度</h1>" in html


@pytest.mark.django_db
def test_year_without_anything_says_so(client):
    html = page(client, "?fiscal_year=2050")
    assert "R32年度（2050-04–2051-03）にかかる切替の予定は登録されていません。" in html
    assert rows_of(html) == []
    assert notes_of(html)[1:] == [
        "凍結期間はまだ登録されていません。",
        "月あたりの上限はまだ登録されていません。",
    ]
    assert re.findall(r'class="year-(\w+)"', html) == ["current"]


@pytest.mark.django_db
def test_freezes_and_limits_of_other_years_are_not_missing_but_of_others(client):
    FreezePeriodFactory(first_day="2026-05-01", last_day="2026-05-31")
    MonthlyLimitFactory(from_fiscal_year=2026)
    assert notes_of(page(client, "?fiscal_year=2025"))[1:] == [
        "この年度にかかる凍結期間はありません。",
        "この年度に使う月あたりの上限はありません。",
    ]


def test_merged_wave_is_not_drawn_and_cancelled_one_weighs_nothing(client, law):
    one, two, three = (
        WaveFactory(rollout=law, name=f"第{n}陣", code=f"w{n}", cutover="R9.1", users=10) for n in "123"
    )
    actions.merge_waves(waves=[two], into=one, actor=None, reason="統合")
    Wave.objects.filter(pk=three.pk).update(status="cancelled")
    html = page(client)
    assert rows_of(html) == [("法務省", {13: "第1陣 R9.1 予定 20人 第3陣 R9.1 中止 10人"})]
    assert re.findall("<s>(.*?)</s>", html) == ["R9.1"]
    assert [cells[13] for _, cells in rows_of(html, "tfoot")] == ["20人", "1件"]


@pytest.mark.django_db
def test_what_a_freeze_period_rests_on_is_not_told(client):
    FreezePeriodFactory(
        ministry=None, label="改修", note="次官からの手紙", first_day="2026-05-01", last_day="2026-05-31"
    )
    html = page(client)
    assert ("手紙" in html, rows_of(html)) == (False, [("全府省庁の凍結期間", {5: "改修 5月1日〜5月31日"})])


# What is drawn


@pytest.mark.usefixtures("seeded")
def test_page_draws_the_published_plan_in_the_order_of_the_ministries(client):
    html = page(client)
    assert rows_of(html) == [
        ("出入国在留管理庁", {12: "R8.12~ 予定 按分 3,344人"}),
        ("財務局", {13: "R9.1~ 予定 按分 3,344人"}),
        ("国税庁", {14: "確定申告期 2月16日〜3月15日"}),
        ("", {6: "R8.6~ 予定日経過・未確認 68,600人"}),
        ("経済産業省", {7: "R8.7~ 予定日経過・未確認 按分 4,123人"}),
        ("原子力規制庁", {6: "R8.6~ 予定日経過・未確認 按分 589人"}),
    ]
    assert "R8年度（2026-04–2027-03）に切替の時期がかかる移行単位は 5件です。" in html
    assert "うち 3件は、予定日経過・未確認です。" in html


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize("text", ["2027", "FY2027", "R9", "R9年度", "令和9年度"])
def test_year_is_read_in_every_way_it_is_written(client, text):
    html = page(client, f"?fiscal_year={text}")
    headings = [text_of(heading) for heading in re.findall(r"<th scope=\"col\".*?</th>", html)]
    assert headings[1:] == [
        *(f"R9.{month} 2027-{month:02}" for month in range(4, 13)),
        *(f"R10.{month} 2028-{month:02}" for month in range(1, 4)),
    ]
    assert rows_of(html)[:2] == [
        ("法務省保護局", {11: "R9.11~ 予定 人数不明"}),
        ("財務省", {6: "R9.6~ 予定 人数不明"}),
    ]


@pytest.mark.usefixtures("seeded")
def test_this_month_is_marked_in_its_own_year_alone(client):
    marked = re.findall(r'id="this-month".*?</th>', page(client))
    assert [text_of(f"<th {heading}") for heading in marked] == ["R8.11 2026-11 今月"]
    assert "this-month" not in page(client, "?fiscal_year=R9")


@pytest.mark.parametrize(
    ("cutover", "cells"),
    [
        ("R9.3.31", {15: "R9.3.31"}),
        ("R8年度第3四半期", {10: "R8年度第3四半期"}),
        ("R8年度", {4: "R8年度"}),
        ("R8年", {4: "前年度から R8（令和8年）"}),
        ("R9年", {13: "R9（令和9年） 次年度へ"}),
        ("R9.2以降", {14: "R9.2以降 終わりは未定"}),
        ("R7.5以降", {4: "前年度から R7.5以降 終わりは未定"}),
    ],
)
def test_period_is_drawn_as_finely_as_it_is_known(client, law, cutover, cells):
    WaveFactory(rollout=law, cutover=cutover)
    drawn = {month: f"{text} 予定 人数不明" for month, text in cells.items()}
    assert rows_of(page(client)) == [("法務省", drawn)]


def test_exact_day_and_bar_have_shapes_of_their_own(client, law):
    for cutover in ("R9.1.15", "R9.1", "R8年度下期"):
        WaveFactory(rollout=law, cutover=cutover)
    shapes = re.findall(r'<div class="(wave .*?)">', page(client))
    assert shapes == ["wave wave-planned wave-exact", "wave wave-planned", "wave wave-planned wave-bar"]


def test_cell_draws_three_waves_and_counts_the_others(client, law):
    for number in range(1, 6):
        WaveFactory(rollout=law, name=f"第{number}陣", code=f"wave-a{number}", users=number)
    drawn = " ".join(f"第{number}陣 R9.1 予定 {number}人" for number in range(1, 4))
    assert rows_of(page(client)) == [("法務省", {13: f"{drawn} ほか 2件"})]


def test_ministry_draws_three_bars_above_one_another_and_counts_the_others(client, law):
    for number in range(1, 6):
        WaveFactory(rollout=law, name=f"第{number}陣", code=f"wave-a{number}", cutover="R8年度", users=number)
    bars = [{4: f"第{number}陣 R8年度 予定 {number}人"} for number in range(1, 4)]
    drawn = [cells for _, cells in rows_of(page(client))]
    assert drawn == [*bars, {4: "ほか 2件"}]


def test_ministry_that_moves_along_has_the_wave_too_and_the_load_has_it_once(client, law):
    law.coverages.create(ministry=MinistryFactory(name="復興庁", order=14))
    WaveFactory(rollout=law, name="第1陣", users=5)
    html = page(client)
    assert rows_of(html) == [
        ("復興庁", {13: "法務省とあわせて 第1陣 R9.1 予定 5人"}),
        ("法務省", {13: "第1陣 R9.1 予定 5人"}),
    ]
    assert [cells[13] for _, cells in rows_of(html, "tfoot")] == ["5人", "1件"]
    assert notes_of(html)[1].startswith("ほかの府省庁とあわせて移る府省庁の行には、")


def test_freeze_of_all_stands_on_top_and_shades_every_row(client, law):
    days = {"first_day": "2026-12-29", "last_day": "2027-01-03"}
    FreezePeriodFactory(ministry=None, label="年末年始", yearly=True, **days)
    FreezePeriodFactory(
        ministry=law.lead_ministry, label="更改", first_day="2026-02-01", last_day="2026-05-15"
    )
    html = page(client)
    assert rows_of(html) == [
        ("全府省庁の凍結期間", {12: "年末年始 12月29日〜1月3日"}),
        ("法務省", {4: "前年度から 更改 2月1日〜5月15日"}),
    ]
    assert html.count('<td class="frozen">') == 2


def test_freeze_of_one_ministry_shades_no_other(client, law):
    days = {"first_day": "2026-12-01", "last_day": "2027-02-28"}
    FreezePeriodFactory(ministry=law.lead_ministry, label="決算", **days)
    WaveFactory(rollout=law)
    WaveFactory(rollout__lead_ministry__name="環境省", rollout__cohort=law.cohort)
    html = page(client)
    assert [heading for heading, _ in rows_of(html)] == ["法務省", "", "環境省"]
    assert html.count('<td class="frozen">') == 3


# The load


def test_load_stands_beside_its_limit_and_says_where_it_is_over(client, law):
    MonthlyLimitFactory(from_fiscal_year=2025, users=100, cutovers=2)
    for cutover, users in (("R9.1", 60), ("R9.1.20", 41), ("R9.2", 100), ("R9.2", 0), ("R9.2", 0)):
        WaveFactory(rollout=law, cutover=cutover, users=users)
    html = page(client)
    people, cutovers = rows_of(html, "tfoot")
    assert (people[0], cutovers[0]) == ("月の人数 上限 月100人", "月の切替 上限 月2件")
    assert [people[1][month] for month in (12, 13, 14)] == [
        "0 / 100人",
        "101 / 100人 上限超過",
        "100 / 100人",
    ]
    assert [cutovers[1][month] for month in (12, 13, 14)] == ["0 / 2件", "2 / 2件", "3 / 2件 上限超過"]
    assert "月あたりの上限を超えるのは R9.1、R9.2 です。" in html


def test_load_is_over_where_the_waves_are_warned_of(client, law):
    MonthlyLimitFactory(from_fiscal_year=2026, users=100, cutovers=None)
    for month, users in (("R9.1", 101), ("R9.2", 100), ("R9.3", 102)):
        WaveFactory(rollout=law, cutover=month, users=users)
    html = page(client)
    over = {month for month, text in rows_of(html, "tfoot")[0][1].items() if "上限超過" in text}
    waves = list(Wave.objects.select_related("rollout__lead_ministry").prefetch_related("rollout__coverages"))
    warned = [each for each in warnings_about(waves) if each.warning.kind == "too_many_users"]
    assert over == {12 + each.wave.cutover.earliest.month for each in warned} == {13, 15}


def test_load_within_its_limit_is_said_to_be(client, law):
    MonthlyLimitFactory(from_fiscal_year=2026, users=None, cutovers=1)
    WaveFactory(rollout=law)
    html = page(client)
    assert "月あたりの上限を超える月はありません。" in html
    assert rows_of(html, "tfoot")[0][0] == "月の人数 上限なし"


def test_load_leaves_out_what_is_coarse_and_tells_what_is_unknown(client, law):
    for cutover, users in (("R9.1", 7), ("R9.1", None), ("R8年度下期", 9)):
        WaveFactory(rollout=law, cutover=cutover, users=users)
    html = page(client)
    people, cutovers = rows_of(html, "tfoot")
    assert (people[1][13], cutovers[1][13]) == ("7人 ほか不明1件", "2件")
    assert notes_of(html)[0].endswith("2か月以上にわたる時期の 1件は入っていません。")


# What the table cannot hold


@pytest.mark.usefixtures("seeded")
def test_page_tells_what_sources_do_not_name_yet(client):
    html = page(client)
    assert listed_under(html, "資料がまだ名前を挙げていないもの") == [
        "令和8年度以降に導入完了予定「その他省庁は検討中」"
    ]
    assert "<p>検討中の移行単位はありません。</p>" in html


def test_page_lists_the_undecided_by_rollout_and_counts_the_rest(client, law):
    WaveFactory.create_batch(3, rollout=law, cutover="検討中", status="under_review")
    WaveFactory(rollout=law, cutover="検討中", status="cancelled")
    for number in range(21):
        ministry = MinistryFactory(name=f"第{number}庁", order=20 + number)
        WaveFactory(rollout__lead_ministry=ministry, rollout__cohort=law.cohort, cutover="検討中")
    listed = listed_under(page(client), "時期が決まっていない移行単位 24件")
    assert listed == ["法務省 3件", *(f"第{number}庁 1件" for number in range(19)), "ほか 2件"]


def test_page_lists_what_reaches_beyond_the_year(client, law):
    for name, cutover in (("あ", "R9年"), ("い", "R9.1以降"), ("う", "R8年度")):
        WaveFactory(rollout=law, name=name, cutover=cutover)
    listed = listed_under(page(client), "時期がこの年度の外にも及ぶ移行単位 2件")
    assert listed == ["法務省 あ R9（令和9年）", "法務省 い R9.1以降"]


# Other years, other languages, many waves


@pytest.mark.parametrize(
    ("year", "links"),
    [
        (2025, ["next R8年度", "current 今年度"]),
        (2026, ["previous R7年度", "next R9年度"]),
        (2028, ["previous R9年度", "next R11年度", "current 今年度"]),
        (2029, ["previous R10年度", "current 今年度"]),
        (2031, ["current 今年度"]),
    ],
)
def test_page_leads_as_far_as_the_plan_goes_and_one_year_further(client, law, year, links):
    WaveFactory(rollout=law, cutover="R10.6")
    found = re.findall(
        r'class="year-(\w+)" href="\?fiscal_year=\d+">(.*?)<', page(client, f"?fiscal_year={year}")
    )
    assert [" ".join(pair) for pair in found] == links


@pytest.mark.django_db
@pytest.mark.parametrize("year", [1913, 2116])
def test_page_ends_where_dates_do(client, year):
    WaveFactory(cutover="T2.6", rollout__cohort__published_users=None)
    WaveFactory(cutover="2117.3", rollout__cohort__published_users=None)
    linked = re.findall(r'class="year-(\w+)"', page(client, f"?fiscal_year={year}"))
    assert linked == {1913: ["next", "current"], 2116: ["previous", "current"]}[year]


def add_plan(cohort, number):
    """Waves of every kind and a freeze period, of `number` ministries."""
    for ministry in MinistryFactory.create_batch(number):
        rollout = RolloutFactory(cohort=cohort, lead_ministry=ministry)
        rollout.coverages.create(ministry=MinistryFactory())
        for cutover in ("R8.6", "R9.1.15", "R8年度下期", "R9.1以降", "検討中"):
            WaveFactory.create_batch(number, rollout=rollout, cutover=cutover)
        FreezePeriodFactory(ministry=ministry, first_day="2026-06-01", last_day="2026-07-31")


@pytest.mark.django_db
def test_page_takes_the_same_queries_for_more_of_everything(client):
    cohort, counts = CohortFactory(published_users=None), []
    MonthlyLimitFactory(from_fiscal_year=2026)
    for number in (1, 4):
        add_plan(cohort, number)
        page(client)
        with CaptureQueriesContext(connection) as queries:
            client.get(PATH)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 18


@pytest.mark.usefixtures("seeded")
def test_page_is_in_the_menu(client):
    html = page(client)
    assert '<a href="/calendar/" aria-current="page">カレンダー</a>' in html
    assert '<a href="/calendar/">カレンダー</a>' in client.get("/").content.decode()
