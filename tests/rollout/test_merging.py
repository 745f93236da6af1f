"""Merging waves: what is written, what is refused, and that no figure of the rollout changes by it."""

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db.models import ProtectedError
from django.utils import timezone

from rollout import actions
from rollout.domain.allocation import CountBasis, allocate
from rollout.domain.plan import NONE, Basis
from rollout.domain.projection import Granularity, project
from rollout.models import Baseline, PlanVersion, Projection, Rollout, Wave
from rollout.models.counts import rollout_count
from rollout.reader import read_plan
from rollout.recompute import recompute
from rollout.scenarios import steps_now
from rollout.states import Presence, compare_baseline
from tests.factories import CohortFactory, MinistryFactory, RolloutFactory, WaveFactory
from tests.rollout.ledger import START
from tests.rollout.what_ifs import suppose

pytestmark = pytest.mark.django_db

WHY = "12月3日 国税庁からの連絡"


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def rollout():
    cohort = CohortFactory(published_users=100)
    return RolloutFactory(code="r", cohort=cohort, lead_ministry=MinistryFactory(name="国税庁"))


def add(rollout, *users, **values):
    """Waves `w1`, `w2`, … of a rollout, one for each count."""
    made = rollout.waves.count()
    return [
        WaveFactory(rollout=rollout, code=f"w{number}", name=f"第{number}陣", users=count, **values)
        for number, count in enumerate(users, made + 1)
    ]


def merge(into, *waves, reason=WHY, actor=None):
    return actions.merge_waves(waves=waves, into=into, actor=actor, reason=reason)


def stored():
    """Status, users and where its users are, of every wave."""
    rows = Wave.objects.order_by("code").values_list("code", "status", "users", "merged_into__code")
    return {code: values for code, *values in rows}


def curve(moment=None):
    """Users by month as planned, with what is undated, today or as of a moment."""
    projection, _ = project(read_plan(moment)[0], basis=Basis.CUMULATIVE, today=START.date())
    months = [(point.first_month, point.cumulative) for point in projection.points(Granularity.MONTH)]
    return months, projection.undated_users


def counts(moment=None):
    plan = read_plan(moment)[0]
    users = allocate(plan, Basis.CUMULATIVE).users.tolist()
    return {
        code: None if count == NONE else count for code, count in zip(plan.waves.codes, users, strict=True)
    }


def test_merged_waves_are_cancelled_and_the_target_has_the_users_of_all(rollout):
    one, two, three = add(rollout, 20, 30, 50)
    assert merge(two, one, three).users == 100
    assert stored() == {
        "w1": ["cancelled", None, "w2"],
        "w2": ["planned", 100, None],
        "w3": ["cancelled", None, "w2"],
    }


def test_merge_writes_each_row_once_with_who_and_why(rollout, django_user_model):
    one, two = add(rollout, 20, 30)
    actor = django_user_model.objects.create_user("sato")
    before = PlanVersion.objects.current().number
    merge(two, one, reason=f" {WHY}\n", actor=actor)
    written = [
        wave.history.exclude(history_type="+").values_list("history_user", "history_change_reason").get()
        for wave in (one, two)
    ]
    assert written == [
        (actor.pk, f"国税庁 第2陣（w2）に統合：{WHY}"),
        (actor.pk, f"国税庁 第1陣（w1）を統合：{WHY}"),
    ]
    assert PlanVersion.objects.current().number == before + 2


def test_merge_without_counts_leaves_the_target_as_it_was(rollout):
    one, two = add(rollout, None, None)
    merge(two, one)
    assert (stored()["w2"], two.history.count()) == (["planned", None, None], 1)


def test_merge_writes_what_is_in_the_database_not_what_was_read_before(rollout):
    one, two = add(rollout, 20, 30)
    Wave.objects.filter(pk=two.pk).update(note="読んだあとの変更", users=40)
    merge(two, one)
    assert Wave.objects.values_list("note", "users").get(pk=two.pk) == ("読んだあとの変更", 60)


def other_rollout(_):
    return WaveFactory(code="other"), WaveFactory()


def itself(rollout):
    [one] = add(rollout, 20)
    return one, one


def target_with(**values):
    def make(rollout):
        [one] = add(rollout, 20)
        return add(rollout, None if "merged_into" in values else 20, **values)[0], one

    return make


def source_with(users=20, **values):
    return lambda rollout: (add(rollout, 20)[0], add(rollout, users, **values)[0])


def target_merged(rollout):
    one, two, three = add(rollout, 1, 2, 3)
    merge(one, two)
    return two, three


def source_merged(rollout):
    one, two, three = add(rollout, 1, 2, 3)
    merge(one, two)
    return three, two


def two_refused(rollout):
    return (
        *add(rollout, 1),
        *add(rollout, 2, status="cancelled"),
        *add(rollout, 3, status="in_use", cutover="R8.6.1"),
    )


CANCELLED = "は中止なので、統合する人数がありません。先に中止を取り消してください。"
IN_USE = "はもう利用中です。利用中の移行単位は、統合先にだけ選べます。"
ELSEWHERE = "ほかの移行単位を選んでください。"
BLANK = (
    "国税庁 第2陣（w2）の人数が空欄なので、合わせた人数が分かりません。"
    "先にその人数を入力するか、ほかの移行単位の人数を空欄にしてから統合してください。"
)
REFUSED = {
    "nothing chosen": (
        lambda rollout: add(rollout, 20),
        ["統合する移行単位を、統合先のほかに1つ以上選んでください。"],
    ),
    "another rollout": (other_rollout, ["統合できるのは、同じ導入案件の移行単位どうしだけです。"]),
    "itself": (itself, ["移行単位を、それ自身には統合できません。"]),
    "target cancelled": (
        target_with(status="cancelled"),
        [f"統合先の国税庁 第2陣（w2）は中止です。{ELSEWHERE}"],
    ),
    "target merged": (
        target_merged,
        [f"統合先の国税庁 第2陣（w2）は別の移行単位に統合済みです。{ELSEWHERE}"],
    ),
    "source merged": (source_merged, ["国税庁 第2陣（w2）は、もう統合済みです。"]),
    "source cancelled": (source_with(status="cancelled"), [f"国税庁 第2陣（w2）{CANCELLED}"]),
    "source in use": (source_with(status="in_use", cutover="R8.6.1"), [f"国税庁 第2陣（w2）{IN_USE}"]),
    "two sources": (two_refused, [f"国税庁 第2陣（w2）{CANCELLED}", f"国税庁 第3陣（w3）{IN_USE}"]),
    "source blank": (source_with(users=None), [BLANK]),
    "too many": (
        source_with(users=9_999_990),
        ["合わせた人数が10,000,000人を超えます。人数を確かめてください。"],
    ),
}


@pytest.mark.parametrize(("make", "messages"), REFUSED.values(), ids=REFUSED)
def test_merge_is_refused(rollout, make, messages):
    into, *waves = make(rollout)
    before = stored(), PlanVersion.objects.current().number
    with pytest.raises(ValidationError) as caught:
        merge(into, *waves)
    assert caught.value.messages == messages
    assert (stored(), PlanVersion.objects.current().number) == before


@pytest.mark.parametrize("reason", ["", " \n"])
def test_merge_without_a_reason_is_refused(rollout, reason):
    one, two = add(rollout, 20, 30)
    with pytest.raises(ValidationError) as caught:
        merge(two, one, reason=reason)
    assert caught.value.message_dict == {"reason": ["統合する理由を書いてください。"]}


COUNTED = {
    "stated": ((20, 30, 10), None, {"w1": 20, "w3": 40}),
    "shared out of the cohort": ((None, None, None), None, {"w1": 34, "w3": 66}),
    "shared out of the rollout": ((None, None, None), 50, {"w1": 17, "w3": 33}),
    "stated beside a share": ((None, 30, 10), None, {"w1": 60, "w3": 40}),
}


@pytest.mark.parametrize(("users", "whole", "after"), COUNTED.values(), ids=COUNTED)
def test_users_before_and_after_are_equal_month_by_month(rollout, clock, users, whole, after):
    clock.shift(60)  # a row is saved once at a time
    rollout.users = whole
    rollout.save()
    _, two, three = add(rollout, *users)
    before, moment = curve(), timezone.now()
    clock.shift(3600)
    merge(three, two)
    assert curve() == before == curve(moment)
    assert (counts(), list(counts(moment))) == (after, ["w1", "w2", "w3"])


def test_cancelled_wave_keeps_its_place_when_others_are_merged(rollout):
    one, _, three = add(rollout, None, None, None)
    Wave.objects.filter(code="w2").update(status="cancelled")
    before = curve()
    merge(one, three)
    assert (curve(), counts()) == (before, {"w1": 67, "w2": 33})


def test_users_move_to_the_month_of_the_target(rollout):
    [early], [late] = add(rollout, 20, cutover="R8.12"), add(rollout, 80, cutover="R9.2")
    merge(late, early)
    months = dict(curve()[0])
    assert (months.get(2026 * 12 + 11, 0), months[2027 * 12 + 1]) == (0, 100)


def test_waves_merged_in_turn_are_all_in_the_last(rollout):
    one, two, three = add(rollout, None, None, None)
    merge(two, one)
    merge(three, two)
    assert counts() == {"w3": 100}


def test_ring_that_raw_rows_made_counts_nothing_and_ends(rollout):
    one, two, _ = add(rollout, None, None, None)
    for wave, into in ((one, two), (two, one)):
        Wave.objects.filter(pk=wave.pk).update(merged_into=into, status="cancelled")
    assert counts() == {"w3": 100}


def test_stored_projection_does_not_know_a_merged_wave(rollout):
    one, two = add(rollout, None, None)
    merge(two, one)
    recompute()
    stored_counts = Projection.objects.current(Basis.CUMULATIVE, START.date())
    assert stored_counts.count_of(one.pk) == (None, CountBasis.UNKNOWN)
    assert stored_counts.count_of(two.pk) == (100, CountBasis.SHARED_OUT)


def test_stated_count_of_a_rollout_stands_when_its_waves_were_merged(rollout):
    rollout.users = 70
    one, two = add(rollout, None, None)
    merge(two, one)
    count = rollout_count(rollout, rollout.waves.all(), lambda _: (None, CountBasis.UNKNOWN))
    assert count == (70, CountBasis.STATED)


TAKEN_UP = {"whole row": None, "one column": ["status"]}


@pytest.mark.parametrize("update_fields", TAKEN_UP.values(), ids=TAKEN_UP)
def test_merged_wave_that_is_taken_up_again_stands_for_itself(rollout, update_fields):
    one, two = add(rollout, 20, 30)
    merge(two, one)
    one.refresh_from_db()
    one.status = "planned"
    one.save(update_fields=update_fields)
    assert stored() == {"w1": ["planned", None, None], "w2": ["planned", 50, None]}
    assert one.history.first().merged_into_id is None


def test_merged_wave_may_not_have_users_of_its_own(rollout):
    one, two = add(rollout, 20, 30)
    merge(two, one)
    one.refresh_from_db()
    one.users = 20
    with pytest.raises(ValidationError) as caught:
        actions.save_row(row=one, actor=None, reason="変更")
    told = ["統合した移行単位には人数を入力できません。統合先の人数に含めてください。"]
    assert caught.value.message_dict == {"users": told}


def test_wave_that_others_went_into_cannot_be_deleted_before_them(rollout):
    one, two, _ = add(rollout, 20, 30, 50)
    into = merge(two, one)
    with pytest.raises(ProtectedError):
        actions.delete_row(row=into, actor=None, reason="削除")
    actions.delete_row(row=Wave.objects.get(code="w1"), actor=None, reason="削除")
    assert list(stored()) == ["w2", "w3"]


def test_rollout_is_deleted_with_waves_that_were_merged_in_turn(rollout):
    one, two, three = add(rollout, 20, 30, 50)
    merge(two, three)
    merge(one, two)
    actions.delete_row(row=rollout, actor=None, reason="削除")
    assert (Rollout.objects.count(), Wave.objects.count()) == (0, 0)


def test_merge_shows_in_a_comparison(rollout, clock):
    one, two = add(rollout, 20, 30)
    baseline = actions.save_baseline(row=Baseline(code="b", label="前回"), actor=None)
    clock.shift(3600)
    merge(two, one)
    clock.shift(3600)
    waves = compare_baseline(baseline, Basis.CUMULATIVE, timezone.now()).waves()
    assert [(wave.slip.wave, wave.presence) for wave in waves] == [
        ("w1", Presence.MERGED),
        ("w2", Presence.KEPT),
    ]


def test_scenario_reaches_no_merged_wave(rollout, clock):
    one, two = add(rollout, 20, 30)
    scenario = suppose(("r", "status", "planned", "w1"), ("r", "cutover", "R9.5", "w2"))
    clock.shift(3600)
    merge(two, one)
    steps = steps_now(scenario.changes.all())
    assert [(step.row.code, step.change.field) for step in steps] == [("w2", "cutover")]
