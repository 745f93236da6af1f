"""The published frame: sources, cohorts, targets and observations."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, ClassVar

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_serializer, extend_schema_view
from rest_framework import mixins, serializers

from gss_tracker.keyset import CURSOR
from rollout.api.examples import COHORT, OBSERVATION, SOURCE, TARGET, example
from rollout.api.expand import EXPAND
from rollout.api.past import AsOfQuery, AsOfRows, AsOfViewSet
from rollout.api.periods import PeriodField
from rollout.api.sparse import FIELDS
from rollout.api.views import seen_by
from rollout.api.writing import examples as bodies
from rollout.api.writing.frame import ObservationWriting, SourceWriting
from rollout.api.writing.inputs import NewObservation, NewSource
from rollout.api.writing.schema import writes
from rollout.domain.dates import fiscal_year_label
from rollout.history import column_at
from rollout.models import Cohort, Observation, Rollout, Source, Target


class SourceReferenceSerializer(serializers.ModelSerializer[Source]):
    """A source, as others mention it."""

    class Meta:
        model = Source
        fields = ("code", "title")
        read_only_fields = fields


@extend_schema_serializer(examples=example("The slide", SOURCE))
class SourceSerializer(serializers.ModelSerializer[Source]):
    """A published document or a dated statement."""

    published_on = PeriodField(allow_null=True, help_text="When it was published; null when not known.")

    class Meta:
        model = Source
        fields = ("code", "title", "publisher", "published_on", "kind")
        read_only_fields = fields


@extend_schema_serializer(examples=example("R8年度", COHORT))
class CohortSerializer(serializers.ModelSerializer[Cohort]):
    """A published group of rollouts with one published total."""

    inside = serializers.SlugRelatedField[Cohort](
        slug_field="code",
        read_only=True,
        allow_null=True,
        help_text="Code of the cohort that contains this one.",
    )
    fiscal_year_label = serializers.SerializerMethodField(
        help_text="`fiscal_year` as `R8年度`; null without one."
    )
    source = SourceReferenceSerializer(read_only=True)  # type: ignore[assignment]
    rollouts = serializers.SlugRelatedField[Any](
        slug_field="code", read_only=True, many=True, help_text="Codes of the members, in published order."
    )

    class Meta:
        model = Cohort
        fields = (
            "code",
            "label",
            "order",
            "inside",
            "published_users",
            "approximate",
            "rounding_unit",
            "reading",
            "undecided_note",
            "fiscal_year",
            "fiscal_year_label",
            "published_multiple",
            "source",
            "text_in_source",
            "rollouts",
        )
        read_only_fields = fields
        extra_kwargs = {
            "published_users": {"help_text": "Published total in users; null when none was published."},
            "approximate": {"help_text": "True when the source says 「約」."},
            "rounding_unit": {"help_text": "Unit in users that the total was rounded to."},
            "reading": {"help_text": "Whether the total is this group's size or everybody so far."},
            "undecided_note": {
                "help_text": "The source's words for members not yet named; empty when all are."
            },
            "fiscal_year": {
                "help_text": "Fiscal year whose whole increase the total also is; null otherwise."
            },
            "published_multiple": {
                "help_text": "How many times the users of the year before, as published; null otherwise."
            },
        }

    def get_fiscal_year_label(self, cohort: Cohort) -> str | None:
        """The fiscal year as documents write it."""
        return None if cohort.fiscal_year is None else fiscal_year_label(cohort.fiscal_year)


@extend_schema_serializer(examples=example("A checkpoint", TARGET))
class TargetSerializer(serializers.ModelSerializer[Target]):
    """Users to reach; with `by` a checkpoint on the way, without the final target."""

    source = SourceReferenceSerializer(read_only=True)  # type: ignore[assignment]

    class Meta:
        model = Target
        fields = ("code", "label", "users", "reading", "by", "derivation", "source")
        read_only_fields = fields
        extra_kwargs = {
            "users": {"help_text": "Users, as published; `reading` says what they include."},
            "by": {"help_text": "Day to reach it by; null for the final target."},
            "derivation": {
                "help_text": "How it follows from published figures; empty where it was published itself."
            },
        }


@extend_schema_serializer(examples=example("Users seen in 2024-06", OBSERVATION))
class ObservationSerializer(serializers.ModelSerializer[Observation]):
    """A published count of GSS users on a day or in a month."""

    as_of = PeriodField(help_text="The day or the period that the count speaks of.")
    source = SourceReferenceSerializer(read_only=True)  # type: ignore[assignment]

    class Meta:
        model = Observation
        fields = ("as_of", "users", "approximate", "source", "note")
        read_only_fields = fields
        extra_kwargs = {"users": {"help_text": "Users, as published."}}


READS = {name: extend_schema(parameters=[AsOfQuery]) for name in ("list", "retrieve")}


@extend_schema_view(
    **READS,
    create=writes(NewSource, SourceSerializer, bodies.NEW_SOURCE, status=HTTPStatus.CREATED, is_change=False),
)
class SourceViewSet(SourceWriting, AsOfViewSet[Source]):
    """Published documents and dated statements, by code."""

    queryset = Source.objects.all()
    serializer_class = SourceSerializer
    default_ordering = ("code",)


@extend_schema(parameters=[AsOfQuery])
class CohortViewSet(AsOfViewSet[Cohort]):
    """Published groups of rollouts, in published order."""

    queryset = Cohort.objects.all()
    expandable: ClassVar = {"source": SourceViewSet}
    serializer_class = CohortSerializer
    default_ordering = ("order",)

    def relations(self) -> list["Prefetch[Any]"]:
        """The cohort around it, its source and its members, as far as this person may see them."""
        members = self.rows(Rollout).filter(seen_by(Rollout, self.request))
        return [
            Prefetch("inside", self.rows(Cohort)),
            Prefetch("source", self.rows(Source)),
            Prefetch("rollouts", members.order_by("order", "code")),
        ]


@extend_schema(parameters=[AsOfQuery])
class TargetViewSet(AsOfViewSet[Target]):
    """The final target and the checkpoints on the way, by deadline; the final one comes last."""

    queryset = Target.objects.all()
    expandable: ClassVar = {"source": SourceViewSet}
    serializer_class = TargetSerializer
    default_ordering = ("by",)

    def relations(self) -> list["Prefetch[Any]"]:
        """Its source."""
        return [Prefetch("source", self.rows(Source))]


@extend_schema_view(
    list=READS["list"],
    create=writes(
        NewObservation,
        ObservationSerializer,
        bodies.NEW_OBSERVATION,
        status=HTTPStatus.CREATED,
        is_change=False,
    ),
)
class ObservationViewSet(ObservationWriting, AsOfRows, mixins.ListModelMixin):
    """Published counts of GSS users over time, oldest first."""

    queryset = Observation.objects.all()
    expandable: ClassVar = {"source": SourceViewSet}
    serializer_class = ObservationSerializer
    filter_backends = ()

    def known_parameters(self) -> Sequence[str]:
        """The moment, fields and pages."""
        listed = self.action == "list"
        return ("as_of", EXPAND, FIELDS, CURSOR, "page_size") if listed else super().known_parameters()

    def get_queryset(self) -> QuerySet[Any]:
        """By the day that they speak of, then by source."""
        source = column_at(Observation, "source__code", self.moment)
        return super().get_queryset().order_by("as_of_latest", source, "id")

    def relations(self) -> list["Prefetch[Any]"]:
        """Their sources."""
        return [Prefetch("source", self.rows(Source))]
