"""Drawing slips against a bare numpy draw-and-bincount of the same size. No database.

`python -m bench.risk DRAWS WAVES` prints by how many bytes one answer grows a fresh process.
"""

import subprocess
import sys
from dataclasses import dataclass
from datetime import date

import numpy as np

from bench.memory import largest_size
from bench.timing import Ratio, ratio, take_turns
from rollout.domain.allocation import Allocation
from rollout.domain.plan import NONE, Basis, Cohort, Plan, Rollouts, Waves, month_number
from rollout.domain.projection import Projection, project
from rollout.domain.risk import CHUNK, SEED, draw, triangular

TODAY = date(2026, 11, 23)
MONTHS_AHEAD = 16
SLIPS = triangular(0, 0, 6)


@dataclass(frozen=True)
class Risk:
    """Seconds at best, draws and answer against a bare draw-and-bincount; bytes that an answer takes."""

    bare_seconds: float
    answer_seconds: float
    draw: Ratio
    answer: Ratio
    growth_bytes: int


def sketch_plan(waves: int) -> Plan:
    """Waves of a few hundred users each, due from five months ago to a year from now."""
    random = np.random.default_rng(1)
    users = random.integers(1, 700, waves)
    month = month_number(TODAY) + random.integers(-5, MONTHS_AHEAD - 4, waves)
    none = np.full(waves, NONE)
    codes = [f"w{number:06d}" for number in range(waves)]
    return Plan(
        cohorts=[Cohort("c", 1, None)],
        rollouts=Rollouts(codes, np.zeros(waves, dtype=np.int64), none, none),
        waves=Waves(
            codes=codes,
            rollout=np.arange(waves),
            users=users,
            earliest_month=month,
            latest_month=month,
            latest_day=TODAY.toordinal() + (month - month_number(TODAY)) * 30,
            in_use=np.zeros(waves, dtype=np.bool_),
            cancelled=np.zeros(waves, dtype=np.bool_),
        ),
        target=None,
    )


def draw_bare(plan: Plan, draws: int) -> None:
    """What anybody would write: slips from a Generator, users added up by draw and month; nothing more."""
    random = np.random.default_rng(SEED)
    users, waves = plan.waves.users.astype(np.float64), len(plan.waves.codes)
    width = MONTHS_AHEAD + SLIPS.months[-1]
    size = min(draws, max(1, CHUNK // waves))
    due = np.maximum(plan.waves.latest_month - month_number(TODAY), 0)
    place, weights = (due + np.arange(size)[:, np.newaxis] * width).ravel(), np.tile(users, size)
    for _ in range(0, draws, size):
        slips = random.integers(0, SLIPS.months[-1] + 1, size * waves)
        np.bincount(place + slips, weights, size * width)


def answer(plan: Plan, curve: Projection, allocation: Allocation, draws: int) -> None:
    """All that an answer needs: the percentiles of every month and the chances of a checkpoint and a year."""
    drawn = draw(plan, allocation.users, curve, SLIPS, draws=draws)
    end = curve.first_month + len(curve.planned)
    for month in range(curve.first_month, end):
        drawn.percentiles(month)
    drawn.chance(end - 1, curve.dated_users)
    drawn.chance_added(2026, curve.dated_users // 2)


def measure(draws: int, waves: int, turns: int) -> Risk:
    """Measure a plan of that size."""
    plan = sketch_plan(waves)
    curve, allocation = project(plan, basis=Basis.CUMULATIVE, today=TODAY)
    times = take_turns(
        {
            "bare": lambda: draw_bare(plan, draws),
            "draw": lambda: draw(plan, allocation.users, curve, SLIPS, draws=draws),
            "answer": lambda: answer(plan, curve, allocation, draws),
        },
        turns,
    )
    return Risk(
        min(times["bare"]),
        min(times["answer"]),
        ratio(times, "draw", "bare"),
        ratio(times, "answer", "bare"),
        growth(draws, waves),
    )


def growth(draws: int, waves: int) -> int:
    """Bytes by which one answer raises the largest resident size of a new process."""
    command = [sys.executable, "-m", "bench.risk", str(draws), str(waves)]
    found = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)  # noqa: S603
    return int(found.stdout)


def _grow(draws: int, waves: int) -> int:
    plan = sketch_plan(waves)
    curve, allocation = project(plan, basis=Basis.CUMULATIVE, today=TODAY)
    before = largest_size()
    answer(plan, curve, allocation, draws)
    return largest_size() - before


if __name__ == "__main__":
    print(_grow(int(sys.argv[1]), int(sys.argv[2])))  # noqa: T201 (the answer)
