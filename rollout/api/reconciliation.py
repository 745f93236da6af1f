"""Published figures beside the plan, in JSON."""

from collections.abc import Iterable
from typing import Any

from rest_framework import serializers

from rollout.api.projection import ProvenanceSerializer
from rollout.api.seen import provenance_json, stored_projection
from rollout.domain.dates import fiscal_year_label
from rollout.domain.plan import Basis, Reading, month_number
from rollout.domain.reconciliation import Figure, FigureKind, Goal, Observed, reconcile
from rollout.models import Cohort, Observation, PlanVersion, Projection, Source, Target
from rollout.reader import read_plan


def reconciliation_json(basis: Basis) -> dict[str, Any]:
    """`ReconciliationSerializer`'s fields: every published figure beside the stored projection.

    A change that is committed between the reads makes the answer `stale`; what it took away is left out.
    """
    stored = stored_projection(basis)
    observations = {str(row.pk): row for row in Observation.objects.select_related("source")}
    targets = {row.code: row for row in Target.objects.select_related("source")}
    figures = _reconcile(stored, observations.values(), targets.values())
    cohorts = {row.code: row for row in Cohort.objects.select_related("source")}
    known = {*cohorts, *observations, *targets}
    stored.stale = stored.stale or stored.data_version != PlanVersion.objects.current().number
    describe = {
        FigureKind.COHORT: lambda figure: _cohort_json(cohorts[figure.key]),
        FigureKind.FISCAL_YEAR: lambda figure: _fiscal_year_json(cohorts[figure.key], figure),
        FigureKind.OBSERVATION: lambda figure: _observation_json(observations[figure.key]),
        FigureKind.TARGET: lambda figure: _target_json(targets[figure.key]),
    }
    return {
        "basis": stored.basis,
        **provenance_json(stored),
        "figures": [
            {**_figure_json(figure), **describe[figure.kind](figure)}
            for figure in figures
            if figure.key in known
        ],
    }


def _reconcile(
    stored: Projection, observations: Iterable[Observation], targets: Iterable[Target]
) -> list[Figure]:
    plan, wave_ids = read_plan()
    return reconcile(
        plan,
        stored.users_of(wave_ids),
        stored.curve,
        observed=[_observed(row) for row in observations],
        goals=[_goal(row) for row in targets],
    )


def _observed(row: Observation) -> Observed:
    if row.as_of.latest is None:
        raise ValueError(f"observation {row.pk} has no latest day; its constraint forbids that")
    return Observed(str(row.pk), row.users, month_number(row.as_of.latest))


def _goal(row: Target) -> Goal:
    return Goal(row.code, row.users, Reading(row.reading), month_number(row.by) if row.by else None)


def _figure_json(figure: Figure) -> dict[str, Any]:
    return {
        "kind": figure.kind,
        "reading": figure.reading,
        "published": figure.published,
        "computed": figure.computed,
        "difference": figure.difference,
    }


def _cohort_json(row: Cohort) -> dict[str, Any]:
    return {
        "code": row.code,
        "label": row.label,
        "period": None,
        "approximate": row.approximate,
        "source": _source_json(row.source),
        "text": row.text_in_source,
    }


def _fiscal_year_json(row: Cohort, figure: Figure) -> dict[str, Any]:
    year = figure.fiscal_year
    label = f"{fiscal_year_label(year)}の増加" if year is not None else row.label
    return {**_cohort_json(row), "label": label, "period": str(year)}


def _observation_json(row: Observation) -> dict[str, Any]:
    return {
        "code": row.source.code,
        "label": f"{row.as_of.format_japanese()}の利用者数",
        "period": row.as_of.format_iso(),
        "approximate": row.approximate,
        "source": _source_json(row.source),
        "text": row.note,
    }


def _target_json(row: Target) -> dict[str, Any]:
    return {
        "code": row.code,
        "label": row.label,
        "period": row.by.isoformat() if row.by else None,
        "approximate": None,
        "source": _source_json(row.source),
        "text": "",
    }


def _source_json(source: Source) -> dict[str, str]:
    return {"code": source.code, "title": source.title}


class FigureSourceSerializer(serializers.Serializer[Any]):
    """Who published the figure."""

    code = serializers.CharField()
    title = serializers.CharField()


class FigureSerializer(serializers.Serializer[Any]):
    """A published figure beside the plan, in users."""

    kind = serializers.ChoiceField(
        [kind.value for kind in FigureKind],
        help_text=(
            "`cohort`: a group's total, beside the counted users of its members; `fiscal_year`: an increase, "
            "beside what the plan adds in the year; `observation`: users seen, beside the plan at the end of "
            "that month; `target`: users to reach, beside those with a date."
        ),
    )
    code = serializers.CharField(
        help_text="Code of the cohort (also of an increase), of the observation's source, or of the target."
    )
    label = serializers.CharField(help_text="What the figure is, in Japanese.")  # type: ignore[assignment]
    period = serializers.CharField(
        allow_null=True,
        help_text="Fiscal year of an increase, ISO 8601 period of an observation, deadline of a target.",
    )
    reading = serializers.ChoiceField(
        [Reading.GROUP.value, Reading.RUNNING_TOTAL.value],
        help_text="How the figure was read on this basis: as a group's size or as everybody so far.",
    )
    published = serializers.IntegerField(help_text="As published.")
    approximate = serializers.BooleanField(
        allow_null=True,
        help_text="True when the source says 「約」; null where that is not recorded (targets).",
    )
    computed = serializers.IntegerField(
        help_text="What the plan comes to; users nobody has counted add nothing."
    )
    difference = serializers.IntegerField(help_text="computed − published.")
    source = FigureSourceSerializer()  # type: ignore[assignment]
    text = serializers.CharField(help_text="The source's words, or the note on an observation; may be empty.")


class ReconciliationSerializer(ProvenanceSerializer):
    """Published figures beside the plan."""

    basis = serializers.ChoiceField(
        [basis.value for basis in Basis], help_text="How the ambiguous published total is read."
    )
    figures = FigureSerializer(many=True, help_text="Cohorts, increases, observations, targets.")
