"""The one place for signals: whatever is written to a tracked row marks the plan as changed.

Actions lock the plan's version row first; this also catches `loaddata`, the shell and everything
else that saves a row, so that no stored figure outlives the rows it was computed from unnoticed.
"""

from typing import Any

from django.db import models, transaction
from django.db.models.signals import post_delete, post_save, pre_delete, pre_save
from django.utils import timezone

from rollout.history import TRACKED_MODELS, catch_up
from rollout.models import PlanVersion
from rollout.tasks import nudge_on_commit


def connect() -> None:
    """Listen to every tracked model."""
    for model in TRACKED_MODELS:
        pre_save.connect(lock_first, sender=model, dispatch_uid=f"changing-{model.__name__}")
        pre_delete.connect(lock_first, sender=model, dispatch_uid=f"deleting-{model.__name__}")
        post_save.connect(mark_changed, sender=model, dispatch_uid=f"changed-{model.__name__}")
        post_delete.connect(mark_changed, sender=model, dispatch_uid=f"deleted-{model.__name__}")


def lock_first(sender: type[models.Model], *, raw: bool = False, **_kwargs: Any) -> None:
    """Within a transaction take the plan's version row before any other: no deadlock.

    What was loaded past the history gets its version before anything is changed on top of it.
    """
    if transaction.get_connection().in_atomic_block:
        version = PlanVersion.objects.lock()
        if not raw:
            catch_up(version, timezone.now())


def mark_changed(sender: type[models.Model], *, raw: bool = False, **_kwargs: Any) -> None:
    """Raise the version, and have the figures follow once the change is committed."""
    PlanVersion.objects.raise_number(history_missing=raw)
    nudge_on_commit()
