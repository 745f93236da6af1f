"""The foot of the calendar: what each month has beside what it takes, counted as the warnings count it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.utils.translation import gettext

from rollout.domain.calendar_lint import Calendar, MonthLoad, MonthlyLimit
from rollout.domain.dates import fiscal_year_bounds
from rollout.domain.fiscal_months import months_of

NOTHING = MonthLoad(0, 0)


class LoadCell(NamedTuple):
    """What a month has of something, beside its limit if there is one; `note` may be empty."""

    text: str
    note: str
    is_over: bool


@dataclass(frozen=True)
class LoadRow:
    """The load of each month, in users or in cutovers; `limit` is empty where there is none."""

    label: str
    limit: str
    cells: Sequence[LoadCell]

    @property
    def columns_over(self) -> set[int]:
        """The months with more than they take."""
        return {column for column, cell in enumerate(self.cells) if cell.is_over}


def load_rows(year: int, calendar: Calendar) -> list[LoadRow]:
    """Users and cutovers of each month of a fiscal year."""
    loads = [(calendar.loads or {}).get(month, NOTHING) for month in months_of(year)]
    limit = calendar.limit_of(fiscal_year_bounds(year)[0]) or MonthlyLimit(year, None, None)
    return [_users_row(loads, limit), _cutovers_row(loads, limit)]


def _users_row(loads: Sequence[MonthLoad], limit: MonthlyLimit) -> LoadRow:
    text, unknown = gettext("{text}人"), gettext("ほか不明{count:,}件")
    cells = [
        LoadCell(
            text.format(text=_beside(load.users, limit.users)),
            unknown.format(count=load.uncounted) if load.uncounted else "",
            limit.has_too_many_users(load),
        )
        for load in loads
    ]
    most = "" if limit.users is None else gettext("上限 月{count:,}人").format(count=limit.users)
    return LoadRow(gettext("月の人数"), most, cells)


def _cutovers_row(loads: Sequence[MonthLoad], limit: MonthlyLimit) -> LoadRow:
    text = gettext("{text}件")
    cells = [
        LoadCell(
            text.format(text=_beside(load.cutovers, limit.cutovers)), "", limit.has_too_many_cutovers(load)
        )
        for load in loads
    ]
    most = "" if limit.cutovers is None else gettext("上限 月{count:,}件").format(count=limit.cutovers)
    return LoadRow(gettext("月の切替"), most, cells)


def _beside(count: int, most: int | None) -> str:
    """`68,600 / 50,000`, or `68,600` without a limit."""
    return f"{count:,}" if most is None else f"{count:,} / {most:,}"
