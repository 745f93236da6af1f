"""Rows become what the domain computes with: the plan, as of now, then or in a scenario; and slips."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from itertools import islice
from typing import Any

import numpy as np
from django.db.models import Min

from rollout.domain.plan import (
    NONE,
    SETTLED_STATUSES,
    Checkpoint,
    Cohort,
    IntArray,
    Merged,
    Plan,
    Reading,
    Rollouts,
    Status,
    Target,
    Waves,
    last_whole_month,
    month_number,
    month_numbers,
)
from rollout.domain.scenario import apply
from rollout.history import rows_at
from rollout.models import Baseline, Scenario
from rollout.models import Cohort as CohortRow
from rollout.models import Rollout as RolloutRow
from rollout.models import Target as TargetRow
from rollout.models import Wave as WaveRow

BATCH_SIZE = 500
"""Waves that become numbers at a time: few enough to stay in the processor's cache."""

WAVE_COLUMNS = (
    *("code", "rollout_id", "id", "users", "cutover_earliest", "cutover_latest", "status"),
    "merged_into_id",
)
STATUS_NUMBERS = {status.value: number for number, status in enumerate(Status)}


def read_plan(moment: datetime | None = None) -> tuple[Plan, IntArray]:
    """The rows as the domain sees them, and the ids of the waves in the same order, without merged ones.

    Today's rows, or with `moment` the rows as they were known then. Who reads today's without the lock of
    the plan's version may meet a row committed meanwhile whose cohort or rollout it has not read: it is left
    out, and the version has moved on.
    """
    cohorts = sorted(rows_at(CohortRow, moment), key=lambda row: (row.order, row.code))
    cohort_codes = {row.pk: row.code for row in cohorts}
    cohort_index = {row.pk: index for index, row in enumerate(cohorts)}
    columns = ("code", "id", "cohort_id", "users", "weight")
    rows = rows_at(RolloutRow, moment).values_list(*columns)
    rollouts = sorted(row for row in rows if row[2] in cohort_index)
    rollout_index = {row[1]: index for index, row in enumerate(rollouts)}
    waves, wave_ids, merged = _read_waves(rollout_index, moment)
    plan = Plan(
        cohorts=[_cohort(row, cohort_codes) for row in cohorts],
        rollouts=Rollouts(
            codes=[row[0] for row in rollouts],
            cohort=np.array([cohort_index[row[2]] for row in rollouts], dtype=np.int64),
            users=_column([row[3] for row in rollouts]),
            weight=_column([row[4] for row in rollouts]),
        ),
        waves=waves,
        merged=merged,
        target=_target(moment),
        checkpoints=[_checkpoint(row) for row in rows_at(TargetRow, moment).filter(by__isnull=False)],
    )
    return plan, wave_ids


def read_scenario(scenario: Scenario) -> tuple[Plan, IntArray]:
    """Today's rows with the changes of a scenario, and the ids of the waves in the same order."""
    plan, wave_ids = read_plan()
    changes = scenario.changes.select_related("rollout", "wave")
    return apply(plan, [change.as_change() for change in changes]), wave_ids


def read_slips(moment: datetime | None = None) -> list[int]:
    """By how many months each wave in use came later than planned, from the latest month to the latest.

    Planned is what the earliest baseline has of the wave; where it has no date there, or was in use by then,
    what the wave's first dated version said. A wave that came in already in use teaches nothing. With
    `moment`, all that as it was known then.
    """
    planned = _first_plans() | _baseline_plans(moment)
    in_use = rows_at(WaveRow, moment).filter(status=Status.IN_USE.value).order_by("id")
    actual = in_use.values_list("id", "cutover_latest")
    return [month_number(day) - month_number(planned[wave]) for wave, day in actual if wave in planned]


def _first_plans() -> dict[int, date]:
    """The latest day in the first dated version of each wave, by id, unless it was in use already.

    A wave in use at a moment has its first dated version before it, so that no moment need be asked for.
    """
    versions = WaveRow.history.filter(cutover_latest__isnull=False).exclude(status=Status.CANCELLED.value)
    firsts = versions.order_by().values("id").annotate(first=Min("history_id")).values("first")
    planned = WaveRow.history.filter(history_id__in=firsts).exclude(status=Status.IN_USE.value)
    return dict(planned.order_by().values_list("id", "cutover_latest"))


def _baseline_plans(moment: datetime | None) -> dict[int, date]:
    """The latest day of each wave that was awaited in the earliest baseline, by id."""
    baselines = Baseline.objects.all() if moment is None else Baseline.objects.filter(created_at__lte=moment)
    earliest = baselines.order_by("moment", "code").first()
    if earliest is None:
        return {}
    settled = [status.value for status in SETTLED_STATUSES]
    waves = rows_at(WaveRow, earliest.moment).filter(cutover_latest__isnull=False).exclude(status__in=settled)
    return dict(waves.order_by().values_list("id", "cutover_latest"))


def _read_waves(
    rollout_index: Mapping[int, int], moment: datetime | None
) -> tuple[Waves, IntArray, list[Merged]]:
    rows = rows_at(WaveRow, moment).order_by().values_list(*WAVE_COLUMNS).iterator()
    codes, numbers = [np.empty(0, dtype=np.str_)], [np.empty((7, 0), dtype=np.int64)]
    while batch := list(islice(rows, BATCH_SIZE)):
        batch_codes, rollout_id, *rest = zip(*batch, strict=True)
        codes.append(np.array(batch_codes, dtype=np.str_))
        numbers.append(_numbers(_translate(rollout_id, rollout_index), *rest))
    code, number = np.concatenate(codes), np.concatenate(numbers, axis=1)
    order = np.lexsort((code, number[0]))
    order = order[number[0][order] != NONE]
    is_merged = number[6][order] != NONE
    order, merged = order[~is_merged], order[is_merged]
    rollout, ids, users, earliest_day, latest_day, status, _ = number[:, order]
    waves = Waves(
        codes=code[order].tolist(),
        rollout=rollout,
        users=users,
        earliest_month=month_numbers(earliest_day),
        latest_month=month_numbers(latest_day),
        latest_day=latest_day,
        in_use=status == STATUS_NUMBERS[Status.IN_USE],
        cancelled=status == STATUS_NUMBERS[Status.CANCELLED],
    )
    return waves, ids, _merged(code[merged].tolist(), number[1, merged], number[6, merged], ids)


def _merged(codes: Sequence[str], ids: IntArray, into: IntArray, wave_ids: IntArray) -> list[Merged]:
    """The merged waves, each with the row of the wave that has its users; without those that lead nowhere."""
    if not codes:
        return []
    next_of = dict(zip(ids.tolist(), into.tolist(), strict=True))
    row_of = {wave: row for row, wave in enumerate(wave_ids.tolist())}
    ends = ((code, _end(wave, next_of)) for code, wave in zip(codes, next_of, strict=True))
    return [Merged(code, row_of[end]) for code, end in ends if end in row_of]


def _end(wave: int, next_of: Mapping[int, int]) -> int:
    """The last of the waves that went into one another in turn; one of a ring that only raw rows can make."""
    seen: set[int] = set()
    while wave in next_of and wave not in seen:
        seen.add(wave)
        wave = next_of[wave]
    return wave


def _numbers(
    rollout: IntArray,
    ids: Sequence[int],
    users: Sequence[int | None],
    earliest: Sequence[date | None],
    latest: Sequence[date | None],
    status: Sequence[str],
    merged_into: Sequence[int | None],
) -> IntArray:
    """A batch of waves, one row a column: numbers take a tenth of the memory, and of the time, of rows."""
    days = (_ordinals(earliest), _ordinals(latest))
    number = _translate(status, STATUS_NUMBERS)
    return np.array([rollout, np.array(ids), _column(users), *days, number, _column(merged_into)])


def _column(values: Iterable[int | None]) -> IntArray:
    return np.array([NONE if value is None else value for value in values], dtype=np.int64)


def _ordinals(days: Iterable[date | None]) -> IntArray:
    return np.array([NONE if day is None else day.toordinal() for day in days], dtype=np.int64)


def _translate(keys: Sequence[Any], numbers: Mapping[Any, int]) -> IntArray:
    """The numbers of keys; NONE for one that has none."""
    return np.array([numbers.get(key, NONE) for key in keys], dtype=np.int64)


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
        published_multiple=row.published_multiple,
    )


def _target(moment: datetime | None) -> Target | None:
    row = rows_at(TargetRow, moment).filter(by__isnull=True).order_by("code").first()
    return Target(row.users, Reading(row.reading)) if row else None


def _checkpoint(row: TargetRow) -> Checkpoint:
    return Checkpoint(row.code, row.users, last_whole_month(row.by or date.min), Reading(row.reading))
