"""The page of a rollout: who may not see what first, then all that is known of one."""

import re

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ministries.liaison import LIAISON
from rollout import actions
from rollout.models import Citation, Projection, Rollout, Source, Wave
from rollout.recompute import recompute
from tests.answers import make_reminder
from tests.api.edits import move
from tests.dashboard.test_page import rows_of, text_of
from tests.factories import (
    AssignmentFactory,
    ReminderRuleFactory,
    RolloutFactory,
    UserFactory,
    WaveFactory,
)

pytestmark = pytest.mark.usefixtures("seeded")


def page(client, code="nta", status=200):
    response = client.get(f"/rollouts/{code}/")
    assert response.status_code == status
    return response.content.decode()


@pytest.fixture
def liaison(client, settings):
    """Signed in for 国税庁 alone, where the plan is not public."""
    settings.PUBLIC_READ = False
    user = UserFactory()
    user.groups.add(Group.objects.get(name=LIAISON))
    AssignmentFactory(user=user, ministry=Rollout.objects.get(code="nta").lead_ministry)
    client.force_login(user)
    return user


# Who may not see what


def test_unknown_rollout_is_not_found(client):
    page(client, "none", status=404)


def test_rollout_sends_the_anonymous_to_the_login_when_not_public(client, settings):
    settings.PUBLIC_READ = False
    assert client.get("/rollouts/nta/")["Location"] == "/admin/login/?next=/rollouts/nta/"


def test_liaison_sees_the_own_rollout_alone(client, liaison):
    assert [client.get(f"/rollouts/{code}/").status_code for code in ("nta", "isa")] == [200, 404]


def test_names_and_reasons_are_for_who_may_see_people(staff_client):
    clerk = UserFactory(username="tanaka")
    wave = Wave.objects.get(code="nta-1")
    wave.cutover = "R9.6"
    actions.save_row(row=wave, actor=clerk, reason="電話で連絡")
    signed_in = page(staff_client)
    staff_client.logout()
    anonymous = page(staff_client)
    assert [(word in signed_in, word in anonymous) for word in ("tanaka", "電話で連絡")] == [
        (True, False)
    ] * 2
    assert "切替：R8.6~ → R9.6" in text_of(anonymous)


def test_reminders_are_for_who_may_see_the_ledger(client):
    make_reminder(
        Wave.objects.get(code="nta-1"), "secret@example.go.jp", rule=ReminderRuleFactory(label="三十日前")
    )
    anonymous = page(client)
    reader = UserFactory(is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_reminder"))
    client.force_login(reader)
    allowed = page(client)
    assert [("三十日前" in html, "secret@" in html) for html in (anonymous, allowed)] == [
        (False, False),
        (True, False),
    ]


def test_page_before_the_first_computation_says_so(client):
    Projection.objects.all().delete()
    assert "見込みはまだ計算されていません" in page(client, status=503)


# What is known


def test_waves_stand_with_date_count_and_status(client):
    assert rows_of(page(client), "waves-heading") == [
        ["国税庁", "R8.6~ 令和8年6月・R8年度", "68,600人 公表・確認", "予定日経過・未確認", "—"]
    ]


def test_place_in_the_curve_is_said(client):
    assert "国税庁：R8.6 から数えます。その月の累計 141,189人のうち 68,600人（49%）です。" in text_of(
        page(client)
    )


def test_wave_that_was_merged_says_into_which(client):
    wave = Wave.objects.get(code="nta-1")
    gone = WaveFactory(rollout=wave.rollout, name="第2陣", status="cancelled", merged_into=wave)
    recompute()
    rows = rows_of(page(client), "waves-heading")
    assert [row[3] for row in rows if row[0].endswith(gone.name)] == ["「nta-1」へ統合"]


def test_sources_that_disagree_are_shown_side_by_side(client):
    rollout = Rollout.objects.get(code="nta")
    source = Source.objects.get(code="budget-r8")
    Citation.objects.create(
        rollout=rollout, source=source, subject="users", text="約7万人", says_users=70_000
    )
    section = re.search(r'said-heading">(.*?)</section>', page(client), re.DOTALL)[1]
    assert "人数 出典によって違います" in text_of(section)
    assert [text in section for text in ("「約578拠点・約6万8600人」", "「約7万人」")] == [True, True]


def test_rollout_of_several_ministries_names_them(client):
    html = text_of(page(client, "cabinet-office"))
    assert "あわせて対象となる府省庁内閣官房、復興庁" in html


def test_long_history_is_cut(client):
    for month in range(1, 13):
        move("nta-1", f"R9.{month}")
        move("nta-1", f"R10.{month}")
    html = page(client)
    assert html.count("<time") == 20
    assert "ほか 8件は" in text_of(html)


def test_rollout_without_waves_or_citations_opens(client):
    bare = RolloutFactory(code="bare")
    html = text_of(page(client, bare.code))
    assert "移行単位はまだ登録されていません。" in html
    assert "この案件を名指しした出典は登録されていません。" in html


def test_queries_do_not_grow_with_the_waves(client):
    def queries():
        recompute()
        with CaptureQueriesContext(connection) as caught:
            page(client)
        return len(caught)

    few = queries()
    WaveFactory.create_batch(5, rollout=Rollout.objects.get(code="nta"), cutover="R9.3")
    assert queries() == few
