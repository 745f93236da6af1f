"""Roles that the environment names must exist."""

from typing import Any

from django.conf import settings
from django.core import checks
from django.db import connection


def register() -> None:
    """Look at every `migrate` and `check --database default`."""
    checks.register(every_role_exists, checks.Tags.database)


def every_role_exists(databases: Any = None, **_kwargs: Any) -> list[checks.CheckMessage]:
    """A warning for each role of OIDC_ROLES that is no group; nothing before the first migration."""
    from django.contrib.auth.models import Group

    named = {role for roles in settings.OIDC_ROLES.values() for role in roles}
    if not named or not databases or Group._meta.db_table not in connection.introspection.table_names():
        return []
    known = set(Group.objects.filter(name__in=named).values_list("name", flat=True))
    return [_unknown(role) for role in sorted(named - known)]


def _unknown(role: str) -> checks.CheckMessage:
    hint = "Correct OIDC_ROLES, or add the group in the admin: until then nobody gets this role."
    return checks.Warning(
        f"OIDC_ROLES names the role {role!r}, which is no group.", hint=hint, id="signin.W001"
    )
