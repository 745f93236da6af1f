"""Many waves changed in one go: all of them or none, each with the one reason in its history."""

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rollout import bulk
from rollout.domain.dates import parse
from rollout.merging import STATUS_IS_ELSEWHERE
from rollout.models import Cohort, PlanVersion, Rollout, Wave
from rollout.tasks import nudge

pytestmark = pytest.mark.usefixtures("seeded")

WHY = "9月3日 PMO会議"


def wave(code):
    return Wave.objects.get(code=code)


def change(what, *codes, reason=WHY, actor=None):
    keys = [wave(code).pk for code in codes]
    found = bulk.change_waves(waves=keys, change=what, actor=actor, reason=reason)
    return [(each.wave.code, each.fact, each.before, each.after) for each in found]


def refusals(what, *codes, **values):
    number = PlanVersion.objects.get().number
    with pytest.raises(ValidationError) as caught:
        change(what, *codes, **values)
    assert PlanVersion.objects.get().number == number
    return caught.value.messages


LATER = bulk.MoveByMonths(3)
DAY = parse("R8.6.15")
REFUSED = [
    pytest.param(LATER, ["nta-1"], " ", ["変更する理由を書いてください。"], id="no reason"),
    pytest.param(bulk.MoveTo(parse("R8.6~")), ["nta-1"], WHY, [bulk.NOTHING_CHANGES], id="nothing changes"),
    pytest.param(
        LATER,
        ["nta-1", "mof-1", "npa-1"],
        WHY,
        [
            "財務省（mof-1）：切替の時期が決まっていないので、月数ではずらせません。",
            "人事院（npa-1）：「利用中」のため、まとめて日程は変えられません。",
        ],
        id="rules of the change",
    ),
    pytest.param(
        bulk.ConfirmCutover(),
        ["nta-1"],
        WHY,
        [
            (
                "国税庁（nta-1）：切替予定を過ぎているため、日程確認はできません。"
                "利用開始の確認か、新しい予定が必要です。"
            )
        ],
        id="passed",
    ),
    pytest.param(
        bulk.ConfirmUse(parse("R8.12.1")),
        ["nta-1"],
        WHY,
        ["国税庁（nta-1）：「利用中」にするときの利用開始日は、今日までの日付にしてください。"],
        id="rules of the plan",
    ),
]


@pytest.fixture(autouse=True)
def _undated(seeded):
    """財務省 has no date."""
    row = wave("mof-1")
    row.cutover = "検討中"
    row.save()


@pytest.mark.parametrize(("what", "codes", "reason", "messages"), REFUSED)
def test_change_that_any_wave_refuses_changes_none(what, codes, reason, messages):
    assert sorted(refusals(what, *codes, reason=reason)) == sorted(messages)


CHANGES = [
    pytest.param(LATER, ("nta-1", "切替", "R8.6~（2026-06~）", "R8.9~（2026-09~）"), id="by months"),
    pytest.param(
        bulk.MoveTo(parse("令和9年度")),
        ("nta-1", "切替", "R8.6~（2026-06~）", "令和9年度（FY2027）"),
        id="to a period",
    ),
    pytest.param(
        bulk.MoveTo(parse("検討中")), ("nta-1", "切替", "R8.6~（2026-06~）", "検討中"), id="undecided"
    ),
    pytest.param(
        bulk.ConfirmUse(DAY),
        ("nta-1", "状態と切替", "予定、R8.6~（2026-06~）", "利用中、R8.6.15（2026-06-15）"),
        id="in use",
    ),
    pytest.param(bulk.SetStatus("preparing"), ("nta-1", "状態", "予定", "準備中"), id="status"),
]


@pytest.mark.parametrize(("what", "changed"), CHANGES)
def test_change_says_what_was_what_and_why(django_user_model, what, changed):
    actor = django_user_model.objects.create_user("pmo")
    assert change(what, "nta-1", actor=actor) == [changed]
    assert what.value(wave("nta-1")) == changed[3]
    version = wave("nta-1").history.latest()
    assert (version.history_user, version.history_change_reason) == (actor, WHY)


def test_date_is_confirmed_once_a_day():
    assert change(bulk.ConfirmCutover(), "isa-1") == [("isa-1", "日程確認", "なし", "2026-11-23")]
    assert refusals(bulk.ConfirmCutover(), "isa-1") == [bulk.NOTHING_CHANGES]


def test_use_that_is_confirmed_already_is_left_alone():
    change(bulk.ConfirmUse(DAY), "nta-1")
    assert [each[0] for each in change(bulk.ConfirmUse(DAY), "nta-1", "isa-1")] == ["isa-1"]


def test_merged_wave_keeps_its_status():
    Wave.objects.filter(code="nta-1").update(status="cancelled", merged_into=wave("isa-1"))
    assert refusals(bulk.SetStatus("planned"), "nta-1") == [f"国税庁（nta-1）：{STATUS_IS_ELSEWHERE}"]


def test_cohort_is_assigned_to_the_rollout_once():
    rollout = Rollout.objects.get(code="nta")
    Wave.objects.create(rollout=rollout, code="nta-2", name="第2陣", cutover="R9.6")
    cohort = Cohort.objects.exclude(pk=rollout.cohort_id).first()
    versions = rollout.history.count()
    [said] = change(bulk.AssignCohort(cohort), "nta-1", "nta-2")
    rollout.refresh_from_db()
    assert said == ("nta-1", "導入区分", said[2], str(cohort))
    assert (rollout.cohort, rollout.history.count()) == (cohort, versions + 1)


def test_wave_that_is_gone_is_said():
    with pytest.raises(ValidationError, match=str(bulk.GONE)):
        bulk.change_waves(waves=[wave("nta-1").pk, 999_999], change=LATER, actor=None, reason=WHY)


def test_more_than_can_be_changed_in_one_go_are_refused():
    with pytest.raises(ValidationError, match="一度に変更できるのは1,000件まで"):
        bulk.change_waves(waves=range(1001), change=LATER, actor=None, reason=WHY)


def test_one_recompute_follows_many_changes():
    change(LATER, "nta-1", "isa-1")
    assert [each[1] for each in connection.run_on_commit] == [nudge]


def test_reading_takes_as_many_queries_for_one_as_for_many():
    keys = list(Wave.objects.values_list("pk", flat=True))
    with CaptureQueriesContext(connection) as one:
        bulk.read_waves(keys[:1])
    with CaptureQueriesContext(connection) as many:
        bulk.read_waves(keys)
    assert len(many) == len(one)
