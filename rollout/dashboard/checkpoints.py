"""Users to reach on the way, beside the plan, for the page."""

from dataclasses import dataclass

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from rollout.dashboard.figures import band_text, count
from rollout.dashboard.listings import with_sources
from rollout.history import rows_at
from rollout.models import Target
from rollout.models.labels import VERDICT_LABELS
from rollout.seen import Seen


@dataclass(frozen=True)
class CheckpointRow:
    """One checkpoint; `since` is the day in Tokyo from which the verdict has stood, empty in the past."""

    target: Target
    users: str
    planned: str
    band: str
    confirmed: str
    verdict: str
    verdict_label: str
    since: str


def list_checkpoints(seen: Seen) -> list[CheckpointRow]:
    """Every checkpoint that the curve was judged at, by deadline; two queries."""
    targets = rows_at(Target, seen.moment).filter(by__isnull=False).order_by("by", "code")
    judged = [row for row in targets if row.code in seen.checkpoints]
    return [_checkpoint_row(row, seen) for row in with_sources(judged, seen.moment)]


def _checkpoint_row(target: Target, seen: Seen) -> CheckpointRow:
    found = seen.checkpoints[target.code]
    point = seen.curve.at(found["month"])
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


def _day_text(moment: str | None) -> str:
    since = moment and parse_datetime(moment)
    return timezone.localtime(since).date().isoformat() if since else ""
