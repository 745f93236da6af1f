"""A what-if: the plan with some cutovers, counts and statuses changed. The plan itself stays as it is.

A change without a wave speaks of its rollout: its cutover or status of every wave that no change of
its own names, its count of the whole (the waves' own stated counts stand). Changes of rollouts or waves
that the plan does not have change nothing.

Example, on the published plan: 国税庁 at R9.6 instead of R8.6 leaves R8年度末 at 83,400.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from rollout.domain.dates import FuzzyDate
from rollout.domain.plan import NONE, IntArray, Plan, Status, Waves, month_number


@dataclass(frozen=True)
class Change:
    """What is otherwise of one rollout, or of one of its waves; None is "as in the plan".

    `users` NONE makes a count unknown; an undecided `cutover` takes the date away.
    """

    rollout: str
    wave: str | None = None
    cutover: FuzzyDate | None = None
    users: int | None = None
    status: Status | None = None


def apply(plan: Plan, changes: Iterable[Change]) -> Plan:
    """`plan` with the changes; those of single waves stand over those of their rollouts."""
    rollout_users = plan.rollouts.users.copy()
    waves = {column.name: _copy(getattr(plan.waves, column.name)) for column in fields(plan.waves)}
    row_of = {code: row for row, code in enumerate(plan.rollouts.codes)}
    for change in sorted(changes, key=lambda change: change.wave is not None):
        if change.rollout not in row_of:
            continue
        rows = np.flatnonzero(plan.waves.rollout == row_of[change.rollout])
        if change.wave is not None:
            rows = rows[[plan.waves.codes[row] == change.wave for row in rows.tolist()]]
        _move(waves, rows, change)
        if change.users is not None and change.wave is None:
            rollout_users[row_of[change.rollout]] = change.users
    return replace(plan, rollouts=replace(plan.rollouts, users=rollout_users), waves=Waves(**waves))


def _copy(column: Any) -> Any:
    return column.copy() if isinstance(column, np.ndarray) else column


def _move(waves: dict[str, Any], rows: IntArray, change: Change) -> None:
    """Write what one change says of waves into their columns."""
    if change.cutover is not None:
        earliest, latest = change.cutover.earliest, change.cutover.latest
        waves["earliest_month"][rows] = month_number(earliest) if earliest else NONE
        waves["latest_month"][rows] = month_number(latest) if latest else NONE
        waves["latest_day"][rows] = latest.toordinal() if latest else NONE
    if change.status is not None:
        waves["in_use"][rows] = change.status is Status.IN_USE
        waves["cancelled"][rows] = change.status is Status.CANCELLED
    if change.users is not None and change.wave is not None:
        waves["users"][rows] = change.users
