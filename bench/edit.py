"""One edit, from saving it to the API showing it, and where the time goes."""

from dataclasses import dataclass
from http import HTTPStatus
from itertools import cycle

from django.db import transaction
from django.test import Client, override_settings

from bench.timing import take_turns
from rollout import actions
from rollout.domain.dates import parse
from rollout.models import PlanVersion, Wave
from rollout.outbox import plan_reminders
from rollout.recompute import recompute

PATH = "/api/v1/projection/"
DATES = cycle([parse("R9.6.1"), parse("R9.7.1")])


@dataclass(frozen=True)
class Edit:
    """Seconds at best, and the share of each part, which was timed on its own."""

    seconds: float
    parts: dict[str, float]


def measure(turns: int) -> Edit:
    """Move one wave back and forth; what follows the commit runs in this process, as without a worker."""
    parts = {"save": _save_and_take_back, "recompute": _recompute, "ledger": _plan_reminders}
    things = {"edit": _edit, **parts, "answer": _shown_version}
    with override_settings(PUBLIC_READ=True, ALLOWED_HOSTS=["testserver"], REDIS_URL=""):
        times = take_turns(things, turns)
    best = {name: min(seconds) for name, seconds in times.items()}
    return Edit(best["edit"], {name: seconds / best["edit"] for name, seconds in best.items()})


def _edit() -> None:
    _save()
    if _shown_version() != PlanVersion.objects.current().number:
        raise RuntimeError("the API does not show the edit")


def _save() -> None:
    wave = Wave.objects.awaited().order_by("code")[0]
    wave.cutover = next(DATES)
    actions.save_row(row=wave, actor=None, reason="bench")


def _save_and_take_back() -> None:
    """What saving costs before anything follows it."""
    with transaction.atomic():
        _save()
        transaction.set_rollback(True)


def _recompute() -> None:
    PlanVersion.objects.raise_number()
    recompute()


def _plan_reminders() -> None:
    PlanVersion.objects.update(reminders_number=None)
    plan_reminders()


def _shown_version() -> int:
    answer = Client().get(PATH)
    if answer.status_code != HTTPStatus.OK:
        raise RuntimeError(f"{PATH} answered {answer.status_code}")
    version: int = answer.json()["data_version"]
    return version
