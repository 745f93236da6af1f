"""The seed plan as it is shipped: loads with plain `loaddata`, and says the same after a round trip."""

import json
from io import StringIO
from pathlib import Path

import pytest
import time_machine
from django.core.management import call_command
from django.db.models import Max

from ministries.corporate_number import check_digit
from ministries.models import Ministry
from rollout.domain.dates import parse
from rollout.domain.letters import check_template
from rollout.domain.reminders import Kind
from rollout.history import TRACKED_MODELS
from rollout.models import (
    Citation,
    Cohort,
    FreezePeriod,
    Observation,
    ReminderRule,
    Rollout,
    RolloutCoverage,
    SlipAssumption,
    Source,
    Target,
    Wave,
)
from tests.rollout.ledger import START

pytestmark = pytest.mark.django_db

FILES = sorted(Path("fixtures").glob("*.json"))
BOUNDS = ("earliest", "latest", "precision", "open_ended")


@pytest.fixture
def loaded(db):
    """The fixtures, one file after the other in the order of their names.

    Time stands still on a whole second: JSON keeps milliseconds only.
    """
    with time_machine.travel(START, tick=False):
        for path in FILES:
            call_command("loaddata", path, verbosity=0)
        yield


COUNTS = {
    Ministry: 27,
    Source: 5,
    Cohort: 4,
    Rollout: 24,
    RolloutCoverage: 2,
    Wave: 24,
    Citation: 35,
    Observation: 4,
    Target: 2,
    SlipAssumption: 1,
    ReminderRule: 15,
    FreezePeriod: 1,
}


@pytest.mark.usefixtures("loaded")
def test_fixtures_hold_the_whole_plan():
    assert {model: model.objects.count() for model in COUNTS} == COUNTS


@pytest.mark.usefixtures("loaded")
def test_fixtures_group_the_rollouts_as_published():
    groups = {cohort.code: cohort.rollouts.count() for cohort in Cohort.objects.all()}
    assert (groups["in-use"], groups["fy2025"]) == (14, 3)
    assert groups["fy2026-onward"] + groups["fy2026"] == 7


@pytest.mark.usefixtures("loaded")
def test_every_rollout_has_a_wave_and_a_citation_of_its_date():
    for rollout in Rollout.objects.all():
        cited = rollout.citations.filter(subject="cutover", adopted=True).count()
        assert (rollout.code, rollout.waves.count(), cited) == (rollout.code, 1, 1)


def dated_rows():
    """Every row with a date: the name of its field, and its fields as the file has them."""
    rows = [entry["fields"] for path in FILES for entry in json.loads(path.read_text(encoding="utf-8"))]
    return [(name, fields) for fields in rows for name in ("cutover", "as_of") if name in fields]


def test_fixture_bounds_are_what_the_texts_say():
    read, written = [], []
    for name, fields in dated_rows():
        fuzzy = parse(fields[name])
        days = [day and day.isoformat() for day in (fuzzy.earliest, fuzzy.latest)]
        read.append([fuzzy.text, *days, fuzzy.precision or "", fuzzy.open_ended])
        written.append([fields[name], *(fields[f"{name}_{bound}"] for bound in BOUNDS)])
    assert (len(read), read) == (28, written)


@pytest.mark.usefixtures("loaded")
def test_corporate_numbers_check():
    numbers = Ministry.objects.exclude(corporate_number="").values_list("corporate_number", flat=True)
    assert [number for number in numbers if int(number[0]) != check_digit(number[1:])] == []
    assert len(set(numbers)) == len(numbers) > 0


@pytest.mark.usefixtures("loaded")
def test_every_row_passes_its_own_checks():
    for model in COUNTS:
        for row in model.objects.all():
            assert row.full_clean() is None


@pytest.mark.usefixtures("loaded")
def test_rule_texts_name_nothing_unknown():
    for rule in ReminderRule.objects.all():
        check_template(rule.subject, Kind(rule.kind))
        check_template(rule.body, Kind(rule.kind))


@pytest.mark.usefixtures("loaded")
def test_rules_are_those_that_people_expect():
    offsets = ReminderRule.objects.filter(kind="offset").order_by("pk")
    found = [(rule.code, rule.direction, rule.count, rule.unit, rule.precision) for rule in offsets]
    before = [("before-6m", 6, "months"), *((f"before-{n}", n, "days") for n in (90, 30, 14, 7, 1))]
    assert found == [
        *((code, "before", count, unit, "") for code, count, unit in before),
        ("on-the-day", "before", 0, "days", ""),
        ("after-3", "after", 3, "business_days", ""),
        ("fix-day-60", "before", 60, "days", "month"),
    ]
    others = ReminderRule.objects.exclude(kind="offset").order_by("pk")
    assert list(others.values_list("kind", "count", "unit", "active")) == [
        ("overdue", 1, "weeks", True),
        ("unconfirmed", 90, "days", True),
        ("change", 0, "days", True),
        ("escalation", 3, "business_days", True),
        ("digest", 1, "weeks", True),
        ("alert", 0, "days", True),
    ]


def everything():
    """All rows of the plan, with their keys, by model."""
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in TRACKED_MODELS}


@pytest.mark.usefixtures("loaded")
def test_natural_keys_make_the_round_trip(tmp_path):
    before = everything()
    dump = StringIO()
    labels = [model._meta.label for model in COUNTS]
    call_command(
        "dumpdata", *labels, use_natural_foreign_keys=True, use_natural_primary_keys=True, stdout=dump
    )
    assert [entry for entry in json.loads(dump.getvalue()) if "pk" in entry] == []
    path = tmp_path / "dump.json"
    path.write_text(dump.getvalue(), encoding="utf-8")
    call_command("loaddata", path, verbosity=0)
    assert everything() == before


@pytest.mark.usefixtures("loaded")
def test_loading_twice_changes_nothing():
    before = [(model.objects.count(), model.objects.aggregate(Max("pk"))) for model in COUNTS]
    call_command("loaddata", *FILES, verbosity=0)
    assert [(model.objects.count(), model.objects.aggregate(Max("pk"))) for model in COUNTS] == before


@pytest.mark.usefixtures("loaded")
def test_natural_keys_find_their_rows():
    rows = [row for model in COUNTS for row in model.objects.all()]
    assert [type(row).objects.get_by_natural_key(*row.natural_key()) for row in rows] == rows
