"""The published plan is loaded once, and never over what people have edited."""

import pytest
from django.core.management import call_command

from ministries.models import Contact, Ministry
from rollout.management.commands.up import make_example_contacts
from rollout.models import Citation, Cohort, Observation, Rollout, Source, Target, Wave
from rollout.seed import seed
from tests.factories import MinistryFactory

pytestmark = pytest.mark.django_db


def test_seed_loads_the_whole_plan_with_its_history():
    call_command("seed", verbosity=0)
    models = (Ministry, Source, Cohort, Rollout, Wave, Citation, Observation, Target)
    assert [model.objects.count() for model in models] == [27, 5, 4, 24, 24, 35, 4, 2]
    assert [model.history.count() for model in models] == [27, 5, 4, 24, 24, 35, 4, 2]


def test_seed_twice_keeps_edits(capsys):
    call_command("seed")
    Wave.objects.filter(code="nta-1").update(note="編集済み")
    call_command("seed")
    assert Wave.objects.get(code="nta-1").note == "編集済み"
    assert capsys.readouterr().out.splitlines() == [
        "144 rows loaded",
        "the plan is already there; nothing loaded",
    ]


def test_seed_leaves_deleted_rows_deleted():
    call_command("seed", verbosity=0)
    for target in Target.objects.all():
        target.delete()
    assert seed() == 0
    assert Target.objects.count() == 0


def test_example_contacts_are_made_once():
    call_command("seed", verbosity=0)
    make_example_contacts()
    leads = Rollout.objects.values("lead_ministry").distinct().count()
    assert Contact.objects.count() == leads + 1
    Contact.objects.first().delete()
    make_example_contacts()
    assert Contact.objects.count() == leads
    assert not Contact.objects.exclude(email__endswith="@example.go.jp").exists()


def test_seed_leaves_a_plan_that_somebody_began_by_hand_alone():
    MinistryFactory(code="nta", name="国税庁")
    assert seed() == 0
    assert (Ministry.objects.count(), Wave.objects.count()) == (1, 0)
