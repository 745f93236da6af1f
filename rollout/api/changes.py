"""The changes of the plan since a cursor, so that a copy of it can be kept in step and misses none.

A cursor says of every kind of row how far its history has been read. Writers take the plan's version row
first, so the numbers of a history come in the order in which they are committed: what is read later has a
higher one. Kinds are read from the last to the first, since a row is written after what it names.
"""

from collections.abc import Iterator, Mapping, Sequence
from heapq import merge
from itertools import islice
from typing import Any

from django.utils.translation import gettext
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from gss_tracker.pagination import Pages
from rollout.api.entries import PLAN_KINDS, EntrySerializer, entries, with_previous
from rollout.api.views import KnownParameters, WholePlan
from rollout.api.writing.examples import CHANGES
from rollout.history import newest_versions
from rollout.models.visible import sees_people

Cursor = Mapping[str, int]
"""The number of the last version that was read, by kind."""

SINCE, NOW = "since", "now"
PAGE_SIZE = OpenApiParameter(
    "page_size",
    {"type": "integer", "minimum": 1, "maximum": Pages.max_page_size, "default": Pages.page_size},
    description="Entries in one answer, 1 to 1000; 100 unless given.",
)
START: Cursor = dict.fromkeys(PLAN_KINDS, 0)
LAST_FIRST = list(reversed(list(PLAN_KINDS.items())))


@extend_schema_field(
    {"type": "string", "pattern": rf"^(now|[0-9]{{1,18}}(-[0-9]{{1,18}}){{{len(START) - 1}}})$"}
)
class CursorParameter(serializers.Field):  # type: ignore[type-arg]
    """A cursor that an earlier answer gave, or `now`."""

    def to_internal_value(self, data: Any) -> Cursor:
        """How far each kind was read. Raises ValidationError for what no answer can have given."""
        if data == NOW:
            return newest()
        numbers = str(data).split("-")
        if len(numbers) != len(START) or not all(map(_is_number, numbers)):
            raise ValidationError(
                gettext(
                    "「{data}」は続きの印ではありません。前の応答の cursor か「now」を指定してください。"
                ).format(data=str(data)[:50])
            )
        return dict(zip(START, map(int, numbers), strict=True))

    def to_representation(self, value: Cursor) -> str:
        """As answers write it."""
        return written(value)


class ChangesQuery(serializers.Serializer[Any]):
    """Parameters of the changes."""

    since = CursorParameter(
        required=False,
        help_text=(
            "`cursor` of an earlier answer: what came after it. `now`: nothing yet, for who reads the rows "
            "themselves first. Without it everything since the plan's history began."
        ),
    )


class ChangesSerializer(serializers.Serializer[Any]):
    """Some changes, and where to go on."""

    results = EntrySerializer(many=True, help_text="Each after what it names, otherwise in order of time.")
    cursor = serializers.CharField(help_text="For `since`, when these have been taken over.")
    next = serializers.CharField(
        allow_null=True, help_text="The following changes; null when there are none at the moment."
    )


class ChangesView(KnownParameters):
    """The changes of the plan."""

    permission_classes = (WholePlan,)

    def check_condition(self, request: Request, *seen: object) -> None:
        """Told apart by its bytes where it names people, who may be called otherwise tomorrow."""
        if not sees_people(request.user):
            super().check_condition(request, *seen)

    def known_parameters(self) -> Sequence[str]:
        """From where, and how many."""
        return (SINCE, "page_size")

    @extend_schema(
        operation_id="changes_retrieve",
        parameters=[ChangesQuery, PAGE_SIZE],
        responses=ChangesSerializer,
        examples=[OpenApiExample("One change", value=CHANGES, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        """Everything that was added, changed or deleted since a cursor.

        To keep a copy in step: take `cursor` from `?since=now`, read the lists, then ask again and again with
        the last cursor, and put each entry's `values` in the place of its `kind` and `id`. Entries may come
        twice after an answer was lost, and none is ever left out. Contacts and reminders are not part of it.
        """
        query = ChangesQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        size = Pages().get_page_size(request)
        start: Cursor = query.validated_data.get(SINCE, START)
        versions = list(islice(versions_since(start, size + 1), size + 1))
        page = versions[:size]
        cursor = {**start, **{name: version.history_id for name, version in page}}
        url = request.build_absolute_uri()
        return Response(
            {
                "results": entries([version for _, version in page], show_people=sees_people(request.user)),
                "cursor": written(cursor),
                "next": replace_query_param(url, SINCE, written(cursor)) if len(versions) > size else None,
            }
        )


def newest() -> Cursor:
    """How far the history goes now."""
    found = newest_versions(model for _, model in LAST_FIRST)
    return {name: found[model] for name, model in PLAN_KINDS.items()}


def written(cursor: Cursor) -> str:
    """As answers write it."""
    return "-".join(str(cursor[name]) for name in START)


def versions_since(start: Cursor, most: int) -> Iterator[tuple[str, Any]]:
    """Versions with the name of their kind: those of one kind by number, else by time, then as kinds go."""
    read = {}
    for name, model in LAST_FIRST:
        newer = model.history.filter(history_id__gt=start[name])  # type: ignore[attr-defined]
        read[name] = [(name, version) for version in with_previous(newer)[:most]]
    rank = {name: number for number, name in enumerate(START)}
    streams = [read[name] for name in START]
    return merge(*streams, key=lambda pair: (pair[1].history_date, rank[pair[0]]))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
