"""Roles as groups of rights: who may look, who edits the plan, who decides, who audits, and a service account."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

PLAN = (
    *("ministries.ministry", "rollout.source", "rollout.cohort", "rollout.target", "rollout.observation"),
    *("rollout.rollout", "rollout.rolloutcoverage", "rollout.wave", "rollout.citation"),
    *("rollout.freezeperiod", "rollout.monthlylimit", "rollout.slipassumption"),
)
COMPUTED = ("rollout.projection", "rollout.baseline", "rollout.warningacceptance")
WHAT_IF = ("rollout.scenario", "rollout.scenariochange")
PEOPLE = ("ministries.contact", "ministries.assignment")
MAILS = ("rollout.reminder", "rollout.reminderrule")
ACCOUNTS = ("auth.user", "auth.group")


def _may(verbs, *models):
    return {f"{app}.{verb}_{name}" for verb in verbs for app, name in (model.split(".") for model in models)}


LOOK, EDIT = ("view",), ("view", "add", "change", "delete")
VIEWER = _may(LOOK, *PLAN, *COMPUTED)
EDITOR = (
    VIEWER
    | _may(EDIT, *PLAN, *WHAT_IF, "ministries.contact")
    | _may(LOOK, *PEOPLE, *MAILS)
    | {"rollout.add_warningacceptance", "rollout.change_reminder"}
)
LEAD = (
    EDITOR
    | _may(EDIT, "rollout.reminderrule", "ministries.assignment", "auth.user")
    | {"rollout.add_baseline", "rollout.promote_scenario", "auth.view_group"}
)
AUDITOR = VIEWER | _may(LOOK, *WHAT_IF, *PEOPLE, *MAILS, *ACCOUNTS)
SERVICE = VIEWER | _may(LOOK, *WHAT_IF)

ROLES = {
    "閲覧者": VIEWER,
    "PMO編集者": EDITOR,
    "PMO責任者": LEAD,
    "監査": AUDITOR,
    "APIサービス": SERVICE,
}


def make_roles(apps, schema_editor):
    """Make the groups of this migration."""
    make_groups(apps, ROLES)


def make_groups(apps, roles, labels=("auth", "ministries", "rollout")):
    """Make groups, names with their rights; one that is there keeps what else it may do."""
    for label in labels:
        config = apps.get_app_config(label)
        module = getattr(config, "models_module", None)
        config.models_module = module or True  # without one it makes none
        create_permissions(config, apps=apps, verbosity=0)
        config.models_module = module
    permissions = apps.get_model("auth", "Permission").objects.select_related("content_type")
    keys = {f"{row.content_type.app_label}.{row.codename}": row.pk for row in permissions}
    for name, rights in roles.items():
        group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=name)
        group.permissions.add(*(keys[right] for right in sorted(rights)))


def drop_roles(apps, schema_editor):
    """Delete the groups; the people stay."""
    apps.get_model("auth", "Group").objects.filter(name__in=ROLES).delete()


class Migration(migrations.Migration):

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("ministries", "0004_assignment"),
        ("rollout", "0006_calendar_lint"),
    ]

    operations = [migrations.RunPython(make_roles, drop_roles)]
