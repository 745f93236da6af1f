"""Every tracked row has a first version, and a version for every change, however it was written."""

from datetime import date, timedelta
from pathlib import Path

import pytest
import time_machine
from django.core import serializers
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from ministries.models import Ministry
from rollout import actions, recompute
from rollout.history import LOADED_REASON, TRACKED_MODELS, Cited, cited, complete_since, fill_history
from rollout.models import Citation, Observation, PlanVersion, Wave
from tests.factories import (
    CohortFactory,
    MinistryFactory,
    ObservationFactory,
    RolloutFactory,
    SourceFactory,
    WaveFactory,
)
from tests.rollout.ledger import START, at

pytestmark = pytest.mark.django_db

LATER = at("2026-11-24 11:00")


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def load_fixtures():
    call_command("loaddata", *sorted(Path("fixtures").glob("*.json")), verbosity=0)


def load_raw(*rows, **values):
    """Write rows as `loaddata` does, past history and actions."""
    for row in rows:
        for name, value in values.items():
            setattr(row, name, value)
    for each in serializers.deserialize("json", serializers.serialize("json", rows)):
        each.save()


def counts():
    return {model.__name__: model.objects.count() for model in TRACKED_MODELS}


def versions():
    return {model.__name__: model.history.count() for model in TRACKED_MODELS}


def trail(row):
    """Kind and reason of every version, oldest first."""
    return list(row.history.order_by("history_id").values_list("history_type", "history_change_reason"))


def test_loaddata_leaves_the_history_to_the_first_recompute():
    load_fixtures()
    assert PlanVersion.objects.get().history_missing is True
    assert set(versions().values()) == {0}
    recompute.recompute()
    assert PlanVersion.objects.get().history_missing is False
    assert versions() == counts()


def test_fill_history_adds_first_versions_once():
    load_fixtures()
    rows = sum(counts().values())
    assert [fill_history(START), fill_history(LATER)] == [rows, 0]
    first = Wave.history.first()
    assert (first.history_type, first.history_date) == ("+", START)
    assert (first.history_change_reason, first.history_user) == (LOADED_REASON, None)


def test_loaddata_twice_adds_no_version():
    for _ in range(2):
        load_fixtures()
        recompute.recompute()
    assert versions() == counts()


def test_fill_history_leaves_rows_that_have_one():
    wave = WaveFactory()
    assert fill_history(LATER) == 0
    assert trail(wave) == [("+", None)]


def test_fill_history_adds_a_version_of_what_was_overwritten(clock):
    wave = WaveFactory(users=10)
    clock.move_to(LATER)
    load_raw(wave, users=20, cutover="R9.2")
    assert fill_history(LATER) == 1
    assert trail(wave) == [("+", None), ("~", LOADED_REASON)]
    last = wave.history.first()
    assert (last.users, last.cutover.text, last.history_date) == (20, "R9.2", LATER)


def test_recompute_dates_what_was_overwritten_with_its_own_moment(clock):
    wave = WaveFactory(users=10)
    recompute.recompute()
    load_raw(wave, users=20)
    clock.move_to(LATER)
    recompute.recompute()
    assert [version.users for version in (wave.history.as_of(START), wave.history.as_of(LATER))] == [10, 20]


def test_fill_history_compares_decimals_by_value():
    ministry = MinistryFactory(order=4)
    load_raw(ministry)
    assert (fill_history(LATER), Ministry.objects.get().order) == (0, 4)


def test_history_says_who_and_why(django_user_model):
    actor = django_user_model.objects.create_user("sato")
    wave = WaveFactory(users=10)
    wave.users = 20
    actions.save_row(row=wave, actor=actor, reason="財務省からの連絡")
    last = wave.history.first()
    assert (last.history_user, last.history_change_reason, last.users) == (actor, "財務省からの連絡", 20)


def test_history_of_a_deleted_row_stays(django_user_model):
    actor = django_user_model.objects.create_user("sato")
    wave = WaveFactory(code="kept")
    WaveFactory(rollout=wave.rollout)
    actions.delete_row(row=wave, actor=actor, reason="重複")
    last = Wave.history.filter(code="kept").first()
    assert (last.history_type, last.history_user, last.history_change_reason) == ("-", actor, "重複")


def test_history_keeps_the_date_as_it_was_written():
    wave = WaveFactory(cutover="令和9年1月から")
    assert wave.history.get().cutover.text == "令和9年1月から"


def test_fill_history_adds_a_version_of_what_was_deleted_and_loaded_again(clock):
    ministry = MinistryFactory()
    dump = serializers.serialize("json", [ministry])
    clock.move_to(LATER)
    ministry.delete()
    for each in serializers.deserialize("json", dump):
        each.save()
    assert fill_history(at("2026-11-24 12:00")) == 1


def test_wave_loaded_over_itself_gets_a_cutover_version_that_the_ledger_has_never_met(clock):
    wave = WaveFactory(cutover="R9.1")
    dump = serializers.serialize("json", [wave])
    for text in ("R9.2", "R9.3"):
        wave.cutover = text
        actions.save_row(row=wave, actor=None, reason="延期")
    for each in serializers.deserialize("json", dump):
        each.save()
    recompute.recompute()
    wave.refresh_from_db()
    assert (wave.cutover.text, wave.cutover_version) == ("R9.1", 4)
    assert wave.history.first().cutover_version == 4


def reload_wave(wave, **columns):
    """Load a wave over itself as a fixture does, with other values in it."""
    (row,) = serializers.serialize("python", [wave])
    row["fields"].update(columns)
    for each in serializers.deserialize("python", [row]):
        each.save()
    recompute.recompute()
    wave.refresh_from_db()


def test_bounds_of_a_loaded_wave_are_read_from_its_text(clock):
    wave = WaveFactory(cutover="R9.1")
    reload_wave(wave, cutover="R9.3~")
    assert (wave.cutover_bounds, wave.cutover_precision) == ((date(2027, 3, 1), date(2027, 3, 31)), "month")
    assert (wave.cutover_open_ended, wave.cutover_version) == (True, 2)


def test_bounds_of_a_loaded_observation_are_read_from_its_text(clock):
    (row,) = serializers.serialize("python", [ObservationFactory(as_of="2024-03")])
    row["fields"]["as_of"] = "2024-06"
    for each in serializers.deserialize("python", [row]):
        each.save()
    recompute.recompute()
    assert Observation.objects.get().as_of_latest == date(2024, 6, 30)


def test_wave_loaded_as_it_was_keeps_its_version(clock):
    wave = WaveFactory(cutover="R9.1")
    wave.cutover = "R9.2"
    wave.save()
    since = wave.cutover_since
    clock.move_to(LATER)
    reload_wave(wave, cutover_version=1)
    assert (wave.cutover_version, wave.cutover_since) == (2, since)


def test_edit_of_a_loaded_row_keeps_what_was_loaded_in_the_history(clock):
    wave = WaveFactory(cutover="R9.1")
    (row,) = serializers.serialize("python", [wave])
    row["fields"].update(cutover="R9.2", cutover_earliest="2027-02-01", cutover_latest="2027-02-28")
    for each in serializers.deserialize("python", [row]):
        each.save()
    clock.move_to(LATER)
    wave = Wave.objects.get()
    wave.cutover = "R9.3"
    actions.save_row(row=wave, actor=None, reason="延期")
    assert [version.cutover.text for version in wave.history.order_by("history_id")] == [
        "R9.1",
        "R9.2",
        "R9.3",
    ]


def test_version_after_a_reload_follows_the_highest_there_ever_was(clock):
    wave = WaveFactory(cutover="R9.1")
    for number, text in enumerate(("R9.2", "R9.3", "R9.2")):
        clock.move_to(LATER + timedelta(minutes=number))
        wave.cutover = text
        wave.save()
    reload_wave(wave, cutover="R9.5", cutover_version=1)
    assert wave.cutover_version == 5


def test_row_whose_text_contradicts_it_keeps_nobody_from_editing(clock, caplog):
    wave = WaveFactory(cutover="R8.6.15", status="in_use")
    other = WaveFactory(cutover="R9.1")
    reload_wave(wave, cutover="検討中")
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    other.cutover = "R9.2"
    assert actions.save_row(row=other, actor=None, reason="延期").cutover_version == 2


@pytest.mark.parametrize("write", ["save", "delete"])
def test_writer_takes_the_version_row_before_any_other(write):
    wave = WaveFactory()
    with transaction.atomic(), CaptureQueriesContext(connection) as captured:
        getattr(wave, write)()
    writes = [query["sql"] for query in captured if query["sql"].startswith(("UPDATE", "DELETE"))]
    locks = [query["sql"] for query in captured if "rollout_planversion" in query["sql"]]
    first_write = captured.captured_queries.index(next(q for q in captured if q["sql"] == writes[0]))
    first_lock = captured.captured_queries.index(next(q for q in captured if q["sql"] == locks[0]))
    assert first_lock < first_write


def test_history_is_complete_since_the_last_part_of_a_plan_came_in(clock):
    moments = [LATER + timedelta(hours=hour) for hour in range(3)]
    clock.move_to(moments[0])
    cohort = CohortFactory()
    clock.move_to(moments[1])
    rollout = RolloutFactory(cohort=cohort)
    assert complete_since() is None
    clock.move_to(moments[2])
    WaveFactory(rollout=rollout)
    assert complete_since() == moments[2]


def test_saving_the_cutover_alone_saves_what_follows_from_it():
    wave = WaveFactory(cutover="R9.1")
    wave.cutover = "R9.6"
    wave.save(update_fields=["cutover"])
    wave.refresh_from_db()
    assert (wave.cutover_bounds[0], wave.cutover_version) == (date(2027, 6, 1), 2)


@pytest.fixture
def cited_change():
    """A wave that was moved to R9.6 by a letter, and the number and moment of that change."""
    wave = WaveFactory(cutover="R9.6")
    letter = SourceFactory(code="letter", title="当時の題名")
    wave.cutover = "R9.9"
    actions.save_row(row=wave, actor=None, reason="連絡", evidence=actions.Evidence(letter, "九月", "1頁"))
    version = wave.history.latest()
    return version.history_citation_id, version.history_date


def test_change_without_a_citation_rests_on_nothing(cited_change):
    number, moment = cited_change
    assert cited([(None, moment)]) == {}
    assert cited([(number + 1, moment)]) == {}


def test_words_of_a_change_stay_what_they_were(clock, cited_change):
    clock.shift(60)
    citation = Citation.objects.get()
    citation.text, citation.source.title = "十月", "いまの題名"
    citation.save()
    citation.source.save()
    words = Cited("letter", "当時の題名", "九月", "1頁", deleted=False)
    assert cited([cited_change, (None, cited_change[1])]) == {cited_change: words}
    citation.delete()
    assert cited([cited_change])[cited_change].deleted is True
    assert cited([cited_change])[cited_change].text == "九月"


def test_words_are_found_where_the_clock_went_backwards(clock, cited_change):
    number, moment = cited_change
    later = (number, moment + timedelta(days=1))
    assert cited([later])[later].text == "九月"


def test_looking_up_words_asks_the_same_number_of_questions_however_many(cited_change):
    def questions():
        changes = list(
            Wave.history.exclude(history_citation=None).values_list("history_citation_id", "history_date")
        )
        with CaptureQueriesContext(connection) as asked:
            assert len(cited(changes)) == len(changes)
        return len(asked)

    few = questions()
    for _ in range(3):
        wave = WaveFactory()
        wave.users = 5
        actions.save_row(
            row=wave, actor=None, reason="連絡", evidence=actions.Evidence(SourceFactory(), "五")
        )
    assert questions() == few
