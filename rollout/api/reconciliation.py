"""Published figures beside the plan, and what was found in them, in JSON."""

from typing import Any

from rest_framework import serializers

from rollout.api.findings import FindingsField, finding_json, percent_json
from rollout.api.projection import ProvenanceSerializer, provenance_json
from rollout.domain.plan import Basis, Reading
from rollout.domain.reconciliation import Agreement, FigureKind
from rollout.models.labels import AGREEMENT_LABELS
from rollout.reconciliation import Entry, reconcile_published
from rollout.seen import stored_projection


def reconciliation_json(basis: Basis) -> dict[str, Any]:
    """`ReconciliationSerializer`'s fields: every published figure beside the stored projection."""
    stored = stored_projection(basis)
    found = reconcile_published(stored)
    return {
        "basis": stored.basis,
        **provenance_json(stored),
        "figures": [_entry_json(entry) for entry in found.entries],
        "findings": [finding_json(finding, message, found) for finding, message in found.findings],
    }


def _entry_json(entry: Entry) -> dict[str, Any]:
    figure = entry.figure
    return {
        "kind": figure.kind,
        "code": entry.code,
        "label": entry.label,
        "period": entry.period,
        "reading": figure.reading,
        "published": figure.published,
        "approximate": entry.approximate,
        "multiple": figure.multiple,
        "ratio": None if figure.ratio is None else round(figure.ratio, 2),
        "computed": figure.computed,
        "difference": figure.difference,
        "difference_percent": percent_json(figure),
        "tolerance": figure.tolerance,
        "undated": figure.undated,
        "verdict": figure.verdict,
        "verdict_label": AGREEMENT_LABELS[figure.verdict],
        "source": {"code": entry.source.code, "title": entry.source.title},
        "text": entry.text,
    }


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
            "beside what the plan adds in the year; `multiple`: so many times the year before's end, in "
            "users, beside the plan at the year's end; `observation`: users seen, beside the plan at the end "
            "of that month; `stated_count`: users stated of a rollout or wave, beside the plan's; `target`: "
            "users to reach, beside those with a date."
        ),
    )
    code = serializers.CharField(
        help_text=(
            "Code of the cohort (also of an increase and a multiple), of the observation's source, of the "
            "rollout or wave that a count was stated of, or of the target."
        )
    )
    label = serializers.CharField(help_text="What the figure is, in Japanese.")  # type: ignore[assignment]
    period = serializers.CharField(
        allow_null=True,
        help_text="Fiscal year of an increase or multiple, ISO 8601 period of an observation, a deadline.",
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
    multiple = serializers.IntegerField(
        allow_null=True, help_text="How many times the year before's end was published (倍増: 2); else null."
    )
    ratio = serializers.FloatField(
        allow_null=True, help_text="How many times it the plan comes to; null but for a multiple."
    )
    computed = serializers.IntegerField(
        help_text="What the plan comes to; users nobody has counted add nothing."
    )
    difference = serializers.IntegerField(help_text="computed − published.")
    difference_percent = serializers.FloatField(
        allow_null=True, help_text="The difference in percent of `published`; null where that is 0."
    )
    tolerance = serializers.IntegerField(
        help_text=(
            "Users by which rounding alone may part the two: half the unit of the published figure and, "
            "where the plan's side was shared out from other rounded totals, half of theirs; half the year "
            "before for a multiple; 0 for targets, whose rounding is not recorded."
        )
    )
    undated = serializers.IntegerField(
        help_text="Users that the plan leaves without a date or a count of what the figure speaks of."
    )
    verdict = serializers.ChoiceField(
        [verdict.value for verdict in Agreement],
        help_text=(
            "`agrees`: within the tolerance; `close`: within 2 % of `published`; `undated`: short by no more "
            "than `undated`; `differs`: none of these."
        ),
    )
    verdict_label = serializers.CharField(help_text="The same in Japanese.")
    source = FigureSourceSerializer()  # type: ignore[assignment]
    text = serializers.CharField(
        help_text=(
            "The source's words, the note on an observation, or how a target was derived; may be empty."
        )
    )


class ReconciliationSerializer(ProvenanceSerializer):
    """Published figures beside the plan, and what was found in them."""

    basis = serializers.ChoiceField(
        [basis.value for basis in Basis], help_text="How the ambiguous published total is read."
    )
    figures = FigureSerializer(many=True, help_text="Every published figure, in order of kind.")
    findings = FindingsField(help_text="What the figures say when they are laid side by side.")
