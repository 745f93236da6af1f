"""What a change does to the figures, in words, before anybody saves it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from django.utils.translation import gettext

from rollout.domain.allocation import Allocation, Conflict, CountBasis
from rollout.domain.comparison import YearEnd, year_ends
from rollout.domain.dates import fiscal_year_label, fiscal_year_of, month_label
from rollout.domain.movers import Movement, explain
from rollout.domain.plan import NONE, Basis, Plan, month_parts, sums
from rollout.domain.projection import Projection, fiscal_year_end, project
from rollout.models import Rollout
from rollout.models.labels import CAUSE_LABELS, CONFLICT_LABELS, count_text, signed_text

MOST_ROWS = 50
"""Rows of a table that a person still reads; the rest is counted."""


@dataclass(frozen=True)
class YearRow:
    """Users at the end of a fiscal year, as the plan has it and as it would be."""

    label: str
    before: str
    after: str
    difference: str
    changed: bool


@dataclass(frozen=True)
class MoverRow:
    """What one rollout contributes to the change of a year's end."""

    rollout: str
    cause: str
    users: str


@dataclass(frozen=True)
class CountRow:
    """The users of one rollout in both states, and where each number comes from."""

    rollout: str
    before: str
    after: str
    difference: str


@dataclass(frozen=True)
class Impact:
    """Both states at the ends of the fiscal years, what moves that of `movers_of`, whose users change.

    `total_moves` says whether that year's end itself moves, by `movers_total`; where it does not, users
    change hands between rollouts. `months` are the first and the last month whose cumulative users move,
    "" where none does.
    `movers` and `counts` stop at MOST_ROWS; `more_movers` and `more_counts` say how many are left out.
    """

    years: list[YearRow]
    months: str
    movers_of: str
    total_moves: bool
    movers_total: str
    movers: list[MoverRow]
    more_movers: int
    counts: list[CountRow]
    more_counts: int
    conflicts: list[str]

    @classmethod
    def of(cls, before: Plan, after: Plan, today: date) -> "Impact":
        """The difference between two states of the plan, read as `cumulative`.

        Movers are those of the first fiscal year, from the current one on, whose end moves; else of an
        earlier one that does; else of the first where users change hands.
        """
        old, old_allocation = project(before, basis=Basis.CUMULATIVE, today=today)
        new, allocation = project(after, basis=Basis.CUMULATIVE, today=today)
        ends = year_ends(old, new)
        moved, movement = _telling_movement(before, after, ends, fiscal_year_of(today))
        labels = _rollout_labels()
        movers = [
            MoverRow(
                labels.get(mover.rollout, mover.rollout),
                str(CAUSE_LABELS[mover.cause]),
                signed_text(mover.users),
            )
            for mover in movement.movers
        ]
        counts = _count_rows(_counts(before, old_allocation), _counts(after, allocation), labels)
        return cls(
            years=[_year_row(end) for end in ends],
            months=_months_text(old, new),
            movers_of=fiscal_year_label(moved.fiscal_year),
            total_moves=moved.difference != 0,
            movers_total=signed_text(moved.difference),
            movers=movers[:MOST_ROWS],
            more_movers=len(movers[MOST_ROWS:]),
            counts=counts[:MOST_ROWS],
            more_counts=len(counts[MOST_ROWS:]),
            conflicts=[
                _conflict_text(conflict, labels)
                for conflict in allocation.conflicts
                if conflict not in old.conflicts
            ],
        )


def _telling_movement(
    before: Plan, after: Plan, ends: Sequence[YearEnd], this_year: int
) -> tuple[YearEnd, Movement]:
    """The year's end that tells most of the change, and what moves it; the current one where nothing does."""
    order = sorted(ends, key=lambda end: (not end.difference, end.fiscal_year < this_year, end.fiscal_year))
    movements = (
        (end, explain(before, after, basis=Basis.CUMULATIVE, month=fiscal_year_end(end.fiscal_year)))
        for end in order
    )
    first = next(movements)
    return next((found for found in (first, *movements) if found[1].movers), first)


def _months_text(old: Projection, new: Projection) -> str:
    """`R8.6〜R8.8`, or one month, or `R8.6以降` where the figures never meet again, or nothing."""
    start = min(old.first_month, new.first_month)
    end = max(curve.first_month + len(curve.planned) for curve in (old, new))
    moved = [month for month in range(start, end) if old.at(month).cumulative != new.at(month).cumulative]
    if not moved:
        return ""
    first, last = (month_label(*month_parts(month)) for month in (moved[0], moved[-1]))
    if moved[-1] == end - 1:
        return gettext("{first}以降").format(first=first)
    return first if first == last else gettext("{first}〜{last}").format(first=first, last=last)


Count = tuple[int | None, CountBasis]


def _counts(plan: Plan, allocation: Allocation) -> dict[str, Count]:
    """Users of the rollouts that move: of their waves but for cancelled ones, as sure as the least sure.

    A rollout's own stated count stands while none of its waves is cancelled, as on every other page.
    """
    size, waves = len(plan.rollouts.codes), plan.waves
    alive = ~waves.cancelled
    rollout, users = waves.rollout[alive], allocation.users[alive]
    of_rollout = np.column_stack(
        [
            np.bincount(rollout, minlength=size),
            sums(rollout, users.clip(0), size),
            np.bincount(rollout[users == NONE], minlength=size),
            np.bincount(rollout[allocation.count_basis[alive] == CountBasis.SHARED_OUT], minlength=size),
            (plan.rollouts.users != NONE) & (np.bincount(waves.rollout[~alive], minlength=size) == 0),
        ]
    )
    rows = zip(plan.rollouts.codes, of_rollout.tolist(), strict=True)
    return {code: _count(*numbers) for code, (moving, *numbers) in rows if moving}


def _count(known: int, unknown: int, shared: int, stated: int) -> Count:
    if unknown:
        return None, CountBasis.UNKNOWN
    return known, CountBasis.SHARED_OUT if shared and not stated else CountBasis.STATED


def _count_rows(before: dict[str, Count], after: dict[str, Count], labels: dict[str, str]) -> list[CountRow]:
    """The rollouts whose users are not what they were, the largest difference first."""
    changed = [code for code in {**before, **after} if before.get(code) != after.get(code)]
    differences = {code: _users(after.get(code)) - _users(before.get(code)) for code in changed}
    return [
        CountRow(
            labels.get(code, code),
            _count_text(before.get(code)),
            _count_text(after.get(code)),
            signed_text(differences[code]),
        )
        for code in sorted(changed, key=lambda code: (-abs(differences[code]), code))
    ]


def _users(count: Count | None) -> int:
    return (count and count[0]) or 0


def _count_text(count: Count | None) -> str:
    return "—" if count is None else count_text(*count)


def _year_row(end: YearEnd) -> YearRow:
    return YearRow(
        fiscal_year_label(end.fiscal_year),
        f"{end.before:,}",
        f"{end.after:,}",
        signed_text(end.difference),
        end.difference != 0,
    )


def _conflict_text(conflict: Conflict, labels: dict[str, str]) -> str:
    where = labels.get(conflict.rollout, conflict.rollout) if conflict.rollout else conflict.cohort
    return gettext("{where}：{conflict}（{abs:,}人）").format(
        where=where, conflict=CONFLICT_LABELS[conflict.kind], abs=abs(conflict.users)
    )


def _rollout_labels() -> dict[str, str]:
    return {row.code: row.label for row in Rollout.objects.select_related("lead_ministry")}
