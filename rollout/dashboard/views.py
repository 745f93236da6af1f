"""The page at `/`: one view, readable without JavaScript."""

import hashlib
import logging
from collections.abc import Sequence
from datetime import date, datetime
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from rollout.dashboard import charts, figures, listings
from rollout.dashboard.checkpoints import list_checkpoints
from rollout.domain.plan import Basis, Reading
from rollout.models import Cohort, Projection, Source, Target
from rollout.models.labels import BASIS_LABELS, OVERDUE_LABEL

logger = logging.getLogger(__name__)

CHART_SECONDS = 3600
QUOTED_LENGTH = 40


@require_safe
@cache_control(private=True, no_cache=True)
def dashboard(request: HttpRequest) -> HttpResponse:
    """The plan, its projection and what needs attention.

    503 before the first computation, 400 (with the default reading) for a basis that is not one.
    """
    if not settings.PUBLIC_READ and not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path(), settings.LOGIN_URL)
    basis, unknown = _read_basis(request.GET.get("basis"))
    today = timezone.localdate()
    projection = Projection.objects.current(basis, today)
    if projection is None:
        return _in_japanese(
            render(request, "rollout/dashboard/not_computed.html", status=HTTPStatus.SERVICE_UNAVAILABLE)
        )
    context = {"unknown_basis": unknown, **_page(projection, basis, today)}
    status = HTTPStatus.OK if unknown is None else HTTPStatus.BAD_REQUEST
    return _in_japanese(render(request, "rollout/dashboard/dashboard.html", context, status=status))


def _in_japanese(response: HttpResponse) -> HttpResponse:
    """The page has one language, whatever the browser asks for."""
    response.headers["Content-Language"] = "ja"
    if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = "60"
    return response


def _read_basis(text: str | None) -> tuple[Basis, str | None]:
    """The reading asked for, and the text where it names none."""
    if text is None:
        return Basis.CUMULATIVE, None
    if text not in list(Basis):
        return Basis.CUMULATIVE, text[:QUOTED_LENGTH]
    return Basis(text), None


def _page(projection: Projection, basis: Basis, today: date) -> dict[str, Any]:
    curve = projection.curve
    cohorts = list(Cohort.objects.select_related("source"))
    observations = listings.read_observations()
    observed = listings.chart_points(observations)
    overdue = listings.list_overdue(projection, today)
    published = {cohort.fiscal_year: cohort for cohort in cohorts if cohort.fiscal_year is not None}
    return {
        "projection": projection,
        "curve": curve,
        "computed": moment_text(projection.computed_at),
        "new_day": projection.today != today,
        "basis_label": BASIS_LABELS[basis.value],
        "readings": [(other.value, BASIS_LABELS[other.value], other is basis) for other in Basis],
        "ambiguous": [cohort for cohort in cohorts if cohort.reading == Reading.AMBIGUOUS],
        "headline": figures.headline(curve, overdue.total),
        "tiles": figures.tiles(curve),
        "charts": [_chart(projection, observed, size) for size in (charts.WIDE, charts.NARROW)],
        "chart_alt": charts.s_curve_alt(curve, observed),
        "months": figures.month_rows(curve),
        "fiscal_years": figures.fiscal_year_rows(curve, published),
        "checkpoints": list_checkpoints(projection),
        "overdue": overdue,
        "overdue_label": OVERDUE_LABEL,
        "upcoming": listings.list_upcoming(projection, today),
        "undated": listings.list_undated(curve, cohorts),
        "observations": listings.compare_observations(curve, observations),
        "conflicts": listings.list_conflicts(curve, cohorts),
        "plan_sources": _plan_sources(cohorts),
        "sources": sorted(Source.objects.order_by("code"), key=_newest_first),
    }


def _plan_sources(cohorts: Sequence[Cohort]) -> list[Source]:
    """Where the published totals and the target come from, once each."""
    totals = [cohort.source for cohort in cohorts if cohort.published_users is not None]
    targets = [target.source for target in Target.objects.filter(by__isnull=True).select_related("source")]
    return list(dict.fromkeys(totals + targets))


def _newest_first(source: Source) -> int:
    latest = source.published_on.latest
    return -latest.toordinal() if latest else 0


def moment_text(moment: datetime) -> str:
    """`2026年11月23日 16:00` in Tokyo."""
    local = timezone.localtime(moment)
    return f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}"


def _chart(projection: Projection, observed: Sequence[charts.Observed], size: charts.Size) -> tuple[str, str]:
    """The size's name and the SVG, drawn once for each plan and day.

    A cache that is away costs time only.
    """
    key = _chart_key(projection, observed, size)
    try:
        svg = cache.get(key)
        if svg is None:
            svg = charts.s_curve_svg(projection.curve, observed, size)
            cache.set(key, svg, CHART_SECONDS)
    except RedisError:
        logger.warning("cache unreachable; the chart was drawn anew")
        svg = charts.s_curve_svg(projection.curve, observed, size)
    return size.name, svg


def _chart_key(projection: Projection, observed: Sequence[charts.Observed], size: charts.Size) -> str:
    """Published figures may be newer than a stale projection, so they count too."""
    seen = hashlib.sha256(repr(observed).encode()).hexdigest()[:16]
    computed = projection.computed_at.timestamp()
    return f"s-curve:{size.name}:{projection.basis}:{computed}:{projection.stale}:{seen}"
