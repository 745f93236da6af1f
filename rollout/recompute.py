"""Rows become a stored projection: read the plan, call the domain, store the answer for each basis."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from django.db import transaction
from django.utils import timezone

from rollout.domain.allocation import Allocation
from rollout.domain.plan import (
    NONE,
    Basis,
    Cohort,
    IntArray,
    Plan,
    Reading,
    Rollouts,
    Status,
    Target,
    Waves,
    month_number,
)
from rollout.domain.projection import Projection as DomainProjection
from rollout.domain.projection import project
from rollout.history import catch_up, rows_at
from rollout.models import Cohort as CohortRow
from rollout.models import PlanVersion, Projection
from rollout.models import Rollout as RolloutRow
from rollout.models import Target as TargetRow
from rollout.models import Wave as WaveRow


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
        for basis in Basis:
            projection, allocation = project(plan, basis=basis, today=today)
            values = {
                "data_version": version.number,
                "today": today,
                "computed_at": now,
                "result": projection.stored(),
                "allocation": _stored_allocation(allocation, wave_ids),
            }
            Projection.objects.update_or_create(basis=basis.value, defaults=values)
    return version.number


def _stored_allocation(allocation: Allocation, wave_ids: Sequence[int]) -> dict[str, tuple[int | None, int]]:
    users = (None if count == NONE else count for count in allocation.users.tolist())
    basis = allocation.count_basis.tolist()
    return {str(key): entry for key, entry in zip(wave_ids, zip(users, basis, strict=True), strict=True)}


def settled_moment() -> datetime:
    """Now, at a moment when no change is under way: whatever is dated before it has been committed."""
    with transaction.atomic():
        PlanVersion.objects.lock()
        return timezone.now()


def project_as_of(moment: datetime, basis: Basis) -> DomainProjection:
    """The projection as it was to be computed at `moment`, from the rows and on the day of that moment."""
    plan, _ = read_plan(moment)
    projection, _ = project(plan, basis=basis, today=timezone.localdate(moment))
    return projection


def read_plan(moment: datetime | None = None) -> tuple[Plan, list[int]]:
    """The rows as the domain sees them, and the ids of the waves in the same order.

    Today's rows, or with `moment` the rows as they were known then.
    """
    cohorts = sorted(rows_at(CohortRow, moment), key=lambda row: (row.order, row.code))
    cohort_codes = {row.pk: row.code for row in cohorts}
    cohort_index = {row.pk: index for index, row in enumerate(cohorts)}
    columns = ("code", "id", "cohort_id", "users", "weight")
    rollouts = sorted(rows_at(RolloutRow, moment).values_list(*columns))
    rollout_index = {row[1]: index for index, row in enumerate(rollouts)}
    waves, wave_ids = _read_waves(rollout_index, moment)
    plan = Plan(
        cohorts=[_cohort(row, cohort_codes) for row in cohorts],
        rollouts=Rollouts(
            codes=[row[0] for row in rollouts],
            cohort=np.array([cohort_index[row[2]] for row in rollouts], dtype=np.int64),
            users=_column([row[3] for row in rollouts]),
            weight=_column([row[4] for row in rollouts]),
        ),
        waves=waves,
        target=_target(moment),
    )
    return plan, wave_ids


def _read_waves(rollout_index: dict[int, int], moment: datetime | None) -> tuple[Waves, list[int]]:
    columns = ("rollout_id", "code", "id", "users", "cutover_earliest", "cutover_latest", "status")
    found = rows_at(WaveRow, moment).values_list(*columns)
    rows = sorted(found, key=lambda row: (rollout_index[row[0]], row[1]))
    earliest, latest = [row[4] for row in rows], [row[5] for row in rows]
    status = np.array([row[6] for row in rows], dtype=np.str_)
    waves = Waves(
        codes=[row[1] for row in rows],
        rollout=np.array([rollout_index[row[0]] for row in rows], dtype=np.int64),
        users=_column([row[3] for row in rows]),
        earliest_month=_column([day and month_number(day) for day in earliest]),
        latest_month=_column([day and month_number(day) for day in latest]),
        latest_day=_column([day and day.toordinal() for day in latest]),
        in_use=status == Status.IN_USE.value,
        cancelled=status == Status.CANCELLED.value,
    )
    return waves, [row[2] for row in rows]


def _column(values: Sequence[Any]) -> IntArray:
    return np.array([NONE if value is None else value for value in values], dtype=np.int64)


def _cohort(row: CohortRow, codes: Mapping[int, str]) -> Cohort:
    return Cohort(
        code=row.code,
        order=row.order,
        published_users=row.published_users,
        reading=Reading(row.reading),
        approximate=row.approximate,
        rounding_unit=row.rounding_unit,
        inside=codes[row.inside_id] if row.inside_id else None,
        undecided_note=row.undecided_note,
        fiscal_year=row.fiscal_year,
    )


def _target(moment: datetime | None) -> Target | None:
    row = rows_at(TargetRow, moment).filter(by__isnull=True).order_by("code").first()
    return Target(row.users, Reading(row.reading)) if row else None
