"""Answers that a client has already are not made again: `If-None-Match` is looked at before any row is read.

What an answer of the plan says follows from a few things, which together are its ETag: the version of the
plan and of its figures, the day in Tokyo, the moment looked at, the question, the language and who asks.
Answers that follow from anything else (the ledger, scenarios, the rights of who asks) get an ETag from their
bytes, by Django's `ConditionalGetMiddleware`, which costs the making of them. The tag of one row that can be
written begins with the row's own version (`rollout.api.versions`), which `If-Match` is compared with.
"""

from functools import cache
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet, Subquery
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.http import parse_etags
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from gss_tracker.deprecation import Deprecation
from ministries.liaison import is_limited, own_ministries
from rollout.api.versions import VersionColumn
from rollout.domain.plan import Basis
from rollout.models import PlanVersion, Projection
from rollout.seen import NotComputedError


class NotModifiedError(Exception):
    """The client has the answer already."""


class NotComputed(APIException):
    """Nothing has been computed yet; a minute later the tick will have done it. Becomes a 503."""

    status_code = 503
    default_detail = _(
        "見込みがまだ計算されていません。1分ほど待つか、"
        "`manage.py recompute` を実行してからやり直してください。"
    )
    default_code = "not_computed"
    wait = 60


class ConditionalView(APIView):
    """A view whose answers carry an ETag; `follows_plan` says that the plan alone decides what they say."""

    follows_plan = True
    deprecation: Deprecation | None = None
    """Where the endpoint will go."""
    etag = ""
    state: tuple[object, ...] | None = None
    """What the plan's answers follow from, of all readers: its version, that of its figures, and the day."""

    def row_version(self) -> VersionColumn | None:
        """The version of the one row that is asked for, where such rows can be written."""
        return None

    def check_condition(self, request: Request, *seen: object) -> None:
        """Raise NotModifiedError where the client has what would be answered; `seen` are its moments."""
        if request.method not in ("GET", "HEAD"):
            return
        follows_plan = self.follows_plan and not is_limited(request.user)
        version = self.row_version()
        if follows_plan or version is not None:
            self.state = _state(version)
            standing = () if follows_plan else _standing(request.user)
            self.etag = _etag(request, (seen, standing), self.state, has_version=version is not None)
        if follows_plan:
            known = parse_etags(request.headers.get("If-None-Match", ""))
            if self.etag in (each.removeprefix("W/") for each in known):
                raise NotModifiedError

    def handle_exception(self, exc: Exception) -> Response:
        """A 304 for what the client has; a 503 while nothing has been computed."""
        if isinstance(exc, NotModifiedError):
            return Response(status=HTTPStatus.NOT_MODIFIED)
        return super().handle_exception(NotComputed() if isinstance(exc, NotComputedError) else exc)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """With the ETag, and word that it is to be asked for again: a plan changes any time."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        if self.deprecation is not None:
            for name, value in self.deprecation.headers().items():
                answer.headers[name] = value
        if answer.status_code in (HTTPStatus.OK, HTTPStatus.NOT_MODIFIED):
            if self.etag:
                answer.headers["ETag"] = self.etag
            if not answer.has_header("Cache-Control"):
                is_public = settings.PUBLIC_READ and not request.user.is_authenticated
                patch_cache_control(answer, no_cache=True, **{"public" if is_public else "private": True})
        return answer


def _state(version: VersionColumn | None) -> tuple[object, ...]:
    """`ConditionalView.state`, and the version of the row where one is asked for: in one query."""
    if version is None:
        with connection.cursor() as cursor:
            cursor.execute(*_plan_statement(connection.vendor))
            state = cursor.fetchone()
    else:
        state = _plan_state(version).first()
    return (timezone.localdate(), *(state or ("",)))


def _plan_state(*more: VersionColumn) -> QuerySet[Any]:
    figures = [Subquery(Projection.objects.filter(basis=basis).values("computed_at")) for basis in Basis]
    return PlanVersion.objects.values_list("number", "history_missing", *figures, *more)


@cache
def _plan_statement(_vendor: str) -> tuple[str, tuple[Any, ...]]:
    """The same as SQL: to write it takes longer than to answer it, and every request asks."""
    return _plan_state().query.sql_with_params()


def _standing(user: Any) -> tuple[object, ...]:
    """What decides which part of an answer somebody sees: what they are limited to, and their rights."""
    own = sorted(own_ministries(user).values_list("ministry_id", flat=True)) if is_limited(user) else None
    return (own, sorted(user.get_all_permissions()))


def _etag(request: Request, seen: tuple[object, ...], state: tuple[object, ...], *, has_version: bool) -> str:
    facts = (
        *(state, seen),
        *(request.get_full_path(), request.accepted_media_type, get_language()),
        *(request.user.pk, settings.PUBLIC_READ),
    )
    digest = sha256(repr(facts).encode()).hexdigest()[:32]
    return f'"{state[-1]}.{digest}"' if has_version else f'"{digest}"'
