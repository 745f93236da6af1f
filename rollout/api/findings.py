"""What was found in the published figures, in JSON: a sentence, and the codes and figures it rests on."""

from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema_field
from rest_framework import serializers

from rollout.domain.findings import (
    AmbiguousReading,
    Finding,
    FindingKind,
    MixedWeightScopes,
    ObservationsClose,
    SourcesDisagree,
    ThinRemainder,
)
from rollout.domain.plan import Basis
from rollout.domain.reconciliation import Cited, Figure
from rollout.models import Rollout
from rollout.reconciliation import Reconciliation


def finding_json(finding: Finding, message: str, found_in: Reconciliation) -> dict[str, Any]:
    """The fields of the serializer of the finding's kind."""
    head = {"kind": finding.kind, "message": message}
    if isinstance(finding, ThinRemainder):
        return {**head, **_thin_remainder_json(finding)}
    if isinstance(finding, MixedWeightScopes):
        return {**head, **_mixed_weight_scopes_json(finding)}
    if isinstance(finding, SourcesDisagree):
        return {**head, **_sources_disagree_json(finding, found_in)}
    if isinstance(finding, AmbiguousReading):
        return {**head, **_ambiguous_reading_json(finding)}
    return {**head, **_observations_close_json(finding, found_in)}


def _thin_remainder_json(found: ThinRemainder) -> dict[str, Any]:
    return {
        "cohort": found.cohort,
        "rollouts": sorted([*found.weighted, *found.unweighted]),
        "adds": found.adds,
        "tolerance": found.tolerance,
        "stated": [{"rollout": code, "users": users} for code, users in found.stated],
        "inner_users": found.inner_users,
        "remainder": found.remainder,
        "known_weight": found.known_weight,
        "unweighted": list(found.unweighted),
    }


def _mixed_weight_scopes_json(found: MixedWeightScopes) -> dict[str, Any]:
    return {
        "cohort": found.cohort,
        "rollouts": sorted(code for _, codes in found.scopes for code in codes),
        "scopes": [{"scope": scope, "rollouts": list(codes)} for scope, codes in found.scopes],
    }


def _sources_disagree_json(found: SourcesDisagree, found_in: Reconciliation) -> dict[str, Any]:
    return {
        "cohort": None,
        "rollouts": [found.rollout],
        "wave": found.wave,
        "subject": "users" if found.is_about_users else "cutover",
        "apart": found.apart,
        "said": [_said_json(entry, found_in) for entry in found.said],
    }


def _said_json(entry: Cited, found_in: Reconciliation) -> dict[str, Any]:
    period = entry.cutover.format_iso() if entry.cutover else ""
    text = entry.cutover.text if entry.cutover else ""
    return {
        "source": entry.source,
        "wave": entry.wave,
        "adopted": entry.adopted,
        "text": found_in.citations[entry.key].text if entry.source else text,
        "cutover": period or None,
        "users": entry.users,
    }


def _ambiguous_reading_json(found: AmbiguousReading) -> dict[str, Any]:
    return {
        "cohort": found.cohort,
        "rollouts": [],
        "totals": {Basis.CUMULATIVE.value: found.running_total, Basis.GROUP.value: found.group_total},
    }


def _observations_close_json(found: ObservationsClose, found_in: Reconciliation) -> dict[str, Any]:
    return {
        "cohort": None,
        "rollouts": [],
        "compared": len(found.figures),
        "close": len(found.close),
        "largest_percent": percent_json(found.largest),
        "observations": [
            {
                "source": found_in.observations[figure.key].source.code,
                "period": found_in.observations[figure.key].as_of.format_iso(),
                "difference": figure.difference,
                "difference_percent": percent_json(figure),
            }
            for figure in found.figures
        ],
    }


def percent_json(figure: Figure) -> float | None:
    """The difference in percent, to two decimals."""
    percent = figure.difference_percent
    return None if percent is None else round(percent, 2)


class FindingSerializer(serializers.Serializer[Any]):
    """What every finding has."""

    kind = serializers.ChoiceField([kind.value for kind in FindingKind], help_text="What kind of thing.")
    message = serializers.CharField(help_text="What was found, in Japanese.")
    cohort = serializers.CharField(
        allow_null=True, help_text="Code of the cohort it is about; null where it is about none."
    )
    rollouts = serializers.ListField(
        child=serializers.CharField(), help_text="Codes of the rollouts it is about, in order."
    )


class StatedPartSerializer(serializers.Serializer[Any]):
    """A stated count within a cohort."""

    rollout = serializers.CharField(help_text="Code of the rollout.")
    users = serializers.IntegerField(help_text="Its stated users, or those of its waves.")


class ThinRemainderSerializer(FindingSerializer):
    """`thin_remainder`: what stated counts leave is less than the known headcount of those who share it."""

    adds = serializers.IntegerField(help_text="Users that the cohort's total adds.")
    tolerance = serializers.IntegerField(help_text="How far rounding may have moved that total.")
    stated = StatedPartSerializer(many=True, help_text="What was stated of it.")
    inner_users = serializers.IntegerField(help_text="What cohorts inside it take.")
    remainder = serializers.IntegerField(help_text="What is left for `rollouts` to share.")
    known_weight = serializers.IntegerField(help_text="Their authorised headcount, as far as it is known.")
    unweighted = serializers.ListField(
        child=serializers.CharField(), help_text="Those whose headcount is not known."
    )


class ScopeSerializer(serializers.Serializer[Any]):
    """Rollouts whose weights have one scope."""

    scope = serializers.ChoiceField(
        Rollout.WeightScope.values,
        help_text=(
            "`body`: that body alone; `with_outer`: with its outer agencies; `proper`: the ministry proper; "
            "`split`: a total split evenly; `combined`: several bodies together."
        ),
    )
    rollouts = serializers.ListField(child=serializers.CharField(), help_text="Codes.")


class MixedWeightScopesSerializer(FindingSerializer):
    """`mixed_weight_scopes`: a cohort is shared out by weights that do not measure the same thing."""

    scopes = ScopeSerializer(many=True, help_text="Who has which; only recorded scopes.")


class SaidSerializer(serializers.Serializer[Any]):
    """What one source, or the plan, says."""

    source = serializers.CharField(  # type: ignore[assignment]
        allow_null=True, help_text="Code of the source; null: the plan."
    )
    wave = serializers.CharField(
        allow_null=True, help_text="Code of the wave it speaks of; null: the whole rollout."
    )
    adopted = serializers.BooleanField(help_text="True when the plan follows it.")
    text = serializers.CharField(help_text="In its own words.")
    cutover = serializers.CharField(
        allow_null=True, help_text="The period, ISO 8601; null where it is about users."
    )
    users = serializers.IntegerField(
        allow_null=True, help_text="The count; null where it is about a cutover."
    )


class SourcesDisagreeSerializer(FindingSerializer):
    """`sources_disagree`: cutovers without a day in common, or users further apart than rounding allows."""

    wave = serializers.CharField(allow_null=True, help_text="Code of the wave; null: the whole rollout.")
    subject = serializers.ChoiceField(["cutover", "users"])
    apart = serializers.IntegerField(
        help_text="Months (0: within one month) or users between the two furthest apart."
    )
    said = SaidSerializer(many=True, help_text="Who says what; the adopted first, the plan last.")


class ReadingTotalsSerializer(serializers.Serializer[Any]):
    """Everybody at the end, by reading."""

    cumulative = serializers.IntegerField(help_text="Read as everybody so far.")
    group = serializers.IntegerField(help_text="Read as the size of the group alone.")


class AmbiguousReadingSerializer(FindingSerializer):
    """`ambiguous_reading`: a total that may be a group's size or everybody so far."""

    totals = ReadingTotalsSerializer()


class CloseObservationSerializer(serializers.Serializer[Any]):
    """How far from an observation the curve passes."""

    source = serializers.CharField(help_text="Code of the source.")  # type: ignore[assignment]
    period = serializers.CharField(help_text="ISO 8601.")
    difference = serializers.IntegerField(help_text="Planned − observed users.")
    difference_percent = serializers.FloatField(allow_null=True, help_text="The same of what was observed.")


class ObservationsCloseSerializer(FindingSerializer):
    """`observations_close`: counts from sources that gave no total to the plan, and how close it comes."""

    compared = serializers.IntegerField(help_text="Observations of such sources.")
    close = serializers.IntegerField(help_text="Those within 2 %.")
    largest_percent = serializers.FloatField(
        allow_null=True, help_text="The largest difference among those; null where nobody was observed."
    )
    observations = CloseObservationSerializer(many=True)


SERIALIZERS: dict[str, serializers.Serializer[Any] | type[serializers.Serializer[Any]]] = {
    FindingKind.THIN_REMAINDER.value: ThinRemainderSerializer,
    FindingKind.MIXED_WEIGHT_SCOPES.value: MixedWeightScopesSerializer,
    FindingKind.SOURCES_DISAGREE.value: SourcesDisagreeSerializer,
    FindingKind.AMBIGUOUS_READING.value: AmbiguousReadingSerializer,
    FindingKind.OBSERVATIONS_CLOSE.value: ObservationsCloseSerializer,
}


@extend_schema_field(
    PolymorphicProxySerializer(
        component_name="AnyFinding", serializers=SERIALIZERS, resource_type_field_name="kind", many=True
    )
)
class FindingsField(serializers.ListField):
    """Findings of every kind."""
