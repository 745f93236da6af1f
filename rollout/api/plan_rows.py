"""Rollouts and waves in JSON: the fields are the contract."""

from typing import Any

from drf_spectacular.utils import (
    extend_schema_field,
    extend_schema_serializer,
)
from rest_framework import serializers

from rollout.api.counts import Counts, CountSerializer, RolloutCountField
from rollout.api.examples import ROLLOUT, WAVE, example
from rollout.api.frame import SourceReferenceSerializer
from rollout.api.ministries import MinistryReferenceSerializer
from rollout.api.periods import PeriodField, period_json
from rollout.models import Citation, Rollout, Wave
from rollout.models.labels import STATUS_LABELS


class VersionField(serializers.CharField):
    """The version of a row."""

    def __init__(self) -> None:
        super().__init__(
            read_only=True,
            help_text="Another one whenever the row was changed; for `If-Match`, in quotation marks.",
        )


class RolloutReferenceSerializer(serializers.ModelSerializer[Rollout]):
    """A rollout, as its waves mention it."""

    label = serializers.CharField(  # type: ignore[assignment]
        read_only=True, help_text="The lead ministry, with the scope where there is one."
    )

    class Meta:
        model = Rollout
        fields = ("code", "label")
        read_only_fields = fields


class OwnWaveSerializer(serializers.ModelSerializer[Wave]):
    """A wave within its rollout."""

    # The fields are the contract; `values` makes them: a page has thousands, and DRF takes long over each.
    cutover = PeriodField(allow_null=True, help_text="When its users start to use GSS; null when undecided.")
    count = CountSerializer(read_only=True, help_text="Its users, from the projection read as `cumulative`.")
    status_label = serializers.CharField(read_only=True, help_text="In Japanese.")
    merged_into = serializers.CharField(
        read_only=True,
        allow_null=True,
        help_text="Code of the wave that it was merged into, which has its users; else null.",
    )
    overdue_unconfirmed = serializers.BooleanField(
        read_only=True,
        help_text="予定日経過・未確認: the latest day has passed in Tokyo; neither in use nor cancelled.",
    )

    class Meta:
        model = Wave
        fields: tuple[str, ...] = (
            "code",
            "name",
            "cutover",
            "count",
            "status",
            "status_label",
            "merged_into",
            "overdue_unconfirmed",
            "note",
        )
        read_only_fields = fields

    def to_representation(self, instance: Wave) -> dict[str, Any]:
        """Those fields that are asked for."""
        values = self.values(instance)
        return {name: values[name] for name in map(str, self.fields)}

    def values(self, wave: Wave) -> dict[str, Any]:
        """Every field; `counts` and `today`, the day in Tokyo that is looked at, are in the context."""
        counts: Counts = self.context["counts"]
        return {
            "code": wave.code,
            "name": wave.name,
            "cutover": period_json(wave.cutover),
            "count": counts.of_wave(wave),
            "status": wave.status,
            "status_label": str(STATUS_LABELS[wave.status]),
            "merged_into": wave.merged_into and wave.merged_into.code,
            "overdue_unconfirmed": wave.is_overdue_unconfirmed(self.context["today"]),
            "note": wave.note,
        }


@extend_schema_serializer(examples=example("国税庁", WAVE))
class WaveSerializer(OwnWaveSerializer):
    """A batch of users that cuts over together."""

    version = VersionField()
    rollout = RolloutReferenceSerializer(read_only=True)
    ministry = MinistryReferenceSerializer(
        source="rollout.lead_ministry", read_only=True, help_text="The ministry that leads the rollout."
    )
    cohort = serializers.CharField(
        source="rollout.cohort.code", read_only=True, help_text="Code of the cohort."
    )

    class Meta(OwnWaveSerializer.Meta):
        fields = ("version", "rollout", "ministry", "cohort", *OwnWaveSerializer.Meta.fields)
        read_only_fields = fields

    def values(self, wave: Wave) -> dict[str, Any]:
        """With what it is a wave of."""
        rollout = wave.rollout
        ministry = rollout.lead_ministry
        return {
            "version": wave.version,  # type: ignore[attr-defined]
            "rollout": {"code": rollout.code, "label": rollout.label},
            "ministry": {"code": ministry.code, "name": ministry.name},
            "cohort": rollout.cohort.code,
            **super().values(wave),
        }


class CitationSerializer(serializers.ModelSerializer[Citation]):
    """What a source says of the rollout, verbatim. They may disagree; the plan follows the adopted one."""

    wave = serializers.SlugRelatedField[Any](
        slug_field="code",
        read_only=True,
        allow_null=True,
        help_text="Code of the wave that it speaks of alone; null when it speaks of the whole rollout.",
    )
    source = SourceReferenceSerializer(read_only=True)  # type: ignore[assignment]
    says_cutover = PeriodField(
        allow_null=True, help_text="The cutover read from the text; null where it names none."
    )
    says_users = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="The users read from the text; null where it names none."
    )

    class Meta:
        model = Citation
        fields = (
            "wave",
            "source",
            "subject",
            "text",
            "says_cutover",
            "says_users",
            "locator",
            "note",
            "adopted",
        )
        read_only_fields = fields


@extend_schema_serializer(examples=example("国税庁", ROLLOUT))
class RolloutSerializer(serializers.ModelSerializer[Rollout]):
    """One unit's move to GSS."""

    version = VersionField()
    label = serializers.CharField(  # type: ignore[assignment]
        read_only=True, help_text="The lead ministry, with the scope where there is one."
    )
    cohort = serializers.SlugRelatedField[Any](
        slug_field="code", read_only=True, help_text="Code of the cohort."
    )
    ministry = MinistryReferenceSerializer(
        source="lead_ministry", read_only=True, help_text="The lead ministry."
    )
    also_covers = serializers.SerializerMethodField(help_text="Ministries that move along.")
    count = RolloutCountField(
        help_text="The users of its waves but for cancelled ones, from the projection (`cumulative`)."
    )
    waves = OwnWaveSerializer(many=True, read_only=True, help_text="By latest day, undecided ones last.")
    citations = CitationSerializer(
        source="read_citations",
        many=True,
        read_only=True,
        help_text="What each source says, adopted ones first.",
    )

    weight_scope = serializers.ChoiceField(
        [*Rollout.WeightScope.values, ""],
        read_only=True,
        help_text="Whose headcount it is; empty when not known.",
    )

    class Meta:
        model = Rollout
        fields = (
            "version",
            "code",
            "label",
            "cohort",
            "order",
            "ministry",
            "also_covers",
            "scope",
            "partial",
            "count",
            "weight",
            "weight_scope",
            "weight_note",
            "waves",
            "citations",
        )
        read_only_fields = fields
        extra_kwargs = {
            "order": {"help_text": "Place within the cohort, as published."},
            "partial": {"help_text": "True when only part of the unit moves (一部)."},
            "weight": {
                "help_text": "Authorised headcount (定員), which shares out a total; null when not known."
            },
        }

    @extend_schema_field(MinistryReferenceSerializer(many=True))
    def get_also_covers(self, rollout: Rollout) -> list[dict[str, str]]:
        """Code and name of each, in 建制順."""
        ministries = (coverage.ministry for coverage in rollout.coverages.all())
        return [{"code": ministry.code, "name": ministry.name} for ministry in ministries]
