"""The plan itself: rollouts with all that is known of them, and the waves they move in."""

from functools import cached_property
from http import HTTPStatus
from typing import Any, ClassVar

from django.db.models import Case, Min, OuterRef, Prefetch, Subquery, When
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from rollout.api.counts import Counts, RolloutCountField, WaveCountField, adopted_users_citations
from rollout.api.filters import RolloutFilter, WaveFilter
from rollout.api.frame import SourceReferenceSerializer
from rollout.api.ministries import MinistryReferenceSerializer
from rollout.api.periods import PeriodField
from rollout.api.views import ReadViewSet
from rollout.domain.plan import Status
from rollout.models import Citation, Rollout, RolloutCoverage, Wave


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

    cutover = PeriodField(allow_null=True, help_text="When its users start to use GSS; null when undecided.")
    count = WaveCountField(help_text="Its users, from the stored projection read as `cumulative`.")
    status_label = serializers.CharField(
        source="get_status_display", read_only=True, help_text="In Japanese."
    )
    overdue_unconfirmed = serializers.SerializerMethodField(
        help_text="予定日経過・未確認: the latest day has passed in Tokyo; neither in use nor cancelled."
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
            "overdue_unconfirmed",
            "note",
        )
        read_only_fields = fields

    def get_overdue_unconfirmed(self, wave: Wave) -> bool:
        """As of today in Tokyo."""
        return wave.is_overdue_unconfirmed(timezone.localdate())


class WaveSerializer(OwnWaveSerializer):
    """A batch of users that cuts over together."""

    rollout = RolloutReferenceSerializer(read_only=True)
    ministry = MinistryReferenceSerializer(
        source="rollout.lead_ministry", read_only=True, help_text="The ministry that leads the rollout."
    )
    cohort = serializers.CharField(
        source="rollout.cohort.code", read_only=True, help_text="Code of the cohort."
    )

    class Meta(OwnWaveSerializer.Meta):
        fields = ("rollout", "ministry", "cohort", *OwnWaveSerializer.Meta.fields)
        read_only_fields = fields


class CitationSerializer(serializers.ModelSerializer[Citation]):
    """What a source says of the rollout, verbatim. They may disagree; the plan follows the adopted one."""

    source = SourceReferenceSerializer(read_only=True)  # type: ignore[assignment]

    class Meta:
        model = Citation
        fields = ("source", "subject", "text", "locator", "note", "adopted")
        read_only_fields = fields


class RolloutSerializer(serializers.ModelSerializer[Rollout]):
    """One unit's move to GSS."""

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
        help_text="The users of its waves but for cancelled ones, from the stored projection (`cumulative`)."
    )
    waves = OwnWaveSerializer(many=True, read_only=True, help_text="By latest day, undecided ones last.")
    citations = CitationSerializer(
        many=True, read_only=True, help_text="What each source says, adopted ones first."
    )

    class Meta:
        model = Rollout
        fields = (
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
            "weight_scope": {"help_text": "Whose headcount it is; empty when not known."},
        }

    @extend_schema_field(MinistryReferenceSerializer(many=True))
    def get_also_covers(self, rollout: Rollout) -> list[dict[str, str]]:
        """Code and name of each, in 建制順."""
        ministries = (coverage.ministry for coverage in rollout.coverages.all())
        return [{"code": ministry.code, "name": ministry.name} for ministry in ministries]


class PlanViewSet(ReadViewSet[Any]):
    """What lists of rollouts and of waves share."""

    search_description = "Words in the code, the names and aliases of the ministries, and the scope."

    @cached_property
    def counts(self) -> Counts:
        """One reading of the stored counts for the whole answer."""
        return Counts()

    def get_serializer_context(self) -> dict[str, Any]:
        """With the counts."""
        return {**super().get_serializer_context(), "counts": self.counts}

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Say in the headers `X-Data-Version` and `X-Stale` how old the counts are."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        if answer.status_code == HTTPStatus.OK:
            for name, value in self.counts.headers().items():
                answer.headers[name] = value
        return answer


class RolloutViewSet(PlanViewSet):
    """Rollouts in published order, each with its waves, its coverage and every source's words.

    Filters on waves show a rollout when one and the same wave meets all of them.
    """

    queryset = Rollout.objects.select_related("lead_ministry", "cohort__source").prefetch_related(
        "waves",
        Prefetch(
            "coverages",
            RolloutCoverage.objects.select_related("ministry").order_by("ministry__order", "ministry__code"),
        ),
        Prefetch(
            "citations",
            Citation.objects.select_related("source").order_by(
                "subject", "-adopted", "source__code", "locator"
            ),
        ),
        adopted_users_citations(),
    )
    serializer_class = RolloutSerializer
    filterset_class = RolloutFilter
    search_fields = (
        "code",
        "scope",
        "lead_ministry__name",
        "lead_ministry__name_en",
        "lead_ministry__aliases",
        "also_covers__name",
        "also_covers__name_en",
        "also_covers__aliases",
    )
    orderings: ClassVar = {
        "code": ["code"],
        "cohort": ["cohort__order", "order"],
        "ministry": ["lead_ministry__order"],
        "cutover": [
            Subquery(
                Wave.objects.filter(rollout=OuterRef("pk"))
                .order_by()
                .values("rollout")
                .values_list(Min("cutover_latest"))
            )
        ],
    }


class WaveViewSet(PlanViewSet):
    """Waves by latest day, undecided ones last."""

    queryset = Wave.objects.for_display().prefetch_related(adopted_users_citations("rollout__"))
    serializer_class = WaveSerializer
    filterset_class = WaveFilter
    search_fields = ("code", *(f"rollout__{field}" for field in RolloutViewSet.search_fields))
    orderings: ClassVar = {
        "code": ["code"],
        "cohort": ["rollout__cohort__order", "rollout__order"],
        "ministry": ["rollout__lead_ministry__order"],
        "cutover": ["cutover_latest", "cutover_earliest"],
        "status": [Case(*(When(status=status.value, then=rank) for rank, status in enumerate(Status)))],
    }
