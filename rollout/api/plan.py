"""The plan itself: rollouts with all that is known of them, and the waves they move in."""

from datetime import datetime
from functools import cached_property
from http import HTTPStatus
from typing import Any, ClassVar

from django.db.models import Case, F, Min, OuterRef, Prefetch, Q, QuerySet, Subquery, When
from drf_spectacular.utils import (
    extend_schema,
    extend_schema_view,
)
from rest_framework.request import Request
from rest_framework.response import Response

from ministries.models import Ministry
from rollout.api.backends import contains
from rollout.api.counts import Counts
from rollout.api.filters import RolloutFilter, WaveFilter
from rollout.api.ministries import MinistryViewSet
from rollout.api.past import AsOfQuery, AsOfViewSet
from rollout.api.plan_rows import RolloutSerializer, WaveSerializer
from rollout.api.versions import VersionColumn, version_column, version_of_code, versions_of
from rollout.api.writing import examples as bodies
from rollout.api.writing.inputs import (
    NewRollout,
    NewWave,
    ReasonInput,
    RolloutChange,
    UseInput,
    WaveChange,
)
from rollout.api.writing.plan import RolloutWriting, WaveWriting
from rollout.api.writing.schema import writes
from rollout.api.writing.views import WritingView
from rollout.domain.plan import Status
from rollout.history import column_at, rows_at
from rollout.models import Citation, Cohort, Rollout, RolloutCoverage, Source, Wave


class PlanViewSet(WritingView, AsOfViewSet[Any]):
    """What lists of rollouts and of waves share."""

    search_description = "Words in the code, the names and aliases of the ministries, and the scope."

    @cached_property
    def counts(self) -> Counts:
        """One reading of the counts for the whole answer."""
        return Counts(self.moment)

    def get_serializer_context(self) -> dict[str, Any]:
        """With the counts and the day."""
        return {**super().get_serializer_context(), "counts": self.counts, "today": self.today}

    def get_queryset(self) -> QuerySet[Any]:
        """Each row with its version, in one statement: never old values with a newer version."""
        rows = super().get_queryset()
        return rows if self.moment else rows.annotate(version=version_column(rows.model, OuterRef("pk")))

    def settled(self, rows: list[Any]) -> list[Any]:
        """Of the past, which does not change any more, each row with its version then."""
        if self.moment:
            versions = versions_of(self.model, [row.pk for row in rows], self.moment)
            for row in rows:
                row.version = versions[row.pk]
        return rows

    def row_version(self) -> VersionColumn | None:
        """Of the one row as it is."""
        code = self.kwargs.get("code")
        return None if code is None or self.moment else version_of_code(self.model, code)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Say in the headers `X-Data-Version` and `X-Stale` how old the counts are."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        if answer.status_code == HTTPStatus.OK:
            for name, value in self.counts.headers().items():
                answer.headers[name] = value
        return answer

    def rollouts_mentioning(self, word: str) -> Q:
        """What rollouts meet in whose code, scope or ministries the word occurs."""
        ministries = self.rows(Ministry).filter(contains(word, ("name", "name_en", "aliases"))).values("id")
        coverages = self.rows(RolloutCoverage).filter(ministry_id__in=ministries)
        is_named = Q(lead_ministry_id__in=ministries) | Q(id__in=coverages.values("rollout_id"))
        return contains(word, ("code", "scope")) | is_named

    def rollout_relations(self, path: str = "") -> list["Prefetch[Any]"]:
        """What the label, the cohort and the count of the rollouts at `path` speak of."""
        source_code = column_at(Citation, "source__code", self.moment)
        citations = self.rows(Citation).order_by("subject", "-adopted", source_code, "locator", "id")
        return [
            Prefetch(f"{path}lead_ministry", self.rows(Ministry)),
            Prefetch(f"{path}cohort", self.rows(Cohort)),
            Prefetch(f"{path}cohort__source", self.rows(Source)),
            Prefetch(f"{path}citations", citations, to_attr="read_citations"),
            Prefetch(f"{path}read_citations__source", self.rows(Source)),
        ]


def _first_latest_day(moment: datetime | None) -> Subquery:
    """The first latest day among the waves of a rollout."""
    waves = rows_at(Wave, moment).filter(rollout_id=OuterRef("id")).order_by().values("rollout_id")
    return Subquery(waves.values_list(Min("cutover_latest")))


def _status_rank(_moment: datetime | None) -> Case:
    """Statuses in the order in which a wave passes through them."""
    return Case(*(When(status=status.value, then=rank) for rank, status in enumerate(Status)))


READS = {name: extend_schema(parameters=[AsOfQuery]) for name in ("list", "retrieve")}


@extend_schema_view(
    **READS,
    create=writes(
        NewRollout, RolloutSerializer, bodies.NEW_ROLLOUT, status=HTTPStatus.CREATED, is_change=False
    ),
    partial_update=writes(RolloutChange, RolloutSerializer, bodies.ROLLOUT_CHANGE),
    withdraw=writes(ReasonInput, RolloutSerializer, bodies.WHY),
)
class RolloutViewSet(RolloutWriting, PlanViewSet):
    """Rollouts in published order, each with its waves, its coverage and every source's words.

    Filters on waves show a rollout when one and the same wave meets all of them.
    """

    queryset = Rollout.objects.all()
    expandable: ClassVar = {"ministry": MinistryViewSet, "also_covers": MinistryViewSet}
    serializer_class = RolloutSerializer
    filterset_class = RolloutFilter
    search_fields = ("code", "scope")
    orderings: ClassVar = {
        "code": ["code"],
        "cohort": ["cohort__order", "order"],
        "ministry": ["lead_ministry__order"],
        "cutover": [_first_latest_day],
    }
    default_ordering = ("cohort__order", "order")

    def mentions(self, word: str) -> Q:
        """What is said of the rollout, and of the ministries that lead it or move along."""
        return self.rollouts_mentioning(word)

    def relations(self) -> list["Prefetch[Any]"]:
        """All that is known of a rollout."""
        in_order = [
            column_at(RolloutCoverage, f"ministry__{name}", self.moment) for name in ("order", "code")
        ]
        by_day = F("cutover_latest").asc(nulls_last=True)
        return [
            *self.rollout_relations(),
            Prefetch("read_citations__wave", self.rows(Wave)),
            Prefetch("waves", self.rows(Wave).order_by(by_day, "code")),
            Prefetch("waves__merged_into", self.rows(Wave)),
            Prefetch("coverages", self.rows(RolloutCoverage).order_by(*in_order)),
            Prefetch("coverages__ministry", self.rows(Ministry)),
        ]


@extend_schema_view(
    **READS,
    create=writes(NewWave, WaveSerializer, bodies.NEW_WAVE, status=HTTPStatus.CREATED, is_change=False),
    partial_update=writes(WaveChange, WaveSerializer, bodies.WAVE_CHANGE),
    confirm_cutover=writes(ReasonInput, WaveSerializer, bodies.WHY),
    confirm_use=writes(UseInput, WaveSerializer, bodies.USE),
)
class WaveViewSet(WaveWriting, PlanViewSet):
    """Waves by latest day, undecided ones last."""

    queryset = Wave.objects.all()
    expandable: ClassVar = {"ministry": MinistryViewSet}  # a rollout has all its waves: many times too many
    serializer_class = WaveSerializer
    filterset_class = WaveFilter
    search_fields = ("code",)
    orderings: ClassVar = {
        "code": ["code"],
        "cohort": ["rollout__cohort__order", "rollout__order"],
        "ministry": ["rollout__lead_ministry__order"],
        "cutover": ["cutover_latest", "cutover_earliest"],
        "status": [_status_rank],
    }
    default_ordering = ("cutover_latest", "rollout__order")

    def mentions(self, word: str) -> Q:
        """What is said of the wave or of its rollout."""
        rollouts = self.rows(Rollout).filter(self.rollouts_mentioning(word)).values("id")
        return super().mentions(word) | Q(rollout_id__in=rollouts)

    def relations(self) -> list["Prefetch[Any]"]:
        """The rollout, its ministry and its cohort; what it was merged into."""
        own = [Prefetch("rollout", self.rows(Rollout)), Prefetch("merged_into", self.rows(Wave))]
        return [*own, *self.rollout_relations("rollout__")]
