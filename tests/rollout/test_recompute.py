"""Stored projections follow the rows, the day in Tokyo, and whatever was written past the actions."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from ministries.models import Contact
from rollout import actions, recompute
from rollout.domain.allocation import CountBasis
from rollout.domain.plan import NONE, Basis, Reading
from rollout.history import TRACKED_MODELS
from rollout.models import Citation, Cohort, PlanVersion, Projection, RolloutCoverage, Target, Wave
from rollout.models.version import pack_counts
from tests.factories import (
    CohortFactory,
    ContactFactory,
    FreezePeriodFactory,
    MinistryFactory,
    MonthlyLimitFactory,
    ObservationFactory,
    ReminderRuleFactory,
    RolloutFactory,
    SlipAssumptionFactory,
    SourceFactory,
    TargetFactory,
    WaveFactory,
)
from tests.rollout.ledger import START, at

pytestmark = pytest.mark.django_db

CUMULATIVE = Basis.CUMULATIVE


@pytest.fixture(autouse=True)
def clock(settings):
    """10:00 in Tokyo on 2026-11-24, and nobody but this process to follow a change."""
    settings.REDIS_URL = ""
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def current(basis=CUMULATIVE):
    return Projection.objects.current(basis, timezone.localdate())


def number():
    return PlanVersion.objects.current().number


def load_fixtures():
    call_command("loaddata", *sorted(Path("fixtures").glob("*.json")), verbosity=0)


def test_recompute_stores_a_projection_for_each_basis():
    WaveFactory(users=10)
    assert recompute.recompute() == number()
    stored = Projection.objects.values_list("basis", "data_version", "today", "computed_at")
    computed = (number(), START.date(), START)
    assert list(stored) == [("cumulative", *computed), ("group", *computed)]


def test_recompute_twice_computes_once(clock):
    WaveFactory(users=10)
    recompute.recompute()
    before = list(Projection.objects.values())
    clock.shift(60)
    recompute.recompute()
    assert list(Projection.objects.values()) == before


def test_recompute_of_an_empty_plan_is_a_year_of_zeros():
    recompute.recompute()
    assert current().curve.planned == (0,) * 12


def test_recompute_follows_a_new_day(clock):
    wave = WaveFactory(cutover="R8.11.24", users=10)
    recompute.recompute()
    clock.move_to(at("2026-11-25 00:00"))
    assert current().stale is True
    recompute.recompute()
    assert (current().stale, current().today) == (False, date(2026, 11, 25))
    assert current().curve.at(2026 * 12 + 10).low == 0
    assert wave.is_overdue_unconfirmed(timezone.localdate()) is True


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        pytest.param("2026-11-24 23:59", date(2026, 11, 24), id="before midnight in Tokyo"),
        pytest.param("2026-11-25 08:59", date(2026, 11, 25), id="before midnight in London"),
    ],
)
def test_recompute_takes_the_day_in_tokyo(moment, day):
    recompute.recompute(now=at(moment))
    assert set(Projection.objects.values_list("today", flat=True)) == {day}


def test_current_is_none_before_the_first_recompute():
    assert current() is None


def test_count_of_a_wave_says_where_it_comes_from():
    stated, unknown = WaveFactory(users=10), WaveFactory()
    cohort = CohortFactory(published_users=7)
    shared = WaveFactory(rollout=RolloutFactory(cohort=cohort))
    recompute.recompute()
    found = [current().count_of(wave.pk) for wave in (stated, unknown, shared)]
    assert found == [(10, CountBasis.STATED), (None, CountBasis.UNKNOWN), (7, CountBasis.SHARED_OUT)]
    assert current().count_of(0) == (None, CountBasis.UNKNOWN)


def test_read_plan_orders_rollouts_and_waves_by_code():
    cohort = CohortFactory()
    rollouts = [
        RolloutFactory(code=code, cohort=cohort, weight=weight) for code, weight in (("b", 2), ("a", 1))
    ]
    for code, rollout in zip(("z", "y", "x"), (rollouts[1], rollouts[0], rollouts[1]), strict=True):
        WaveFactory(code=code, rollout=rollout)
    plan, wave_ids = recompute.read_plan()
    assert (plan.rollouts.codes, plan.rollouts.weight.tolist()) == (["a", "b"], [1, 2])
    assert (plan.waves.codes, plan.waves.rollout.tolist()) == (["x", "z", "y"], [0, 0, 1])
    assert wave_ids.tolist() == [Wave.objects.get(code=code).pk for code in ("x", "z", "y")]


@pytest.mark.parametrize("table", ["rollout_rollout", "rollout_wave"])
def test_read_plan_leaves_out_what_is_committed_while_it_reads(table):
    WaveFactory(code="a")
    added = []

    def add_before(execute, sql, *args):
        if not added and sql.startswith("SELECT") and f'FROM "{table}"' in sql:
            added.append(True)
            WaveFactory(code="b")
        return execute(sql, *args)

    with connection.execute_wrapper(add_before):
        plan, wave_ids = recompute.read_plan()
    assert (added, plan.waves.codes, len(plan.cohorts), wave_ids.tolist()) == (
        [True],
        ["a"],
        1,
        [Wave.objects.get(code="a").pk],
    )


def test_read_plan_reads_every_column():
    outer = CohortFactory(code="outer", order=1, published_users=9, approximate=True, rounding_unit=5)
    values = {"published_users": 4, "fiscal_year": 2026, "undecided_note": "検討中"}
    inner = CohortFactory(code="inner", order=2, inside=outer, **values)
    WaveFactory(rollout=RolloutFactory(cohort=inner, users=3), cutover="R8年度", users=2)
    plan, _ = recompute.read_plan()
    first, second = plan.cohorts
    assert (first.published_users, first.approximate, first.rounding_unit, first.inside) == (9, True, 5, None)
    assert (second.inside, second.fiscal_year, second.undecided_note) == ("outer", 2026, "検討中")
    assert (plan.rollouts.cohort.tolist(), plan.rollouts.users.tolist()) == ([1], [3])
    waves = plan.waves
    assert (waves.users.tolist(), waves.earliest_month.tolist()) == ([2], [2026 * 12 + 3])
    assert (waves.latest_month.tolist(), waves.latest_day.tolist()) == (
        [2027 * 12 + 2],
        [date(2027, 3, 31).toordinal()],
    )


def test_read_plan_has_no_number_where_nothing_is_known():
    WaveFactory(cutover="検討中")
    plan, _ = recompute.read_plan()
    columns = (plan.waves.users, plan.waves.earliest_month, plan.waves.latest_month, plan.waves.latest_day)
    assert [column.tolist() for column in columns] == [[NONE]] * 4
    assert (plan.rollouts.users.tolist(), plan.rollouts.weight.tolist()) == ([NONE], [NONE])


@pytest.mark.parametrize(
    ("status", "in_use", "cancelled"),
    [("planned", False, False), ("in_use", True, False), ("cancelled", False, True)],
)
def test_read_plan_knows_what_is_settled(status, in_use, cancelled):
    WaveFactory(cutover="R7.5", status=status)
    plan, _ = recompute.read_plan()
    assert (plan.waves.in_use.tolist(), plan.waves.cancelled.tolist()) == ([in_use], [cancelled])


def test_read_plan_takes_the_final_target_not_a_checkpoint():
    TargetFactory(by=date(2027, 3, 31), users=5)
    assert recompute.read_plan()[0].target is None
    TargetFactory(users=9, reading="ambiguous")
    target = recompute.read_plan()[0].target
    assert (target.users, target.reading) == (9, Reading.AMBIGUOUS)


def make_coverage():
    return RolloutCoverage.objects.create(rollout=RolloutFactory(), ministry=MinistryFactory())


def make_citation():
    return Citation.objects.create(
        rollout=RolloutFactory(), source=SourceFactory(), subject="users", text="約100人"
    )


MAKERS = {
    "Ministry": MinistryFactory,
    "Contact": ContactFactory,
    "Source": SourceFactory,
    "Cohort": CohortFactory,
    "Rollout": RolloutFactory,
    "RolloutCoverage": make_coverage,
    "Wave": WaveFactory,
    "Citation": make_citation,
    "Observation": ObservationFactory,
    "Target": TargetFactory,
    "SlipAssumption": SlipAssumptionFactory,
    "ReminderRule": ReminderRuleFactory,
    "FreezePeriod": FreezePeriodFactory,
    "MonthlyLimit": MonthlyLimitFactory,
}


def test_every_tracked_model_is_made_here():
    assert [model.__name__ for model in TRACKED_MODELS] == list(MAKERS)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_every_save_and_delete_raises_the_version(make):
    row = make()
    versions = [number()]
    row.save()
    versions.append(number())
    row.delete()
    versions.append(number())
    assert versions == [versions[0], versions[0] + 1, versions[0] + 2]


def test_every_tracked_model_counts_its_first_save():
    before = number()
    SourceFactory()
    assert number() == before + 1


@pytest.mark.django_db(transaction=True)
def test_action_is_reflected_once_it_is_committed():
    wave = WaveFactory(users=10)
    assert (current().stale, current().curve.dated_users) == (False, 10)
    wave.users = 30
    with transaction.atomic():
        actions.save_row(row=wave, actor=None, reason="確認")
        assert current().stale is True
    assert (current().stale, current().curve.dated_users) == (False, 30)


@pytest.mark.django_db(transaction=True)
def test_change_that_is_rolled_back_changes_nothing():
    wave = WaveFactory(users=10)
    before = number()
    wave.users = 30
    with transaction.atomic():
        actions.save_row(row=wave, actor=None, reason="確認")
        transaction.set_rollback(True)
    assert (number(), current().stale, wave.history.count()) == (before, False, 1)


def test_many_changes_are_followed_once(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks:
        WaveFactory()
        WaveFactory()
    assert len(callbacks) == 1


def test_contact_marks_the_plan_changed():
    recompute.recompute()
    ContactFactory()
    assert (current().stale, Contact.objects.count()) == (True, 1)


def test_loaddata_alone_shows_stale():
    recompute.recompute()
    load_fixtures()
    assert current().stale is True
    recompute.recompute()
    assert (current().stale, current().curve.dated_users) == (False, 152_000)


@pytest.mark.django_db(transaction=True)
def test_loaddata_is_followed_once_it_is_committed():
    load_fixtures()
    assert (current().stale, current().curve.dated_users) == (False, 152_000)
    assert PlanVersion.objects.get().history_missing is False


def test_recompute_refuses_cohorts_in_a_ring():
    cohort = CohortFactory(code="a")
    other = CohortFactory(code="b", inside=cohort)
    Cohort.objects.filter(pk=cohort.pk).update(inside=other)
    with pytest.raises(ValueError, match="lies inside itself"):
        recompute.recompute()
    assert Projection.objects.count() == 0


def test_clean_refuses_cohorts_in_a_ring():
    top = CohortFactory()
    top.inside = CohortFactory(inside=CohortFactory(inside=top))
    with pytest.raises(ValidationError) as caught:
        top.full_clean()
    assert caught.value.message_dict["inside"] == ["上位の区分をたどると自分自身に戻ります。"]


def test_seed_target_depends_on_the_basis(seeded):
    found = [Projection.objects.current(basis, START.date()).curve.target_users for basis in Basis]
    assert (found, Target.objects.count()) == ([272_000, 344_000], 2)


def test_wave_id_that_cannot_be_kept_is_refused():
    with pytest.raises(OverflowError):
        pack_counts(np.array([2**31]), np.array([1]), np.array([1]))
