"""An edit that is tried and taken back, to show what it would do."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.db import transaction
from django.utils import timezone

from rollout.domain.plan import Plan
from rollout.history import catch_up
from rollout.models import PlanVersion
from rollout.reader import read_plan

Found = TypeVar("Found")


@contextmanager
def tried() -> Iterator[None]:
    """Takes back whatever is written within."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def try_out(act: Callable[[], Found]) -> tuple[Found, Plan, Plan]:
    """What `act` finds, and the plan before and after it; taken back."""
    catch_up(PlanVersion.objects.lock(), timezone.now())
    before = read_plan()[0]
    with tried():
        return act(), before, read_plan()[0]
