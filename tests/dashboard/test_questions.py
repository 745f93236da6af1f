"""What the address of the front page asks: what cannot be answered first, then each question."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.db import OperationalError
from django.utils import timezone

from rollout import moments
from rollout.dashboard import views
from rollout.models import Rollout
from rollout.recompute import recompute
from tests.api.edits import change, move
from tests.conftest import SEED_NOW
from tests.dashboard.test_page import page, rows_of, text_of
from tests.factories import BaselineFactory, ScenarioChangeFactory, ScenarioFactory

NEXT_WEEK = SEED_NOW + timedelta(days=7)
LEAD = "R8年度末の見込みは {}人で"


@pytest.fixture
def budget(seeded):
    """A baseline of the published plan; a week later 国税庁 goes to R9.6."""
    with time_machine.travel(SEED_NOW, tick=False) as clock:
        clock.shift(60)
        baseline = BaselineFactory(code="budget", label="R8概算要求時点", moment=timezone.now())
        clock.move_to(NEXT_WEEK)
        move("nta-1", "R9.6")
        recompute()
        clock.shift(60)
        yield baseline


@pytest.fixture
def late(sign_in, seeded):
    """The published plan with 財務局 a year later, for who may see it."""
    scenario = ScenarioFactory(code="late", label="財務局 遅れ")
    ScenarioChangeFactory(
        scenario=scenario, rollout=Rollout.objects.get(code="local-finance-bureaus"), value="R10.1"
    )
    return scenario


def refusals(client, query):
    response = client.get(f"/{query}")
    assert response.status_code == 400
    [notice] = re.findall(r'role="alert">\s*<h2>そのとおり(.*?)</ul>', response.content.decode(), re.DOTALL)
    return [text_of(text) for text in re.findall(r"<li>(.*?)</li>", notice)]


# What cannot be answered


@pytest.mark.parametrize(
    ("query", "refused"),
    [
        (
            "?granularity=week",
            "「granularity=week」は選べません。使えるのは month、quarter、fiscal_year です。",
        ),
        ("?days=1", "「days=1」は選べません。使えるのは 7、30 です。"),
        ("?baseline=x", "「x」という基準計画はありません。下から選んでください。"),
        ("?cohort=x", "「x」という導入区分はありません。下から選んでください。"),
        ("?ministry=x", "「x」という府省庁はありません。下から選んでください。"),
        (
            "?scenario=x",
            "「x」という試算はありません。試算を見られるのは、権限のある人がログインしたときだけです。",
        ),
        ("?as_of=x", f"「x」は読めません。{moments.FORMS}"),
        ("?as_of=2030-01-01", f"未来の日です。{moments.FORMS}"),
        ("?as_of=2020-01-01", "計画の履歴がそこまで遡れません。履歴の始まりは 2026-11-23 16:00:00 です。"),
    ],
)
@pytest.mark.usefixtures("seeded")
def test_question_that_cannot_be_answered_is_answered_with_what_would_be_right(client, query, refused):
    assert refusals(client, query) == [refused]


def test_whatever_can_be_answered_is(client, budget):
    response = client.get("/?baseline=budget&cohort=x&days=30")
    html = text_of(response.content.decode())
    assert (response.status_code, "この30日間の変更" in html) == (400, True)
    assert "基準計画「R8概算要求時点」" in html


def test_baseline_after_the_moment_is_refused(client, budget):
    baseline = BaselineFactory(code="later", label="あとの時点", moment=NEXT_WEEK)
    assert refusals(client, f"?baseline={baseline.code}&as_of=2026-11-24") == [
        "「あとの時点」は見る時点より後の計画です。"
    ]


def test_past_of_a_scenario_is_refused(client, late):
    assert refusals(client, "?scenario=late&as_of=2026-11-23") == [
        "「scenario」と「as_of」は一緒に指定できません。"
    ]


@pytest.mark.usefixtures("seeded")
def test_page_waits_for_a_change_that_is_being_written(client, monkeypatch):
    def locked():
        raise OperationalError("database is locked")

    monkeypatch.setattr(moments, "settled_moment", locked)
    response = client.get("/")
    assert (response.status_code, response["Retry-After"]) == (503, "60")
    assert "計画の変更を書き込んでいるところです" in response.content.decode()


def test_anonymous_reader_is_offered_no_scenario(client, late):
    signed_in = page(client)
    client.logout()
    assert ("財務局 遅れ" in signed_in, "財務局 遅れ" in page(client)) == (True, False)


# What is asked


@pytest.mark.usefixtures("seeded")
def test_form_that_asks_nothing_is_the_plain_page(client):
    plain = text_of(page(client))
    assert text_of(page(client, "?as_of=&basis=cumulative&baseline=&cohort=&ministry=&days=7")) == plain


def test_past_day_shows_the_plan_as_it_was_known(client, budget):
    now, then = text_of(page(client)), text_of(page(client, "?as_of=2026-11-24"))
    assert (LEAD.format("83,400") in now, LEAD.format("152,000") in then) == (True, True)
    assert "2026年11月24日 23:59 に分かっていた計画です" in then


def test_past_names_things_as_they_were_called(client, budget):
    change(Rollout.objects.get(code="isa"), scope="地方局")
    assert "出入国在留管理庁（地方局）" in text_of(page(client))
    assert "地方局" not in text_of(page(client, "?as_of=2026-11-24"))


def test_baseline_stands_beside_the_plan(client, budget):
    html = page(client, "?baseline=budget")
    [this_year] = [row for row in rows_of(html, "years-heading") if "今年度" in row[0]]
    [nta] = [row for row in rows_of(html, "cutovers-heading") if row[0] == "国税庁"]
    assert this_year[4:6] == ["83,400", "152,000 差 −68,600"]
    assert nta[2:4] == ["R9.6 令和9年6月・R9年度", "R8.6~ +12か月"]


@pytest.mark.drawn
def test_scenario_stands_beside_the_plan(client, late):
    html = page(client, "?scenario=late")
    [this_year] = [row for row in rows_of(html, "years-heading") if "今年度" in row[0]]
    assert this_year[4:6] == ["152,000", "148,656 差 +3,344"]
    assert "「財務局 遅れ」はR8年度末で148,656人" in html


@pytest.mark.usefixtures("seeded")
def test_cohort_narrows_the_lists_and_not_the_figures(client):
    html = page(client, "?cohort=fy2026")
    assert len(rows_of(html, "cutovers-heading")) == 5
    assert LEAD.format("152,000") in html
    assert "予定日を過ぎて未確認の移行が 6件あります。" in html


@pytest.mark.usefixtures("seeded")
def test_ministry_narrows_the_lists_to_what_it_leads_or_moves_along_in(client):
    html = page(client, "?ministry=reconstruction-agency")
    assert [row[0] for row in rows_of(html, "cutovers-heading")] == ["内閣府（内閣官房と復興庁を含む）"]


@pytest.mark.usefixtures("seeded")
def test_ministry_without_a_rollout_has_no_lines(client):
    assert "ここに当てはまる移行単位はありません。" in page(client, "?ministry=moj&cohort=fy2026")


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize(
    ("granularity", "label"), [("quarter", "R8年度第4四半期 2026-Q4"), ("fiscal_year", "R8年度 2026")]
)
def test_table_of_the_curve_has_the_periods_asked_for(client, granularity, label):
    rows = rows_of(page(client, f"?granularity={granularity}"), "curve-heading")
    assert [row[2] for row in rows if row[0] == label] == ["152,000"]


@pytest.mark.usefixtures("seeded")
def test_downloads_answer_the_same_question(client):
    html = page(client, "?basis=group&granularity=quarter&cohort=fy2026")
    links = re.findall(r'href="(/api/v1/[^"]+)">(?:SVG|PNG|CSV|Excel|Vega-Lite)', html)
    assert (links[2], links[7]) == (
        "/api/v1/export/projection.csv?granularity=quarter&amp;basis=group",
        "/api/v1/export/waves.csv?cohort=fy2026",
    )
    answers = [client.get(link.replace("&amp;", "&")) for link in links]
    assert [(answer.status_code, len(answer.getvalue()) > 500) for answer in answers] == [(200, True)] * 10


# What has changed


def test_recent_changes_are_told_with_the_figure(client, budget):
    html = page(client)
    section = re.search(r'aria-labelledby="recent-heading">(.*?)</section>', html, re.DOTALL)[1]
    assert (
        "「2026年11月23日の計画」から、R8年度末の見込みは 152,000人 → 83,400人（−68,600人）になりました。"
        in text_of(section)
    )
    assert rows_of(html, "recent-heading") == [["国税庁", "日程", "R8.6~", "R9.6", "68,600人（公表・確認）"]]


def test_recent_changes_lead_to_the_comparison(client, budget):
    [link] = re.findall(r'href="(/comparison/[^"]+)"', page(client, "?basis=group"))
    assert client.get(link.replace("&amp;", "&")).status_code == 200


def test_history_that_begins_within_the_days_is_told_from_its_beginning(client, budget):
    html = page(client, "?days=30")
    assert "計画の履歴は、この期間の途中から始まっています。" in html
    assert len(rows_of(html, "recent-heading")) == 1


# The comparison with any past day


def test_comparison_with_a_past_day_tells_what_moved_since(client, budget):
    html = text_of(client.get("/comparison/?from=2026-11-24").content.decode())
    sentence = (
        "「2026年11月24日の計画」から、R8年度末の見込みは 152,000人 → 83,400人（−68,600人）になりました。"
    )
    assert sentence in html


@pytest.mark.parametrize(
    ("query", "refused"),
    [
        ("?from=2030-01-01", "未来の日です。"),
        ("?from=x", "「x」は読めません。"),
        ("?from=2020-01-01", "計画の履歴がそこまで遡れません。"),
        ("?from=2026-11-24&baseline=budget", "基準計画と試算は一緒に選べません。"),
    ],
)
def test_comparison_refuses_a_day_that_cannot_be_compared(client, budget, query, refused):
    response = client.get(f"/comparison/{query}")
    assert (response.status_code, refused in response.content.decode()) == (400, True)


# Pages are kept


def test_kept_page_is_made_anew_when_anything_it_shows_changes(client, budget):
    pages = [page(client), page(client)]
    move("isa-1", "R9.12")
    pages.append(page(client))
    recompute()
    pages.append(page(client))
    BaselineFactory(label="新しい基準")
    pages.append(page(client))
    assert [len(set(pages[:2])), len(set(pages))] == [1, 4]


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("", True),
        ("?basis=group", True),
        ("?basis=cumulative&basis=group", False),
        ("?x=1", False),
        ("?basis=group&days=7", False),
        ("?as_of=", False),
        ("?lang=en", False),
    ],
)
def test_few_addresses_alone_are_kept(client, monkeypatch, query, kept):
    page(client, query)
    monkeypatch.setattr(views, "_page", None)
    client.raise_request_exception = False
    assert (client.get(f"/{query}").status_code == 200) is kept


def test_page_of_who_is_signed_in_is_not_kept_for_others(client, late):
    page(client)
    client.logout()
    assert "財務局 遅れ" not in page(client)


@pytest.mark.usefixtures("seeded")
def test_anonymous_reader_who_has_the_page_gets_no_second_copy(client):
    first = client.get("/")
    again = client.get("/", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
