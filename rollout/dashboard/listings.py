"""The lists of the page: waves, what is undated, observations beside the plan, conflicts, sources.

Each takes a constant number of queries however long the plan is, and shows at most `LISTED` rows
with the number of those left off. Nothing here reads contacts or reminders.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Prefetch
from django.utils.translation import gettext

from rollout.charts import Observed
from rollout.dashboard.figures import count
from rollout.domain.allocation import Conflict, CountBasis
from rollout.domain.dates import fiscal_year_label
from rollout.domain.plan import month_number
from rollout.domain.projection import Projection as Curve
from rollout.domain.projection import Undated
from rollout.models import Citation, Cohort, Observation, Projection, Rollout, Source, Wave
from rollout.models.labels import CONFLICT_LABELS, COUNT_BASIS_LABELS, signed_text
from rollout.models.plan import WaveQuerySet

LISTED = 20
UPCOMING_DAYS = 365


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
    """One wave; `days_past` is how long ago its period ended."""

    name: str
    cutover: str
    cutover_in_full: str
    fiscal_year: str
    count: Count
    status: str
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


def list_overdue(projection: Projection, today: date) -> WaveList:
    """予定日経過・未確認, the longest past first."""
    return _list_waves(Wave.objects.overdue_unconfirmed(today), projection, today)


def list_upcoming(projection: Projection, today: date) -> WaveList:
    """What cuts over within a year, or is in its period now, the nearest first."""
    return _list_waves(Wave.objects.upcoming(today, UPCOMING_DAYS), projection, today)


def _list_waves(waves: WaveQuerySet, projection: Projection, today: date) -> WaveList:
    adopted = Prefetch("rollout__citations", Citation.objects.adopted().select_related("source"))
    rows = waves.for_display().prefetch_related(adopted)[:LISTED]
    return WaveList([_wave_row(row, projection, today) for row in rows], waves.count())


def _wave_row(wave: Wave, projection: Projection, today: date) -> WaveRow:
    cutover = wave.cutover
    return WaveRow(
        name=str(wave),
        cutover=cutover.format_short(),
        cutover_in_full=cutover.format_japanese(),
        fiscal_year="" if cutover.fiscal_year is None else fiscal_year_label(cutover.fiscal_year),
        count=Count.of(*projection.count_of(wave.pk)),
        status=wave.get_status_display(),
        days_past=(today - cutover.latest).days if cutover.latest else 0,
        sources=_sources_of(wave.rollout),
    )


def _sources_of(rollout: Rollout) -> list[Source]:
    """Where a rollout's date and count come from, once each: the cohort's source, then what was adopted."""
    sources = [rollout.cohort.source, *(citation.source for citation in rollout.citations.all())]
    return list(dict.fromkeys(sources))


def list_undated(curve: Curve, cohorts: Iterable[Cohort]) -> list[UndatedRow]:
    """What has no date, by cohort, with the members that have a date but no count."""
    by_code = {cohort.code: cohort for cohort in cohorts}
    rollouts = _describe_rollouts(
        code for entry in curve.undated for code in entry.uncounted_rollouts[:LISTED]
    )
    waves = _describe_waves(code for entry in curve.undated for code in entry.dateless_waves[:LISTED])
    known = [entry for entry in curve.undated if entry.cohort in by_code]
    return [_undated_row(entry, by_code[entry.cohort], rollouts, waves) for entry in known]


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


def _describe_rollouts(codes: Iterable[str]) -> dict[str, str]:
    """Code to name with cutovers: 「財務省（R9.6~）」."""
    rows = Rollout.objects.filter(code__in=set(codes)).select_related("lead_ministry")
    return {row.code: _with_cutovers(row) for row in rows.prefetch_related("waves")}


def _with_cutovers(rollout: Rollout) -> str:
    dates = [wave.cutover for wave in rollout.waves.all() if not wave.cutover.is_undecided]
    texts = dict.fromkeys(day.format_short() for day in sorted(dates, key=lambda day: day.sort_key))
    return (
        gettext("{label}（{names}）").format(label=rollout.label, names=gettext("、").join(texts))
        if texts
        else rollout.label
    )


def _describe_waves(codes: Iterable[str]) -> dict[str, str]:
    """Code to name with the date as written: 「財務省 第2陣（検討中）」."""
    rows = Wave.objects.filter(code__in=set(codes)).select_related("rollout__lead_ministry")
    return {
        row.code: gettext("{row}（{format_short}）").format(row=row, format_short=row.cutover.format_short())
        for row in rows
    }


def list_conflicts(curve: Curve, cohorts: Iterable[Cohort]) -> list[str]:
    """Where published figures do not fit together, in words."""
    labels = {cohort.code: cohort.label for cohort in cohorts}
    shown = curve.conflicts[:LISTED]
    codes = {conflict.rollout for conflict in shown if conflict.rollout}
    rollouts = {
        row.code: row.label for row in Rollout.objects.filter(code__in=codes).select_related("lead_ministry")
    }
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


def read_observations() -> list[Observation]:
    """The published counts in order of time."""
    return list(Observation.objects.select_related("source"))


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
