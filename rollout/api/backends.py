"""Search and ordering that refuse what they do not understand."""

from functools import reduce
from operator import or_
from typing import Any

from django.db.models import F, Q, QuerySet
from django.db.models.expressions import OrderBy
from rest_framework.exceptions import ValidationError
from rest_framework.filters import BaseFilterBackend, SearchFilter
from rest_framework.request import Request

MAX_SEARCH_LENGTH = 100


class Search(SearchFilter):
    """Rows in which every word of `search` occurs, in any of the view's `search_fields`."""

    def get_search_terms(self, request: Request) -> list[str]:
        """The words. Raises ValidationError for a text that no row can hold or that is far too long."""
        text = request.query_params.get("search", "")
        if "\0" in text or len(text) > MAX_SEARCH_LENGTH:
            raise ValidationError({"search": [f"{MAX_SEARCH_LENGTH}字以内の文字を指定してください。"]})
        return list(super().get_search_terms(request))

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        """The rows, each once; two words may be found in two ministries that one rollout covers."""
        if not view.search_fields:
            return queryset
        for word in self.get_search_terms(request):
            found = reduce(or_, (Q(**{f"{field}__icontains": word}) for field in view.search_fields))
            queryset = queryset.filter(pk__in=queryset.model._default_manager.filter(found).values("pk"))
        return queryset

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """The parameter `search`, for OpenAPI, where the view has fields to search."""
        if not view.search_fields:
            return []
        return [
            _parameter("search", view.search_description, {"type": "string", "maxLength": MAX_SEARCH_LENGTH})
        ]


class Ordering(BaseFilterBackend):
    """`ordering=-cutover,code`: by names that the view's `orderings` knows; ties go by code, nulls last."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        """The rows in the order asked for. Raises ValidationError for a name that is not known."""
        names = [name.strip() for name in request.query_params.get("ordering", "").split(",") if name.strip()]
        if not names:
            return queryset
        return queryset.order_by(*(key for name in names for key in _keys(name, view)), "code")

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """The parameter `ordering`, for OpenAPI, where the view has any."""
        if not view.orderings:
            return []
        known = ", ".join(f"`{name}`" for name in view.orderings)
        description = f"Comma-separated: {known}; `-` before a name turns it round. Nulls come last."
        return [_parameter("ordering", description, {"type": "string"})]


def _keys(name: str, view: Any) -> list[OrderBy]:
    descending = name.startswith("-")
    known = view.orderings.get(name.removeprefix("-"))
    if known is None:
        names = "、".join(view.orderings)
        raise ValidationError({"ordering": [f"「{name}」では並べ替えられません。使えるのは {names} です。"]})
    return [
        OrderBy(F(key) if isinstance(key, str) else key, descending=descending, nulls_last=True)
        for key in known
    ]


def _parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}
