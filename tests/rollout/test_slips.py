"""What the tracker's own history teaches of delays: planned against actual, by wave."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from rollout import actions
from rollout.reader import read_slips
from tests.factories import BaselineFactory, RolloutFactory, WaveFactory
from tests.rollout.ledger import at

pytestmark = pytest.mark.django_db

START = at("2026-11-24 10:00")


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def edit(clock, wave, **values):
    """Change a wave an hour later; returns the moment."""
    clock.shift(timedelta(hours=1))
    for name, value in values.items():
        setattr(wave, name, value)
    wave.save()
    return timezone.now()


def confirm(clock, wave, cutover):
    return edit(clock, wave, status="in_use", cutover=cutover)


@pytest.mark.parametrize(
    ("planned", "actual", "slip"),
    [
        pytest.param("R8.6~", "R8.9.3", 3, id="late"),
        pytest.param("R8.6", "R8.6.30", 0, id="on time"),
        pytest.param("R8.12", "R8.10.1", -2, id="early"),
        pytest.param("R8年度上期", "R8.4.1", -5, id="from the last month of a longer period"),
        pytest.param("R8.3.31", "R8.4.1", 1, id="a day late is another month"),
    ],
)
def test_slip_runs_from_the_first_plan_to_the_actual_month(clock, planned, actual, slip):
    wave = WaveFactory(cutover=planned)
    confirm(clock, wave, actual)
    assert read_slips() == [slip]


def test_first_plan_counts_however_often_it_moved(clock):
    wave = WaveFactory(cutover="R8.6")
    for cutover in ("R8.8", "R8.10"):
        edit(clock, wave, cutover=cutover)
    confirm(clock, wave, "R8.11.1")
    assert read_slips() == [5]


def test_first_plan_is_the_first_with_a_date(clock):
    wave = WaveFactory(cutover="検討中", status="under_review")
    edit(clock, wave, cutover="R8年度以降")
    edit(clock, wave, cutover="R8.6")
    confirm(clock, wave, "R8.8.1")
    assert read_slips() == [2]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"cutover": "R8.6"}, id="planned"),
        pytest.param({"cutover": "R8.6", "status": "migrating"}, id="on its way"),
        pytest.param({"cutover": "R8.6", "status": "cancelled"}, id="cancelled"),
    ],
)
def test_wave_that_is_not_in_use_teaches_nothing(clock, values):
    edit(clock, WaveFactory(cutover="R8.3"), **values)
    assert read_slips() == []


def test_wave_that_came_in_already_in_use_teaches_nothing(clock):
    wave = WaveFactory(cutover="R3", status="in_use")
    edit(clock, wave, cutover="R4.1")
    edit(clock, wave, cutover="R4.3", status="planned")
    confirm(clock, wave, "R4.5.1")
    assert read_slips() == []


def test_seed_teaches_nothing(seeded):
    assert read_slips() == []


def test_wave_that_was_confirmed_by_mistake_is_measured_once(clock):
    wave = WaveFactory(cutover="R8.6")
    confirm(clock, wave, "R8.6.1")
    edit(clock, wave, status="planned", cutover="R8.9")
    confirm(clock, wave, "R8.10.1")
    assert read_slips() == [4]


def test_cancelled_version_is_no_plan(clock):
    wave = WaveFactory(cutover="R8.3", status="cancelled")
    edit(clock, wave, cutover="R8.6", status="planned")
    confirm(clock, wave, "R8.8.1")
    assert read_slips() == [2]


def test_deleted_wave_teaches_nothing(clock):
    wave = WaveFactory(cutover="R8.6")
    confirm(clock, wave, "R8.8.1")
    WaveFactory(rollout=wave.rollout)
    actions.delete_row(row=wave, actor=None, reason="重複")
    assert read_slips() == []


def replanned(clock):
    """A wave planned for R8.3, in the baseline for R8.6, then moved to R8.7 and confirmed in R8.8."""
    wave = WaveFactory(cutover="R8.3")
    moment = edit(clock, wave, cutover="R8.6")
    edit(clock, wave, cutover="R8.7")
    confirm(clock, wave, "R8.8.1")
    return moment


def test_earliest_baseline_is_the_plan_that_counts(clock):
    moment = replanned(clock)
    BaselineFactory(moment=moment + timedelta(hours=1))
    BaselineFactory(moment=moment)
    assert read_slips() == [2]


@pytest.mark.parametrize(
    ("first", "later"),
    [
        pytest.param({"cutover": "R8.7"}, {"cutover": "R8.9.1", "status": "in_use"}, id="in use by then"),
        pytest.param({"cutover": "R8.7"}, {"cutover": "検討中"}, id="undecided then"),
        pytest.param({"cutover": "R8.7"}, {"cutover": "R8.5", "status": "cancelled"}, id="cancelled then"),
    ],
)
def test_wave_without_a_plan_in_the_baseline_is_measured_by_its_own_first(clock, first, later):
    wave = WaveFactory(**first)
    BaselineFactory(moment=edit(clock, wave, **later))
    confirm(clock, wave, "R8.9.1")
    assert read_slips() == [2]


def test_wave_added_after_the_baseline_is_measured_by_its_own_first(clock):
    BaselineFactory()
    clock.shift(timedelta(hours=1))
    wave = WaveFactory(cutover="R8.7")
    confirm(clock, wave, "R8.9.1")
    assert read_slips() == [2]


def test_slips_of_a_moment_are_what_was_known_then(clock):
    wave = WaveFactory(cutover="R8.6")
    first = confirm(clock, wave, "R8.8.1")
    corrected = edit(clock, wave, cutover="R8.9.1")
    clock.shift(timedelta(hours=1))
    BaselineFactory(moment=START)
    wave.delete()
    before = first - timedelta(microseconds=1)
    assert [read_slips(moment) for moment in (before, first, corrected, None)] == [[], [2], [3], []]


def test_baseline_made_later_does_not_change_what_was_known(clock):
    moment = replanned(clock)
    told = timezone.now()
    clock.shift(timedelta(hours=1))
    BaselineFactory(moment=moment)
    assert [read_slips(told), read_slips()] == [[5], [2]]


def test_slips_take_the_same_number_of_queries_however_many_waves(clock):
    BaselineFactory()
    counts = []
    for number in (1, 6):
        for wave in WaveFactory.create_batch(number, rollout=RolloutFactory(), cutover="R8.6"):
            confirm(clock, wave, "R8.8.1")
        with CaptureQueriesContext(connection) as captured:
            counts.append((len(read_slips()), len(captured)))
    assert counts == [(1, 4), (7, 4)]
