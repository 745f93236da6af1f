"""Celery entry points of imports. A message that is lost is made good by the beat."""

from functools import partial

from celery import shared_task
from django.db import transaction

from rollout.importing import lifecycle
from rollout.tasks import hand_over


@shared_task(name="rollout.import")
def follow_import(key: int) -> None:
    """Check or apply one import."""
    lifecycle.follow(key)


@shared_task(name="rollout.imports")
def follow_imports() -> None:
    """Once a minute: forget what is over, and take up what was left."""
    lifecycle.forget()
    for key in lifecycle.waiting():
        lifecycle.follow(key)


def nudge_on_commit(key: int) -> None:
    """Have a worker go on with an import when what a person decided is committed."""
    transaction.on_commit(partial(hand_over, follow_import, key), robust=True)
