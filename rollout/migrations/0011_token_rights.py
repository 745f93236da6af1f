"""Who gives and revokes the tokens of programs, and who looks at them."""

from importlib import import_module

from django.db import migrations

roles = import_module("rollout.migrations.0007_roles")

ROLES = {
    "PMO責任者": roles._may(("view", "add", "change"), "signin.servicetoken"),
    "監査": roles._may(roles.LOOK, "signin.servicetoken"),
}


def add_rights(apps, schema_editor):
    """Add the rights to the groups."""
    roles.make_groups(apps, ROLES, labels=["signin"])


def take_rights(apps, schema_editor):
    """Take them away again."""
    for group in apps.get_model("auth", "Group").objects.filter(name__in=ROLES):
        group.permissions.remove(*group.permissions.filter(content_type__model="servicetoken"))


class Migration(migrations.Migration):

    dependencies = [("rollout", "0010_import_attempts"), ("signin", "0002_service_token")]

    operations = [migrations.RunPython(add_rights, take_rights)]
