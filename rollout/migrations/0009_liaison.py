"""府省庁連絡担当: sees and proposes for its own ministries alone; and a proposal can be declined."""

from importlib import import_module

from django.db import migrations, models
from django.db.models import Q

roles = import_module("rollout.migrations.0007_roles")

STATES = [
    ("draft", "検討中"),
    ("proposed", "申請中"),
    ("promoted", "計画に反映済み"),
    ("declined", "見送り"),
    ("withdrawn", "取り下げ"),
]
ROLES = {
    "府省庁連絡担当": roles.VIEWER
    | roles._may(roles.EDIT, *roles.WHAT_IF)
    | roles._may(roles.LOOK, "ministries.contact"),
}


def make_liaison(apps, schema_editor):
    """Make the group."""
    roles.make_groups(apps, ROLES)


def drop_liaison(apps, schema_editor):
    """Delete the group; the people stay."""
    apps.get_model("auth", "Group").objects.filter(name__in=ROLES).delete()


class Migration(migrations.Migration):

    dependencies = [("rollout", "0008_plan_import")]

    operations = [
        migrations.RemoveConstraint(model_name="scenario", name="scenario_state_known"),
        migrations.AlterField(
            model_name="scenario",
            name="state",
            field=models.CharField("状況", max_length=10, choices=STATES, default="draft"),
        ),
        migrations.AlterField(
            model_name="historicalscenario",
            name="state",
            field=models.CharField("状況", max_length=10, choices=STATES, default="draft"),
        ),
        migrations.AddConstraint(
            model_name="scenario",
            constraint=models.CheckConstraint(
                name="scenario_state_known",
                condition=Q(state__in=[state for state, _ in STATES]),
            ),
        ),
        migrations.RunPython(make_liaison, drop_liaison),
    ]
