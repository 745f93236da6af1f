"""The page at `/`: readable without JavaScript."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse

from rollout import charts
from rollout.chart_words import s_curve_alt
from rollout.dashboard import figures, listings
from rollout.dashboard.checkpoints import list_checkpoints
from rollout.dashboard.pages import projection_page, public_page
from rollout.domain.plan import Reading
from rollout.drawing import s_curve
from rollout.models import Cohort, Projection, Source, Target
from rollout.models.labels import OVERDUE_LABEL


@public_page
def dashboard(request: HttpRequest) -> HttpResponse:
    """The plan, its projection and what needs attention."""
    return projection_page(request, "rollout/dashboard/dashboard.html", _page)


def _page(projection: Projection, today: date) -> dict[str, Any]:
    curve = projection.curve
    cohorts = list(Cohort.objects.select_related("source"))
    observations = listings.read_observations()
    observed = listings.chart_points(observations)
    overdue = listings.list_overdue(projection, today)
    published = {cohort.fiscal_year: cohort for cohort in cohorts if cohort.fiscal_year is not None}
    return {
        "curve": curve,
        "ambiguous": [cohort for cohort in cohorts if cohort.reading == Reading.AMBIGUOUS],
        "headline": figures.headline(curve, overdue.total),
        "tiles": figures.tiles(curve),
        "charts": [(size.name, s_curve(projection, observed, size)) for size in (charts.WIDE, charts.NARROW)],
        "chart_alt": s_curve_alt(curve, observed),
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
    }


def _plan_sources(cohorts: Sequence[Cohort]) -> list[Source]:
    """Where the published totals and the target come from, once each."""
    totals = [cohort.source for cohort in cohorts if cohort.published_users is not None]
    targets = [target.source for target in Target.objects.filter(by__isnull=True).select_related("source")]
    return list(dict.fromkeys(totals + targets))
