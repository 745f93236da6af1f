"""A what-if: the plan with some cutovers, counts and statuses changed. The plan itself stays as it is.

A change that names a wave speaks of that wave alone. One that names only its rollout speaks, with a
cutover or a status, of the rollout's waves that are still awaited in the plan: users who have moved do not
move again, and what was cancelled stays so, unless a change names the wave. With a count it speaks of the
rollout as a whole (the waves' own stated counts stand). Where both speak of one wave, the change that names
the wave stands, fact by fact. Changes of rollouts or waves that the plan does not have change nothing.

Example, on the published plan: 国税庁 at R9.6 instead of R8.6 leaves R8年度末 at 83,400.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np

from rollout.domain.dates import FuzzyDate
from rollout.domain.plan import NONE, IntArray, Plan, Status, Waves, month_number

Name = TypeVar("Name", bound=Hashable)


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


def reaches(named: Name | None, wave: Name, *, settled: bool) -> bool:
    """True when a change that names the wave `named`, or None, speaks of a wave of its rollout.

    `settled` is whether that wave is in use or cancelled in the plan.
    """
    return not settled if named is None else wave == named


def apply(plan: Plan, changes: Iterable[Change]) -> Plan:
    """`plan` with the changes; those of single waves stand over those of their rollouts."""
    rollout_users = plan.rollouts.users.copy()
    waves = {column.name: _copy(getattr(plan.waves, column.name)) for column in fields(plan.waves)}
    row_of = {code: row for row, code in enumerate(plan.rollouts.codes)}
    wave_rows = _WaveRows(plan.waves)
    for change in sorted(changes, key=lambda change: change.wave is not None):
        if change.rollout not in row_of:
            continue
        _move(waves, wave_rows.of(row_of[change.rollout], change), change)
        if change.users is not None and change.wave is None:
            rollout_users[row_of[change.rollout]] = change.users
    return replace(plan, rollouts=replace(plan.rollouts, users=rollout_users), waves=Waves(**waves))


def _copy(column: Any) -> Any:
    return column.copy() if isinstance(column, np.ndarray) else column


class _WaveRows:
    """The rows of the waves that changes speak of; one that names its wave is found without a search."""

    def __init__(self, waves: Waves) -> None:
        self._waves = waves
        pairs = zip(waves.rollout.tolist(), waves.codes, strict=True)
        self._row_of = {pair: row for row, pair in enumerate(pairs)}

    def of(self, rollout: int, change: Change) -> IntArray:
        """The rows that a change of the rollout speaks of."""
        if change.wave is not None:
            row = self._row_of.get((rollout, change.wave))
            return np.array([] if row is None else [row], dtype=np.int64)
        rows = np.flatnonzero(self._waves.rollout == rollout)
        return rows[~(self._waves.in_use[rows] | self._waves.cancelled[rows])]


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
