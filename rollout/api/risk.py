"""How sure the projection is, in JSON: what comes of it when waves slip by chance."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from rollout.domain.checkpoints import judge
from rollout.domain.dates import fiscal_year_label
from rollout.domain.plan import Plan
from rollout.domain.projection import (
    Granularity,
    Point,
    fiscal_year_end,
    period_label,
    period_text,
    project,
)
from rollout.domain.risk import SEED, Drawn, Slips, draw, empirical, least_added, triangular
from rollout.history import rows_at
from rollout.models import SlipAssumption
from rollout.reader import read_slips
from rollout.seen import Seen

ASSUMPTION_MISSING = _(
    "遅れの仮定が登録されていないため、確率は計算できません。管理画面の「遅れの仮定」で登録してください。"
)
HISTORY, ASSUMPTION = "history", "assumption"

RISK_EXAMPLE = {
    "draws": 10000,
    "seed": 272000,
    "independent": True,
    "basis_of_slips": "assumption",
    "slips": {
        "earliest_months": 0,
        "likely_months": 0,
        "latest_months": 6,
        "learnt": 0,
        "learn_from": 20,
        "chances": [{"months": 0, "chance": 0.25}],
    },
    "note": "仮の値です。根拠となる公表資料はありません。PMOで見直してください。",
    "points": [{"period": "2027-03", "label": "R9.3", "p10": 148656, "p50": 152000, "p90": 152000}],
    "checkpoints": [{"code": "fy2026-end", "users": 152000, "chance": 0.5067}],
    "fiscal_years": [
        {
            "fiscal_year": 2026,
            "label": "R8年度",
            "published_added": 80000,
            "counted_from": 72000,
            "at_least": 75000,
            "chance": 0.9246,
        }
    ],
}
"""On the published plan of 2026-11-23, shortened."""


def risk_json(seen: Seen, granularity: Granularity) -> dict[str, Any]:
    """`RiskSerializer`'s fields. Raises ValidationError where nobody has said how waves slip."""
    assumption = rows_at(SlipAssumption, seen.moment).first()
    if assumption is None:
        raise ValidationError({"risk": [ASSUMPTION_MISSING]})
    learnt = read_slips(seen.moment)
    is_learnt = len(learnt) >= assumption.learn_from
    slips = empirical(learnt) if is_learnt else _assumed(assumption)
    curve, allocation = project(seen.plan, basis=seen.curve.basis, today=seen.today)
    drawn = draw(seen.plan, allocation.users, curve, slips)
    return {
        "draws": drawn.draws,
        "seed": SEED,
        "independent": True,
        "basis_of_slips": HISTORY if is_learnt else ASSUMPTION,
        "slips": {
            "earliest_months": slips.months[0],
            "likely_months": None if is_learnt else assumption.likely_months,
            "latest_months": slips.months[-1],
            "learnt": len(learnt),
            "learn_from": assumption.learn_from,
            "chances": [{"months": months, "chance": _rounded(chance)} for months, chance in slips.chances],
        },
        "note": None if is_learnt else assumption.note,
        "points": [_point_json(point, granularity, drawn) for point in curve.points(granularity)],
        "checkpoints": _checkpoints_json(seen.plan, drawn),
        "fiscal_years": _fiscal_years_json(seen.plan, drawn),
    }


def _assumed(row: SlipAssumption) -> Slips:
    return triangular(row.earliest_months, row.likely_months, row.latest_months)


def _rounded(chance: float) -> float:
    return round(chance, 4)


def _point_json(point: Point, granularity: Granularity, drawn: Drawn) -> dict[str, Any]:
    p10, p50, p90 = drawn.percentiles(point.first_month + granularity.months - 1)
    return {
        "period": period_text(point, granularity),
        "label": period_label(point, granularity),
        "p10": p10,
        "p50": p50,
        "p90": p90,
    }


def _checkpoints_json(plan: Plan, drawn: Drawn) -> list[dict[str, Any]]:
    return [
        {
            "code": found.code,
            "users": found.users,
            "chance": _rounded(drawn.chance(found.point.first_month, found.users)),
        }
        for found in judge(plan, drawn.curve)
    ]


def _fiscal_years_json(plan: Plan, drawn: Drawn) -> list[dict[str, Any]]:
    at_least = least_added(plan)
    return [
        {
            "fiscal_year": year,
            "label": fiscal_year_label(year),
            "published_added": published,
            "counted_from": drawn.curve.at(fiscal_year_end(year - 1)).cumulative,
            "at_least": at_least[year],
            "chance": _rounded(drawn.chance_added(year, at_least[year])),
        }
        for year, published in sorted(drawn.curve.published_added.items())
    ]


class SlipChanceSerializer(serializers.Serializer[Any]):
    """One slip."""

    months = serializers.IntegerField(help_text="Whole months, below zero when early.")
    chance = serializers.FloatField(help_text="The chance that a wave slips by just so much; four digits.")


class SlipsSerializer(serializers.Serializer[Any]):
    """The distribution that slips were drawn from."""

    earliest_months = serializers.IntegerField(help_text="The smallest slip, below zero when early.")
    likely_months = serializers.IntegerField(
        allow_null=True, help_text="The likeliest slip as assumed; null when learnt."
    )
    latest_months = serializers.IntegerField(help_text="The largest slip.")
    learnt = serializers.IntegerField(
        help_text=(
            "Waves in use that the history knows a plan of: the earliest baseline's, else the first date it "
            "held. A slip runs from the latest month planned to the latest month it came in."
        )
    )
    learn_from = serializers.IntegerField(help_text="As many of them take the place of the assumption.")
    chances = SlipChanceSerializer(
        many=True,
        help_text=(
            "Every slip with its chance. An assumption weighs whole months: evenly rising to the likeliest, "
            "evenly falling after it, nothing one month beyond either end."
        ),
    )


class RiskPointSerializer(serializers.Serializer[Any]):
    """One period: percentiles of cumulative users at its end, by nearest rank."""

    period = serializers.CharField(help_text="`2026-06`, `2026-Q4` or `2026`, by granularity.")
    label = serializers.CharField(help_text=_("`R8.6`, `R8年度第4四半期` or `R8年度`."))  # type: ignore[assignment]
    p10 = serializers.IntegerField(help_text="One draw in ten has no more users than this.")
    p50 = serializers.IntegerField(help_text="Half of the draws have no more.")
    p90 = serializers.IntegerField(help_text="Nine draws in ten have no more.")


class RiskCheckpointSerializer(serializers.Serializer[Any]):
    """A checkpoint, and how often the draws reach it."""

    code = serializers.CharField(help_text="Code of the target.")
    users = serializers.IntegerField(help_text="Users to reach, as read on the basis.")
    chance = serializers.FloatField(help_text="Share of draws with at least as many then; four digits.")


class RiskFiscalYearSerializer(serializers.Serializer[Any]):
    """A fiscal year with a published increase, and how often the draws bring it."""

    fiscal_year = serializers.IntegerField(help_text="By the year it starts in, from April.")
    label = serializers.CharField(help_text=_("`R8年度`."))  # type: ignore[assignment]
    published_added = serializers.IntegerField(help_text="The increase that a source publishes.")
    counted_from = serializers.IntegerField(
        help_text="Users that the plan has at the year's beginning, whoever of them has been confirmed."
    )
    at_least = serializers.IntegerField(
        help_text="The smallest increase that rounds to it: half the rounding unit less where it is 「約」."
    )
    chance = serializers.FloatField(
        help_text="Share of draws that end the year with `counted_from` + `at_least` or more; four digits."
    )


class RiskSerializer(serializers.Serializer[Any]):
    """What comes of the plan when each wave slips by chance (Monte Carlo).

    A wave that nobody has confirmed comes in the current month at the earliest, an overdue one in the month
    after; waves in use stay where they are. 「約」 does not widen this band: users a wave are those of the
    plan. It is drawn from the rows as they are, also where `stale` says that the curve is older.
    """

    draws = serializers.IntegerField(
        help_text="10,000; fewer for a plan of more than 500 waves that may slip, 1,000 at least."
    )
    seed = serializers.IntegerField(help_text="Fixed: the same plan gives the same figures.")
    independent = serializers.BooleanField(
        help_text="True: waves slip independently. A common cause would make the band wider."
    )
    basis_of_slips = serializers.ChoiceField(
        [ASSUMPTION, HISTORY],
        help_text="Assumed by the PMO, or learnt from confirmed waves once there are `learn_from` of them.",
    )
    slips = SlipsSerializer()
    note = serializers.CharField(allow_null=True, help_text="What the assumption rests on; null when learnt.")
    points = RiskPointSerializer(many=True, help_text="The periods of the projection.")
    checkpoints = RiskCheckpointSerializer(many=True)
    fiscal_years = RiskFiscalYearSerializer(many=True, help_text="Those with a published increase.")
