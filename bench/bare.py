"""Floors for the API: the same answers by the shortest code, behind the same middleware."""

import csv
from collections.abc import Iterator
from io import StringIO
from typing import Any

import orjson
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import include, path
from rest_framework import serializers, viewsets
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView

from rollout.models import Wave

PAGE = 100
COLUMNS = (
    *("code", "rollout__code", "rollout__lead_ministry__code", "rollout__lead_ministry__name", "name"),
    *("rollout__cohort__code", "rollout__scope", "cutover", "users", "status", "confirmed_on", "note"),
)
BYTES = "bench-bytes"


class BareBytes(APIView):
    """The bytes that the cache holds, for who may read."""

    def get(self, request: Request) -> HttpResponse:
        """Nothing is looked up."""
        return HttpResponse(cache.get(BYTES), content_type="application/json")


class BareWaves(APIView):
    """A page of waves as values."""

    def get(self, request: Request) -> HttpResponse:
        """Filtered by status, by day and code."""
        rows = Wave.objects.filter(status="planned", cutover_latest__isnull=False)
        rows = rows.order_by("cutover_latest", "rollout__order", "code")
        return HttpResponse(orjson.dumps(list(rows.values(*COLUMNS)[:PAGE]), default=str))


def bare_csv(_request: HttpRequest) -> HttpResponseBase:
    """All waves, a line each."""

    def lines() -> Iterator[str]:
        buffer = StringIO()
        writer = csv.writer(buffer)
        for row in (
            Wave.objects.order_by("cutover_latest", "rollout__order", "code")
            .values_list(*COLUMNS)
            .iterator(2000)
        ):
            writer.writerow(row)
            if buffer.tell() > 16_384:
                yield buffer.getvalue()
                buffer.seek(0)
                buffer.truncate()
        yield buffer.getvalue()

    return StreamingHttpResponse(lines(), content_type="text/csv")


class WholeWave(serializers.ModelSerializer[Wave]):
    """All columns."""

    cutover = serializers.CharField(source="cutover.text", read_only=True)

    class Meta:
        model = Wave
        fields = "__all__"


class NumberedPages(PageNumberPagination):
    """Which are counted and skipped."""

    page_size = PAGE


class BareWaveSet(viewsets.ModelViewSet[Wave]):
    """As DRF's tutorial has it: numbered pages, and PATCH without a question."""

    queryset = Wave.objects.order_by("cutover_latest", "rollout__order", "code")
    serializer_class = WholeWave
    pagination_class = NumberedPages
    lookup_field = "code"

    def get_queryset(self) -> Any:
        """With the relations that the API shows."""
        return (
            super()
            .get_queryset()
            .filter(status="planned")
            .select_related("rollout__lead_ministry", "rollout__cohort")
        )


router = SimpleRouter()
router.register("waves", BareWaveSet, "bare-wave")

urlpatterns = [
    path("bare/bytes/", BareBytes.as_view()),
    path("bare/page/", BareWaves.as_view()),
    path("bare/waves.csv", bare_csv),
    path("bare/", include(router.urls)),
    path("", include("gss_tracker.urls")),
]
