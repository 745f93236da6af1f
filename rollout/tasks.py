"""Celery entry points. Messages are nudges: what they do not bring about, the tick finds in the rows."""

import logging
from collections.abc import Iterable
from typing import Any

from celery import shared_task
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import override
from kombu.exceptions import OperationalError

from gss_tracker.embedded import worker_is_here
from rollout import drawing, outbox, recompute
from rollout.domain.plan import Basis
from rollout.models import PlanVersion

logger = logging.getLogger(__name__)


@shared_task(name="rollout.recompute", bind=True)
def follow_change(self: Any) -> None:
    """Bring the projection and the planned reminders up to date with the rows."""
    recompute.recompute()
    outbox.plan_reminders()
    _draw_ahead(self, [settings.LANGUAGE_CODE], [Basis.CUMULATIVE])


@shared_task(name="rollout.tick", bind=True)
def tick(self: Any) -> None:
    """Once a minute: repair what was missed, find what is due, send it. Two at once do no harm."""
    follow_change()
    outbox.settle()
    PlanVersion.objects.update(ticked_at=timezone.now())
    outbox.deliver()
    _draw_ahead(self, dict(settings.LANGUAGES), Basis)


def _draw_ahead(task: Any, languages: Iterable[str], bases: Iterable[Basis]) -> None:
    """In a worker, where nobody waits for it."""
    if not task.request.called_directly:
        drawing.draw_ahead(languages, bases)


def nudge() -> None:
    """Have the figures follow a committed change."""
    hand_over(follow_change)


def hand_over(task: Any, *args: Any) -> None:
    """Have a task done, in a worker where there is one, here where there is none.

    A broker that is away costs time only: what is to be done stands in the rows, to be found within a minute.
    """
    if not settings.REDIS_URL and not worker_is_here.is_set():
        with override("ja"):  # as a worker would
            task(*args)
        return
    try:
        task.delay(*args)
    except OperationalError:
        logger.warning("broker unreachable; the next tick follows the change")


def nudge_on_commit() -> None:
    """Nudge once, when what is being written is committed."""
    if not any(callback[1] is nudge for callback in transaction.get_connection().run_on_commit):
        transaction.on_commit(nudge, robust=True)
