"""Filters, search and ordering that refuse what they do not understand."""

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.expressions import OrderBy
from django.utils.translation import gettext
from django_filters.rest_framework import DjangoFilterBackend  # type: ignore[import-untyped]
from rest_framework.exceptions import ValidationError
from rest_framework.filters import BaseFilterBackend, SearchFilter
from rest_framework.request import Request

from rollout.history import column_at

MAX_SEARCH_LENGTH = 100


class Filters(DjangoFilterBackend):  # type: ignore[misc]
    """The view's `filterset_class`, which is told the moment that the view looks at."""

    def get_filterset_kwargs(self, request: Request, queryset: QuerySet[Any], view: Any) -> dict[str, Any]:
        """With the moment."""
        kwargs = super().get_filterset_kwargs(request, queryset, view)
        return {**kwargs, "moment": view.moment}


class Search(SearchFilter):
    """Rows that mention every word of `search`, as the view's `mentions` says."""

    def get_search_terms(self, request: Request) -> list[str]:
        """The words. Raises ValidationError for a text that no row can hold or that is far too long."""
        text = request.query_params.get("search", "")
        if "\0" in text or len(text) > MAX_SEARCH_LENGTH:
            raise ValidationError(
                {
                    "search": [
                        gettext("{max_search_length}字以内の文字を指定してください。").format(
                            max_search_length=MAX_SEARCH_LENGTH
                        )
                    ]
                }
            )
        return list(super().get_search_terms(request))

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        """The rows, each once; two words may be found in two ministries that one rollout covers."""
        if not view.search_fields:
            return queryset
        for word in self.get_search_terms(request):
            queryset = queryset.filter(view.mentions(word))
        return queryset

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """The parameter `search`, for OpenAPI, where the view has fields to search."""
        if not view.search_fields:
            return []
        return [
            _parameter("search", view.search_description, {"type": "string", "maxLength": MAX_SEARCH_LENGTH})
        ]


def contains(word: str, columns: Sequence[str]) -> Q:
    """The word occurs in one of the columns, in capitals or not."""
    return reduce(or_, (Q(**{f"{column}__icontains": word}) for column in columns))


class Ordering(BaseFilterBackend):
    """`ordering=-cutover,code`: by names that the view's `orderings` knows; ties go by code, nulls last."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        """The rows in the order asked for. Raises ValidationError for a name that is not known."""
        names = [name.strip() for name in request.query_params.get("ordering", "").split(",") if name.strip()]
        keys = [key for name in names for key in _keys(name, view)]
        keys = keys or [_order(key, view) for key in view.default_ordering]
        return queryset.order_by(*keys, "code") if keys else queryset

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """The parameter `ordering`, for OpenAPI, where the view has any."""
        if not view.orderings:
            return []
        known = ", ".join(f"`{name}`" for name in view.orderings)
        description = f"Comma-separated: {known}; `-` before a name turns it round. Nulls come last."
        one = f"-?({'|'.join(view.orderings)})"
        return [_parameter("ordering", description, {"type": "string", "pattern": f"^{one}(,{one})*$"})]


def _keys(name: str, view: Any) -> list[OrderBy]:
    descending = name.startswith("-")
    known = view.orderings.get(name.removeprefix("-"))
    if known is None:
        names = gettext("、").join(view.orderings)
        raise ValidationError(
            {
                "ordering": [
                    gettext("「{name}」では並べ替えられません。使えるのは {names} です。").format(
                        name=name, names=names
                    )
                ]
            }
        )
    return [_order(key, view, descending=descending) for key in known]


def _order(key: Any, view: Any, *, descending: bool = False) -> OrderBy:
    """A key of `orderings`: a path of columns, or what to sort by given the moment that the view looks at."""
    is_path = isinstance(key, str)
    expression = column_at(view.queryset.model, key, view.moment) if is_path else key(view.moment)
    return OrderBy(expression, descending=descending, nulls_last=True)


def _parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}
