"""Users to reach on the way, beside the plan, for the page."""

from dataclasses import dataclass

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from rollout.dashboard.figures import band_text, count
from rollout.models import Projection, Target
from rollout.models.labels import VERDICT_LABELS


@dataclass(frozen=True)
class CheckpointRow:
    """One checkpoint; `since` is the day in Tokyo from which the verdict has stood."""

    target: Target
    users: str
    planned: str
    band: str
    confirmed: str
    verdict: str
    verdict_label: str
    since: str


def list_checkpoints(projection: Projection) -> list[CheckpointRow]:
    """Every checkpoint that the stored projection was judged at, by deadline; one query."""
    targets = Target.objects.filter(by__isnull=False).select_related("source").order_by("by", "code")
    judged = projection.checkpoints
    return [_checkpoint_row(row, projection) for row in targets if row.code in judged]


def _checkpoint_row(target: Target, projection: Projection) -> CheckpointRow:
    found = projection.checkpoints[target.code]
    point = projection.curve.at(found["month"])
    return CheckpointRow(
        target=target,
        users=count(found["users"]),
        planned=count(point.cumulative),
        band=band_text(point),
        confirmed=count(point.confirmed),
        verdict=found["verdict"].replace("_", "-"),
        verdict_label=str(VERDICT_LABELS[found["verdict"]]),
        since=_day_text(found["since"]),
    )


def _day_text(moment: str) -> str:
    since = parse_datetime(moment)
    return timezone.localtime(since).date().isoformat() if since else ""
