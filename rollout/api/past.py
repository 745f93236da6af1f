"""Lists and rows that can be read as they were known at a moment of the past.

History keeps the columns of every version of a row, but its foreign keys lead to today's rows. So every
question is asked of the rows of one moment, and rows are joined by id: `rows_at` gives the rows, today's
where no moment was asked for, and filters, orderings and answers go the same way for both.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property
from http import HTTPStatus
from typing import Any, ClassVar

from django.db.models import Model, Prefetch, QuerySet, prefetch_related_objects
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from rollout.api.backends import Filters, Ordering, Search
from rollout.api.expand import EXPAND, check_expand, expand
from rollout.api.moments import AS_OF_HELP, MomentParameter
from rollout.api.sparse import FIELDS, SparseView
from rollout.api.views import KnownParameters, ReadViewSet, Row, seen_by
from rollout.history import rows_at


class AsOfQuery(serializers.Serializer[Any]):
    """The parameter that every list and row takes which has a past."""

    as_of = MomentParameter(required=False, help_text=AS_OF_HELP)


class AsOfRows(KnownParameters, SparseView):
    """Rows as they are known now or, with `as_of`, as they were known then."""

    queryset: QuerySet[Any]
    expandable: ClassVar[Mapping[str, type["AsOfRows"]]] = {}
    """What `expand` may put in full, and whose lists say how."""

    def known_parameters(self) -> Sequence[str]:
        """With `as_of` and, where there is something to expand, `expand`."""
        return ("as_of", *([EXPAND] if self.expandable else ()), *super().known_parameters())

    def read_moment(self, request: Request) -> None:
        """The one that `as_of` names. Raises as `MomentParameter` does."""
        query = AsOfQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        self.moment = query.validated_data.get("as_of")

    @cached_property
    def today(self) -> date:
        """The day in Tokyo at the moment looked at."""
        return timezone.localdate(self.moment)

    def rows(self, model: type[Model]) -> QuerySet[Any]:
        """The rows of a model at the moment looked at."""
        return rows_at(model, self.moment)

    def relations(self) -> list["Prefetch[Any]"]:
        """The rows that an answer shows with its own, at the same moment."""
        return []

    def get_queryset(self) -> QuerySet[Any]:
        """The rows at the moment looked at that this person may see."""
        kind = self.queryset.model
        return self.rows(kind).filter(seen_by(kind, self.request))

    def paginate_queryset(self, queryset: Any) -> Any:
        """One page of rows, with what they relate to."""
        page = self.settled(super().paginate_queryset(queryset) or [])
        prefetch_related_objects(page, *self.relations())
        return page

    def settled(self, rows: list[Any]) -> list[Any]:
        """The rows as they are shown."""
        return rows

    def get_object(self) -> Any:
        """The row, with what it relates to."""
        [row] = self.settled([super().get_object()])
        prefetch_related_objects([row], *self.relations())
        return row

    def get_paginated_response(self, data: Any) -> Response:
        """The page; its links keep to the exact moment, where a day was asked for that is not over."""
        answer = super().get_paginated_response(data)
        if self.moment:
            for name in ("next", "previous"):
                if link := answer.data[name]:
                    answer.data[name] = replace_query_param(link, "as_of", self._moment_text)
        return answer

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Say in the header `X-As-Of` which exact moment was looked at, where one was asked for."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        if answer.status_code == HTTPStatus.OK and self.moment:
            answer.headers["X-As-Of"] = self._moment_text
        return answer

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        names = self.names_to_expand()
        answer: Response = super().list(request, *args, **kwargs)  # type: ignore[misc]
        expand(self, answer.data["results"], names)
        return answer

    def names_to_expand(self) -> Sequence[str]:
        """The fields that are asked for in full. Raises ValidationError for others."""
        query = self.request.query_params
        return check_expand(query[EXPAND], self.expandable, query.get(FIELDS)) if EXPAND in query else ()

    @property
    def _moment_text(self) -> str:
        return timezone.localtime(self.moment).isoformat()


class AsOfViewSet(AsOfRows, ReadViewSet[Row]):
    """A list and, by code, its rows, as they are known now or were known then."""

    queryset: QuerySet[Any]
    filter_backends = (Filters, Search, Ordering)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        names = self.names_to_expand()
        answer = super().retrieve(request, *args, **kwargs)
        expand(self, [answer.data], names)
        return answer
