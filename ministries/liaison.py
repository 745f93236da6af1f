"""府省庁連絡担当: people who see and propose for the ministries that they look after, and for no others."""

from typing import Any

from django.db.models import QuerySet

from ministries.models import Assignment

LIAISON = "府省庁連絡担当"
"""The group. Who is in it is limited whatever else they are, unless they are a superuser."""


def is_limited(user: Any) -> bool:
    """True for who sees the rows of their own ministries alone; asked once a request."""
    if not user.is_authenticated or user.is_superuser:
        return False
    if not hasattr(user, "_is_limited"):
        memberships = user.groups.through.objects
        user._is_limited = memberships.filter(user_id=user.pk, group__name=LIAISON).exists()
    return bool(user._is_limited)


def own_ministries(user: Any) -> QuerySet[Assignment, Any]:
    """The ids of the ministries that a person looks after, for `__in`."""
    return Assignment.objects.filter(user_id=user.pk).order_by().values("ministry_id")
