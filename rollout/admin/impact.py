"""What a change does to the figures, in words, before anybody saves it."""

from dataclasses import dataclass
from datetime import date

from rollout.domain.allocation import Conflict
from rollout.domain.comparison import YearEnd, year_ends
from rollout.domain.dates import fiscal_year_label, fiscal_year_of
from rollout.domain.movers import explain
from rollout.domain.plan import Basis, Plan
from rollout.domain.projection import fiscal_year_end, project
from rollout.models import Rollout
from rollout.models.labels import CAUSE_LABELS, CONFLICT_LABELS, signed_text


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
class Impact:
    """Both states at the ends of the fiscal years, and what moves the year in `movers_of`."""

    years: list[YearRow]
    movers_of: str
    movers: list[MoverRow]
    conflicts: list[str]

    @classmethod
    def of(cls, before: Plan, after: Plan, today: date) -> "Impact":
        """The difference between two states of the plan, read as `cumulative`.

        Movers are those of the first fiscal year, from the current one on, whose end moves or where
        users change hands; of the current one when nothing moves at all.
        """
        old, _ = project(before, basis=Basis.CUMULATIVE, today=today)
        new, allocation = project(after, basis=Basis.CUMULATIVE, today=today)
        ends = year_ends(old, new)
        movements = (
            (
                end.fiscal_year,
                explain(before, after, basis=Basis.CUMULATIVE, month=fiscal_year_end(end.fiscal_year)),
            )
            for end in ends
            if end.fiscal_year >= fiscal_year_of(today)
        )
        moved = next(((year, found) for year, found in movements if found.movers), None)
        labels = _rollout_labels()
        return cls(
            years=[_year_row(end) for end in ends],
            movers_of=fiscal_year_label(moved[0] if moved else fiscal_year_of(today)),
            movers=[
                MoverRow(
                    labels.get(mover.rollout, mover.rollout),
                    CAUSE_LABELS[mover.cause],
                    signed_text(mover.users),
                )
                for mover in (moved[1].movers if moved else ())
            ],
            conflicts=[
                _conflict_text(conflict, labels)
                for conflict in allocation.conflicts
                if conflict not in old.conflicts
            ],
        )


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
    return f"{where}：{CONFLICT_LABELS[conflict.kind]}（{abs(conflict.users):,}人）"


def _rollout_labels() -> dict[str, str]:
    return {row.code: row.label for row in Rollout.objects.select_related("lead_ministry")}
