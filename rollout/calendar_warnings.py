"""Rows held against the calendar: which warnings each cutover has, and who has accepted them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
from django.utils import timezone

from rollout.domain import calendar_lint
from rollout.domain.allocation import allocate
from rollout.domain.calendar_lint import Calendar, CalendarWarning, MonthLoad
from rollout.domain.dates import Precision
from rollout.domain.plan import NONE, Basis, IntArray, Plan, Status, month_number
from rollout.models import FreezePeriod, MonthlyLimit, Projection, ReminderRule, WarningAcceptance, Wave
from rollout.models.labels import WARNING_LABELS, say
from rollout.outbox.facts import read_rules, read_waves

UsersOf = Callable[[IntArray], IntArray]
"""Users of waves by their ids, NONE where unknown."""


class WaveWarning(NamedTuple):
    """A warning about a wave's cutover as it stands, and its acceptance if there is one."""

    wave: Wave
    warning: CalendarWarning
    acceptance: WarningAcceptance | None

    @property
    def key(self) -> tuple[int, str, int, str]:
        """As `WarningAcceptance.key`."""
        return self.wave.pk, self.warning.kind.value, self.wave.cutover_version, self.warning.subject

    @property
    def label(self) -> str:
        """What its kind is called."""
        return str(WARNING_LABELS[self.warning.kind])

    @property
    def text(self) -> str:
        """Its sentence."""
        return say(self.warning.text)


def stored_users(today: date) -> UsersOf:
    """Users as the stored projection has them; unknown before the first one."""
    projection = Projection.objects.current(Basis.CUMULATIVE, today)
    return projection.users_of if projection else lambda ids: np.full(len(ids), NONE)


def read_calendar(users_of: UsersOf, as_if: Sequence[Wave] = ()) -> Calendar:
    """Freeze periods, limits and rules; the loads of the months only where there is a limit.

    `as_if` has waves as they might become, which load the months in place of their rows.
    """
    limits = read_limits()
    return Calendar(
        freezes=read_freezes(),
        limits=limits,
        loads=read_loads(users_of, as_if) if limits else {},
        rules=read_rules(ReminderRule.objects.all()),
    )


def read_freezes() -> list[calendar_lint.FreezePeriod]:
    """The freeze periods, by their first day."""
    return [
        calendar_lint.FreezePeriod(
            row.code, row.label, row.ministry_id, row.first_day, row.last_day, row.yearly
        )
        for row in FreezePeriod.objects.all()
    ]


def read_limits() -> list[calendar_lint.MonthlyLimit]:
    """What a month takes, by the fiscal year from which on."""
    return [
        calendar_lint.MonthlyLimit(row.from_fiscal_year, row.users, row.cutovers)
        for row in MonthlyLimit.objects.all()
    ]


def warnings_about(
    waves: Sequence[Wave],
    *,
    users_of: UsersOf | None = None,
    today: date | None = None,
    as_if: Sequence[Wave] = (),
) -> list[WaveWarning]:
    """All warnings about these waves, which come with their rollouts, in a constant number of queries.

    `as_if` has those among them that are not stored like this.
    """
    today = today or timezone.localdate()
    calendar = read_calendar(users_of or stored_users(today), as_if)
    found = calendar_lint.lints_of(read_waves(waves), calendar, today)
    accepted = _acceptances(found)
    return [
        shown._replace(acceptance=accepted.get(shown.key))
        for wave in waves
        for shown in (WaveWarning(wave, warning, None) for warning in found.get(wave.pk, ()))
    ]


def _acceptances(
    found: Mapping[int, list[CalendarWarning]],
) -> dict[tuple[int, str, int, str], WarningAcceptance]:
    rows = WarningAcceptance.objects.filter(wave__in=found).select_related("accepted_by")
    return {row.key: row for row in rows}


def read_loads(users_of: UsersOf, as_if: Sequence[Wave] = ()) -> dict[int, MonthLoad]:
    """Users and cutovers by month, of what is known to the day or the month and not cancelled."""
    precisions = [Precision.DAY.value, Precision.MONTH.value]
    dated = Wave.objects.filter(cutover_precision__in=precisions, cutover_latest__isnull=False)
    stored = dated.exclude(status=Status.CANCELLED.value).order_by("pk").values_list("pk", "cutover_earliest")
    instead = {wave.pk for wave in as_if}
    rows = [row for row in stored if row[0] not in instead]
    rows += [
        (wave.pk, wave.cutover_earliest)
        for wave in as_if
        if wave.cutover_precision in precisions
        and wave.cutover_latest is not None
        and wave.status != Status.CANCELLED
    ]
    users = users_of(np.array([key for key, _ in rows], dtype=np.int64)).tolist()
    total: Counter[int] = Counter()
    cutovers: Counter[int] = Counter()
    uncounted: Counter[int] = Counter()
    for (_, day), count in zip(rows, users, strict=True):
        month = month_number(day or date.min)
        total[month] += max(count, 0)
        cutovers[month] += 1
        uncounted[month] += count == NONE
    return {month: MonthLoad(total[month], count, uncounted[month]) for month, count in cutovers.items()}


def planned_users(plan: Plan, wave_ids: IntArray) -> UsersOf:
    """Users as a plan has them that is not stored yet (`rollout.reader.read_plan`)."""
    users = allocate(plan, Basis.CUMULATIVE).users
    count_of = dict(zip(wave_ids.tolist(), users.tolist(), strict=True))
    return lambda ids: np.array([count_of.get(key, NONE) for key in ids.tolist()], dtype=np.int64)
