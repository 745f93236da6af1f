"""The working list of waves: its columns, the filters that people ask for, and the sum of what they leave."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from rollout import actions
from rollout.models import Baseline, Rollout, Wave
from tests.admin.edits import wave
from tests.answers import make_reminder, make_rule
from tests.factories import AssignmentFactory, MinistryFactory, RolloutFactory, WaveFactory

pytestmark = pytest.mark.usefixtures("seeded")

LIST = reverse("admin:rollout_wave_changelist")


def listed(client, **chosen):
    return client.get(LIST, chosen).context["cl"]


def codes(client, **chosen):
    return [row.code for row in listed(client, **chosen).result_list]


def move(code, cutover):
    row = wave(code)
    row.cutover = cutover
    actions.save_row(row=row, actor=None, reason="連絡")


def row_of(client, code, columns):
    """What the list shows of one wave."""
    changelist = listed(client)
    [row] = [row for row in changelist.result_list if row.code == code]
    return [getattr(changelist.model_admin, column)(row) for column in columns]


def test_list_shows_what_staff_ask_of_a_wave(staff_client):
    Wave.objects.filter(code="nta-1").update(confirmed_on=timezone.localdate())
    columns = ("ministry", "cohort", "users_text", "days_left", "confirmed")
    assert row_of(staff_client, "nta-1", columns) == [
        *("国税庁", "R8年度導入予定（資料では下線部）"),
        *("68,600人（公表・確認）", "146日経過", "2026-11-23"),
    ]


def test_next_mail_is_the_first_that_is_still_to_go(staff_client):
    rule = make_rule()
    for days, state in ((9, "planned"), (5, "due"), (2, "cancelled")):
        due = timezone.now() + timedelta(days=days)
        make_reminder(wave(), f"{state}@example.go.jp", rule=rule, state=state, due_at=due)
    assert row_of(staff_client, "nta-1", ["next_mail"]) == ["2026-11-28"]
    assert row_of(staff_client, "isa-1", ["next_mail"]) == [None]


def test_next_mail_is_for_who_may_look_at_the_ledger(client, django_user_model):
    person = django_user_model.objects.create_user("clerk", is_staff=True)
    person.user_permissions.add(Permission.objects.get(codename="view_wave"))
    client.force_login(person)
    assert listed(client).list_display[-1] == "confirmed"


def test_sum_is_of_what_the_filters_leave(staff_client):
    assert listed(staff_client, q="nta").sums.text == (
        "68,600人（公表・確認 68,600人、按分 0人。中止は含みません）"
    )
    assert listed(staff_client, q="財務").sums.text == (
        "3,344人（公表・確認 0人、按分 3,344人、ほかに人数の分からない移行単位 1件。中止は含みません）"
    )


def test_sum_leaves_out_what_is_cancelled(staff_client):
    Wave.objects.filter(code="nta-1").update(status="cancelled")
    assert listed(staff_client, q="nta").sums.text == "0人（公表・確認 0人、按分 0人。中止は含みません）"


def test_soon_is_what_begins_within_the_days_or_is_going_on(staff_client):
    move("isa-1", "R8.12.1")
    move("mof-1", "R9.2.10")
    assert (codes(staff_client, soon="30"), codes(staff_client, soon="90")) == (
        ["isa-1"],
        ["isa-1", "local-finance-bureaus-1", "mof-1"],
    )


@pytest.fixture
def baseline(seeded):
    """The plan as it stood a minute ago."""
    actions.save_baseline(row=Baseline(code="before", label="見直し前"), actor=None)


@pytest.mark.usefixtures("baseline")
def test_moved_is_what_has_other_days_than_at_the_baseline(staff_client):
    move("isa-1", "R9.2")
    move("mof-1", "検討中")
    move("nta-1", "R8.6")  # the same days in other words
    move("meti-1", "R9.1")
    move("meti-1", "R8.7")  # there and back
    WaveFactory(rollout=Rollout.objects.get(code="nta"), code="new", cutover="R9.3")
    assert codes(staff_client, moved="before") == ["isa-1", "mof-1"]


@pytest.mark.usefixtures("baseline")
def test_nothing_has_moved_right_after_a_baseline(staff_client):
    assert codes(staff_client, moved="before") == []


def test_mine_is_what_i_look_after_as_lead_or_covered(staff_client, django_user_model):
    me = django_user_model.objects.get(username="pmo")
    covered = RolloutFactory(lead_ministry=MinistryFactory())
    other = WaveFactory(rollout=RolloutFactory(), code="other")
    WaveFactory(rollout=covered, code="covered")
    ministry = MinistryFactory()
    covered.coverages.create(ministry=ministry)
    AssignmentFactory(user=me, ministry=ministry)
    AssignmentFactory(user=me, ministry=wave().rollout.lead_ministry)
    AssignmentFactory(ministry=other.rollout.lead_ministry)
    assert codes(staff_client, mine="1") == ["nta-1", "covered"]


@pytest.mark.parametrize("chosen", ["soon=7", "moved=never", "mine=2", "count=x", "fiscal_year=x"])
def test_choice_that_is_not_offered_is_refused(staff_client, chosen):
    answer = staff_client.get(f"{LIST}?{chosen}")
    assert (answer.status_code, answer["Location"]) == (302, f"{LIST}?e=1")


def test_list_takes_as_many_queries_for_one_wave_as_for_a_hundred(staff_client):
    rollout = RolloutFactory()

    def count():
        with CaptureQueriesContext(connection) as queries:
            staff_client.get(LIST, {"q": "many", "soon": "90"})
        return len(queries)

    WaveFactory(rollout=rollout, code="many-0", cutover="R9.1")
    count()
    one = count()
    for number in range(1, 100):
        WaveFactory(rollout=rollout, code=f"many-{number}", cutover="R9.1")
    assert count() == one
