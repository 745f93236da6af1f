"""A projection in JSON (DESIGN, section 5): the names that dashboards are written against."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from rollout.api.checkpoints import CheckpointSerializer, checkpoints_json
from rollout.api.risk import RiskSerializer, risk_json
from rollout.domain.allocation import Conflict
from rollout.domain.dates import fiscal_year_label
from rollout.domain.plan import Basis, month_number
from rollout.domain.projection import Granularity, Point, Projection, Undated, period_label, period_text
from rollout.history import plan_changed_at
from rollout.models import Projection as StoredProjection
from rollout.models import Scenario
from rollout.models.labels import CONFLICT_LABELS
from rollout.seen import Seen


def projection_json(seen: Seen, granularity: Granularity, *, with_risk: bool) -> dict[str, Any]:
    """`ProjectionSerializer`'s fields."""
    curve = seen.curve
    risk = risk_json(seen, granularity) if with_risk else None
    return {
        "basis": curve.basis,
        "granularity": granularity,
        **origin_json(seen),
        "target": _target_json(curve),
        "summary": _summary_json(curve, month_number(seen.today)),
        "points": [_point_json(point, granularity) for point in curve.points(granularity)],
        "fiscal_years": [_fiscal_year_json(point, curve) for point in curve.points(Granularity.FISCAL_YEAR)],
        "checkpoints": checkpoints_json(seen),
        "undated": [_undated_json(entry) for entry in curve.undated],
        "conflicts": [conflict_json(conflict) for conflict in curve.conflicts],
        "risk": risk,
    }


def origin_json(seen: Seen) -> dict[str, Any]:
    """Whose plan it is, of which moment and how old; to be asked when all of the plan has been read."""
    return {
        "scenario": seen.scenario and scenario_json(seen.scenario, plan_changed_at()),
        "as_of": seen.moment and _time_text(seen.moment),
        "computed_at": _time_text(seen.computed_at),
        "data_version": seen.data_version,
        "stale": seen.is_stale(),
    }


def provenance_json(stored: StoredProjection) -> dict[str, Any]:
    """When an answer was computed, from which version of the plan, and whether that is out of date."""
    return {
        "computed_at": _time_text(stored.computed_at),
        "data_version": stored.data_version,
        "stale": stored.stale,
    }


def scenario_json(scenario: Scenario, changed_at: datetime | None) -> dict[str, Any]:
    """Which scenario, and whether the plan, last changed at `changed_at`, moved since its author looked."""
    moved = changed_at is not None and changed_at > scenario.based_on
    return {
        "code": scenario.code,
        "label": scenario.label,
        "state": scenario.state,
        "based_on": _time_text(scenario.based_on),
        "plan_moved_at": _time_text(changed_at) if changed_at and moved else None,
    }


def _time_text(moment: datetime) -> str:
    return timezone.localtime(moment).isoformat()


def _target_json(curve: Projection) -> dict[str, Any] | None:
    if curve.target_users is None:
        return None
    reached_in = curve.reached_in
    return {
        "users": curve.target_users,
        "reached_in": None if reached_in is None else _month_text(curve.at(reached_in)),
    }


def _summary_json(curve: Projection, month: int) -> dict[str, Any]:
    point = curve.at(month)
    return {
        "month": _month_text(point),
        "planned_users": point.cumulative,
        "confirmed_users": point.confirmed,
        "dated_users": curve.dated_users,
        "undated_users": curve.undated_users,
        "total_users": curve.dated_users + curve.undated_users,
        "share_of_target": point.cumulative / curve.target_users if curve.target_users else None,
    }


def _month_text(point: Point) -> str:
    return period_text(point, Granularity.MONTH)


def _point_json(point: Point, granularity: Granularity) -> dict[str, Any]:
    return {
        "period": period_text(point, granularity),
        "label": period_label(point, granularity),
        "fiscal_year": point.fiscal_year,
        "added": point.added,
        "cumulative": point.cumulative,
        "confirmed": point.confirmed,
        "low": point.low,
        "high": point.high,
    }


def _fiscal_year_json(point: Point, curve: Projection) -> dict[str, Any]:
    return {
        "fiscal_year": point.fiscal_year,
        "label": fiscal_year_label(point.fiscal_year),
        "added": point.added,
        "cumulative": point.cumulative,
        "confirmed": point.confirmed,
        "published_added": curve.published_added.get(point.fiscal_year),
    }


def _undated_json(entry: Undated) -> dict[str, Any]:
    return {
        "cohort": entry.cohort,
        "users": entry.users,
        "uncounted_rollouts": list(entry.uncounted_rollouts),
        "dateless_waves": list(entry.dateless_waves),
        "note": entry.note,
    }


def conflict_json(conflict: Conflict) -> dict[str, Any]:
    return {
        "kind": conflict.kind,
        "cohort": conflict.cohort,
        "rollout": conflict.rollout,
        "users": conflict.users,
        "message": CONFLICT_LABELS[conflict.kind],
    }


class ProjectionTargetSerializer(serializers.Serializer[Any]):
    """The final target, as read on the basis."""

    users = serializers.IntegerField(help_text="Cumulative users to reach.")
    reached_in = serializers.CharField(
        allow_null=True,
        help_text="First month (YYYY-MM) at or above the target; null where the plan stays below.",
    )


class ProjectionSummarySerializer(serializers.Serializer[Any]):
    """Where the plan stands in one month."""

    month = serializers.CharField(help_text="The current month in Tokyo, YYYY-MM.")
    planned_users = serializers.IntegerField(help_text="Users whose cutover lies in or before the month.")
    confirmed_users = serializers.IntegerField(help_text="Of those, users of waves confirmed in use.")
    dated_users = serializers.IntegerField(help_text="Users with a date and a count, over the whole plan.")
    undated_users = serializers.IntegerField(
        help_text="Users that published totals speak of, without a date."
    )
    total_users = serializers.IntegerField(help_text="Dated and undated users.")
    share_of_target = serializers.FloatField(
        allow_null=True, help_text="planned_users ÷ target.users; null without a target."
    )


class ProjectionPointSerializer(serializers.Serializer[Any]):
    """One period; `cumulative`, `confirmed`, `low` and `high` are users at its end."""

    period = serializers.CharField(
        help_text="`2026-06`, `2026-Q4` (fiscal: January to March 2027) or `2026`, by granularity."
    )
    label = serializers.CharField(help_text=_("`R8.6`, `R8年度第4四半期` or `R8年度`."))  # type: ignore[assignment]
    fiscal_year = serializers.IntegerField(help_text="Fiscal year, from April, by the year it starts in.")
    added = serializers.IntegerField(help_text="Users added within the period.")
    cumulative = serializers.IntegerField(help_text="Planned users.")
    confirmed = serializers.IntegerField(help_text="Users of waves confirmed in use.")
    low = serializers.IntegerField(help_text="Planned users when all comes late and 「約」 rounds down.")
    high = serializers.IntegerField(help_text="Planned users when all comes early and 「約」 rounds up.")


class ProjectionFiscalYearSerializer(serializers.Serializer[Any]):
    """One fiscal year; `cumulative` and `confirmed` are users at its end."""

    fiscal_year = serializers.IntegerField(help_text="By the year it starts in, from April.")
    label = serializers.CharField(help_text=_("`R8年度`."))  # type: ignore[assignment]
    added = serializers.IntegerField(help_text="Users added within the year.")
    cumulative = serializers.IntegerField(help_text="Planned users.")
    confirmed = serializers.IntegerField(help_text="Users of waves confirmed in use.")
    published_added = serializers.IntegerField(
        allow_null=True, help_text="The increase that a source publishes for the year; null where none does."
    )


class ProjectionUndatedSerializer(serializers.Serializer[Any]):
    """What a cohort's published total speaks of and the plan cannot date or count."""

    cohort = serializers.CharField(help_text="Code of the cohort.")
    users = serializers.IntegerField(help_text="Users without a date.")
    uncounted_rollouts = serializers.ListField(
        child=serializers.CharField(), help_text="Codes of rollouts that have a date but no count."
    )
    dateless_waves = serializers.ListField(
        child=serializers.CharField(), help_text="Codes of waves without a latest day."
    )
    note = serializers.CharField(
        help_text="The source's words for members not yet named; empty when all are."
    )


class ProjectionConflictSerializer(serializers.Serializer[Any]):
    """Published figures that contradict one another."""

    kind = serializers.ChoiceField(sorted(CONFLICT_LABELS))
    cohort = serializers.CharField(help_text="Code of the cohort.")
    rollout = serializers.CharField(allow_null=True, help_text="Code of the rollout, where it is about one.")
    users = serializers.IntegerField(
        help_text="Published less counted users: below zero, the parts add up to more than was published."
    )
    message = serializers.CharField(help_text="The same in Japanese.")


class ProvenanceSerializer(serializers.Serializer[Any]):
    """When and from what a computed answer was computed."""

    computed_at = serializers.DateTimeField(help_text="ISO 8601 with offset, Asia/Tokyo.")
    data_version = serializers.IntegerField(help_text="Version of the plan that was computed.")
    stale = serializers.BooleanField(
        help_text="True when the plan, or the day in Tokyo, has changed since; repaired within a minute."
    )


class ProjectionScenarioSerializer(serializers.Serializer[Any]):
    """The what-if that an answer was computed with."""

    code = serializers.CharField(help_text="Code of the scenario.")
    label = serializers.CharField(help_text="Its name.")  # type: ignore[assignment]
    state = serializers.ChoiceField(Scenario.State.values)
    based_on = serializers.DateTimeField(help_text="When its author last saw it beside the plan.")
    plan_moved_at = serializers.DateTimeField(
        allow_null=True, help_text="When the plan under it was last changed since then; null: it was not."
    )


class ProjectionSerializer(ProvenanceSerializer):
    """Cumulative users over time, computed from the plan. All counts are whole users."""

    data_version = serializers.IntegerField(
        allow_null=True, help_text="Version of the plan that was computed; null with `as_of`."
    )

    basis = serializers.ChoiceField(
        [basis.value for basis in Basis], help_text="How the ambiguous published total is read."
    )
    granularity = serializers.ChoiceField([granularity.value for granularity in Granularity])
    scenario = ProjectionScenarioSerializer(allow_null=True, help_text="Null: the plan itself.")
    as_of = serializers.DateTimeField(
        allow_null=True, help_text="The moment whose knowledge was asked for; null for now."
    )
    target = ProjectionTargetSerializer(allow_null=True, help_text="Null when the plan has no final target.")
    summary = ProjectionSummarySerializer()
    points = ProjectionPointSerializer(
        many=True, help_text="Every period, without gaps, to the end of the last fiscal year."
    )
    fiscal_years = ProjectionFiscalYearSerializer(many=True)
    checkpoints = CheckpointSerializer(many=True, help_text="Users to reach on the way, by deadline.")
    undated = ProjectionUndatedSerializer(many=True)
    conflicts = ProjectionConflictSerializer(many=True)
    risk = RiskSerializer(allow_null=True, help_text="Null unless asked for with `risk=true`.")
