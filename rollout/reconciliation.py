"""The rows that say what was published, beside a stored projection: figures and findings with their words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Q
from django.utils.translation import gettext

from rollout.domain.allocation import allocate
from rollout.domain.dates import fiscal_year_label
from rollout.domain.findings import Finding, find
from rollout.domain.plan import Basis, Reading, Status, last_whole_month, month_number
from rollout.domain.reconciliation import Cited, Figure, FigureKind, Goal, Observed, reconcile
from rollout.models import (
    Citation,
    Cohort,
    Observation,
    PlanVersion,
    Projection,
    Rollout,
    Source,
    Target,
    Wave,
)
from rollout.reader import read_plan
from rollout.sentences import Named, rollouts_named_in, sentence


@dataclass(frozen=True)
class Entry:
    """A figure with what its rows say of it.

    `code` is that of the cohort (also of an increase and a multiple), of the observation's source, of the
    rollout or wave that a count was stated of, or of the target. `period` is a fiscal year, the ISO period
    of an observation or a deadline; `approximate` is None where that is not recorded.
    """

    figure: Figure
    code: str
    label: str
    period: str | None
    approximate: bool | None
    source: Source
    text: str


@dataclass(frozen=True)
class Reconciliation:
    """Every published figure and every finding, with its sentence.

    `cohorts`, `citations` and `observations` hold the rows by the keys that findings call them by.
    """

    entries: Sequence[Entry]
    findings: Sequence[tuple[Finding, str]]
    cohorts: Mapping[str, Cohort]
    citations: Mapping[str, Citation]
    observations: Mapping[str, Observation]


@dataclass(frozen=True)
class _Published:
    """The rows, by the keys that the domain knows them by."""

    cohorts: Mapping[str, Cohort]
    observations: Mapping[str, Observation]
    citations: Mapping[str, Citation]
    targets: Mapping[str, Target]

    @classmethod
    def read(cls) -> "_Published":
        cited = Citation.objects.filter(~Q(says_cutover="") | Q(says_users__isnull=False))
        return cls(
            cohorts={row.code: row for row in Cohort.objects.select_related("source")},
            observations={str(row.pk): row for row in Observation.objects.select_related("source")},
            citations={
                str(row.pk): row
                for row in cited.select_related("source", "wave", "rollout__lead_ministry").order_by(
                    "rollout__cohort__order",
                    "rollout__order",
                    "rollout__code",
                    "-adopted",
                    "source__code",
                    "id",
                )
            },
            targets={row.code: row for row in Target.objects.select_related("source")},
        )


def reconcile_published(stored: Projection) -> Reconciliation:
    """Everything published beside `stored`, in a constant number of queries.

    A change that is committed between the reads makes `stored` stale; what it added is left out.
    """
    published = _Published.read()
    plan, wave_ids = read_plan()
    allocation = allocate(plan, Basis(stored.basis))
    observed = _observed(published)
    cited = [_cited(row) for row in published.citations.values()]
    figures = reconcile(
        plan,
        allocation,
        stored.users_of(wave_ids),
        stored.curve,
        observed=observed,
        cited=cited,
        goals=[_goal(row) for row in published.targets.values()],
    )
    findings = find(
        plan,
        allocation,
        figures,
        weight_scopes=dict(Rollout.objects.exclude(weight_scope="").values_list("code", "weight_scope")),
        observed=observed,
        cited=cited,
        planned=_planned(),
    )
    entries = [entry for figure in figures if (entry := _entry(figure, published)) is not None]
    known = [
        finding for finding in findings if getattr(finding, "cohort", None) in {None, *published.cohorts}
    ]
    sentences = _in_words(known, published)
    stored.stale = stored.stale or stored.data_version != PlanVersion.objects.current().number
    return Reconciliation(entries, sentences, published.cohorts, published.citations, published.observations)


def _observed(published: _Published) -> list[Observed]:
    """A count is independent when its source gave none of the cohorts' totals."""
    used = {row.source_id for row in published.cohorts.values() if row.published_users is not None}
    return [
        Observed(
            key,
            row.users,
            month_number(row.as_of.latest or date.min),
            row.approximate,
            independent=row.source_id not in used,
        )
        for key, row in published.observations.items()
    ]


def _cited(row: Citation) -> Cited:
    return Cited(
        key=str(row.pk),
        rollout=row.rollout.code,
        wave=row.wave.code if row.wave else None,
        source=row.source.code,
        adopted=row.adopted,
        approximate="約" in row.text,
        cutover=row.says_cutover,
        users=row.says_users,
    )


def _planned() -> list[Cited]:
    """The cutovers of the waves of every rollout that a source dates."""
    dated = Citation.objects.exclude(says_cutover="").values("rollout")
    waves = Wave.objects.filter(rollout__in=dated).exclude(status=Status.CANCELLED.value)
    rows = waves.select_related("rollout").order_by("code")
    return [Cited(row.code, row.rollout.code, row.code, None, cutover=row.cutover) for row in rows]


def _goal(row: Target) -> Goal:
    month = last_whole_month(row.by) if row.by else None
    return Goal(row.code, row.users, Reading(row.reading), month)


def _in_words(findings: Iterable[Finding], published: _Published) -> list[tuple[Finding, str]]:
    found = list(findings)
    codes = {code for finding in found for code in rollouts_named_in(finding)}
    rows = Rollout.objects.filter(code__in=codes).select_related("lead_ministry")
    labels = {row.code: row.label for row in rows}
    named = Named(published.cohorts, labels, published.citations, published.observations)
    return [(finding, sentence(finding, named)) for finding in found]


def _entry(figure: Figure, published: _Published) -> Entry | None:
    """None for a cohort that appeared after the rows were read."""
    if figure.kind is FigureKind.OBSERVATION:
        return _observation_entry(figure, published.observations[figure.key])
    if figure.kind is FigureKind.STATED_COUNT:
        return _stated_count_entry(figure, published.citations[figure.key])
    if figure.kind is FigureKind.TARGET:
        return _target_entry(figure, published.targets[figure.key])
    row = published.cohorts.get(figure.key)
    return _cohort_entry(figure, row) if row else None


def _cohort_entry(figure: Figure, row: Cohort) -> Entry:
    label, year = row.label, figure.fiscal_year
    if year is not None:
        label = gettext("{fiscal_year_label}の増加").format(fiscal_year_label=fiscal_year_label(year))
    if year is not None and figure.multiple:
        label = gettext("{fiscal_year_label}末（前年度末の{multiple}倍）").format(
            fiscal_year_label=fiscal_year_label(year), multiple=figure.multiple
        )
    period = None if year is None else str(year)
    return Entry(figure, row.code, label, period, row.approximate, row.source, row.text_in_source)


def _observation_entry(figure: Figure, row: Observation) -> Entry:
    label, period = (
        gettext("{format_japanese}の利用者数").format(format_japanese=row.as_of.format_japanese()),
        row.as_of.format_iso(),
    )
    return Entry(figure, row.source.code, label, period, row.approximate, row.source, row.note)


def _stated_count_entry(figure: Figure, row: Citation) -> Entry:
    code, label = (row.wave.code, str(row.wave)) if row.wave else (row.rollout.code, row.rollout.label)
    return Entry(
        figure,
        code,
        gettext("{label}の人数").format(label=label),
        None,
        "約" in row.text,
        row.source,
        row.text,
    )


def _target_entry(figure: Figure, row: Target) -> Entry:
    period = row.by.isoformat() if row.by else None
    return Entry(figure, row.code, row.label, period, None, row.source, row.derivation)
