"""Rows become a stored projection: read the plan, call the domain, store the answer for each basis."""

from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from rollout.domain.checkpoints import Judged, judge
from rollout.domain.plan import Basis
from rollout.domain.projection import project
from rollout.history import catch_up
from rollout.models import PlanVersion, Projection
from rollout.models.version import pack_counts
from rollout.reader import read_plan


def recompute(*, now: datetime | None = None) -> int:
    """Bring the stored projections up to date; returns the version that they now stand for.

    Safe to call at any time and from several processes at once: whoever comes second finds the
    work done. The version row stays locked from reading to storing, so that no change falls between.
    """
    with transaction.atomic():
        version = PlanVersion.objects.lock()
        now = now or timezone.now()
        today = timezone.localdate(now)
        catch_up(version, now)
        if Projection.objects.filter(data_version=version.number, today=today).count() == len(Basis):
            return version.number
        plan, wave_ids = read_plan()
        before = {row.basis: row.checkpoints for row in Projection.objects.only("basis", "checkpoints")}
        rows = []
        for basis in Basis:
            projection, allocation = project(plan, basis=basis, today=today)
            row = Projection(
                basis=basis.value,
                data_version=version.number,
                today=today,
                computed_at=now,
                result=projection.stored(),
                checkpoints=_carry_on(before.get(basis.value, {}), judge(plan, projection), now),
                allocation=pack_counts(wave_ids, allocation.users, allocation.count_basis),
            )
            rows.append(row)
        Projection.objects.replace(rows)
    return version.number


def _carry_on(before: dict[str, Any], judged: list[Judged], now: datetime) -> dict[str, Any]:
    """Each checkpoint by its code: what was judged, the verdict, and since when that has stood."""
    verdicts: dict[str, Any] = {}
    for found in judged:
        last = before.get(found.code, {})
        since = last["since"] if last.get("verdict") == found.verdict else now.isoformat()
        verdicts[found.code] = {
            "users": found.users,
            "month": found.point.first_month,
            "verdict": found.verdict,
            "since": since,
        }
    return verdicts


def settled_moment() -> datetime:
    """Now, at a moment when no change is under way: whatever is dated before it has been committed.

    Raises OperationalError when a change takes longer than a reader can wait.
    """
    with transaction.atomic():
        if connection.vendor == "postgresql":  # SQLite has its own timeout
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '3s'")
        PlanVersion.objects.lock()
        return timezone.now()
