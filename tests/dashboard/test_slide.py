"""The page at `/slide/`: refuses with its reasons, or shows what the command prints."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rollout.recompute import recompute
from tests.api.edits import move
from tests.dashboard.test_page import text_of
from tests.factories import WaveFactory


def page(client, query=""):
    response = client.get(f"/slide/{query}")
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.django_db
def test_page_says_what_to_do_before_the_first_computation(client):
    assert client.get("/slide/").status_code == 503


@pytest.mark.usefixtures("seeded")
def test_page_sends_the_anonymous_to_the_login_when_not_public(client, settings):
    settings.PUBLIC_READ = False
    assert client.get("/slide/")["Location"] == "/admin/login/?next=/slide/"


@pytest.mark.usefixtures("seeded")
def test_page_refuses_with_every_reason_and_leads_on(client):
    move("nta-1", "R9.9")
    recompute()
    html = page(client)
    notice = re.search(r'<div class="notice notice-warning.*?</div>', html, re.DOTALL)[0]
    assert len(re.findall("<li>", notice)) == 3
    assert "「国税庁 (R9.9)」はR8年度導入予定の区分ですが" in text_of(notice)
    assert 'href="/reconciliation/"' in notice
    assert 'class="slide"' not in html


@pytest.mark.usefixtures("seeded")
def test_page_shows_the_groups_with_members_underlined(client):
    html = page(client)
    slide = re.search(r'<div class="slide" lang="ja">.*?</main>', html, re.DOTALL)[0]
    assert [text_of(heading) for heading in re.findall("<h2.*?</h2>", slide, re.DOTALL)] == [
        "GSSを利用開始している府省庁約47,000ユーザー",
        "令和7年度に導入完了予定約25,000ユーザー",
        "令和8年度以降に導入完了予定約272,000ユーザー",
    ]
    assert re.findall("<li><u>(.*?)</u></li>", slide)[0] == "国税庁 (R8.6~)"
    assert len(re.findall("<li>", slide)) == 24
    assert "<u>下線</u>はR8年度導入予定" in slide


@pytest.mark.usefixtures("seeded")
def test_page_costs_the_same_queries_for_more_waves(client):
    counts = []
    for number in (0, 5):
        for each in range(number):
            WaveFactory(cutover="検討中", code=f"later-{each}")
        recompute()
        page(client)
        with CaptureQueriesContext(connection) as queries:
            page(client)
        counts.append(len(queries))
    assert counts[0] == counts[1]
