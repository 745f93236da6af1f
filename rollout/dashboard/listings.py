"""The lists of the page: waves, what is undated, observations beside the plan, conflicts, sources.

Each takes a constant number of queries however long the plan is, and shows at most `LISTED` rows
with the number of those left off. Nothing here reads contacts or reminders.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

from django.db.models import Q, QuerySet
from django.utils.translation import gettext

from rollout.charts import Observed
from rollout.dashboard.figures import count
from rollout.domain.allocation import Conflict, CountBasis
from rollout.domain.dates import fiscal_year_label
from rollout.domain.plan import month_number
from rollout.domain.projection import Projection as Curve
from rollout.domain.projection import Undated
from rollout.history import rows_at
from rollout.models import Cohort, Observation, Rollout, Source, Target, Wave
from rollout.models.conditions import is_overdue_unconfirmed, is_upcoming
from rollout.models.labels import CONFLICT_LABELS, COUNT_BASIS_LABELS, STATUS_LABELS, signed_text
from rollout.seen import Seen
from rollout.shown import Part, ShownWave, read_shown, rollout_labels

LISTED = 20
UPCOMING_DAYS = 365

Sourced = TypeVar("Sourced", Cohort, Observation, Target)


@dataclass(frozen=True)
class Count:
    """Users of a wave and where the number comes from; `kind` names the shape that goes with the word."""

    kind: str
    label: str
    users: str

    @classmethod
    def of(cls, users: int | None, basis: CountBasis) -> "Count":
        """An unknown count has no number."""
        return cls(
            basis.name.lower().replace("_", "-"),
            str(COUNT_BASIS_LABELS[basis]),
            "" if users is None else count(users),
        )


@dataclass(frozen=True)
class WaveRow:
    """One wave; `rollout` is the code of its own, `days_past` how long ago its period ended."""

    rollout: str
    name: str
    cohort: str
    cutover: str
    cutover_in_full: str
    fiscal_year: str
    count: Count
    status: str
    is_overdue: bool
    days_past: int
    sources: Sequence[Source]


@dataclass(frozen=True)
class WaveList:
    """The first rows, and how many there are in all."""

    rows: Sequence[WaveRow]
    total: int

    @property
    def left_off(self) -> int:
        """Waves that are not listed."""
        return self.total - len(self.rows)


@dataclass(frozen=True)
class UndatedRow:
    """Users of a cohort without a date; `users` is empty where nobody has published how many."""

    cohort: Cohort
    users: str
    note: str
    uncounted: Sequence[str]
    uncounted_left_off: int
    dateless: Sequence[str]
    dateless_left_off: int


@dataclass(frozen=True)
class ObservationRow:
    """A published count beside the plan's curve at the month of its last day."""

    day: str
    day_in_iso: str
    published: str
    planned: str
    difference: str
    source: Source
    note: str


def list_overdue(seen: Seen, part: Part) -> WaveList:
    """予定日経過・未確認, the longest past first."""
    return _list_waves(part.waves().filter(is_overdue_unconfirmed(seen.today)), seen)


def list_upcoming(seen: Seen, part: Part) -> WaveList:
    """What cuts over within a year, or is in its period then, the nearest first."""
    return _list_waves(part.waves().filter(is_upcoming(seen.today, UPCOMING_DAYS)), seen)


def _list_waves(waves: QuerySet[Wave], seen: Seen) -> WaveList:
    shown = read_shown(waves[:LISTED], seen.count_of, seen.moment)
    return WaveList([wave_row(wave, seen.today) for wave in shown], waves.count())


def wave_row(wave: ShownWave, today: date) -> WaveRow:
    """A wave in words and figures."""
    cutover = wave.cutover
    return WaveRow(
        rollout=wave.rollout,
        name=wave.label,
        cohort=wave.cohort_label,
        cutover=cutover.format_short(),
        cutover_in_full=cutover.format_japanese(),
        fiscal_year="" if cutover.fiscal_year is None else fiscal_year_label(cutover.fiscal_year),
        count=Count.of(wave.users, wave.count_basis),
        status=str(STATUS_LABELS[wave.status]),
        is_overdue=wave.is_overdue(today),
        days_past=(today - cutover.latest).days if cutover.latest else 0,
        sources=wave.sources,
    )


def list_undated(seen: Seen, cohorts: Iterable[Cohort]) -> list[UndatedRow]:
    """What has no date, by cohort, with the members that have a date but no count."""
    by_code = {cohort.code: cohort for cohort in cohorts}
    entries = [entry for entry in seen.curve.undated if entry.cohort in by_code]
    uncounted = {code for entry in entries for code in entry.uncounted_rollouts[:LISTED]}
    dateless = {code for entry in entries for code in entry.dateless_waves[:LISTED]}
    rollouts = rows_at(Rollout, seen.moment).filter(code__in=uncounted)
    waves = Part(seen.moment).waves().filter(Q(code__in=dateless) | Q(rollout_id__in=rollouts.values("id")))
    shown = read_shown(waves, seen.count_of, seen.moment)
    names = {code: _with_cutovers(waves) for code, waves in _by_rollout(shown).items() if code in uncounted}
    names_of_waves = {wave.code: _with_cutover(wave) for wave in shown}
    return [_undated_row(entry, by_code[entry.cohort], names, names_of_waves) for entry in entries]


def _by_rollout(waves: Iterable[ShownWave]) -> dict[str, list[ShownWave]]:
    found: dict[str, list[ShownWave]] = {}
    for wave in waves:
        found.setdefault(wave.rollout, []).append(wave)
    return found


def _undated_row(
    entry: Undated, cohort: Cohort, rollouts: dict[str, str], waves: dict[str, str]
) -> UndatedRow:
    uncounted = [rollouts.get(code, code) for code in entry.uncounted_rollouts[:LISTED]]
    dateless = [waves.get(code, code) for code in entry.dateless_waves[:LISTED]]
    return UndatedRow(
        cohort=cohort,
        users=count(entry.users) if entry.users else "",
        note=entry.note,
        uncounted=uncounted,
        uncounted_left_off=len(entry.uncounted_rollouts) - len(uncounted),
        dateless=dateless,
        dateless_left_off=len(entry.dateless_waves) - len(dateless),
    )


def _with_cutovers(waves: Sequence[ShownWave]) -> str:
    """A rollout with its cutovers: 「財務省（R9.6~）」."""
    dates = [wave.cutover for wave in waves if not wave.cutover.is_undecided]
    texts = dict.fromkeys(day.format_short() for day in sorted(dates, key=lambda day: day.sort_key))
    label = waves[0].rollout_label
    return (
        gettext("{label}（{names}）").format(label=label, names=gettext("、").join(texts)) if texts else label
    )


def _with_cutover(wave: ShownWave) -> str:
    """A wave with its date as written: 「財務省 第2陣（検討中）」."""
    return gettext("{row}（{format_short}）").format(row=wave.label, format_short=wave.cutover.format_short())


def list_conflicts(curve: Curve, cohorts: Iterable[Cohort], moment: datetime | None = None) -> list[str]:
    """Where published figures do not fit together, in words."""
    labels = {cohort.code: cohort.label for cohort in cohorts}
    shown = curve.conflicts[:LISTED]
    codes = {conflict.rollout for conflict in shown if conflict.rollout}
    rollouts = rollout_labels(rows_at(Rollout, moment).filter(code__in=codes), moment)
    texts = [_conflict_text(conflict, labels, rollouts) for conflict in shown]
    left_off = len(curve.conflicts) - len(shown)
    return [*texts, gettext("ほか {left_off:,}件").format(left_off=left_off)] if left_off else texts


def _conflict_text(conflict: Conflict, cohorts: dict[str, str], rollouts: dict[str, str]) -> str:
    where = gettext("「{get}」").format(get=cohorts.get(conflict.cohort, conflict.cohort))
    if conflict.rollout:
        where += gettext("の {get}").format(get=rollouts.get(conflict.rollout, conflict.rollout))
    return gettext("{where}：{conflict}（{abs:,}人）。").format(
        where=where, conflict=CONFLICT_LABELS[conflict.kind], abs=abs(conflict.users)
    )


def read_observations(moment: datetime | None) -> list[Observation]:
    """The published counts in order of time, as they were known at a moment."""
    return with_sources(rows_at(Observation, moment).order_by(*Observation._meta.ordering or ()), moment)


def with_sources(rows: Iterable[Sourced], moment: datetime | None) -> list[Sourced]:
    """Rows of a moment, each with its source as it was then."""
    found = list(rows)
    sources = {row.id: row for row in rows_at(Source, moment).filter(id__in={row.source_id for row in found})}
    for row in found:
        row.source = sources[row.source_id]
    return found


def compare_observations(curve: Curve, observations: Iterable[Observation]) -> list[ObservationRow]:
    """Each published count beside the plan's curve; the difference is plan less published."""
    return [_observation_row(curve, seen) for seen in observations if seen.as_of.latest]


def _observation_row(curve: Curve, seen: Observation) -> ObservationRow:
    planned = curve.at(_month_of(seen)).cumulative
    about = gettext("約") if seen.approximate else ""
    return ObservationRow(
        day=seen.as_of.format_short(),
        day_in_iso=seen.as_of.format_iso(),
        published=f"{about}{count(seen.users)}",
        planned=count(planned),
        difference=signed_text(planned - seen.users),
        source=seen.source,
        note=seen.note,
    )


def _month_of(seen: Observation) -> int:
    return month_number(seen.as_of.latest or date.min)


def chart_points(observations: Iterable[Observation]) -> list[Observed]:
    """The published counts as the chart takes them."""
    return [
        Observed(seen.as_of.earliest, seen.as_of.latest, seen.users)
        for seen in observations
        if seen.as_of.earliest and seen.as_of.latest
    ]
