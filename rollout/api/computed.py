"""Views of what is computed from the plan."""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from rollout.api.moments import AS_OF_HELP, MomentParameter
from rollout.api.projection import (
    ProjectionSerializer,
    past_projection_json,
    stored_projection_json,
)
from rollout.api.reconciliation import ReconciliationSerializer, reconciliation_json
from rollout.api.views import KnownParameters
from rollout.domain.plan import Basis
from rollout.domain.projection import Granularity

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
        "planned_users": 140600,
        "confirmed_users": 47000,
        "dated_users": 152000,
        "undated_users": 120000,
        "total_users": 272000,
        "share_of_target": 0.5169,
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
}


class ChoiceParameter(serializers.ChoiceField):
    """One of a few words; another word is answered with all of them."""

    def __init__(self, choices: Sequence[str], **kwargs: Any) -> None:
        error = f"「{{input}}」は選べません。使えるのは {'、'.join(choices)} です。"
        messages: Any = dict.fromkeys(("invalid_choice", "null"), error)
        super().__init__(choices, error_messages=messages, required=False, **kwargs)


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

    granularity = ChoiceParameter(
        [granularity.value for granularity in Granularity],
        default=Granularity.MONTH.value,
        help_text="Length of a period in `points`; quarters and years are fiscal, from April.",
    )


class ComputedView(KnownParameters):
    """An answer read from the stored projection; `query_class` reads its parameters."""

    query_class: type[BasisQuery] = BasisQuery

    def known_parameters(self) -> Sequence[str]:
        """What the query has."""
        return tuple(self.query_class().fields)

    def query(self, request: Request) -> dict[str, Any]:
        """The parameters with their defaults. Raises ValidationError by parameter."""
        query = self.query_class(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        return dict(query.validated_data)


class ProjectionView(ComputedView):
    """Cumulative users by period, against the target."""

    query_class = ProjectionQuery

    @extend_schema(
        operation_id="projection_retrieve",
        parameters=[ProjectionQuery],
        responses=ProjectionSerializer,
        examples=[OpenApiExample("The published plan, shortened", value=EXAMPLE, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        """Cumulative users by period, against the target.

        Planned and confirmed users by period, a band of low and high, and what has no date yet. 503 until the
        plan has been computed for the first time; 404 for a moment before its history began.
        """
        query = self.query(request)
        basis, granularity = Basis(query["basis"]), Granularity(query["granularity"])
        if "as_of" in query:
            return Response(past_projection_json(query["as_of"], basis, granularity))
        return Response(stored_projection_json(basis, granularity))


class ReconciliationView(ComputedView):
    """Every published figure beside the plan."""

    @extend_schema(
        operation_id="reconciliation_retrieve", parameters=[BasisQuery], responses=ReconciliationSerializer
    )
    def get(self, request: Request) -> Response:
        """Every published figure beside the plan, with the difference.

        Cohort totals, the increase of a fiscal year, observations over time and targets. 503 until the plan
        has been computed for the first time.
        """
        return Response(reconciliation_json(Basis(self.query(request)["basis"])))
