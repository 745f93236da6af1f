"""Periods over the twelve months of a fiscal year, as a calendar shows them.

A period stands on every month that it has a day in, 「以降」 on all from its first. Where it began before the
fiscal year or goes beyond it, it says so on that side. Periods of more than a month lie in lanes: by when
they begin, the longer first, each in the first lane that is free; what finds none is left off, and counted.

Example: in R8年度, R8年度第2四半期 stands on the columns 3 to 5 (July to September), and R8年, which began
before, on 0 to 8 (April to December).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, NamedTuple, TypeVar

from rollout.domain.dates import fiscal_year_bounds
from rollout.domain.plan import month_number

Laid = TypeVar("Laid")

MONTHS = 12


class Span(NamedTuple):
    """Columns from `first` to `last`, April being 0, and whether there is more on either side."""

    first: int
    last: int
    begins_before: bool = False
    goes_beyond: bool = False

    @property
    def length(self) -> int:
        """How many months it stands on."""
        return self.last - self.first + 1

    @property
    def columns(self) -> range:
        """The months it stands on."""
        return range(self.first, self.last + 1)

    @property
    def is_within(self) -> bool:
        """True where the fiscal year has all of it."""
        return not (self.begins_before or self.goes_beyond)


@dataclass(frozen=True)
class Lanes(Generic[Laid]):
    """What stands side by side, in order of time in each lane, and what found no lane."""

    lanes: Sequence[Sequence[tuple[Span, Laid]]]
    left_off: Sequence[Laid]


def months_of(year: int) -> range:
    """The month numbers of a fiscal year."""
    first = month_number(fiscal_year_bounds(year)[0])
    return range(first, first + MONTHS)


def span_in(year: int, earliest: date, latest: date | None) -> Span | None:
    """Where a period, 「以降」 without a latest day, stands in a fiscal year; None where it does not."""
    start, end = fiscal_year_bounds(year)
    if earliest > end or (latest is not None and latest < start):
        return None
    months = months_of(year)
    last = months[-1] if latest is None else min(month_number(latest), months[-1])
    return Span(
        first=max(month_number(earliest), months[0]) - months[0],
        last=last - months[0],
        begins_before=earliest < start,
        goes_beyond=latest is None or latest > end,
    )


def lay_in_lanes(spans: Iterable[tuple[Span, Laid]], most: int) -> Lanes[Laid]:
    """In `most` lanes at the most; spans that are alike keep their order."""
    lanes: list[list[tuple[Span, Laid]]] = []
    left_off: list[Laid] = []
    for span, laid in sorted(spans, key=lambda pair: (pair[0].first, -pair[0].length)):
        free = next((lane for lane in lanes if lane[-1][0].last < span.first), None)
        if free is not None:
            free.append((span, laid))
        elif len(lanes) < most:
            lanes.append([(span, laid)])
        else:
            left_off.append(laid)
    return Lanes(lanes, left_off)
