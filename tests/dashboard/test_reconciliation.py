"""The page at `/reconciliation/`: what goes wrong first, then what it says of the published plan."""

import re

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rollout.models import Citation, PlanVersion, Rollout, Wave
from rollout.recompute import recompute
from tests.conftest import SEED_NOW
from tests.dashboard.test_page import text_of
from tests.factories import (
    CohortFactory,
    ContactFactory,
    ObservationFactory,
    SourceFactory,
    TargetFactory,
    WaveFactory,
)

PATH = "/reconciliation/"


def page(client, query=""):
    response = client.get(f"{PATH}{query}")
    assert response.status_code == 200
    return response.content.decode()


def figures_of(html):
    """The rows of the table, as texts, by the heading of their group."""
    groups = {}
    for body in re.findall(r"<tbody>(.*?)</tbody>", html, re.DOTALL):
        heading, *rows = re.findall(r"<tr>.*?</tr>", body, re.DOTALL)
        title = text_of(re.search(r'figure-kind-text">(.*?)<span', heading, re.DOTALL)[1])
        groups[title] = [
            [text_of(cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)] for row in rows
        ]
    return groups


# Unhappy paths


@pytest.mark.usefixtures("seeded")
def test_page_sends_the_anonymous_to_the_login_when_not_public(client, settings):
    settings.PUBLIC_READ = False
    response = client.get(f"{PATH}?basis=group")
    location = "/admin/login/?next=/reconciliation/%3Fbasis%3Dgroup"
    assert (response.status_code, response["Location"]) == (302, location)


@pytest.mark.django_db
def test_page_says_what_to_do_before_the_first_computation(client):
    response = client.get(PATH)
    assert (response.status_code, response["Retry-After"]) == (503, "60")
    assert "見込みはまだ計算されていません" in response.content.decode()


@pytest.mark.usefixtures("seeded")
def test_page_refuses_an_unknown_basis_and_still_shows_the_default(client):
    response = client.get(PATH, {"basis": "<script>"})
    html = response.content.decode()
    assert (response.status_code, "<script" in html) == (400, False)
    assert "「basis=&lt;script&gt;」という読み方はありません" in html
    assert figures_of(html)["目標"][1][2] == "152,000"


@pytest.mark.usefixtures("seeded")
def test_page_refuses_to_be_written_to(client):
    assert client.post(PATH).status_code == 405


@pytest.mark.usefixtures("seeded")
def test_page_says_when_a_change_is_not_in_the_figures(client):
    warning = "計画の変更がまだ反映されていません"
    assert warning not in page(client)
    PlanVersion.objects.raise_number()
    assert warning in page(client)


@pytest.mark.usefixtures("seeded")
def test_page_says_when_the_day_has_changed(client):
    with time_machine.travel(SEED_NOW.replace(day=24)):
        assert "（その後に日付も変わりました）" in page(client)


@pytest.mark.usefixtures("seeded")
def test_page_shows_neither_contacts_nor_reasons(client):
    rollout = Rollout.objects.get(code="nta")
    contact = ContactFactory(ministry=rollout.lead_ministry, name="機微 太郎")
    rollout.history.update(history_change_reason="内密の理由")
    html = page(client)
    hidden = (contact.email, contact.name, "内密の理由", "@")
    assert [word for word in hidden if word in html] == []


@pytest.mark.django_db
def test_page_of_an_empty_plan_has_no_figures_but_opens(client):
    recompute()
    html = text_of(page(client))
    assert html.count("公表された数字はまだ登録されていません。") == 2
    assert "公表された数字どうしを並べて分かったことは、今のところありません。" in html


@pytest.mark.usefixtures("seeded")
def test_page_needs_no_inline_style_or_script(client):
    assert re.findall(r"<script|<style|\sstyle=|\son\w+=", page(client)) == []


# The published plan

BUDGET = "デジタル庁 R7.8「令和8年度予算概算要求及び機構定員要求の概要」"
INCREASE = "「ユーザー数は倍増 (約8万の増加) を見込む」"


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize(
    ("query", "planned", "difference", "percent", "tolerance"),
    [
        ("", "152,000", "−120,000", "−44.1%", "±6,500"),
        ("?basis=group", "80,000", "−192,000", "−70.6%", "±5,500"),
    ],
)
def test_third_group_is_short_by_what_is_undated(client, query, planned, difference, percent, tolerance):
    row = figures_of(page(client, query))["区分ごとの公表人数"][2]
    assert row == [
        "令和8年度以降に導入完了予定 「約272,000ユーザー」",
        "約272,000",
        planned,
        f"{difference} {percent}",
        tolerance,
        f"未定あり 時期・人数が未定 {difference[1:]}人",
        BUDGET,
    ]


@pytest.mark.usefixtures("seeded")
def test_figures_stand_in_groups_beside_the_plan(client):
    groups = figures_of(page(client))
    assert [(title, len(rows)) for title, rows in groups.items()] == [
        ("区分ごとの公表人数", 4),
        ("年度の増加", 1),
        ("前年度末に対する倍率", 1),
        ("公表された利用者数（実績）", 4),
        ("導入案件ごとの公表人数", 2),
        ("目標", 2),
    ]
    assert groups["前年度末に対する倍率"] == [
        [
            f"R8年度末（前年度末の2倍） {INCREASE}",
            "144,000 前年度末の2倍",
            "152,000 2.11倍",
            "+8,000 +5.6%",
            "±36,000",
            "一致",
            BUDGET,
        ]
    ]


@pytest.mark.usefixtures("seeded")
def test_observations_have_their_note_and_verdict(client):
    rows = figures_of(page(client))["公表された利用者数（実績）"]
    assert [row[:6] for row in rows] == [
        ["令和5年8月の利用者数 5機関", "約26,300", "26,703", "+403 +1.5%", "±50", "近い"],
        ["令和6年3月の利用者数 約1300拠点", "約34,000", "34,396", "+396 +1.2%", "±500", "一致"],
        [
            "令和6年6月19日の利用者数 利用者=一括調達端末を配布した者",
            *("約35,000", "34,607", "−393 −1.1%", "±500", "一致"),
        ],
        ["令和7年8月の利用者数 利用開始している府省庁の合計", "約47,000", "47,000", "±0", "±500", "一致"],
    ]


@pytest.mark.usefixtures("seeded")
def test_target_without_a_rounding_on_record_has_no_tolerance(client):
    first, _ = figures_of(page(client))["目標"]
    derivation = "R7年度末 72,000（約47,000＋約25,000）＋ R8年度の増加 約8万"
    assert first[:6] == [f"R8年度末の利用者数 {derivation}", "152,000", "152,000", "±0", "なし", "一致"]


@pytest.mark.usefixtures("seeded")
def test_page_leads_with_how_many_figures_agree(client):
    (lead,) = re.findall(r'<p class="lead">(.*?)</p>', page(client))
    assert lead == "公表された数字 14件のうち、「一致」が 11件、「近い」が 1件、「未定あり」が 2件です。"


@pytest.mark.usefixtures("seeded")
def test_findings_stand_under_what_kind_they_are(client):
    section = page(client).split('id="findings-heading"')[1].split("</section>")[0]
    parts = re.findall(r"<h3>(.*?)</h3>(.*?)</ul>", section, re.DOTALL)
    assert [(title, body.count("<li>")) for title, body in parts] == [
        ("残りの人数が定員より少ない", 1),
        ("定員の範囲が混じっている", 2),
        ("出典どうしが食い違う", 2),
        ("二通りに読める", 1),
        ("別の出典の実績と近い", 1),
    ]
    assert "国税庁の公表人数 68,600人を引くと、" in parts[0][1]


@pytest.mark.usefixtures("seeded")
def test_page_offers_the_other_reading(client):
    links = re.findall(r'<a href="(\?basis=\w+)"( aria-current="true")?>', page(client, "?basis=group"))
    assert links == [("?basis=cumulative", ""), ("?basis=group", ' aria-current="true"')]


@pytest.mark.usefixtures("seeded")
def test_every_source_link_leads_to_a_source_at_the_foot(client):
    html = page(client)
    targets = set(re.findall(r'<li id="(source-[^"]+)"', html))
    linked = set(re.findall(r'href="#(source-[^"]+)"', html))
    assert (linked <= targets, len(linked), len(targets)) == (True, 4, 5)


@pytest.mark.usefixtures("seeded")
def test_every_verdict_is_explained(client):
    legend = page(client).split("判定の見方</h2>")[1]
    assert re.findall(r'<dt><span class="verdict verdict-(\w+)">(.*?)</span>', legend) == [
        ("agrees", "一致"),
        ("close", "近い"),
        ("undated", "未定あり"),
        ("differs", "食い違い"),
    ]


@pytest.mark.usefixtures("seeded")
def test_parts_that_exceed_the_whole_are_shown_as_a_conflict(client):
    Wave.objects.filter(rollout__code="jftc").update(users=9_000)
    PlanVersion.objects.raise_number()
    recompute()
    html = page(client)
    conflict = "「令和7年度に導入完了予定」：内訳の合計が公表値を超えています（2,700人）。"
    assert conflict in text_of(html)
    assert figures_of(html)["区分ごとの公表人数"][1][3:6] == ["+2,700 +10.8%", "±500", "食い違い"]


@pytest.mark.usefixtures("seeded")
def test_pages_lead_to_one_another(client):
    front, own = client.get("/").content.decode(), page(client)
    links = re.compile(r'<li><a href="(/|/reconciliation/)"( aria-current="page")?>')
    assert links.findall(front) == [("/", ' aria-current="page"'), (PATH, "")]
    assert links.findall(own) == [("/", ""), (PATH, ' aria-current="page"')]
    assert '<a href="/reconciliation/">公表値との照合</a>' in front


def add_everything(cohort, copies, start):
    """Figures and findings of every kind, `copies` of each."""
    for number in range(start, start + copies):
        wave = WaveFactory(rollout__cohort=cohort, rollout__weight=1000, rollout__weight_scope="body")
        for cutover in ("R8.6", "R8.9"):
            said = {"subject": "cutover", "says_cutover": cutover, "text": cutover}
            Citation.objects.create(rollout=wave.rollout, source=SourceFactory(), **said)
        Citation.objects.create(
            rollout=wave.rollout, source=SourceFactory(), subject="users", says_users=5, text="5人"
        )
        ObservationFactory(as_of=f"2024-{number:02d}")
        TargetFactory(by=f"2027-03-{number:02d}")


@pytest.mark.django_db
def test_page_queries_do_not_grow_with_what_was_published(client, time_machine):
    time_machine.move_to("2026-11-23T07:00:00Z")
    cohort = CohortFactory(published_users=100)
    counts = []
    for copies, start in ((1, 1), (5, 2)):
        add_everything(cohort, copies, start)
        recompute()
        with CaptureQueriesContext(connection) as queries:
            html = page(client)
        counts.append((len(queries), html.count('scope="row"')))
    (few_queries, few_rows), (many_queries, many_rows) = counts
    assert (many_queries, many_rows) == (few_queries, few_rows + 15)
    assert few_queries <= 18
