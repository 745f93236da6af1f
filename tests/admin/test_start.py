"""The first page: what waits for whom, and the way to it."""

import re
from datetime import timedelta
from html import unescape

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from rollout import recompute
from rollout.models import Projection, Scenario, Wave
from tests.answers import make_reminder
from tests.browser import content_width, look
from tests.factories import WaveFactory

INDEX = reverse("admin:index")


def matters(client):
    """Title, number and address of each matter on the page."""
    html = client.get(INDEX).content.decode()
    rows = re.findall(r'<th scope="row"><a href="([^"]+)">([^<]+)</a></th><td>([\d,]+)件', html)
    return {title: (int(total.replace(",", "")), unescape(path)) for path, title, total in rows if total}


def listed(client, path):
    return client.get(path).context["cl"].result_count


@pytest.fixture
def troubled(seeded):
    """A plan with one of everything that can wait for somebody."""
    now = timezone.now()
    wave = Wave.objects.get(code="nta-1")
    make_reminder(wave, state="unknown", claimed_at=now)
    make_reminder(wave, state="missed", address="late@example.go.jp", due_at=now - timedelta(days=3))
    make_reminder(wave, state="missed", address="past@example.go.jp", due_at=now - timedelta(days=30))
    Scenario.objects.create(code="later", label="遅れ", state="proposed")


def test_every_matter_leads_to_as_many_rows_as_it_counts(staff_client, troubled):
    found = matters(staff_client)
    lists = {title: each for title, each in found.items() if each[1].startswith("/admin/")}
    assert {title: total for title, (total, _) in lists.items()} == {
        title: listed(staff_client, path) for title, (_, path) in lists.items()
    }
    assert list(found) == [
        *("予定日経過・未確認", "日が決まっていない", "人数が分からない", "届いたか分からない通知"),
        *("送れなかった通知（14日以内）", "判断を待つ申請"),
    ]


def test_published_figures_that_differ_are_counted(staff_client, seeded):
    row = Wave.objects.get(code="nta-1")
    row.users = 200_000
    row.save()
    recompute.recompute()
    figures = staff_client.get("/api/v1/reconciliation/").json()["figures"]
    differing = sum(figure["verdict"] == "differs" for figure in figures)
    assert matters(staff_client)["公表値と合わない数字"][0] == differing > 0
    Projection.objects.all().delete()
    assert "公表値と合わない数字" not in matters(staff_client)


def test_matters_are_for_who_may_see_their_rows(client, troubled, django_user_model):
    clerk = django_user_model.objects.create_user("clerk", password="correct horse battery", is_staff=True)
    client.force_login(clerk)
    assert matters(client) == {}
    clerk.user_permissions.add(Permission.objects.get(codename="view_scenario"))
    assert list(matters(client)) == ["判断を待つ申請"]


def test_page_says_so_when_nothing_waits(staff_client, db):
    html = staff_client.get(INDEX).content.decode()
    assert "いま対応が必要なものはありません。" in html
    assert "start-curve" not in html


def test_ministry_is_found_by_its_alias(staff_client, seeded):
    path = re.search(r'<form action="([^"]+)" role="search">', staff_client.get(INDEX).content.decode())[1]
    found = staff_client.get(path, {"q": "子ども家庭庁"}).context["cl"].result_list
    assert [wave.rollout.lead_ministry.name for wave in found] == ["こども家庭庁"]


def test_queries_do_not_grow_with_the_plan(staff_client, seeded):
    def count():
        staff_client.get(INDEX)
        with CaptureQueriesContext(connection) as found:
            staff_client.get(INDEX)
        return len(found)

    before = count()
    WaveFactory.create_batch(5)
    assert count() == before


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("width", [1280, 390])
def test_page_fits_and_has_no_axe_violations(troubled, open_page, width):
    page = open_page(width, INDEX, bypass_csp=True)
    look(page, f"start-{width}")
    assert content_width(page) == width
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    assert page.said == []
