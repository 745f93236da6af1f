"""Lists that show counts: read from the stored projection, with a sum of what is listed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.contrib import messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import Min, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext

from rollout.domain.allocation import CountBasis
from rollout.domain.plan import Basis, Status
from rollout.domain.reminders import State
from rollout.models import Projection, Reminder, Wave

UNSENT = (State.PLANNED, State.DUE, State.SENDING)


@dataclass(frozen=True)
class Sums:
    """Users of the listed waves but for cancelled ones, by where the counts come from."""

    stated: int
    shared_out: int
    unknown: int
    """Waves, not users."""

    @property
    def text(self) -> str:
        """In words, and what is not in it."""
        basis = gettext("公表・確認 {stated:,}人、按分 {shared_out:,}人").format(
            stated=self.stated, shared_out=self.shared_out
        )
        more = (
            gettext("、ほかに人数の分からない移行単位 {unknown:,}件").format(unknown=self.unknown)
            if self.unknown
            else ""
        )
        return gettext("{value:,}人（{basis}{more}。中止は含みません）").format(
            value=self.stated + self.shared_out, basis=basis, more=more
        )


def stored_projection() -> Projection | None:
    """The stored projection whose counts the pages show."""
    return Projection.objects.current(Basis.CUMULATIVE, timezone.localdate())


class CountedList(ChangeList):
    """A list that reads the stored projection once and says so when its counts are not of today."""

    projection: Projection | None

    def get_results(self, request: HttpRequest) -> None:
        """Give every row the projection that its count is read from."""
        super().get_results(request)
        self.projection = projection = stored_projection()
        for row in self.result_list:
            row.projection = projection
        if request.method == "GET" and (projection is None or projection.stale):
            since = (
                gettext("表示は{localtime:%Y-%m-%d %H:%M}の計算です。").format(
                    localtime=timezone.localtime(projection.computed_at)
                )
                if projection
                else ""
            )
            messages.warning(
                request,
                gettext("人数は再計算を待っています。{since}1分ほどで新しくなります。").format(since=since),
            )


class WaveList(CountedList):
    """The list of waves: with the next mail about each, and the users of all that the filters leave."""

    sums: Sums | None

    def get_results(self, request: HttpRequest) -> None:
        """Two queries more, however long the list is."""
        super().get_results(request)
        self.sums = _sums(self.projection, self.queryset) if self.projection else None
        if request.user.has_perm("rollout.view_reminder"):
            next_due = next_mails(row.pk for row in self.result_list)
            for row in self.result_list:
                row.next_due = next_due.get(row.pk)


def next_mails(waves: Iterable[int]) -> dict[int | None, datetime]:
    """When the next mail about each wave is due, of those that are planned or under way."""
    rows = Reminder.objects.filter(wave__in=list(waves), state__in=UNSENT).order_by()
    return dict(rows.values_list("wave").annotate(Min("due_at")))


def _sums(projection: Projection, waves: QuerySet[Wave]) -> Sums:
    moving = waves.order_by().exclude(status=Status.CANCELLED.value).values_list("pk", flat=True)
    sums = projection.sum_of(np.fromiter(moving, dtype=np.int64))
    return Sums(
        stated=sums[CountBasis.STATED][1],
        shared_out=sums[CountBasis.SHARED_OUT][1],
        unknown=sums[CountBasis.UNKNOWN][0],
    )
