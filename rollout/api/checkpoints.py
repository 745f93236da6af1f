"""Checkpoints in JSON: users to reach on the way, where the plan stands, and the verdict."""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from rest_framework import serializers

from rollout.domain.checkpoints import Verdict
from rollout.history import rows_at
from rollout.models import Target
from rollout.models.labels import VERDICT_LABELS
from rollout.seen import Seen


def checkpoints_json(seen: Seen) -> list[dict[str, Any]]:
    """`CheckpointSerializer`'s fields of every checkpoint that the curve was judged at, by deadline."""
    rows = rows_at(Target, seen.moment).filter(by__isnull=False).order_by("by", "code")
    judged = [(row, seen.checkpoints[row.code]) for row in rows if row.code in seen.checkpoints]
    return [{**_row_json(row), **_judged_json(found, seen)} for row, found in judged]


def _row_json(row: Target) -> dict[str, Any]:
    return {
        "code": row.code,
        "label": row.label,
        "by": row.by.isoformat() if row.by else None,
        "derivation": row.derivation,
    }


def _judged_json(found: Mapping[str, Any], seen: Seen) -> dict[str, Any]:
    point = seen.curve.at(found["month"])
    since = parse_datetime(found["since"]) if found["since"] else None
    return {
        "users": found["users"],
        "planned": point.cumulative,
        "confirmed": point.confirmed,
        "low": point.low,
        "high": point.high,
        "verdict": found["verdict"],
        "verdict_label": VERDICT_LABELS[found["verdict"]],
        "since": timezone.localtime(since).isoformat() if since else None,
    }


class CheckpointSerializer(serializers.Serializer[Any]):
    """Users to reach by a day, and what is to be expected."""

    code = serializers.CharField(help_text="Code of the target.")
    label = serializers.CharField(help_text="Its name.")  # type: ignore[assignment]
    by = serializers.DateField(help_text="The day; users are those of the last month that is over then.")
    derivation = serializers.CharField(
        help_text="How the figure follows from published ones; empty where it was published itself."
    )
    users = serializers.IntegerField(help_text="Users to reach, as read on the basis.")
    planned = serializers.IntegerField(help_text="Planned users then.")
    confirmed = serializers.IntegerField(help_text="Of those, users of waves confirmed in use.")
    low = serializers.IntegerField(help_text="When all comes late.")
    high = serializers.IntegerField(help_text="When all comes early.")
    verdict = serializers.ChoiceField(
        [verdict.value for verdict in Verdict],
        help_text=(
            "`on_course`: low is there; `at_risk`: planned is; `will_miss`: neither; once the month is over "
            "`reached` or `missed`, by confirmed users alone."
        ),
    )
    verdict_label = serializers.CharField(help_text="The same in Japanese.")
    since = serializers.DateTimeField(
        allow_null=True,
        help_text="Since when it has stood; null with `as_of` and `scenario`: they are not followed.",
    )
