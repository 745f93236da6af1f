"""A full recompute against just fetching the columns that it reads."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.utils import timezone

from bench import memory
from bench.timing import Ratio, Times, ratio, take_turns
from rollout.domain.allocation import allocate
from rollout.domain.plan import Basis
from rollout.domain.projection import project
from rollout.models import PlanVersion, Rollout, Wave
from rollout.reader import read_plan
from rollout.recompute import recompute

ROLLOUT_COLUMNS = ("code", "id", "cohort_id", "users", "weight")
WAVE_COLUMNS = ("rollout_id", "code", "id", "users", "cutover_earliest", "cutover_latest", "status")


@dataclass(frozen=True)
class Recompute:
    """Seconds at best; `ratio` is against the fetch, `past_ratio` of a past moment against the recompute.

    `parts` are shares of the recompute, 1 in all.
    """

    fetch_seconds: float
    recompute_seconds: float
    ratio: Ratio
    past_ratio: Ratio | None
    parts: dict[str, float]
    growth_bytes: int


def fetch() -> None:
    """Every row that the projection is computed from, read once and let go."""
    for rows in (Rollout.objects.values_list(*ROLLOUT_COLUMNS), Wave.objects.values_list(*WAVE_COLUMNS)):
        deque(rows.order_by().iterator(), maxlen=0)


def renew() -> None:
    """A recompute that finds the plan changed."""
    PlanVersion.objects.raise_number()
    recompute()


def project_past(moment: datetime) -> None:
    """What a recompute computes, from the rows as they were known at a moment."""
    plan, _ = read_plan(moment)
    for basis in Basis:
        project(plan, basis=basis, today=timezone.localdate(moment))


def measure(turns: int, moment: datetime | None) -> Recompute:
    """Measure the plan in the database, today's and, where `moment` is given, that of then."""
    plan, _ = read_plan()
    today = timezone.localdate()
    past = {"as_of": lambda: project_past(moment)} if moment else {}
    times = take_turns(
        {
            "fetch": fetch,
            "recompute": renew,
            **past,
            "read": read_plan,
            "allocate": lambda: [allocate(plan, basis) for basis in Basis],
            "project": lambda: [project(plan, basis=basis, today=today) for basis in Basis],
        },
        turns,
    )
    return Recompute(
        min(times["fetch"]),
        min(times["recompute"]),
        ratio(times, "recompute", "fetch"),
        ratio(times, "as_of", "recompute") if past else None,
        _parts(times),
        memory.growth(str(connection.settings_dict["NAME"])),
    )


def _parts(times: Times) -> dict[str, float]:
    """Where the time goes. Each part was timed on its own, at best; storing is what remains."""
    best = {name: min(seconds) for name, seconds in times.items()}
    parts = {
        "fetch": best["fetch"],
        "order, columns": best["read"] - best["fetch"],
        "allocate": best["allocate"],
        "project": best["project"] - best["allocate"],
        "store": best["recompute"] - best["read"] - best["project"],
    }
    return {name: seconds / best["recompute"] for name, seconds in parts.items()}
