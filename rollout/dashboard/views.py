"""The page at `/`, from whole to part: readable without JavaScript, every question in its address."""

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse

from rollout import charts
from rollout.chart_words import s_curve_alt
from rollout.dashboard import figures, listings
from rollout.dashboard.asking import offer
from rollout.dashboard.checkpoints import list_checkpoints
from rollout.dashboard.cutovers import list_cutovers
from rollout.dashboard.pages import (
    busy_page,
    kept_page,
    not_computed_page,
    public_page,
    render_page,
    seen_context,
)
from rollout.dashboard.questions import Question, may_be_kept, read_question
from rollout.dashboard.recent import tell_recent
from rollout.domain.plan import Reading
from rollout.drawing import s_curve
from rollout.history import rows_at
from rollout.models import Cohort, Source, Target
from rollout.models.labels import OVERDUE_LABEL
from rollout.moments import BusyError, current_moment
from rollout.seen import NotComputedError, Seen, see_now, see_past
from rollout.shown import Part
from rollout.states import Comparison, compare_baseline, compare_scenario

TEMPLATE = "rollout/dashboard/dashboard.html"


@public_page
def dashboard(request: HttpRequest) -> HttpResponse:
    """The plan, its projection and what needs attention, as the address asks for it.

    400 with what would be right for a question that cannot be answered, 503 before the first computation and
    while a change is being written.
    """
    try:
        question = read_question(request.GET, request.user)
        seen = see_past(question.moment, question.basis) if question.moment else see_now(question.basis)
        offered = offer(question, request.user)
        if not request.user.is_authenticated and may_be_kept(request.GET, question):
            facts = (seen.state, offered)
            return kept_page(request, TEMPLATE, facts, lambda: _page(question, seen) | offered)
        context = _page(question, seen) | offered
    except NotComputedError:
        return not_computed_page(request)
    except BusyError:
        return busy_page(request)
    status = HTTPStatus.BAD_REQUEST if question.refused else HTTPStatus.OK
    return render_page(request, TEMPLATE, context, status=status)


def _page(question: Question, seen: Seen) -> dict[str, Any]:
    curve, part, moment = seen.curve, question.part, seen.moment
    cohorts = listings.with_sources(rows_at(Cohort, moment).order_by("order", "code"), moment)
    observations = listings.read_observations(moment)
    observed = listings.chart_points(observations)
    compared = _compare(question)
    beside = _beside(compared)
    overdue = listings.list_overdue(seen, part)
    return {
        **seen_context(seen),
        "curve": curve,
        "ambiguous": [cohort for cohort in cohorts if cohort.reading == Reading.AMBIGUOUS],
        "headline": figures.headline(curve, _overdue_in_all(seen, part, overdue)),
        "tiles": figures.tiles(curve),
        "charts": [(size.name, s_curve(curve, observed, size, beside)) for size in charts.PAGE_SIZES],
        "chart_alt": s_curve_alt(curve, observed, beside),
        "beside": beside,
        "points": figures.point_rows(curve, question.granularity),
        "fiscal_years": figures.fiscal_year_rows(curve, _published(cohorts), [each.curve for each in beside]),
        "checkpoints": list_checkpoints(seen),
        "cutovers": list_cutovers(seen, part, compared.get("baseline")),
        "recent": tell_recent(seen, question.days),
        "overdue": overdue,
        "overdue_label": OVERDUE_LABEL,
        "upcoming": listings.list_upcoming(seen, part),
        "undated": listings.list_undated(seen, cohorts),
        "observations": listings.compare_observations(curve, observations),
        "conflicts": listings.list_conflicts(curve, cohorts, moment),
        "plan_sources": _plan_sources(cohorts, seen),
    }


def _compare(question: Question) -> dict[str, Comparison]:
    """The plan beside the baseline and beside the scenario that are asked for, by which of them it is."""
    found = {}
    if question.baseline:
        now = question.moment or current_moment()
        found["baseline"] = compare_baseline(question.baseline, question.basis, now)
    if question.scenario:
        found["scenario"] = compare_scenario(question.scenario, question.basis, current_moment())
    return found


def _beside(compared: dict[str, Comparison]) -> list[charts.Beside]:
    """The curves that stand beside the plan's."""
    found = []
    if baseline := compared.get("baseline"):
        found.append(charts.Beside(baseline.before.label, baseline.before.curve, is_scenario=False))
    if scenario := compared.get("scenario"):
        found.append(charts.Beside(scenario.after.label, scenario.after.curve, is_scenario=True))
    return found


def _published(cohorts: Iterable[Cohort]) -> dict[int, Cohort]:
    """The cohort whose total is the published increase of a fiscal year, by year."""
    return {cohort.fiscal_year: cohort for cohort in cohorts if cohort.fiscal_year is not None}


def _overdue_in_all(seen: Seen, part: Part, overdue: listings.WaveList) -> int:
    return overdue.total if part.is_whole else listings.list_overdue(seen, Part(seen.moment)).total


def _plan_sources(cohorts: Sequence[Cohort], seen: Seen) -> list[Source]:
    """Where the published totals and the target come from, once each."""
    totals = [cohort.source for cohort in cohorts if cohort.published_users is not None]
    targets = listings.with_sources(rows_at(Target, seen.moment).filter(by__isnull=True), seen.moment)
    return list(dict.fromkeys([*totals, *(target.source for target in targets)]))
