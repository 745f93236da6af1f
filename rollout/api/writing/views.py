"""Views that write. A request is checked under the plan's lock, done by actions, and answered with the row as
it then is; with `dry_run=true` it is answered with what it would do, and nothing is done.

`If-Match` says which version was read (rollout.api.versions); a row of the same natural key is a 409 that
names it. Nobody who is limited to their own ministries writes the plan; they propose.
"""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, cast

from django.contrib.auth.models import AbstractBaseUser
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import APIException, PermissionDenied
from rest_framework.generics import get_object_or_404
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from ministries.liaison import is_limited
from rollout.api.parameters import FlagParameter
from rollout.api.versions import KINDS, check_version, version_of
from rollout.api.writing.effects import effects_json
from rollout.api.writing.inputs import Input
from rollout.api.writing.rows import Author
from rollout.history import catch_up
from rollout.models import PlanVersion

DRY_RUN = "dry_run"
NO_WAVES = Q(pk__in=[])
RIGHTS = {"POST": "add", "PATCH": "change"}


class AlreadyThere(APIException):
    """A row of the same natural key exists. Becomes a 409 that says where it is."""

    status_code = 409
    default_detail = _("すでにあります。existing にある行を見て、変えるときは PATCH を使ってください。")

    def __init__(self, url: str) -> None:
        super().__init__()
        self.members = {"existing": url}


class DryRunQuery(serializers.Serializer[Any]):
    """The parameter of every request that writes."""

    dry_run = FlagParameter(
        help_text="`true`: answer with what would change, and change nothing (`EffectsSerializer`)."
    )


class WritingView(GenericViewSet[Any]):
    """A view that also writes rows of its model.

    `right_of` names the right that an action needs where that is not to add or to change such a row.
    """

    right_of: Mapping[str, str] = {}

    def check_permissions(self, request: Request) -> None:
        """Who writes has the right to, and sees the whole plan. Raises PermissionDenied."""
        super().check_permissions(request)
        if request.method in SAFE_METHODS or self.action is None:
            return
        right = self.right_of.get(self.action, RIGHTS[request.method or "POST"])
        opts = self.model._meta
        may = request.user.has_perm(f"{opts.app_label}.{right}_{opts.model_name}")
        if not may or self.is_shut_to(request.user):
            raise PermissionDenied

    def is_shut_to(self, user: Any) -> bool:
        """True for who may not write such rows whatever their rights."""
        return is_limited(user)

    @property
    def model(self) -> type[models.Model]:
        """What rows it writes."""
        kind: type[models.Model] = vars(type(self))["queryset"].model
        return kind

    @property
    def actor(self) -> AbstractBaseUser:
        """Who writes: `check_permissions` lets nobody through without a name."""
        return cast("AbstractBaseUser", self.request.user)

    def known_parameters(self) -> Sequence[str]:
        """Of what writes, `dry_run` alone."""
        reads = self.request.method in SAFE_METHODS
        return super().known_parameters() if reads else (DRY_RUN,)  # type: ignore[misc]

    def read(self, kind: type[Input]) -> dict[str, Any]:
        """The values of the body. Raises ValidationError by field."""
        body = kind(data=self.request.data, context=self.get_serializer_context())
        body.is_valid(raise_exception=True)
        return dict(body.validated_data)

    def author(self, values: dict[str, Any]) -> Author:
        """Who writes and why, taken out of the values."""
        why: dict[str, Any] = {name: values.pop(name) for name in ("reason", "evidence") if name in values}
        return Author(self.actor, why)

    def row_to_change(self, rows: Any) -> Any:
        """The row in the URL, in the version that was read. Raises as `check_version` does, and NotFound."""
        row = get_object_or_404(rows, code=self.kwargs["code"])
        check_version(row, self.request)
        return row

    def check_new(self, **key: Any) -> None:
        """Raise AlreadyThere where a row has this natural key."""
        if (row := self.model._default_manager.filter(**key).first()) is not None:
            raise AlreadyThere(self.url_of(row))

    def url_of(self, row: Any) -> str:
        """Where the row is read."""
        return self.reverse_action("detail", args=[row.code])

    def write(
        self,
        kind: type[Input],
        act: Callable[[dict[str, Any]], Any],
        *,
        waves: Callable[[dict[str, Any]], Q] = lambda _: NO_WAVES,
        status: HTTPStatus = HTTPStatus.OK,
    ) -> Response:
        """Do it and answer with the row; or say what it would do. `waves` are those that it may touch.

        Body and answer are read under the lock: what they name and show does not change meanwhile.
        """
        query = DryRunQuery(data=self.request.query_params.dict())
        query.is_valid(raise_exception=True)
        with transaction.atomic():
            catch_up(PlanVersion.objects.lock(), timezone.now())
            values = self.read(kind)
            if query.validated_data[DRY_RUN]:
                concerned = waves(values)
                return Response(effects_json(lambda: act(values), concerned, self.request.user))
            return self.written(act(values), status)

    def written(self, row: Any, status: HTTPStatus) -> Response:
        """The row as it now is, with its version."""
        self.kwargs["code"] = row.code
        row = self.get_object()
        return self.answered(self.get_serializer(row).data, row, status)

    def answered(self, body: Any, row: Any, status: HTTPStatus) -> Response:
        """The answer with the headers that a row has."""
        answer = Response(body, status=status)
        if type(row) in KINDS:
            answer.headers["ETag"] = f'"{version_of(row)}"'
        if status == HTTPStatus.CREATED:
            answer.headers["Location"] = self.url_of(row)
        return answer
