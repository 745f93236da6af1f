"""What all views of the API share: reading only, and no parameter that would be silently ignored."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from django.db import models
from django_filters.rest_framework import DjangoFilterBackend  # type: ignore[import-untyped]
from rest_framework import viewsets
from rest_framework.exceptions import NotAuthenticated, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

from rollout.api.backends import Ordering, Search, contains
from rollout.models.scenario import may_see_scenarios

Row = TypeVar("Row", bound=models.Model)


class KnownParameters(APIView):
    """A view that answers 400 to a query parameter it does not know, or that is given twice."""

    def known_parameters(self) -> Sequence[str]:
        """Names of the query parameters that this request may use."""
        return ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check who asks, then what is asked."""
        super().initial(request, *args, **kwargs)
        check_parameters(request, self.known_parameters())


def check_parameters(request: Request, known: Sequence[str]) -> None:
    """Raise ValidationError, by parameter, where one is not `known` or stands more than once."""
    errors = {}
    for name, values in request.query_params.lists():
        if name not in known:
            errors[name] = [f"「{name}」というパラメータはありません。{_offer(known)}"]
        elif len(values) > 1:
            errors[name] = [f"「{name}」は1回だけ指定してください。"]
    if errors:
        raise ValidationError(errors)


def check_may_see_scenarios(request: Request) -> None:
    """Raise NotAuthenticated or PermissionDenied, whether a scenario exists or not, for who may see none."""
    if not request.user.is_authenticated:
        raise NotAuthenticated
    if not may_see_scenarios(request.user):
        raise PermissionDenied


def _offer(known: Sequence[str]) -> str:
    return f"使えるのは {'、'.join(known)} です。" if known else "この URL はパラメータを受け取りません。"


class ReadViewSet(KnownParameters, viewsets.ReadOnlyModelViewSet[Row]):
    """A list and, by code, its rows.

    `orderings` maps a name for `ordering` to what it sorts by: paths of columns, or functions of the moment
    looked at. `default_ordering` is the same for a list that was not asked; without it the model's own holds.
    """

    lookup_field = "code"
    lookup_value_regex = "[-a-zA-Z0-9_]+"
    filter_backends: Sequence[Any] = (DjangoFilterBackend, Search, Ordering)
    filterset_class: Any = None
    search_fields: Sequence[str] = ()
    orderings: ClassVar[Mapping[str, Sequence[Any]]] = {}
    default_ordering: Sequence[Any] = ()
    moment: datetime | None = None

    def known_parameters(self) -> Sequence[str]:
        """Filters, search, ordering and pages for a list; nothing for a single row."""
        if self.action != "list":
            return ()
        filters = self.filterset_class.base_filters if self.filterset_class else ()
        search = ("search",) if self.search_fields else ()
        ordering = ("ordering",) if self.orderings else ()
        return (*filters, *search, *ordering, "page", "page_size")

    def mentions(self, word: str) -> models.Q:
        """What rows meet that mention a word: it occurs in one of `search_fields`."""
        return contains(word, self.search_fields)
