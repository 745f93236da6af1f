"""Views of what is computed from the plan."""

from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.utils.translation import gettext
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from gss_tracker.renderers import ORJSONRenderer
from rollout.api.moments import AS_OF_HELP, MomentParameter
from rollout.api.parameters import ChoiceParameter, FlagParameter, ScenarioParameter
from rollout.api.projection import ProjectionSerializer, projection_json
from rollout.api.reconciliation import ReconciliationSerializer, reconciliation_json
from rollout.api.reconciliation_example import EXAMPLE as RECONCILIATION_EXAMPLE
from rollout.api.risk import RISK_EXAMPLE
from rollout.api.views import KnownParameters, WholePlan
from rollout.domain.plan import Basis
from rollout.domain.projection import Granularity
from rollout.drawing import made_once
from rollout.models.visible import sees_whole_plan
from rollout.seen import Seen, see_now, see_past, see_scenario

EXAMPLE = {
    "basis": "cumulative",
    "granularity": "month",
    "scenario": None,
    "as_of": None,
    "computed_at": "2026-11-23T09:00:00+09:00",
    "data_version": 42,
    "stale": False,
    "target": {"users": 272000, "reached_in": None},
    "summary": {
        "month": "2026-11",
        "planned_users": 145312,
        "confirmed_users": 47000,
        "dated_users": 152000,
        "undated_users": 120000,
        "total_users": 272000,
        "share_of_target": 0.534235294117647,
    },
    "points": [
        {
            "period": "2027-03",
            "label": "R9.3",
            "fiscal_year": 2026,
            "added": 0,
            "cumulative": 152000,
            "confirmed": 47000,
            "low": 146000,
            "high": 158000,
        }
    ],
    "fiscal_years": [
        {
            "fiscal_year": 2026,
            "label": "R8年度",
            "added": 80000,
            "cumulative": 152000,
            "confirmed": 47000,
            "published_added": 80000,
        }
    ],
    "checkpoints": [
        {
            "code": "fy2026-end",
            "label": "R8年度末の利用者数",
            "by": "2027-03-31",
            "derivation": "R7年度末 72,000（約47,000＋約25,000）＋ R8年度の増加 約8万",
            "users": 152000,
            "planned": 152000,
            "confirmed": 47000,
            "low": 146000,
            "high": 158000,
            "verdict": "at_risk",
            "verdict_label": "遅れると未達",
            "since": "2026-11-20T16:00:00+09:00",
        }
    ],
    "undated": [
        {
            "cohort": "fy2026-onward",
            "users": 120000,
            "uncounted_rollouts": ["mof", "moj-rehabilitation"],
            "dateless_waves": [],
            "note": "その他省庁は検討中",
        }
    ],
    "conflicts": [],
    "risk": RISK_EXAMPLE,
}


OTHER_PLANS = {"as_of", "scenario", "baseline", "from", "to"}
"""Parameters that ask for a plan which is not the present one."""


class BasisQuery(serializers.Serializer[Any]):
    """Parameters of a computed answer."""

    basis = ChoiceParameter(
        [basis.value for basis in Basis],
        default=Basis.CUMULATIVE.value,
        help_text="How the ambiguous total (272,000) is read: as everybody so far, or as one group's size.",
    )


class ProjectionQuery(BasisQuery):
    """Parameters of the projection."""

    as_of = MomentParameter(required=False, help_text=AS_OF_HELP)
    scenario = ScenarioParameter(
        required=False,
        help_text=(
            "Code of a scenario: the plan with its changes. Needs the right `rollout.view_scenario`; a 403 "
            "without it, whatever the code."
        ),
    )
    granularity = ChoiceParameter(
        [granularity.value for granularity in Granularity],
        default=Granularity.MONTH.value,
        help_text="Length of a period in `points`; quarters and years are fiscal, from April.",
    )
    risk = FlagParameter(
        help_text="`true`: also what comes of it when waves slip by chance (Monte Carlo), as `risk`."
    )


class ComputedView(KnownParameters):
    """An answer read from the stored projection; `query_class` reads its parameters."""

    query_class: type[BasisQuery] = BasisQuery

    def known_parameters(self) -> Sequence[str]:
        """What the query has."""
        return parameters_of(self.query_class)

    def check_condition(self, request: Request, *seen: object) -> None:
        """Of the plan as it is; another moment and what-ifs are told apart by their bytes."""
        if not OTHER_PLANS & set(request.query_params):
            super().check_condition(request, *seen)

    def query(self, request: Request) -> dict[str, Any]:
        """The parameters with their defaults. Raises ValidationError by parameter."""
        if not request.query_params:
            return dict(defaults_of(self.query_class))
        query = self.query_class(data=request.query_params.dict(), context={"request": request})
        query.is_valid(raise_exception=True)
        return dict(query.validated_data)


@cache
def parameters_of(query_class: type[serializers.Serializer[Any]]) -> tuple[str, ...]:
    """The names of its parameters."""
    return tuple(query_class().fields)


@cache
def defaults_of(query_class: type[serializers.Serializer[Any]]) -> Mapping[str, Any]:
    """What is meant where nothing is asked."""
    query = query_class(data={})
    query.is_valid(raise_exception=True)
    return dict(query.validated_data)


class ProjectionView(ComputedView):
    """Cumulative users by period, against the target."""

    query_class = ProjectionQuery

    @extend_schema(
        operation_id="projection_retrieve",
        parameters=[ProjectionQuery],
        responses=ProjectionSerializer,
        examples=[
            OpenApiExample(
                "The published plan with `risk=true`, shortened", value=EXAMPLE, response_only=True
            )
        ],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Cumulative users by period, against the target.

        Planned and confirmed users by period, a band of low and high, and what has no date yet. 503 until the
        plan has been computed for the first time; 404 for a moment before its history began; 403 for a
        `scenario` without the right `rollout.view_scenario`.
        """
        query = self.query(request)
        is_whole = sees_whole_plan(request.user)
        if self.state is None:  # another plan than the present one, or who sees but a part of it
            return Response(_answer(query, is_whole=is_whole))
        key = f"projection:{self.state}:{sorted(query.items())}:{is_whole}"
        made = made_once(
            f"projection:{sha256(key.encode()).hexdigest()}",
            lambda: ORJSONRenderer().render(_answer(query, is_whole=is_whole)),
        )
        return HttpResponse(made, content_type=ORJSONRenderer.media_type)


def _answer(query: Mapping[str, Any], *, is_whole: bool) -> dict[str, Any]:
    basis, granularity = Basis(query["basis"]), Granularity(query["granularity"])
    answer = projection_json(see(query, basis), granularity, with_risk=query["risk"])
    return answer if is_whole else _without_rows(answer)


def _without_rows(answer: dict[str, Any]) -> dict[str, Any]:
    """The totals alone, for who may not see whose they are."""
    undated = [{**entry, "uncounted_rollouts": [], "dateless_waves": []} for entry in answer["undated"]]
    return {**answer, "undated": undated, "conflicts": []}


def see(query: Mapping[str, Any], basis: Basis) -> Seen:
    """What a query of the projection asks to look at. Raises ValidationError for a past what-if."""
    if "as_of" in query and "scenario" in query:
        raise ValidationError({"scenario": [gettext("「scenario」と「as_of」は一緒に指定できません。")]})
    if "as_of" in query:
        return see_past(query["as_of"], basis)
    return see_scenario(query["scenario"], basis) if "scenario" in query else see_now(basis)


class ReconciliationView(ComputedView):
    """Every published figure beside the plan."""

    permission_classes = (WholePlan,)

    @extend_schema(
        operation_id="reconciliation_retrieve",
        parameters=[BasisQuery],
        responses=ReconciliationSerializer,
        examples=[
            OpenApiExample("The published plan, shortened", value=RECONCILIATION_EXAMPLE, response_only=True)
        ],
    )
    def get(self, request: Request) -> Response:
        """Every published figure beside the plan, with the difference, and what was found in them.

        Cohort totals, the increase of a fiscal year and its multiple, observations over time, stated counts
        and targets, each with the tolerance of its rounding and a verdict; findings follow from several of
        them together. 503 until the plan has been computed for the first time.
        """
        return Response(reconciliation_json(Basis(self.query(request)["basis"])))
