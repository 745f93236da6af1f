"""Scenarios: values as people write them, saving beside the plan, promoting into it once or not at all."""

import threading

import pytest
import time_machine
from django.contrib.auth.models import AnonymousUser, Permission
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.models.signals import post_save
from django.utils import timezone

from rollout import actions, scenario_actions
from rollout.domain.dates import parse
from rollout.domain.plan import NONE, Basis, Status
from rollout.domain.projection import project
from rollout.domain.scenario import Change
from rollout.history import TRACKED_MODELS, plan_moved_at
from rollout.models import PlanVersion, Rollout, Scenario, ScenarioChange, Wave
from rollout.models.visible import visible_scenarios
from rollout.reader import read_plan, read_scenario
from rollout.scenarios import by_change, steps_at_start, steps_now
from tests.api.edits import move, withdraw
from tests.conftest import SEED_NOW
from tests.factories import RolloutFactory, ScenarioChangeFactory, ScenarioFactory, WaveFactory
from tests.rollout.what_ifs import promote, suppose

pytestmark = pytest.mark.django_db

REASON = "推進会議で了承"


def plan_rows():
    """All that a scenario must leave alone."""
    rows = {model: list(model.objects.order_by("pk").values()) for model in TRACKED_MODELS}
    history = {model: model.history.count() for model in TRACKED_MODELS}
    return rows, history, PlanVersion.objects.current().number


def years(plan):
    """What a plan projects, on both bases."""
    found = [project(plan, basis=basis, today=timezone.localdate())[0] for basis in Basis]
    return [(curve.planned, curve.confirmed, curve.low, curve.high, curve.undated) for curve in found]


READ = {
    "month": ("cutover", "R8.9", parse("R8.9"), "R8.9"),
    "full width": ("cutover", "　Ｒ８．９〜 ", parse("R8.9~"), "Ｒ８．９〜"),
    "undecided": ("cutover", "検討中", parse("検討中"), "検討中"),
    "digits": ("users", "68600", 68_600, "68600"),
    "with commas and 人": ("users", " 68,600人 ", 68_600, "68600"),
    "full-width digits": ("users", "６８，６００ 人", 68_600, "68600"),
    "nobody": ("users", "0", 0, "0"),
    "most": ("users", "10,000,000", 10_000_000, "10000000"),
    "blank count": ("users", "　", None, ""),
    "unknown count": ("users", "不明", None, ""),
    "status": ("status", " 中止 ", "cancelled", "中止"),
    "code of a status": ("status", "in_use", "in_use", "利用中"),
}


@pytest.mark.parametrize(("field", "text", "fact", "kept"), READ.values(), ids=READ)
def test_value_is_read_as_people_write_it_and_kept_plain(field, text, fact, kept):
    row = ScenarioChangeFactory.build(
        scenario=ScenarioFactory(), rollout=RolloutFactory(), field=field, value=text
    )
    row.full_clean()
    assert (row.value, row.fact) == (kept, fact)
    row.save()
    row.full_clean()
    assert (row.value, row.fact) == (kept, fact)


USERS_ERROR = (
    "「{}」は人数として読めません。"
    "「68,600」のように、0〜10,000,000 の数字で入力してください。分からなければ空欄にします。"
)
STATUS_ERROR = (
    "「{}」という状態はありません。検討中、予定、準備中、移行中、利用中、中止 のどれかにしてください。"
)
REFUSED = {
    "month 13": ("cutover", "R8.13", "「R8.13」：月は1〜12です（13はありません）。"),
    "no cutover": (
        "cutover",
        " ",
        "切替の時期を入力してください。未定にするときは「検討中」と書きます。",
    ),
    "about": ("users", "約5千", USERS_ERROR),
    "below zero": ("users", "-1", USERS_ERROR),
    "fraction": ("users", "1.5", USERS_ERROR),
    "comma out of place": ("users", "68,60", USERS_ERROR),
    "too many": ("users", "10000001", USERS_ERROR),
    "far too many": ("users", "9" * 40, USERS_ERROR),
    "unknown status": ("status", "延期", STATUS_ERROR),
    "no status": ("status", "", STATUS_ERROR),
}


@pytest.mark.parametrize(("field", "text", "message"), REFUSED.values(), ids=REFUSED)
def test_value_that_cannot_be_read_is_an_error_on_the_value(field, text, message):
    row = ScenarioChangeFactory.build(
        scenario=ScenarioFactory(), rollout=RolloutFactory(), field=field, value=text
    )
    with pytest.raises(ValidationError) as caught:
        row.full_clean()
    assert caught.value.message_dict == {"value": [message.format(text[:20])]}


def test_wave_of_another_rollout_is_an_error_on_the_wave():
    row = ScenarioChangeFactory.build(
        scenario=ScenarioFactory(), rollout=RolloutFactory(), wave=WaveFactory()
    )
    with pytest.raises(ValidationError) as caught:
        row.full_clean()
    assert list(caught.value.message_dict) == ["wave"]


def test_change_without_rollout_and_field_says_only_what_is_missing():
    with pytest.raises(ValidationError) as caught:
        ScenarioChange(scenario=ScenarioFactory(), value="R8.13").full_clean()
    assert sorted(caught.value.message_dict) == ["field", "rollout"]


def test_change_becomes_what_the_domain_knows():
    wave = WaveFactory(code="a-1", rollout__code="a")
    rows = [
        ScenarioChangeFactory.build(rollout=wave.rollout, wave=wave, field="cutover", value="R8.9"),
        ScenarioChangeFactory.build(rollout=wave.rollout, field="users", value=""),
        ScenarioChangeFactory.build(rollout=wave.rollout, field="status", value="中止"),
    ]
    assert [row.as_change() for row in rows] == [
        Change("a", "a-1", cutover=parse("R8.9")),
        Change("a", users=NONE),
        Change("a", status=Status.CANCELLED),
    ]


def test_date_that_was_once_accepted_stays_readable():
    row = ScenarioChangeFactory(value="平成32年4月")
    assert row.fact == parse("R2.4")


def test_one_fact_is_changed_once():
    first = ScenarioChangeFactory(field="users", value="1")
    with pytest.raises(IntegrityError), transaction.atomic():
        ScenarioChangeFactory(scenario=first.scenario, rollout=first.rollout, field="users", value="2")


def visible(user):
    return list(visible_scenarios(user))


def test_scenarios_are_for_those_with_the_right(django_user_model):
    scenario = ScenarioFactory()
    clerk, reader = (django_user_model.objects.create_user(name) for name in ("clerk", "reader"))
    reader.user_permissions.add(Permission.objects.get(codename="view_scenario"))
    assert [visible(user) for user in (AnonymousUser(), clerk, reader)] == [[], [], [scenario]]


@pytest.fixture
def clock():
    """The published plan, loaded at SEED_NOW; an hour later."""
    with time_machine.travel(SEED_NOW, tick=False) as traveller:
        call_command("seed", verbosity=0)
        traveller.shift(3600)
        yield traveller


def test_saving_a_scenario_leaves_the_plan_alone(clock, django_user_model):
    sato, suzuki = (django_user_model.objects.create_user(name) for name in ("sato", "suzuki"))
    before = plan_rows()
    scenario = suppose(("nta", "cutover", "R9.6"), actor=sato, code="late")
    row = scenario.changes.get()
    row.value = "R9.9"
    scenario_actions.save_scenario(scenario=scenario, changes=[row], actor=suzuki)
    scenario_actions.save_scenario(scenario=scenario, removed=[row], actor=suzuki)
    assert plan_rows() == before
    assert Scenario.objects.get().created_by == sato
    kinds = ScenarioChange.history.order_by("history_id").values_list("history_type", "history_user")
    assert list(kinds) == [("+", sato.pk), ("~", suzuki.pk), ("-", suzuki.pk)]


EDITS = {
    "a change": ({"changes": True}, True),
    "a removal": ({"removed": True}, True),
    "looked again": ({"looked_again": True}, True),
    "a new name": ({}, False),
}


@pytest.mark.parametrize(("edit", "moves"), EDITS.values(), ids=EDITS)
def test_scenario_is_based_on_the_moment_its_changes_were_edited(clock, edit, moves):
    scenario = suppose(("nta", "cutover", "R9.6"))
    made = timezone.now()
    assert scenario.based_on == made
    clock.shift(3600)
    rows = list(scenario.changes.all())
    arguments = {name: rows if name != "looked_again" else True for name in edit}
    scenario.label = "別名"
    scenario_actions.save_scenario(scenario=scenario, actor=None, **arguments)
    assert Scenario.objects.get().based_on == (timezone.now() if moves else made)


def test_scenario_says_when_the_plan_moved_under_it(clock):
    scenario = suppose(("nta", "cutover", "R9.6"))
    assert plan_moved_at(scenario.based_on) is None
    clock.shift(60)
    move("jftc-1", "R8.1")
    assert plan_moved_at(scenario.based_on) == timezone.now()


def test_promoted_state_is_not_for_saving(clock):
    scenario = suppose(("nta", "cutover", "R9.6"))
    scenario.state = "promoted"
    with pytest.raises(ValidationError):
        scenario_actions.save_scenario(scenario=scenario, actor=None)
    scenario.refresh_from_db()
    promote(scenario)
    with pytest.raises(ValidationError) as caught:
        scenario_actions.save_scenario(scenario=scenario, actor=None)
    assert caught.value.messages == ["計画に反映済みの試算は変更できません。新しい試算を作ってください。"]
    assert Scenario.objects.get().state == "promoted"


def texts(changes, steps_of):
    steps = by_change(steps_of(changes))
    return [
        [(step.row.code, getattr(step.before, "text", step.before)) for step in steps.get(row.key, ())]
        for row in changes
    ]


def test_steps_stand_beside_the_plan_of_now_and_of_the_start(clock):
    WaveFactory(rollout=Rollout.objects.get(code="nta"), code="nta-2", cutover="R9.9", users=100)
    scenario = suppose(
        ("nta", "cutover", "R9.12"), ("nta", "users", "70000"), ("nta", "status", "中止", "nta-2")
    )
    clock.shift(60)
    move("nta-1", "R8.7~")
    withdraw("nta-2")
    changes = list(scenario.changes.order_by("field"))
    whole = [("nta", 68_600)]
    assert texts(changes, steps_now) == [[("nta-1", "R8.7~")], [("nta-2", "cancelled")], whole]
    assert texts(changes, steps_at_start) == [
        [("nta-1", "R8.6~"), ("nta-2", "R9.9")],
        [("nta-2", "planned")],
        whole,
    ]


def test_steps_of_a_wave_that_was_not_there_at_the_start(clock):
    scenario = suppose(("nta", "cutover", "R9.6"))
    clock.shift(60)
    WaveFactory(rollout=Rollout.objects.get(code="nta"), code="nta-2", cutover="R9.9")
    changes = list(scenario.changes.all())
    assert texts(changes, steps_at_start) == [[("nta-1", "R8.6~")]]
    clock.shift(60)
    actions.delete_row(row=Wave.objects.get(code="nta-1"), actor=None, reason="統合")
    assert texts(changes, steps_now) == [[("nta-2", "R9.9")]]
    assert texts(changes, steps_at_start) == [[("nta-1", "R8.6~")]]
    scenario_actions.save_scenario(scenario=scenario, looked_again=True, actor=None)
    assert texts(list(scenario.changes.all()), steps_at_start) == [[("nta-2", "R9.9")]]


def test_promoting_writes_each_row_once_with_one_reason(clock, django_user_model):
    sato = django_user_model.objects.create_user("sato")
    scenario = suppose(
        ("nta", "cutover", "R9.6"),
        ("nta", "status", "準備中"),
        ("nta", "users", "70,000人"),
        ("isa", "cutover", "令和8年12月〜"),
        ("mof", "users", "500", "mof-1"),
        label="国税庁 三か月遅れ",
    )
    before = {model: model.history.count() for model in TRACKED_MODELS}
    number = PlanVersion.objects.get().number
    clock.shift(60)
    promote(scenario, actor=sato, reason=f" {REASON}\n")
    after = {model: model.history.count() for model in TRACKED_MODELS}
    assert after == {**before, Wave: before[Wave] + 2, Rollout: before[Rollout] + 1}
    assert PlanVersion.objects.get().number == number + 3
    rows = [
        Wave.objects.get(code="nta-1"),
        Wave.objects.get(code="mof-1"),
        Rollout.objects.get(code="nta"),
    ]
    assert [(row.users, getattr(row, "status", None)) for row in rows] == [
        (None, "preparing"),
        (500, "planned"),
        (70_000, None),
    ]
    assert (rows[0].cutover.text, rows[0].cutover_version) == ("R9.6", 2)
    signed = {(row.history.first().history_user, row.history.first().history_change_reason) for row in rows}
    assert signed == {(sato, f"試算「国税庁 三か月遅れ」を反映：{REASON}")}
    last = scenario.history.first()
    assert (last.state, last.history_user, last.history_change_reason) == ("promoted", sato, REASON)


def refusal(scenario, **arguments):
    """Why it may not be promoted; nothing at all is written."""
    before = plan_rows(), list(Scenario.objects.values()), Scenario.history.count()
    with pytest.raises(ValidationError) as caught:
        promote(scenario, **arguments)
    assert (plan_rows(), list(Scenario.objects.values()), Scenario.history.count()) == before
    return caught.value.messages


LOOK_AGAIN = (
    "確認のあとで計画か試算が変わりました。まだ何も反映していません。"
    "変わったところを見て、もう一度反映してください。"
)


def test_promoting_is_refused_when_the_plan_is_not_the_one_that_was_seen(clock):
    scenario = suppose(("nta", "cutover", "R9.6"))
    seen = PlanVersion.objects.get().number
    move("jftc-1", "R8.1")
    assert refusal(scenario, seen_version=seen) == [LOOK_AGAIN]


def test_promoting_is_refused_when_the_scenario_is_not_the_one_that_was_seen(clock):
    scenario = suppose(("nta", "cutover", "R9.6"))
    seen = scenario.based_on
    clock.shift(1)
    row = scenario.changes.get()
    row.value = "R10.6"
    scenario_actions.save_scenario(scenario=scenario, changes=[row], actor=None)
    assert refusal(scenario, seen_based_on=seen) == [LOOK_AGAIN]


@pytest.mark.parametrize(("state", "word"), [("promoted", "計画に反映済み"), ("withdrawn", "取り下げ")])
def test_promoting_is_refused_where_it_is_over(clock, state, word):
    scenario = suppose(("nta", "cutover", "R9.6"))
    Scenario.objects.update(state=state)
    assert refusal(scenario) == [f"この試算は「{word}」なので、計画に反映できません。"]


def test_promoting_is_refused_without_a_reason(clock):
    assert refusal(suppose(("nta", "cutover", "R9.6")), reason=" ") == [
        "計画に反映する理由を書いてください。"
    ]


def test_promoting_names_every_row_whose_rule_it_breaks(clock):
    scenario = suppose(
        ("jftc", "cutover", "R8.1"),
        ("nta", "status", "利用中"),
        ("isa", "status", "利用中"),
        ("isa", "cutover", "R9.1.15"),
        ("npa", "cutover", "検討中", "npa-1"),
    )
    assert sorted(refusal(scenario)) == [
        "人事院（npa-1）：「利用中」の移行単位には、利用を始めた日か月が必要です。",
        "出入国在留管理庁（isa-1）：「利用中」にするときの利用開始日は、今日までの日付にしてください。",
        "国税庁（nta-1）：「利用中」にするときは、実際に利用を始めた日を「R8.6.15」のように日まで入力してください。",
    ]


def test_promoting_what_the_plan_already_has_writes_no_version(clock):
    scenario = suppose(
        ("nta", "cutover", "令和８年６月〜"), ("nta", "users", "68,600"), ("isa", "status", "予定")
    )
    before = plan_rows()
    promote(scenario)
    assert (plan_rows(), Scenario.objects.get().state) == (before, "promoted")


def test_half_a_promotion_is_none(clock):
    scenario = suppose(("nta", "cutover", "R9.6"), ("isa", "cutover", "R9.6"))
    written = []

    def break_off(instance, **_kwargs):
        written.append(instance.code)
        if len(written) == 2:
            raise RuntimeError

    before = plan_rows()
    post_save.connect(break_off, sender=Wave)
    try:
        with pytest.raises(RuntimeError), transaction.atomic():
            promote(scenario)
    finally:
        post_save.disconnect(break_off, sender=Wave)
    assert (sorted(written), plan_rows()) == (["isa-1", "nta-1"], before)
    assert Scenario.objects.get().state == "draft"


WHAT_IFS = {
    "a year later": [("nta", "cutover", "R9.6")],
    "another count": [("nta", "users", "70,000")],
    "count no longer stated": [("nta", "users", "")],
    "count of a wave": [("mof", "users", "15,000", "mof-1")],
    "cancelled": [("meti", "status", "中止")],
    "cancelled, and later": [("meti", "status", "中止"), ("meti", "cutover", "R9.6")],
    "no date": [("isa", "cutover", "検討中")],
    "no end": [("isa", "cutover", "R9年度以降")],
    "confirmed": [("nta", "status", "利用中"), ("nta", "cutover", "R8.6.15")],
    "wave and rollout": [("nta", "cutover", "R9.6"), ("nta", "cutover", "R9.1", "nta-2")],
    "settled waves stay": [("moe", "cutover", "R9.6"), ("moe", "status", "中止"), ("jma", "cutover", "R9.9")],
    "taken up again": [("jma", "status", "予定", "jma-2"), ("jma", "cutover", "R9.3", "jma-2")],
    "everything at once": [
        ("nta", "cutover", "R9.3"),
        ("nta", "status", "準備中"),
        ("jma", "users", "5000"),
        ("jma", "status", "中止", "jma-1"),
        ("npa", "status", "中止", "npa-1"),
        ("mof", "cutover", "R9.1"),
    ],
}


@pytest.mark.parametrize("changes", WHAT_IFS.values(), ids=WHAT_IFS)
def test_promoted_plan_projects_what_the_scenario_did(clock, changes):
    WaveFactory(rollout=Rollout.objects.get(code="nta"), code="nta-2", cutover="R8.12", users=1_000)
    WaveFactory(rollout=Rollout.objects.get(code="jma"), code="jma-2", cutover="R8.3", status="cancelled")
    scenario = suppose(*changes)
    before, supposed = years(read_plan()[0]), years(read_scenario(scenario)[0])
    assert years(read_plan()[0]) == before
    clock.shift(60)
    promote(scenario)
    assert years(read_plan()[0]) == supposed
    assert all(step.changes_nothing for step in steps_now(scenario.changes.all()))


def test_every_what_if_moves_something(clock):
    WaveFactory(rollout=Rollout.objects.get(code="nta"), code="nta-2", cutover="R8.12", users=1_000)
    WaveFactory(rollout=Rollout.objects.get(code="jma"), code="jma-2", cutover="R8.3", status="cancelled")
    plan = years(read_plan()[0])
    moved = [name for name, changes in WHAT_IFS.items() if years(read_scenario(suppose(*changes))[0]) != plan]
    assert moved == list(WHAT_IFS)


def test_promoting_twice_promotes_once(clock):
    scenario = suppose(("nta", "cutover", "R9.6"))
    seen = {"seen_version": PlanVersion.objects.get().number, "seen_based_on": scenario.based_on}
    promote(scenario, **seen)
    versions = Wave.history.count()
    assert refusal(scenario, **seen) == ["この試算は「計画に反映済み」なので、計画に反映できません。"]
    assert Wave.history.count() == versions


@pytest.mark.servers
@pytest.mark.django_db(transaction=True)
def test_two_who_promote_at_once_promote_once():
    call_command("seed", verbosity=0)
    scenario = suppose(("nta", "cutover", "R9.6"), ("isa", "cutover", "R9.6"))
    seen = {"seen_version": PlanVersion.objects.get().number, "seen_based_on": scenario.based_on}
    start, versions, told = threading.Barrier(4), Wave.history.count(), []

    def run():
        try:
            start.wait()
            promote(scenario, **seen)
            told.append("promoted")
        except ValidationError as error:
            told.append(error.messages[0])
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == [
        "promoted",
        *["この試算は「計画に反映済み」なので、計画に反映できません。"] * 3,
    ]
    assert Wave.history.count() == versions + 2
