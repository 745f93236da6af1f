"""What Django says of sign-ins and of changed rights, into the security log, whoever caused it."""

from typing import Any

from axes.signals import user_locked_out
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models.signals import m2m_changed, post_delete, pre_save
from django.utils import timezone
from simple_history.models import HistoricalRecords

from signin.security_log import known_name, record
from signin.sessions import begin, is_by_provider

FLAGS = ("is_active", "is_staff", "is_superuser")
CHANGES = {"post_add": "added", "post_remove": "removed", "post_clear": "cleared"}


def connect() -> None:
    """Listen; connecting twice is harmless."""
    user = get_user_model()
    listeners = [
        (user_logged_in, signed_in, None),
        (user_logged_out, signed_out, None),
        (user_login_failed, failed, None),
        (user_locked_out, locked_out, None),
        (pre_save, flags_changed, user),
        (post_delete, user_deleted, user),
        (m2m_changed, rights_changed, user.groups.through),
        (m2m_changed, rights_changed, user.user_permissions.through),
        (m2m_changed, rights_changed, Group.permissions.through),
    ]
    for signal, receiver, sender in listeners:
        signal.connect(receiver, sender=sender, dispatch_uid=f"signin.{receiver.__name__}.{sender}")


def signed_in(request: Any, user: Any, **_kwargs: Any) -> None:
    """Also starts the session's clock."""
    begin(request, user, timezone.now())
    method = "oidc" if is_by_provider(request) else "password"
    record("signed_in", user=user.get_username(), id=user.pk, method=method)


def signed_out(user: Any, **_kwargs: Any) -> None:
    """Nothing where nobody was signed in."""
    if user is not None:
        record("signed_out", user=user.get_username(), id=user.pk)


def failed(credentials: Any, **_kwargs: Any) -> None:
    """A wrong password, or an answer of the provider that was refused; the latter has said why already."""
    if "username" in credentials:
        record("sign_in_failed", user=known_name(credentials["username"]))


def locked_out(username: str | None, **_kwargs: Any) -> None:
    """Also at each try while the lock lasts."""
    record("locked_out", user=known_name(username))


def flags_changed(instance: Any, update_fields: Any = None, **_kwargs: Any) -> None:
    """Whether a user is active, staff or superuser, and that the password has changed; not what it is."""
    if update_fields and not {*FLAGS, "password"} & set(update_fields):
        return
    before = type(instance)._default_manager.filter(pk=instance.pk).first() if instance.pk else None
    changed = {flag: getattr(instance, flag) for flag in FLAGS if _moved(before, instance, flag)}
    if changed or before is None:
        event = "user_changed" if before else "user_added"
        record(event, user=instance.get_username(), id=instance.pk, by=_by(), **changed)
    if before is not None and before.password != instance.password:
        record("password_changed", user=instance.get_username(), id=instance.pk, by=_by())


def user_deleted(instance: Any, **_kwargs: Any) -> None:
    """Whose account is gone."""
    record("user_deleted", user=instance.get_username(), id=instance.pk, by=_by())


def rights_changed(instance: Any, action: str, model: Any, pk_set: Any, **_kwargs: Any) -> None:
    """Groups and permissions of a user, permissions of a group, from either side."""
    if action not in CHANGES or (not pk_set and action != "post_clear"):
        return
    names = [_name(other) for other in model._default_manager.filter(pk__in=pk_set or ()).order_by("pk")]
    record("rights_changed", of=_name(instance), change=CHANGES[action], what=names, by=_by())


def _moved(before: Any, instance: Any, flag: str) -> bool:
    return bool(getattr(instance, flag) != getattr(before, flag, flag == "is_active"))


def _name(row: Any) -> str:
    if isinstance(row, Group):
        return f"group:{row.name}"
    return f"permission:{row.codename}" if isinstance(row, Permission) else f"user:{row.get_username()}"


def _by() -> str:
    """The user name of whoever sent the request; empty outside of one."""
    request = getattr(HistoricalRecords.context, "request", None)
    user = getattr(request, "user", None)
    return user.get_username() if user is not None else ""
