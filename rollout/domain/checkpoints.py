"""Where the plan stands against the users to be reached on the way.

A checkpoint is judged at the end of its month: **on course** when even the low curve is there, **at
risk** when the planned curve is, else it **will be missed**. Once the month is over, only confirmed
users count: **reached** or **missed**. An ambiguous figure is read as the basis says, as the target is.

Example, on the published plan of 2026-11-23: 152,000 by the end of R8年度 is at risk, because the
plan comes to 152,000 and the low curve to 146,000.
"""

from dataclasses import dataclass
from enum import StrEnum

from rollout.domain.plan import Basis, Checkpoint, Plan, Reading, month_number
from rollout.domain.projection import Point, Projection, left_out


class Verdict(StrEnum):
    """What is to be expected of a checkpoint."""

    ON_COURSE = "on_course"
    AT_RISK = "at_risk"
    WILL_MISS = "will_miss"
    REACHED = "reached"
    MISSED = "missed"


@dataclass(frozen=True)
class Judged:
    """A checkpoint, the users to reach as read on the basis, the curve's point there, and the verdict."""

    code: str
    users: int
    point: Point
    verdict: Verdict


def judge(plan: Plan, curve: Projection) -> list[Judged]:
    """Every checkpoint of `plan` beside its curve, in order of time."""
    return [_judge(checkpoint, plan, curve) for checkpoint in sorted(plan.checkpoints, key=_place)]


def _place(checkpoint: Checkpoint) -> tuple[int, str]:
    return checkpoint.month, checkpoint.code


def _judge(checkpoint: Checkpoint, plan: Plan, curve: Projection) -> Judged:
    users = checkpoint.users
    if checkpoint.reading is Reading.AMBIGUOUS and curve.basis is Basis.GROUP:
        users += left_out(plan, curve)
    point = curve.at(checkpoint.month)
    is_over = checkpoint.month < month_number(curve.today)
    return Judged(checkpoint.code, users, point, _verdict(point, users, is_over=is_over))


def _verdict(point: Point, users: int, *, is_over: bool) -> Verdict:
    if is_over:
        return Verdict.REACHED if point.confirmed >= users else Verdict.MISSED
    if point.low >= users:
        return Verdict.ON_COURSE
    return Verdict.AT_RISK if point.cumulative >= users else Verdict.WILL_MISS
