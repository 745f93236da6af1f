"""What every page does: who may read it, in which language and on which basis."""

import hashlib
from collections.abc import Callable
from datetime import date
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from rollout.domain.plan import Basis
from rollout.drawing import made_once
from rollout.history import rows_at
from rollout.models import Projection, Source
from rollout.models.labels import BASIS_LABELS, moment_text
from rollout.models.visible import sees_whole_plan
from rollout.seen import Seen
from rollout.watch import watch

QUOTED_LENGTH = 40
KEPT_AS = "page"

View = Callable[..., HttpResponse]
Describe = Callable[[Projection, date], dict[str, Any]]
"""What a page shows of a stored projection on a day, as its template names it."""


def public_page(view: View) -> View:
    """A page that is read only.

    Where the plan is not public it is for those signed in, but for who sees some ministries alone.
    """

    @row_page
    @wraps(view)
    def page(request: HttpRequest, **code: str) -> HttpResponse:
        if not sees_whole_plan(request.user):
            raise PermissionDenied
        return view(request, **code)

    return page


def row_page(view: View) -> View:
    """The same of rows of which everybody sees their own: the view leaves out what is not for the reader."""

    @require_safe
    @cache_control(private=True, no_cache=True)
    @wraps(view)
    def page(request: HttpRequest, **code: str) -> HttpResponse:
        if not settings.PUBLIC_READ and not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path(), settings.LOGIN_URL)
        return _to_be_retried(view(request, **code))

    return page


def render_page(
    request: HttpRequest, template: str, context: dict[str, Any], status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    """The page, under a banner where the product does not keep up with itself."""
    return render(request, template, {"lagging": _lagging(), **context}, status=status)


def kept_page(
    request: HttpRequest, template: str, facts: tuple[object, ...], describe: Callable[[], dict[str, Any]]
) -> HttpResponse:
    """The same for everybody, made once for `facts`, which all that it shows follows from."""
    lagging = _lagging()
    known = repr((request.get_full_path(), facts, sorted(lagging.items())))
    key = f"{KEPT_AS}:{hashlib.sha256(known.encode()).hexdigest()}"

    def make() -> bytes:
        return render(request, template, {"lagging": lagging, **describe()}).content

    return HttpResponse(made_once(key, make))


def _lagging() -> dict[str, Any]:
    seen = watch(timezone.now())
    return {
        "tick_is_late": seen.tick_is_late,
        "ticked": moment_text(seen.ticked_at) if seen.ticked_at and seen.tick_is_late else "",
        "mail_is_late": seen.mail_is_late,
        "mail_waits_since": moment_text(seen.mail_waits_since) if seen.mail_waits_since else "",
    }


def projection_page(request: HttpRequest, template: str, describe: Describe) -> HttpResponse:
    """A page of the stored projection on the basis that the request names.

    503 before the first computation, 400 (with the default reading) for a basis that is not one.
    """
    basis, unknown = read_basis(request.GET.get("basis"))
    today = timezone.localdate()
    projection = Projection.objects.current(basis, today)
    if projection is None:
        return not_computed_page(request)
    context = {
        "unknown_basis": unknown,
        "projection": projection,
        "computed": moment_text(projection.computed_at),
        "new_day": projection.today != today,
        "basis_label": BASIS_LABELS[basis.value],
        "readings": [(other.value, BASIS_LABELS[other.value], other is basis) for other in Basis],
        "sources": sorted(Source.objects.order_by("code"), key=_newest_first),
        **describe(projection, today),
    }
    status = HTTPStatus.OK if unknown is None else HTTPStatus.BAD_REQUEST
    return render_page(request, template, context, status=status)


def seen_context(seen: Seen) -> dict[str, Any]:
    """How old the figures of a page are, and its sources."""
    return {
        "projection": seen,
        "computed": moment_text(seen.computed_at),
        "new_day": seen.curve.today != seen.today,
        "sources": sorted(rows_at(Source, seen.moment).order_by("code"), key=_newest_first),
    }


def not_computed_page(request: HttpRequest) -> HttpResponse:
    """What to do before the first computation."""
    return _later_page(request, "rollout/dashboard/not_computed.html")


def busy_page(request: HttpRequest) -> HttpResponse:
    """That a change is being written, which takes its time."""
    return _later_page(request, "rollout/dashboard/busy.html")


def _later_page(request: HttpRequest, template: str) -> HttpResponse:
    return render_page(request, template, {}, status=HTTPStatus.SERVICE_UNAVAILABLE)


def read_basis(text: str | None) -> tuple[Basis, str | None]:
    """The reading asked for, and the text where it names none."""
    if text is None:
        return Basis.CUMULATIVE, None
    if text not in list(Basis):
        return Basis.CUMULATIVE, text[:QUOTED_LENGTH]
    return Basis(text), None


def _to_be_retried(response: HttpResponse) -> HttpResponse:
    """Where it says that it is not there yet, after a minute."""
    if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = "60"
    return response


def _newest_first(source: Source) -> int:
    latest = source.published_on.latest
    return -latest.toordinal() if latest else 0
