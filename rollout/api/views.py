"""What all views of the API share: reading only, and no parameter that would be silently ignored."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_filters.rest_framework import DjangoFilterBackend  # type: ignore[import-untyped]
from rest_framework import viewsets
from rest_framework.exceptions import NotAuthenticated, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

from gss_tracker.keyset import CURSOR
from gss_tracker.permissions import ReadIfPublic
from rollout.api.backends import Ordering, Search, contains
from rollout.api.conditional import ConditionalView
from rollout.api.sparse import FIELDS, SparseView
from rollout.models import Reminder, Scenario
from rollout.models.scenario import may_see_scenarios
from rollout.models.visible import sees_whole_plan, visible

Row = TypeVar("Row", bound=models.Model)

PERSONAL = (Scenario, Reminder)
"""Kinds of rows that are never public."""


class KnownParameters(ConditionalView):
    """A view that answers 400 to a query parameter it does not know, or that is given twice."""

    moment: datetime | None = None
    """Which moment is looked at, where it is not now."""

    def known_parameters(self) -> Sequence[str]:
        """Names of the query parameters that this request may use."""
        return ()

    def never_empty(self) -> Collection[str]:
        """Names of parameters that would be ignored without a value."""
        return ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check who asks, then what is asked, then whether they have the answer."""
        super().initial(request, *args, **kwargs)
        check_parameters(request, self.known_parameters(), self.never_empty())
        self.read_moment(request)
        self.check_condition(request, self.moment)

    def read_moment(self, request: Request) -> None:
        """Find out which moment is looked at."""


def check_parameters(request: Request, known: Sequence[str], never_empty: Collection[str] = ()) -> None:
    """Raise ValidationError, by parameter, for one not `known`, given twice, or empty and not to be."""
    errors = {}
    for name, values in request.query_params.lists():
        if name not in known:
            errors[name] = [
                gettext("「{name}」というパラメータはありません。{offer}").format(
                    name=name, offer=_offer(known)
                )
            ]
        elif len(values) > 1:
            errors[name] = [gettext("「{name}」は1回だけ指定してください。").format(name=name)]
        elif not values[0] and name in never_empty:
            message = gettext("「{name}」の値がありません。値を入れるか、「{name}」をやめてください。")
            errors[name] = [message.format(name=name)]
    if errors:
        raise ValidationError(errors)


def check_may_see_scenarios(request: Request) -> None:
    """Raise NotAuthenticated or PermissionDenied, whether a scenario exists or not, for who may see none."""
    if not request.user.is_authenticated:
        raise NotAuthenticated
    if not may_see_scenarios(request.user):
        raise PermissionDenied


def seen_by(kind: type[models.Model], request: Request) -> models.Q:
    """The condition on rows of a kind: where anybody may read the plan, it is not hidden from some."""
    is_public = settings.PUBLIC_READ and kind not in PERSONAL
    return models.Q() if is_public else visible(kind, request.user)


class WholePlan(ReadIfPublic):
    """For answers about all ministries together, line by line."""

    message = _("担当の府省庁だけを見る役割なので、計画全体の内訳は見られません。")

    def has_permission(self, request: Request, view: APIView) -> bool:
        """False for who is limited to their own ministries, unless anybody may read it."""
        allowed = super().has_permission(request, view)
        return allowed and sees_whole_plan(request.user)


def _offer(known: Sequence[str]) -> str:
    return gettext("使えるのは {names} です。").format(names=gettext("、").join(known))


class ReadViewSet(KnownParameters, SparseView, viewsets.ReadOnlyModelViewSet[Row]):
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

    def get_queryset(self) -> models.QuerySet[Row]:
        """The rows that this person may see."""
        rows = super().get_queryset()
        return rows.filter(seen_by(rows.model, self.request))

    def known_parameters(self) -> Sequence[str]:
        """Which fields, and of a list filters, search, ordering and pages."""
        if self.action != "list":
            return (FIELDS,)
        filters = self.filterset_class.base_filters if self.filterset_class else ()
        search = ("search",) if self.search_fields else ()
        ordering = ("ordering",) if self.orderings else ()
        return (*filters, *search, *ordering, FIELDS, CURSOR, "page_size")

    def never_empty(self) -> Collection[str]:
        """Filters, search and ordering."""
        return (*(self.filterset_class.base_filters if self.filterset_class else ()), "search", "ordering")

    def mentions(self, word: str) -> models.Q:
        """What rows meet that mention a word: it occurs in one of `search_fields`."""
        return contains(word, self.search_fields)
