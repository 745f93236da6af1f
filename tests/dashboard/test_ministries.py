"""The pages of ministries: who may not see what, then who moves when."""

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ministries.liaison import LIAISON
from ministries.models import Ministry
from rollout.recompute import recompute
from tests.dashboard.test_page import rows_of, text_of
from tests.factories import AssignmentFactory, CohortFactory, MinistryFactory, UserFactory, WaveFactory

pytestmark = pytest.mark.usefixtures("seeded")


def page(client, path="/ministries/", status=200):
    response = client.get(path)
    assert response.status_code == status
    return response.content.decode()


def test_unknown_ministry_is_not_found(client):
    page(client, "/ministries/none/", status=404)


def test_liaison_sees_the_own_ministry_and_no_list(client, settings):
    settings.PUBLIC_READ = False
    user = UserFactory()
    user.groups.add(Group.objects.get(name=LIAISON))
    AssignmentFactory(user=user, ministry=Ministry.objects.get(code="nta"))
    client.force_login(user)
    paths = ("/ministries/nta/", "/ministries/mof/", "/ministries/")
    assert [client.get(path).status_code for path in paths] == [200, 404, 403]


def test_all_ministries_that_move_stand_in_their_order(client):
    html = page(client)
    names = [row.name for row in Ministry.objects.all() if f'/ministries/{row.code}/"' in html]
    places = [html.index(f'/ministries/{row.code}/"') for row in Ministry.objects.filter(name__in=names)]
    assert places == sorted(places)
    assert len(names) >= 24


def test_ministry_tells_what_comes_next(client):
    html = text_of(page(client, "/ministries/mof/"))
    assert "移行単位 1件、人数は不明です。次の切替は 財務省（R9.6~）。" in html


def test_ministry_shows_what_it_leads_with_its_sources(client):
    [row] = rows_of(page(client, "/ministries/nta/"), "led-heading")
    assert row[:5] == [
        "国税庁",
        "R8年度導入予定（資料では下線部）",
        "R8.6~ 令和8年6月・R8年度",
        "68,600人 公表・確認",
        "予定日経過・未確認",
    ]


def test_ministry_shows_what_it_moves_along_in(client):
    html = page(client, "/ministries/reconstruction-agency/")
    assert [row[0] for row in rows_of(html, "along-heading")] == ["内閣府（内閣官房と復興庁を含む）"]
    assert "led-heading" not in html


def test_ministry_without_a_rollout_says_so(client):
    new = MinistryFactory(code="new", name="新庁", parent=Ministry.objects.get(code="mof"))
    html = text_of(page(client, f"/ministries/{new.code}/"))
    assert ("移行の予定はまだ登録されていません。" in html, "上位機関財務省" in html) == (True, True)


def test_queries_do_not_grow_with_the_plan(client):
    def queries(path):
        with CaptureQueriesContext(connection) as caught:
            page(client, path)
        return len(caught)

    paths = ("/ministries/", "/ministries/nta/")
    few = [queries(path) for path in paths]
    nta = Ministry.objects.get(code="nta")
    WaveFactory.create_batch(5, rollout__cohort=CohortFactory(), rollout__lead_ministry=nta)
    recompute()
    assert [queries(path) for path in paths] == few
