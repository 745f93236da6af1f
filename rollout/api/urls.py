"""URLs of the API."""

from typing import Any

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.routers import DynamicRoute, Route, SimpleRouter

from rollout.api.baselines import BaselineViewSet
from rollout.api.calendar import CalendarView
from rollout.api.changes import ChangesView
from rollout.api.charts import CurveChart, TimelineChart
from rollout.api.comparison import ComparisonView, ComparisonWavesView
from rollout.api.computed import ProjectionView, ReconciliationView
from rollout.api.feeds import ChangeTable, PowerBiView, ProjectionTable, WaveTable
from rollout.api.frame import CohortViewSet, ObservationViewSet, SourceViewSet, TargetViewSet
from rollout.api.ministries import MinistryViewSet
from rollout.api.movers import MoversView
from rollout.api.plan import RolloutViewSet, WaveViewSet
from rollout.api.reminders import ReminderViewSet
from rollout.api.scenarios import ScenarioViewSet

app_name = "api"


def _with_bulk_change(route: Route | DynamicRoute) -> Route | DynamicRoute:
    """A PATCH of a list changes many of its rows."""
    if not isinstance(route, Route) or route.detail:
        return route
    return route._replace(mapping={**route.mapping, "patch": "partial_update_many"})


router = SimpleRouter()
router.routes = [_with_bulk_change(route) for route in router.routes]
router.register("ministries", MinistryViewSet, "ministry")
router.register("cohorts", CohortViewSet, "cohort")
router.register("sources", SourceViewSet, "source")
router.register("targets", TargetViewSet, "target")
router.register("observations", ObservationViewSet, "observation")
router.register("baselines", BaselineViewSet, "baseline")
router.register("scenarios", ScenarioViewSet, "scenario")
router.register("rollouts", RolloutViewSet, "rollout")
router.register("waves", WaveViewSet, "wave")
router.register("reminders", ReminderViewSet, "reminder")

TABLES: list[tuple[str, Any, tuple[Any, ...], tuple[str, ...]]] = [
    ("waves", WaveTable, ({"get": "list"},), ("csv", "xlsx", "jsonl")),
    ("projection", ProjectionTable, (), ("csv", "xlsx", "jsonl")),
    ("changes", ChangeTable, (), ("csv",)),
]

urlpatterns = [
    path("", include(router.urls)),
    path("projection/", ProjectionView.as_view(), name="projection"),
    path("changes/", ChangesView.as_view(), name="changes"),
    *(
        path(
            f"export/{table}.{ending}", view.as_view(*actions, ending=ending), name=f"export-{table}-{ending}"
        )
        for table, view, actions, endings in TABLES
        for ending in endings
    ),
    path("export/waves.pbids", PowerBiView.as_view(), name="export-waves-pbids"),
    *(
        path(f"charts/{name}.{ending}", view.as_view(ending=ending), name=f"chart-{name}-{ending}")
        for name, view in (("s-curve", CurveChart), ("timeline", TimelineChart))
        for ending in ("svg", "png", "vl.json")
    ),
    path("projection/movers/", MoversView.as_view(), name="movers"),
    path("projection/comparison/", ComparisonView.as_view(), name="comparison"),
    path("projection/comparison/waves/", ComparisonWavesView.as_view(), name="comparison-waves"),
    path("reconciliation/", ReconciliationView.as_view(), name="reconciliation"),
    path("calendar.ics", CalendarView.as_view(), name="calendar"),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="api:schema"), name="docs"),
]
