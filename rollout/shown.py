"""Waves as pages and charts show them, as they are known now or were known at a moment of the past.

History keeps the columns of every version, but its foreign keys lead to today's rows: rollouts, ministries,
cohorts and sources are joined by id among the rows of the same moment, in a constant number of queries.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext

from ministries.models import Ministry
from rollout.domain.allocation import CountBasis
from rollout.domain.dates import FuzzyDate
from rollout.domain.plan import SETTLED_STATUSES
from rollout.history import column_at, rows_at
from rollout.models import Citation, Cohort, Rollout, RolloutCoverage, Source, Wave
from rollout.seen import CountOf

Rows = Mapping[int, Any]
"""Rows of one moment by id."""


@dataclass(frozen=True)
class ShownWave:
    """A wave with what it belongs to; `rollout` and `cohort` are codes, `sources` what its facts rest on."""

    id: int
    code: str
    name: str
    rollout: str
    rollout_label: str
    cohort: str
    cohort_label: str
    cutover: FuzzyDate
    status: str
    users: int | None
    count_basis: CountBasis
    sources: Sequence[Any]

    @property
    def label(self) -> str:
        """The rollout, and the wave's own name where it has one."""
        return f"{self.rollout_label} {self.name}".strip()

    def is_overdue(self, today: date) -> bool:
        """予定日経過・未確認."""
        latest = self.cutover.latest
        return latest is not None and latest < today and self.status not in SETTLED_STATUSES

    def is_coming(self, today: date) -> bool:
        """Awaited, and its period is not over."""
        latest = self.cutover.latest
        return latest is not None and latest >= today and self.status not in SETTLED_STATUSES


@dataclass(frozen=True)
class Part:
    """The part of the plan that is looked at; all of it where neither cohort nor ministry (ids) is named."""

    moment: datetime | None = None
    cohort: int | None = None
    ministry: int | None = None

    @property
    def is_whole(self) -> bool:
        """True where nothing is left out."""
        return self.cohort is None and self.ministry is None

    def rollouts(self) -> QuerySet[Any]:
        """Its rollouts: of the cohort, and led by the ministry or covering it."""
        condition = Q()
        if self.cohort is not None:
            condition &= Q(cohort_id=self.cohort)
        if self.ministry is not None:
            covering = rows_at(RolloutCoverage, self.moment).filter(ministry_id=self.ministry)
            condition &= Q(lead_ministry_id=self.ministry) | Q(id__in=covering.values("rollout_id"))
        return rows_at(Rollout, self.moment).filter(condition)

    def waves(self) -> QuerySet[Any]:
        """Its waves that stand for themselves, by latest day, undecided ones last."""
        waves = rows_at(Wave, self.moment).filter(merged_into__isnull=True)
        if not self.is_whole:
            waves = waves.filter(rollout_id__in=self.rollouts().values("id"))
        in_order = column_at(Wave, "rollout__order", self.moment)
        return waves.order_by(F("cutover_latest").asc(nulls_last=True), in_order, "code")


def read_shown(waves: Iterable[Any], count_of: CountOf, moment: datetime | None) -> list[ShownWave]:
    """These waves of a moment with what they belong to, in the order in which they come."""
    rows = list(waves)
    rollouts = _by_id(Rollout, {row.rollout_id for row in rows}, moment)
    ministries = _by_id(Ministry, {row.lead_ministry_id for row in rollouts.values()}, moment)
    cohorts = _by_id(Cohort, {row.cohort_id for row in rollouts.values()}, moment)
    sources = _sources(rollouts, cohorts, moment)
    return [
        _shown(row, rollouts, ministries, cohorts, sources[row.rollout_id], count_of)
        for row in rows
        if row.rollout_id in rollouts
    ]


def rollout_label(ministry: str, scope: str) -> str:
    """The lead ministry, with the scope where there is one."""
    return gettext("{name}（{scope}）").format(name=ministry, scope=scope) if scope else ministry


def rollout_labels(rollouts: QuerySet[Any], moment: datetime | None) -> dict[str, str]:
    """What these rollouts of a moment were called, by code."""
    rows = list(rollouts)
    ministries = _by_id(Ministry, {row.lead_ministry_id for row in rows}, moment)
    return {row.code: rollout_label(ministries[row.lead_ministry_id].name, row.scope) for row in rows}


def _by_id(model: Any, ids: Iterable[int], moment: datetime | None) -> Rows:
    return {row.id: row for row in rows_at(model, moment).filter(id__in=ids)}


def _sources(rollouts: Rows, cohorts: Rows, moment: datetime | None) -> Mapping[int, list[Any]]:
    """What each rollout's dates and counts rest on, once each: the cohort's source, then what was adopted."""
    citations = rows_at(Citation, moment).filter(rollout_id__in=rollouts, adopted=True)
    named = [(row.id, cohorts[row.cohort_id].source_id) for row in rollouts.values()]
    named += citations.order_by("rollout_id", "subject", "id").values_list("rollout_id", "source_id")
    rows = _by_id(Source, {source for _, source in named}, moment)
    found: dict[int, dict[int, Any]] = defaultdict(dict)
    for rollout, source in named:
        if source in rows:
            found[rollout][source] = rows[source]
    return defaultdict(list, {rollout: list(each.values()) for rollout, each in found.items()})


def _shown(
    row: Any, rollouts: Rows, ministries: Rows, cohorts: Rows, sources: Sequence[Any], count_of: CountOf
) -> ShownWave:
    rollout = rollouts[row.rollout_id]
    cohort = cohorts[rollout.cohort_id]
    users, count_basis = count_of(row.id)
    return ShownWave(
        id=row.id,
        code=row.code,
        name=row.name,
        rollout=rollout.code,
        rollout_label=rollout_label(ministries[rollout.lead_ministry_id].name, rollout.scope),
        cohort=cohort.code,
        cohort_label=cohort.label,
        cutover=row.cutover,
        status=row.status,
        users=users,
        count_basis=count_basis,
        sources=sources,
    )
