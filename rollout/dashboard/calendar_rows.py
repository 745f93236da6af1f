"""The rows of the calendar: each ministry's waves and freeze periods over the months of a fiscal year.

A ministry has the waves that it leads, and those of others that it moves along in. What lies within one
month stands in that month's cell; a longer period is a bar over all its months, in a lane of its own. Merged
waves are part of another and do not appear. Nothing here reads contacts, reminders or what a freeze period
is based on, which may be a letter.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from django.utils.translation import gettext

from ministries.models import Ministry
from rollout.domain.allocation import CountBasis
from rollout.domain.calendar_lint import FreezePeriod
from rollout.domain.dates import FuzzyDate, Precision, fiscal_year_bounds
from rollout.domain.eras import Period
from rollout.domain.fiscal_months import MONTHS, Span, lay_in_lanes, span_in
from rollout.domain.plan import Status
from rollout.models import Projection, RolloutCoverage, Wave
from rollout.models.labels import OVERDUE_LABEL, STATUS_LABELS

IN_A_CELL = 3
IN_A_MONTH = 3
"""Bars above one another, of waves or of freeze periods."""
OVERDUE = "overdue"


@dataclass(frozen=True)
class FreezeMark:
    """A freeze period as it is drawn."""

    label: str
    days: str
    span: Span


@dataclass(frozen=True)
class WaveMark:
    """A wave as it is drawn: `kind` names the shape that goes with the status.

    `names` tell it from others of its ministry: whom it moves with, its scope, its name; or nothing.
    """

    names: Sequence[str]
    cutover: str
    kind: str
    status: str
    users: str
    is_exact: bool
    is_endless: bool
    span: Span


@dataclass(frozen=True)
class PlacedWave:
    """A wave, where it stands in the fiscal year, and what is drawn of it."""

    wave: Wave
    span: Span
    mark: WaveMark

    @property
    def is_cancelled(self) -> bool:
        """True for what does not come any more."""
        return self.wave.status == Status.CANCELLED

    @property
    def is_overdue(self) -> bool:
        """True for 予定日経過・未確認."""
        return self.mark.kind == OVERDUE

    def beside(self, lead: str) -> WaveMark:
        """What is drawn of it with a ministry that moves along with `lead`."""
        return replace(self.mark, names=[gettext("{lead}とあわせて").format(lead=lead), *self.mark.names])


@dataclass(frozen=True)
class Cell:
    """Some months of a row: one, or those of a bar; `left_off` waves of it are not drawn."""

    columns: int = 1
    waves: Sequence[WaveMark] = ()
    left_off: int = 0
    freeze: FreezeMark | None = None
    is_frozen: bool = False


Lane = Sequence[Cell]


@dataclass(frozen=True)
class Rows:
    """One ministry's rows, or those of all; `left_off` bars found no lane."""

    name: str
    lanes: Sequence[Lane]
    left_off: int

    @property
    def height(self) -> int:
        """How many rows of the table it takes."""
        return len(self.lanes) + bool(self.left_off)


def read_waves(year: int, projection: Projection, today: date) -> list[PlacedWave]:
    """The waves whose period touches the fiscal year, by date, cancelled ones last; in one query."""
    rows = Wave.objects.unmerged().touching(fiscal_year_bounds(year)).select_related("rollout__lead_ministry")
    placed = (
        (wave, span)
        for wave in rows
        if wave.cutover.earliest and (span := span_in(year, wave.cutover.earliest, wave.cutover.latest))
    )
    found = [PlacedWave(wave, span, _mark(wave, span, projection, today)) for wave, span in placed]
    return sorted(found, key=_place)


def _place(placed: PlacedWave) -> tuple[bool, Period, str]:
    return placed.is_cancelled, placed.wave.cutover.sort_key, placed.wave.code


def _mark(wave: Wave, span: Span, projection: Projection, today: date) -> WaveMark:
    is_overdue = wave.is_overdue_unconfirmed(today)
    return WaveMark(
        names=[name for name in (wave.rollout.scope, wave.name) if name],
        cutover=_cutover_text(wave.cutover),
        kind=OVERDUE if is_overdue else wave.status.replace("_", "-"),
        status=str(OVERDUE_LABEL if is_overdue else STATUS_LABELS[wave.status]),
        users=users_text(*projection.count_of(wave.pk)),
        is_exact=wave.cutover.precision is Precision.DAY,
        is_endless=wave.cutover.latest is None,
        span=span,
    )


def _cutover_text(cutover: FuzzyDate) -> str:
    """As the slides write it; a calendar year in full, too, for among fiscal years `R9` says little."""
    short = cutover.format_short()
    if cutover.precision is not Precision.YEAR:
        return short
    return gettext("{short}（{in_full}）").format(short=short, in_full=cutover.format_japanese())


def users_text(users: int | None, basis: CountBasis) -> str:
    """A count in a small place: 「68,600人」, 「按分 1,000人」 or 「人数不明」."""
    if users is None:
        return gettext("人数不明")
    text = gettext("按分 {users:,}人") if basis is CountBasis.SHARED_OUT else gettext("{users:,}人")
    return text.format(users=users)


class Ground:
    """What the rows are drawn on: a fiscal year and its freeze periods, None having those of all."""

    def __init__(self, year: int, freezes: Iterable[FreezePeriod]) -> None:
        self._freezes: dict[int | None, list[FreezeMark]] = defaultdict(list)
        for freeze in freezes:
            self._freezes[freeze.ministry] += _freeze_marks(freeze, year)

    @property
    def ministries(self) -> set[int]:
        """Those with a freeze period of their own in this year."""
        return {ministry for ministry, marks in self._freezes.items() if ministry is not None and marks}

    @property
    def has_freezes(self) -> bool:
        """True where any touches the year."""
        return any(self._freezes.values())

    def rows_of_all(self) -> Rows:
        """The freeze periods that hold for every ministry."""
        return self._rows(None, "", [])

    def rows_of(self, ministry: Ministry, waves: Sequence[WaveMark]) -> Rows:
        """A ministry's own freeze periods, then its waves."""
        return self._rows(ministry.pk, ministry.name, waves)

    def _rows(self, ministry: int | None, name: str, waves: Sequence[WaveMark]) -> Rows:
        own = self._freezes.get(ministry, [])
        frozen = {column for mark in (*own, *self._freezes.get(None, ())) for column in mark.span.columns}
        freezes = lay_in_lanes(((mark.span, Cell(freeze=mark)) for mark in own), IN_A_MONTH)
        bars = ((mark.span, Cell(waves=[mark])) for mark in waves if mark.span.length > 1)
        long_waves = lay_in_lanes(bars, IN_A_MONTH)
        return Rows(
            name,
            lanes=[
                *(_lane_of_bars(lane, frozen) for lane in freezes.lanes),
                *_lane_of_months([mark for mark in waves if mark.span.length == 1], frozen),
                *(_lane_of_bars(lane, frozen) for lane in long_waves.lanes),
            ],
            left_off=len(freezes.left_off) + len(long_waves.left_off),
        )


def _lane_of_bars(bars: Iterable[tuple[Span, Cell]], frozen: set[int]) -> Lane:
    """The bars of a lane, each over its months, with empty months between."""
    cells: list[Cell] = []
    column = 0
    for span, cell in bars:
        cells += [Cell(is_frozen=empty in frozen) for empty in range(column, span.first)]
        cells.append(replace(cell, columns=span.length))
        column = span.last + 1
    return [*cells, *(Cell(is_frozen=empty in frozen) for empty in range(column, MONTHS))]


def _lane_of_months(waves: Sequence[WaveMark], frozen: set[int]) -> list[Lane]:
    """The waves that lie within one month, the first of each month; no lane without any."""
    by_column: dict[int, list[WaveMark]] = defaultdict(list)
    for mark in waves:
        by_column[mark.span.first].append(mark)
    cells = [_month(by_column[column], is_frozen=column in frozen) for column in range(MONTHS)]
    return [cells] if waves else []


def _month(waves: Sequence[WaveMark], *, is_frozen: bool) -> Cell:
    return Cell(waves=waves[:IN_A_CELL], left_off=max(len(waves) - IN_A_CELL, 0), is_frozen=is_frozen)


def _freeze_marks(freeze: FreezePeriod, year: int) -> list[FreezeMark]:
    times = freeze.touching(fiscal_year_bounds(year))
    return [
        FreezeMark(str(freeze.label), _days_text(start, end), span)
        for start, end in times
        if (span := span_in(year, start, end))
    ]


def _days_text(first: date, last: date) -> str:
    return gettext("{month}月{day}日〜{month2}月{day2}日").format(
        month=first.month, day=first.day, month2=last.month, day2=last.day
    )


def list_ministries(
    waves: Iterable[PlacedWave], covered: Mapping[int, Sequence[int]], ground: Ground
) -> list[Rows]:
    """The ministries that have a cutover or a freeze period of their own, in 建制順; in one query."""
    marks: dict[int, list[WaveMark]] = defaultdict(list)
    for placed in waves:
        lead = placed.wave.rollout.lead_ministry
        marks[lead.pk].append(placed.mark)
        for ministry in covered.get(placed.wave.rollout_id, ()):
            marks[ministry].append(placed.beside(lead.name))
    shown = Ministry.objects.filter(pk__in={*marks, *ground.ministries})
    return [ground.rows_of(ministry, marks[ministry.pk]) for ministry in shown]


def read_covered() -> dict[int, list[int]]:
    """Who moves along in a rollout, by rollout."""
    found: dict[int, list[int]] = defaultdict(list)
    coverages = RolloutCoverage.objects.order_by("rollout", "ministry__order", "ministry")
    for rollout, ministry in coverages.values_list("rollout_id", "ministry_id"):
        found[rollout].append(ministry)
    return found
