"""The page at `/`: what goes wrong first, then the figures of the published plan."""

import re
from datetime import date

import pytest
import time_machine
from django.core.cache import cache
from django.utils.html import strip_tags
from redis.exceptions import ConnectionError as RedisConnectionError

from ministries.models import Contact
from rollout import charts
from rollout.domain.plan import Basis
from rollout.models import PlanVersion, Projection, Target, Wave
from rollout.recompute import recompute
from tests.conftest import SEED_NOW
from tests.factories import ContactFactory, WaveFactory


@pytest.fixture(autouse=True)
def _public(settings):
    settings.PUBLIC_READ = True


def text_of(html):
    """The words of a piece of the page, with single spaces."""
    return " ".join(strip_tags(html).split())


def page(client, query=""):
    response = client.get(f"/{query}")
    assert response.status_code == 200
    return response.content.decode()


def rows_of(html, heading):
    """The body rows of the table in the section with this heading's id, as lists of texts."""
    section = re.search(rf'<section[^>]* aria-labelledby="{heading}".*?>(.*?)</section>', html, re.DOTALL)[1]
    body = re.search(r"<tbody>(.*?)</tbody>", section, re.DOTALL)[1]
    rows = re.findall(r"<tr.*?</tr>", body, re.DOTALL)
    return [[text_of(cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)] for row in rows]


# Unhappy paths


@pytest.mark.usefixtures("seeded")
def test_page_sends_the_anonymous_to_the_login_when_not_public(client, settings):
    settings.PUBLIC_READ = False
    response = client.get("/?basis=group")
    assert response.status_code == 302
    assert response["Location"] == "/admin/login/?next=/%3Fbasis%3Dgroup"


@pytest.mark.usefixtures("seeded")
def test_page_opens_for_the_signed_in_when_not_public(staff_client, settings):
    settings.PUBLIC_READ = False
    assert staff_client.get("/").status_code == 200


@pytest.mark.django_db
def test_page_says_what_to_do_before_the_first_computation(client):
    response = client.get("/")
    html = response.content.decode()
    assert (response.status_code, response["Retry-After"]) == (503, "60")
    assert "見込みはまだ計算されていません" in html
    assert "manage.py seed" in html
    assert "manage.py recompute" in html


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize("basis", ["Group", "<script>alert(1)</script>"])
def test_page_refuses_an_unknown_basis_and_still_shows_the_default(client, basis):
    response = client.get("/", {"basis": basis})
    html = response.content.decode()
    assert response.status_code == 400
    assert "は選べません。使えるのは cumulative、group です。" in html
    assert "<script>" not in html
    assert "R8年度末の見込みは 152,000人で、目標 272,000人の 56% です。" in html


@pytest.mark.usefixtures("seeded")
def test_page_refuses_to_be_written_to(client):
    assert client.post("/").status_code == 405


@pytest.mark.usefixtures("seeded")
def test_page_says_when_a_change_is_not_in_the_figures(client):
    before = page(client)
    PlanVersion.objects.raise_number()
    after = page(client)
    assert "計画の変更がまだ反映されていません" not in before
    assert "計画の変更がまだ反映されていません" in after
    assert "2026年11月23日 16:00 に計算したものです。" in text_of(after)


@pytest.mark.usefixtures("seeded")
def test_page_says_when_the_day_has_changed(client):
    with time_machine.travel(SEED_NOW.replace(day=24)):
        assert "（その後に日付も変わりました）" in page(client)


@pytest.mark.drawn
@pytest.mark.usefixtures("seeded")
def test_page_opens_while_the_cache_is_away(client, monkeypatch):
    def away(*_args, **_kwargs):
        raise RedisConnectionError

    monkeypatch.setattr(cache, "get", away)
    assert page(client).count('<svg aria-hidden="true" id="s-curve-') == 2


@pytest.mark.drawn
@pytest.mark.usefixtures("seeded")
def test_page_draws_its_charts_once_for_each_reading(client, monkeypatch):
    drawn = []
    monkeypatch.setattr(charts, "s_curve_svg", lambda curve, *_args: drawn.append(curve.basis) or "<svg/>")
    cache.clear()
    for query in ("", "", "?basis=group", "?basis=group"):
        page(client, query)
    cache.clear()
    assert drawn == [Basis.CUMULATIVE] * 2 + [Basis.GROUP] * 2


@pytest.mark.usefixtures("seeded")
def test_page_lists_conflicts_in_words(client):
    Wave.objects.filter(rollout__code="jftc").update(users=9_000)
    PlanVersion.objects.raise_number()
    recompute()
    assert "「令和7年度に導入完了予定」：内訳の合計が公表値を超えています（2,700人）。" in text_of(
        page(client)
    )


@pytest.mark.usefixtures("seeded")
def test_page_never_shows_contacts(client):
    contact = ContactFactory(
        ministry=Wave.objects.get(rollout__code="isa").rollout.lead_ministry, name="機微 太郎"
    )
    assert Contact.objects.count() >= 1
    html = page(client)
    assert (contact.email in html, contact.name in html, "@" in html) == (False, False, False)


@pytest.mark.django_db
def test_page_of_an_empty_plan_has_no_figures_but_opens(client):
    recompute()
    html = text_of(page(client))
    assert "目標は登録されていません" in html
    assert "公表された利用者数はまだ登録されていません。" in html
    assert "今後1年以内に予定されている切替はありません。" in html


# The published plan


@pytest.mark.usefixtures("seeded")
def test_page_leads_with_the_day_in_words(client):
    html = page(client)
    first, more = re.findall(r'<p class="lead[^"]*">(.*?)</p>', html, re.DOTALL)
    assert first == "R8年度末の見込みは 152,000人で、目標 272,000人の 56% です。"
    assert more == (
        "利用を確認できたのは 47,000人です。予定日を過ぎて未確認の移行が 6件あります。"
        "時期未定が 120,000人残っています。"
    )


@pytest.mark.usefixtures("seeded")
def test_page_keeps_planned_and_confirmed_apart(client):
    tiles = re.findall(r'<div class="tile .*?</div>', page(client), re.DOTALL)
    assert [text_of(tile) for tile in tiles] == [
        "計画（R8.11まで） 145,312人 予定どおりなら利用中の人数",
        "利用確認済み 47,000人 計画との差 −98,312人",
        "R8年度末の見込み 152,000人 幅 146,000–158,000人",
        "時期未定 120,000人 公表人数のうち、時期か内訳が決まっていない分",
    ]


@pytest.mark.usefixtures("seeded")
def test_page_offers_the_other_reading(client):
    html = text_of(page(client, "?basis=group"))
    assert "R8年度末の見込みは 152,000人で、目標 344,000人の 44% です。" in html
    assert "時期未定が 192,000人残っています。" in html
    assert "どちらが正しいかは、資料に書かれていません。" in html


@pytest.mark.usefixtures("seeded")
def test_fiscal_years_stand_beside_the_published_figure(client):
    rows = rows_of(page(client), "years-heading")
    source = "デジタル庁 R7.8「令和8年度予算概算要求及び機構定員要求の概要」"
    assert rows[-3:] == [
        ["R7年度（2025-04–2026-03）", "+27,864", "公表なし", "—", "72,000", "46,500–73,000", "47,000", "26%"],
        [
            "R8年度（2026-04–2027-03）今年度",
            "+80,000",
            f"約80,000 {source}",
            "±0",
            "152,000",
            "146,000–158,000",
            "47,000",
            "56%",
        ],
        ["R9年度（2027-04–2028-03）", "0", "公表なし", "—", "152,000", "146,000–158,000", "これから", "56%"],
    ]


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize("query", ["", "?basis=group"])
def test_checkpoint_tells_how_it_follows_and_since_when_it_stands(client, query):
    derivation = "R7年度末 72,000（約47,000＋約25,000）＋ R8年度の増加 約8万"
    source = "デジタル庁 R7.8「令和8年度予算概算要求及び機構定員要求の概要」"
    assert rows_of(page(client, query), "checkpoints-heading") == [
        [
            f"R8年度末の利用者数（2027-03-31まで）公表された数字から算出：{derivation}。出典 {source}",
            "152,000",
            "152,000",
            "146,000–158,000",
            "47,000",
            "遅れると未達2026-11-23 から",
        ]
    ]


@pytest.mark.usefixtures("seeded")
def test_page_without_checkpoints_has_no_empty_table(client):
    Target.objects.filter(by__isnull=False).delete()
    assert "checkpoints-heading" not in page(client)


@pytest.mark.usefixtures("seeded")
def test_overdue_waves_are_named_as_such(client):
    rows = rows_of(page(client), "overdue-heading")
    assert [row[0] for row in rows] == [
        "法務省（一部）",
        "公正取引委員会",
        "気象庁",
        "国税庁",
        "原子力規制庁",
        "経済産業省",
    ]
    assert rows[3][1:4] == [
        "R8.6~ 令和8年6月・R8年度",
        "68,600人 公表・確認",
        "予定日経過・未確認 146日経過・登録は「予定」",
    ]
    assert "リックテレコム R6" in rows[3][4]


@pytest.mark.usefixtures("seeded")
def test_upcoming_waves_tell_shared_out_from_unknown(client):
    rows = rows_of(page(client), "upcoming-heading")
    assert [(row[0], row[2]) for row in rows] == [
        ("出入国在留管理庁", "3,344人 按分"),
        ("財務局", "3,344人 按分"),
        ("財務省", "不明"),
        ("法務省保護局", "不明"),
    ]


@pytest.mark.usefixtures("seeded")
def test_undated_names_members_with_a_date_but_no_count(client):
    html = text_of(page(client))
    assert "時期はあるが人数が公表されていない財務省（R9.6~）、法務省保護局（R9.11~） 出典" in html


@pytest.mark.usefixtures("seeded")
def test_undated_without_a_known_count_is_not_called_zero(client):
    WaveFactory(cutover="検討中", rollout__lead_ministry__name="第九省")
    recompute()
    assert "人数は不明 時期が決まっていない第九省（検討中）" in text_of(page(client))


@pytest.mark.usefixtures("seeded")
def test_observations_stand_beside_the_plan_of_their_month(client):
    rows = rows_of(page(client), "observations-heading")
    assert [row[:4] for row in rows] == [
        ["R5.8 2023-08", "約26,300", "26,703", "+403"],
        ["R6.3 2024-03", "約34,000", "34,396", "+396"],
        ["R6.6.19 2024-06-19", "約35,000", "34,607", "−393"],
        ["R7.8 2025-08", "約47,000", "47,000", "±0"],
    ]


@pytest.mark.usefixtures("seeded")
def test_month_table_is_the_curve(client):
    curve = Projection.objects.current(Basis.CUMULATIVE, date(2026, 11, 23)).curve
    rows = rows_of(page(client), "curve-heading")
    assert [row[2] for row in rows] == [f"{users:,}" for users in curve.planned]
    assert [row[5] for row in rows if row[0] in {"R8.11 2026-11", "R8.12 2026-12"}] == ["47,000", "これから"]


@pytest.mark.usefixtures("seeded")
def test_every_source_link_leads_to_a_source_at_the_foot(client):
    html = page(client)
    targets = set(re.findall(r'<li id="(source-[^"]+)"', html))
    assert set(re.findall(r'href="#(source-[^"]+)"', html)) <= targets
    assert len(targets) == 5


@pytest.mark.usefixtures("seeded")
def test_page_says_when_the_figures_were_computed_and_from_which_data(client):
    version = PlanVersion.objects.current().number
    html = text_of(page(client))
    assert f"見込みは 2026年11月23日 16:00（東京）に、データの版 {version} から計算しました。" in html


@pytest.mark.usefixtures("seeded")
def test_page_needs_no_inline_style_or_script(client):
    html = page(client)
    assert re.findall(r"<script(?! src=)|<style|\sstyle=|\son\w+=", html) == []
