"""The plan's version: one row, locked first by every writer, raised by every change."""

from datetime import date

from django.db import models
from django.db.models import F, Q

from rollout.domain import projection
from rollout.domain.allocation import CountBasis
from rollout.domain.plan import Basis
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
    recompute must add them; `reminders_number` is the number that the ledger was last planned for;
    `ticked_at` is the moment of the last tick.
    """

    ONLY_ROW = 1

    number = models.PositiveBigIntegerField(default=0)
    history_missing = models.BooleanField(default=False)
    reminders_number = models.PositiveBigIntegerField(null=True)
    ticked_at = models.DateTimeField(null=True)

    objects = PlanVersionQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(name="plan_version_only_row", condition=Q(pk=1))]

    def __str__(self) -> str:
        return str(self.number)


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


class Projection(models.Model):
    """The projection of one basis as last computed, with the version and the day it was computed for.

    `result` holds the curve (rollout.domain.projection.Projection.stored), `allocation` the users
    of every wave: `{wave id: [users or null, count basis]}`.
    """

    basis = models.CharField(max_length=12, unique=True)
    data_version = models.PositiveBigIntegerField()
    today = models.DateField()
    computed_at = models.DateTimeField()
    result = models.JSONField()
    allocation = models.JSONField()

    stale = False
    """True when the plan, or the day in Tokyo, has changed since; set by `ProjectionQuerySet.current`."""

    objects = ProjectionQuerySet.as_manager()

    class Meta:
        verbose_name = "見込み"
        verbose_name_plural = "見込み"
        ordering = ["basis"]
        constraints = [
            models.CheckConstraint(
                name="projection_basis_known", condition=Q(basis__in=["cumulative", "group"])
            )
        ]

    def __str__(self) -> str:
        return f"{BASIS_LABELS[self.basis]}（データの版 {self.data_version}）"

    @property
    def curve(self) -> projection.Projection:
        """The curve as the domain knows it."""
        return projection.Projection.from_stored(self.result)

    def count_of(self, wave_id: int) -> tuple[int | None, CountBasis]:
        """Users of a wave and where the number comes from."""
        users, basis = self.allocation.get(str(wave_id), (None, CountBasis.UNKNOWN))
        return users, CountBasis(basis)
