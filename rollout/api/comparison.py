"""Two states of the plan side by side: a baseline and now, or now and a scenario."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from gss_tracker.pagination import Pages
from rollout.api.baselines import EXAMPLE as BASELINE_EXAMPLE
from rollout.api.baselines import BaselineSerializer
from rollout.api.computed import BasisQuery, ComputedView
from rollout.api.examples import CUTOVER
from rollout.api.moments import current_moment, known
from rollout.api.movers import EXAMPLE as MOVERS_EXAMPLE
from rollout.api.movers import Changes, MonthParameter, MovementSerializer, default_month, movement_json
from rollout.api.parameters import ChoiceParameter, RowParameter, ScenarioParameter, check_one_of
from rollout.api.periods import PeriodSerializer, period_json
from rollout.api.projection import ProjectionScenarioSerializer, ProvenanceSerializer, scenario_json
from rollout.api.views import WholePlan
from rollout.domain.allocation import CountBasis
from rollout.domain.comparison import YearEnd, total_user_months
from rollout.domain.dates import fiscal_year_label
from rollout.domain.plan import Basis
from rollout.history import plan_changed_at
from rollout.models import Baseline
from rollout.models.labels import STATUS_LABELS
from rollout.models.visible import sees_people
from rollout.states import (
    ComparedWave,
    Comparison,
    PlanState,
    Presence,
    WaveState,
    compare_baseline,
    compare_scenario,
)

EXAMPLE = {
    "basis": "cumulative",
    "baseline": BASELINE_EXAMPLE,
    "scenario": None,
    "computed_at": "2026-11-23T16:00:00+09:00",
    "data_version": 42,
    "stale": False,
    "from": {"label": "R8概算要求時点", "at": "2026-11-20T18:00:00+09:00"},
    "to": {"label": "現在の計画", "at": "2026-11-23T16:00:00+09:00"},
    "month": "2027-03",
    "label": "R9.3",
    "before": 152000,
    "after": 83400,
    "difference": -68600,
    "movers": MOVERS_EXAMPLE["movers"],
    "fiscal_years": [
        {"fiscal_year": 2025, "label": "R7年度", "before": 72000, "after": 72000, "difference": 0},
        {"fiscal_year": 2026, "label": "R8年度", "before": 152000, "after": 83400, "difference": -68600},
        {"fiscal_year": 2027, "label": "R9年度", "before": 152000, "after": 152000, "difference": 0},
    ],
    "user_months": 823200,
    "waves_moved": 1,
}
WAVE_EXAMPLE = {
    "rollout": "nta",
    "wave": "nta-1",
    "label": "国税庁",
    "ministry": "国税庁",
    "presence": "kept",
    "before": CUTOVER,
    "after": {
        **CUTOVER,
        "text": "R9.6",
        "earliest": "2027-06-01",
        "latest": "2027-06-30",
        "open_ended": False,
        "era": "令和9年6月",
        "fiscal_year": 2027,
        "fiscal_year_label": "R9年度",
    },
    "status_before": "planned",
    "status_after": "planned",
    "users_before": {"users": 68600, "basis": "stated"},
    "users_after": {"users": 68600, "basis": "stated"},
    "slip_months": 12,
    "slip_low": 12,
    "slip_high": 12,
    "user_months": 823200,
}


class SidesQuery(BasisQuery):
    """Which two states."""

    baseline = RowParameter(
        Baseline.objects.all(),
        required=False,
        help_text="Code of a baseline: the plan at its moment beside the plan now. This or `scenario`.",
    )
    scenario = ScenarioParameter(
        required=False,
        help_text="Code of a scenario: the plan now beside the same with its changes. This or `baseline`.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Exactly one of the two. Raises ValidationError by parameter."""
        check_one_of(attrs, "baseline", "scenario")
        return attrs


class ComparisonQuery(SidesQuery):
    """Parameters of the comparison."""

    month = MonthParameter(
        required=False,
        help_text="The month that `movers` explain; by default the end of the current fiscal year.",
    )


class ComparisonWavesQuery(SidesQuery):
    """Parameters of the comparison by wave."""

    changed = ChoiceParameter(
        ["true", "false"],
        help_text="`true`: waves of which anything differs; `false`: those that are the same in both.",
    )


class StateSerializer(serializers.Serializer[Any]):
    """One of the two states."""

    label = serializers.CharField(help_text="Name of the baseline or the scenario, or 現在の計画.")  # type: ignore[assignment]
    at = serializers.DateTimeField(help_text="The moment as of which the plan under it was read.")


class YearEndSerializer(serializers.Serializer[Any]):
    """Planned cumulative users at the end of a fiscal year in both states."""

    fiscal_year = serializers.IntegerField(help_text="By the year it starts in, from April.")
    label = serializers.CharField(help_text=_("`R8年度`."))  # type: ignore[assignment]
    before = serializers.IntegerField(help_text="In the state of `from`.")
    after = serializers.IntegerField(help_text="In the state of `to`.")
    difference = serializers.IntegerField(help_text="after − before.")


class ComparisonSerializer(MovementSerializer, ProvenanceSerializer):
    """Two states of the plan side by side."""

    basis = serializers.ChoiceField([basis.value for basis in Basis])
    baseline = BaselineSerializer(allow_null=True, help_text="Null with `scenario`.")
    scenario = ProjectionScenarioSerializer(allow_null=True, help_text="Null with `baseline`.")
    locals()["from"] = StateSerializer(help_text="The baseline's plan; with a scenario, the plan now.")
    to = StateSerializer(help_text="The plan now; with a scenario, the plan with its changes.")
    stale = serializers.BooleanField(
        help_text="True when the plan has been changed since `computed_at`; ask again."
    )
    fiscal_years = YearEndSerializer(many=True, help_text="Every fiscal year that either curve covers.")
    user_months = serializers.IntegerField(
        help_text="Months of slip times users, summed as far as users are known; earlier dates count as less."
    )
    waves_moved = serializers.IntegerField(
        help_text="Waves of both states that lie in other months or gained or lost a date; none cancelled."
    )


class ComparedCountSerializer(serializers.Serializer[Any]):
    """Users of a wave in one state."""

    users = serializers.IntegerField(allow_null=True, help_text="Null when unknown, which is not zero.")
    basis = serializers.ChoiceField(
        sorted(basis.name.lower() for basis in CountBasis), help_text="Where the number comes from."
    )


class ComparedWaveSerializer(serializers.Serializer[Any]):
    """One wave in both states."""

    rollout = serializers.CharField(help_text="Code of the rollout.")
    wave = serializers.CharField(help_text="Code of the wave.")
    label = serializers.CharField(help_text="Rollout and wave in words, as of the later state that has them.")  # type: ignore[assignment]
    ministry = serializers.CharField(help_text="Name of the lead ministry, of the same state.")
    presence = serializers.ChoiceField([presence.value for presence in Presence])
    before = PeriodSerializer(
        allow_null=True, help_text="Cutover in the state of `from`; null when undecided or not there."
    )
    after = PeriodSerializer(
        allow_null=True, help_text="Cutover in the state of `to`, as written; null likewise."
    )
    status_before = serializers.ChoiceField(
        list(STATUS_LABELS.items()), allow_null=True, help_text="Null when not there."
    )
    status_after = serializers.ChoiceField(
        list(STATUS_LABELS.items()), allow_null=True, help_text="Null when not there."
    )
    users_before = ComparedCountSerializer(allow_null=True, help_text="Null when not there.")
    users_after = ComparedCountSerializer(allow_null=True, help_text="Null when not there.")
    slip_months = serializers.IntegerField(
        allow_null=True,
        help_text=(
            "Months from the last month of the one period to that of the other, above zero when later; null "
            "where either state has no such month, has it cancelled or has it not."
        ),
    )
    slip_low = serializers.IntegerField(
        allow_null=True, help_text="At least so many, where periods are longer than a month."
    )
    slip_high = serializers.IntegerField(allow_null=True, help_text="At most so many.")
    user_months = serializers.IntegerField(
        allow_null=True,
        help_text="slip_months × users of the later state; null also where users are unknown.",
    )


class ComparisonView(ComputedView):
    """Two states of the plan side by side."""

    permission_classes = (WholePlan,)
    query_class = ComparisonQuery

    @extend_schema(
        operation_id="projection_comparison_retrieve",
        parameters=[ComparisonQuery],
        responses=ComparisonSerializer,
        examples=[
            OpenApiExample("国税庁 a year later than in a baseline", value=EXAMPLE, response_only=True)
        ],
    )
    def get(self, request: Request) -> Response:
        """The plan beside a baseline's, or beside a scenario.

        Users at the end of each fiscal year, what moved one month's figure, and what all slips cost in
        user-months. 404 for a baseline before the plan's history began.
        """
        query = self.query(request)
        comparison = _compare(query)
        movement = comparison.movement(query.get("month", default_month(comparison.computed_at)))
        baseline, scenario = query.get("baseline"), query.get("scenario")
        answer = {
            "basis": query["basis"],
            "baseline": BaselineSerializer(baseline).data if baseline else None,
            "scenario": scenario_json(scenario, plan_changed_at()) if scenario else None,
            **_comparison_json(comparison),
            **movement_json(movement, comparison.names, _changes_of(comparison, request).of),
        }
        return Response(answer)


def _compare(query: Mapping[str, Any]) -> Comparison:
    """What was asked for. Raises NotFound before the history, Busy while a change takes its time."""
    basis = Basis(query["basis"])
    if "baseline" in query:
        known(query["baseline"].moment)
        return compare_baseline(query["baseline"], basis, current_moment())
    return compare_scenario(query["scenario"], basis, current_moment())


def _changes_of(comparison: Comparison, request: Request) -> Changes:
    """The edits between both moments; a scenario's are the same moment, its changes nobody has made yet."""
    show_people = sees_people(request.user)
    return Changes(comparison.before.moment, comparison.after.moment, show_people=show_people)


def _comparison_json(comparison: Comparison) -> dict[str, Any]:
    return {
        "computed_at": timezone.localtime(comparison.computed_at).isoformat(),
        "data_version": comparison.data_version,
        "stale": comparison.stale,
        "from": _state_json(comparison.before),
        "to": _state_json(comparison.after),
        "fiscal_years": [year_end_json(end) for end in comparison.year_ends],
        "user_months": total_user_months(comparison.slips),
        "waves_moved": sum(slip.moved for slip in comparison.slips),
    }


def _state_json(state: PlanState) -> dict[str, str]:
    return {"label": state.label, "at": timezone.localtime(state.moment).isoformat()}


def year_end_json(end: YearEnd) -> dict[str, Any]:
    return {
        "fiscal_year": end.fiscal_year,
        "label": fiscal_year_label(end.fiscal_year),
        "before": end.before,
        "after": end.after,
        "difference": end.difference,
    }


class ComparisonWavesView(ComputedView):
    """Every wave of two states of the plan."""

    permission_classes = (WholePlan,)
    query_class = ComparisonWavesQuery
    pagination_class = Pages

    def known_parameters(self) -> Sequence[str]:
        """What the query has, and pages."""
        return (*super().known_parameters(), "page", "page_size")

    @extend_schema(
        operation_id="projection_comparison_waves_list",
        parameters=[ComparisonWavesQuery],
        responses=ComparedWaveSerializer(many=True),
        examples=[OpenApiExample("国税庁 a year later", value=WAVE_EXAMPLE, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        """Every wave of either state, with its cutover in both, its slip in months and what that costs.

        In order of rollout and wave code; added and removed waves are among them.
        """
        query = self.query(request)
        waves = _compare(query).waves()
        if "changed" in query:
            waves = [wave for wave in waves if wave.changed == (query["changed"] == "true")]
        pages = self.pagination_class()
        page = pages.paginate_queryset(waves, request, view=self)
        return pages.get_paginated_response([_wave_json(wave) for wave in page or []])


def _wave_json(wave: ComparedWave) -> dict[str, Any]:
    before, after, slip = wave.before, wave.after, wave.slip
    return {
        "rollout": slip.rollout,
        "wave": slip.wave,
        "label": wave.label,
        "ministry": wave.ministry,
        "presence": wave.presence,
        "before": before and period_json(before.cutover),
        "after": after and period_json(after.cutover),
        "status_before": before and before.status,
        "status_after": after and after.status,
        "users_before": before and _count_json(before),
        "users_after": after and _count_json(after),
        "slip_months": slip.months,
        "slip_low": slip.low,
        "slip_high": slip.high,
        "user_months": slip.user_months,
    }


def _count_json(wave: WaveState) -> dict[str, Any]:
    return {"users": wave.users, "basis": wave.count_basis.name.lower()}
