"""Errors of the API as RFC 9457 `application/problem+json`, in the reader's language.

`{"type": "/problems/not-found/", "title": …, "status": …, "detail": …, "request_id": …}`; wrong input adds
`errors`, a list of messages by field; others add their `members`. A type never changes what it means, and
is the path of a page about it.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.core.exceptions import NON_FIELD_ERRORS
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response

from gss_tracker.renderers import ProblemRenderer
from gss_tracker.requests import request_id

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

Problem = dict[str, Any]

NAMES = {
    400: "input",
    401: "sign-in",
    403: "forbidden",
    404: "not-found",
    405: "method",
    406: "format",
    409: "conflict",
    412: "changed-meanwhile",
    415: "media-type",
    428: "condition-missing",
    429: "too-many-requests",
    500: "server",
    503: "not-ready",
}
"""The last part of a problem's type, by status."""
TITLES = {
    400: _("入力が正しくありません"),
    401: _("ログインが必要です"),
    403: _("権限がありません"),
    404: _("見つかりません"),
    405: _("この操作はできません"),
    406: _("この形式では返せません"),
    409: _("すでにあります"),
    412: _("そのあいだに変更されています"),
    415: _("この形式は受け取れません"),
    428: _("If-Match ヘッダーが必要です"),
    429: _("要求が多すぎます"),
    500: _("サーバー内部のエラーです"),
    503: _("まだ答えられません"),
}
_NOT_FOUND = _("この URL には何もありません。コードと URL を確かめてください。")
_UNREADABLE = _("要求を読めません。URL とヘッダーを確かめてください。")
_BROKEN = _("処理できませんでした。時間をおいてやり直し、続くときは管理者に知らせてください。")
_SIGN_IN = _("ログインが必要です。ログインしてからやり直してください。")
_DETAILS: "dict[type[exceptions.APIException], StrOrPromise]" = {
    exceptions.NotAuthenticated: _SIGN_IN,
    exceptions.AuthenticationFailed: _("ログインの情報が正しくありません。ログインし直してください。"),
    exceptions.PermissionDenied: _("この操作をする権限がありません。"),
    exceptions.NotAcceptable: _("Accept ヘッダーに application/json を含めてください。"),
    exceptions.ParseError: _("本文を JSON として読めません。"),
}


def problem(status: int, detail: "StrOrPromise", errors: Mapping[str, list[str]] | None = None) -> Problem:
    """The body of an error answer; `errors` holds messages by field and is left out where there are none."""
    body: Problem = {
        "type": f"/problems/{NAMES[status]}/" if status in NAMES else "about:blank",
        "title": TITLES.get(status, gettext("エラーです")),
        "status": status,
        "detail": detail,
        **({"request_id": request_id()} if request_id() else {}),
    }
    return {**body, "errors": dict(errors)} if errors else body


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: an error that HTTP knows becomes a problem, whatever the view renders else.

    Returns None for an error nobody foresaw; Django logs it and `server_error` answers.
    """
    error = _translated(error)
    if not isinstance(error, exceptions.APIException):
        return None
    if (request := context.get("request")) is not None:
        request.accepted_renderer = ProblemRenderer()
        request.accepted_media_type = ProblemRenderer.media_type
    return Response(_body(error, context), status=error.status_code, headers=_headers(error))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Django's handler404: a problem under /api/, the usual page elsewhere."""
    if _is_api(request):
        return _plain_response(404, _NOT_FOUND)
    return defaults.page_not_found(request, exception)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Django's handler400 (a wrong Host, say): a problem under /api/, the usual page elsewhere."""
    if _is_api(request):
        return _plain_response(400, _UNREADABLE)
    return defaults.bad_request(request, exception)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Django's handler500: a problem under /api/, the usual page elsewhere."""
    if _is_api(request):
        return _plain_response(500, _BROKEN)
    return defaults.server_error(request)


def _translated(error: Exception) -> Exception:
    if isinstance(error, DjangoValidationError):
        return exceptions.ValidationError(as_detail(error))
    if isinstance(error, Http404):
        return exceptions.NotFound(_NOT_FOUND)
    if isinstance(error, DjangoPermissionDenied):
        return exceptions.PermissionDenied()
    return error


def _body(error: exceptions.APIException, context: Mapping[str, Any]) -> Problem:
    if isinstance(error, exceptions.ValidationError):
        return problem(
            error.status_code, gettext("errors に示した項目を直してください。"), _by_field(error.detail)
        )
    if isinstance(error, exceptions.MethodNotAllowed):
        return problem(
            error.status_code,
            gettext("この URL では {method} を使えません。").format(method=context["request"].method),
        )
    is_plain = error.detail == str(error.default_detail)
    body = problem(error.status_code, (is_plain and _DETAILS.get(type(error))) or str(error.detail))
    return {**body, **getattr(error, "members", {})}


def as_detail(error: DjangoValidationError) -> dict[str, list[str]] | list[str]:
    """What Django's ValidationError says, as DRF's says it."""
    if not hasattr(error, "error_dict"):
        return error.messages
    return {
        "non_field_errors" if field == NON_FIELD_ERRORS else field: messages
        for field, messages in error.message_dict.items()
    }


def _by_field(detail: Any, name: str = "") -> dict[str, list[str]]:
    """Messages by field; one inside another is called `rows[3].cutover`."""
    if isinstance(detail, str):
        detail = [detail]
    if isinstance(detail, dict):
        named = [(_inside(name, field), value) for field, value in detail.items()]
    elif any(isinstance(each, dict) for each in detail):
        named = [(_inside(name, number), value) for number, value in enumerate(detail)]
    else:
        return {name or "non_field_errors": [str(message) for message in detail]}
    return {field: texts for path, value in named if value for field, texts in _by_field(value, path).items()}


def _inside(name: str, field: str | int) -> str:
    if isinstance(field, int):
        return f"{name}[{field}]"
    return f"{name}.{field}" if name else field


def _headers(error: exceptions.APIException) -> dict[str, str]:
    """Headers that DRF's own handler sends: how to sign in, and when to come back (seconds)."""
    named = {"WWW-Authenticate": "auth_header", "Retry-After": "wait"}
    values = {header: getattr(error, attribute, None) for header, attribute in named.items()}
    return {header: str(value) for header, value in values.items() if value}


def _is_api(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")


def _plain_response(status: int, detail: "StrOrPromise") -> HttpResponse:
    """An answer made without DRF, where no view was found or where one broke."""
    body = ProblemRenderer().render(problem(status, detail))
    return HttpResponse(body, status=status, content_type=ProblemRenderer.media_type)
