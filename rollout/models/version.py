"""The plan's version: one row, locked first by every writer, raised by every change."""

from collections.abc import Sequence
from datetime import date
from functools import cached_property

import numpy as np
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext, pgettext_lazy

from rollout.domain import projection
from rollout.domain.allocation import CountBasis
from rollout.domain.plan import NONE, Basis, BoolArray, IntArray
from rollout.models.labels import BASIS_LABELS


class PlanVersionQuerySet(models.QuerySet["PlanVersion"]):
    """The one row."""

    def current(self) -> "PlanVersion":
        """The row, made on the first call."""
        return self.get_or_create(pk=PlanVersion.ONLY_ROW)[0]

    def lock(self) -> "PlanVersion":
        """The row, locked to the end of the transaction: history order is then commit order."""
        self.current()
        return self.select_for_update().get(pk=PlanVersion.ONLY_ROW)

    def raise_number(self, *, history_missing: bool = False) -> None:
        """Count one change; `history_missing` when the row was written past the history."""
        changes: dict[str, object] = {"number": F("number") + 1}
        if history_missing:
            changes["history_missing"] = True
        self.current()
        self.filter(pk=PlanVersion.ONLY_ROW).update(**changes)


class PlanVersion(models.Model):
    """How often the plan, its contacts and its reminder rules have changed, and what has followed.

    `history_missing` says that rows were written past the history (`loaddata` does) and the next
    recompute must add them; `reminders_number` is the number that the ledger was last planned for
    and `reminders_day` the day in Tokyo that it was planned on; `ticked_at` is the moment of the last tick.
    """

    ONLY_ROW = 1

    number = models.PositiveBigIntegerField(default=0)
    history_missing = models.BooleanField(default=False)
    reminders_number = models.PositiveBigIntegerField(null=True)
    reminders_day = models.DateField(null=True)
    ticked_at = models.DateTimeField(null=True)

    objects = PlanVersionQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(name="plan_version_only_row", condition=Q(pk=1))]

    def __str__(self) -> str:
        return str(self.number)


BASIS_BITS = 2


def pack_counts(wave_ids: IntArray, users: IntArray, basis: IntArray) -> bytes:
    """Counts as `Projection.allocation` keeps them: wave ids in order, then users with their CountBasis.

    Eight bytes a wave, because a plan may be large: PostgreSQL takes longer over JSON than the sums do.
    Raises OverflowError for a wave id that four bytes cannot hold.
    """
    if wave_ids.max(initial=0) > np.iinfo("<i4").max:
        raise OverflowError("a wave id is larger than a projection can keep")
    order = np.argsort(wave_ids)
    counts = [wave_ids[order], (users[order] << BASIS_BITS) | basis[order]]
    return np.array(counts, dtype="<i4").tobytes()


def _unpack_counts(packed: bytes | memoryview) -> tuple[IntArray, IntArray, IntArray]:
    wave_ids, counts = np.frombuffer(packed, dtype="<i4").reshape(2, -1).astype(np.int64)
    return wave_ids, counts >> BASIS_BITS, counts & ~(-1 << BASIS_BITS)


class ProjectionQuerySet(models.QuerySet["Projection"]):
    """Reads of stored projections."""

    def current(self, basis: Basis, today: date) -> "Projection | None":
        """The stored projection of a basis with `stale` set, or None where nothing was computed yet.

        The version is read last: a change in between shows as stale, never the other way round.
        """
        row = self.filter(basis=basis.value).first()
        if row is not None:
            row.stale = (row.data_version, row.today) != (PlanVersion.objects.current().number, today)
        return row

    def replace(self, rows: Sequence["Projection"]) -> None:
        """Store `rows` in place of what was stored for their bases."""
        names = [
            field.name for field in self.model._meta.concrete_fields if field.name not in ("id", "basis")
        ]
        self.bulk_create(rows, update_conflicts=True, unique_fields=["basis"], update_fields=names)


class Projection(models.Model):
    """The projection of one basis as last computed, with the version and the day it was computed for.

    `result` holds the curve (rollout.domain.projection.Projection.stored), `checkpoints` by code the
    users to reach, the month, the verdict and since when it has stood (an ISO moment carried on from one
    stored projection to the next), `allocation` the users of every wave (`pack_counts`).
    """

    basis = models.CharField(max_length=12, unique=True)
    data_version = models.PositiveBigIntegerField()
    today = models.DateField()
    computed_at = models.DateTimeField()
    result = models.JSONField()
    checkpoints = models.JSONField(default=dict)
    allocation = models.BinaryField()

    stale = False
    """True when the plan, or the day in Tokyo, has changed since; set by `ProjectionQuerySet.current`."""

    objects = ProjectionQuerySet.as_manager()

    class Meta:
        verbose_name = pgettext_lazy("model", "見込み")
        verbose_name_plural = pgettext_lazy("models", "見込み")
        ordering = ["basis"]
        constraints = [
            models.CheckConstraint(
                name="projection_basis_known", condition=Q(basis__in=["cumulative", "group"])
            )
        ]

    def __str__(self) -> str:
        return gettext("{basis}（データの版 {data_version}）").format(
            basis=BASIS_LABELS[self.basis], data_version=self.data_version
        )

    @property
    def curve(self) -> projection.Projection:
        """The curve as the domain knows it."""
        return projection.Projection.from_stored(self.result)

    @cached_property
    def _counts(self) -> tuple[IntArray, IntArray, IntArray]:
        """Wave ids in ascending order, users and count basis of each."""
        return _unpack_counts(self.allocation)

    def _places(self, wave_ids: IntArray) -> tuple[IntArray, BoolArray]:
        """Where each wave stands in `_counts`, and whether it is there at all."""
        known = self._counts[0]
        places = np.searchsorted(known, wave_ids)
        found = places < len(known)
        found[found] = known[places[found]] == wave_ids[found]
        return places, found

    def counts_of(self, wave_ids: IntArray) -> tuple[IntArray, IntArray]:
        """Users of each wave, NONE where unknown, and the CountBasis of each."""
        places, found = self._places(wave_ids)
        users, basis = np.full(len(wave_ids), NONE), np.full(len(wave_ids), int(CountBasis.UNKNOWN))
        users[found], basis[found] = (column[places[found]] for column in self._counts[1:])
        return users, basis

    def users_of(self, wave_ids: IntArray) -> IntArray:
        """Users of each wave, NONE where unknown."""
        return self.counts_of(wave_ids)[0]

    def sum_of(self, wave_ids: IntArray) -> dict[CountBasis, tuple[int, int]]:
        """Of these waves together: how many there are of each count basis, and their users."""
        places, found = self._places(wave_ids)
        _, users, basis = self._counts
        kinds, known = basis[places[found]], users[places[found]].clip(0)
        sums = {each: (int((kinds == each).sum()), int(known[kinds == each].sum())) for each in CountBasis}
        new = int((~found).sum())  # what it was not computed for
        sums[CountBasis.UNKNOWN] = (sums[CountBasis.UNKNOWN][0] + new, 0)
        return sums

    def find_count(self, wave_id: int) -> tuple[int | None, CountBasis] | None:
        """Users of a wave and where the number comes from; None for a wave that it was not computed for."""
        known, users, basis = self._counts
        place = int(np.searchsorted(known, wave_id))
        if place == len(known) or known[place] != wave_id:
            return None
        return None if users[place] == NONE else int(users[place]), CountBasis(int(basis[place]))

    def count_of(self, wave_id: int) -> tuple[int | None, CountBasis]:
        """The same; nothing is known of a wave that it was not computed for."""
        return self.find_count(wave_id) or (None, CountBasis.UNKNOWN)
