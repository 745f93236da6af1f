"""Filters of the lists. A value that a filter does not offer is refused, never silently ignored."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Max, Min, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rollout.domain.dates import Precision, fiscal_year_label, fiscal_year_of
from rollout.domain.reminders import State
from rollout.models import Baseline, Wave, conditions
from rollout.models.labels import OVERDUE_LABEL

UNSENT = [State.PLANNED, State.DUE, State.SENDING]
TO_CHECK = [State.UNKNOWN, State.FAILED, State.MISSED]
GIVEN_UP = [State.MISSED, State.SKIPPED]
BASELINES_OFFERED = 10


class Choice(admin.SimpleListFilter):
    """A filter with named choices."""

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the chosen value."""
        value = self.value()
        if value is None:
            return queryset
        if value not in {str(key) for key, _ in self.lookup_choices}:
            raise IncorrectLookupParameters(f"{self.parameter_name}={value}")
        return self.choose(queryset, value)

    def choose(self, queryset: Any, value: str) -> QuerySet[Any]:
        """The rows of `value`, one of the choices."""
        raise NotImplementedError


class OverdueFilter(Choice):
    """予定日経過・未確認."""

    title = OVERDUE_LABEL
    parameter_name = "unconfirmed"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        """One choice: those alone."""
        return [("1", gettext("{overdue_label}だけ").format(overdue_label=OVERDUE_LABEL))]

    def choose(self, queryset: Any, value: str) -> QuerySet[Any]:
        """Waves past their day that nobody has confirmed."""
        return queryset.overdue_unconfirmed(timezone.localdate())  # type: ignore[no-any-return]


class FiscalYearFilter(Choice):
    """The fiscal year of the cutover's latest day."""

    title = _("年度")
    parameter_name = "fiscal_year"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        """The fiscal years from the first of the plan to its last, and none."""
        first, last = Wave.objects.aggregate(first=Min("cutover_latest"), last=Max("cutover_latest")).values()
        years = range(fiscal_year_of(first), fiscal_year_of(last) + 1) if first and last else ()
        return [
            *((str(year), fiscal_year_label(year)) for year in years),
            ("none", gettext("年度なし（検討中・以降）")),
        ]

    def choose(self, queryset: Any, value: str) -> QuerySet[Any]:
        """Waves of that fiscal year."""
        if value == "none":
            return queryset.filter(cutover_latest__isnull=True)  # type: ignore[no-any-return]
        return queryset.in_fiscal_year(int(value))  # type: ignore[no-any-return]


class SoonFilter(Choice):
    """Whether the cutover is near."""

    title = _("切替まで")
    parameter_name = "soon"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        """Within a month, and within a quarter."""
        return [("30", gettext("30日以内")), ("90", gettext("90日以内"))]

    def choose(self, queryset: Any, value: str) -> QuerySet[Any]:
        """Awaited waves whose period begins by then, or is going on."""
        return queryset.upcoming(timezone.localdate(), int(value))  # type: ignore[no-any-return]


class MovedFilter(Choice):
    """Whether the cutover has moved since a baseline."""

    title = _("基準計画からの移動")
    parameter_name = "moved"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        """The newest baselines."""
        return [
            (row.code, gettext("「{label}」から移動").format(label=row.label))
            for row in Baseline.objects.all()[:BASELINES_OFFERED]
        ]

    def has_output(self) -> bool:
        """Also without a baseline where one is asked for, which is then refused."""
        return super().has_output() or self.value() is not None

    def choose(self, queryset: Any, value: str) -> QuerySet[Any]:
        """Waves with other days than at its moment."""
        return queryset.moved_since(Baseline.objects.get(code=value).moment)  # type: ignore[no-any-return]


class MineFilter(Choice):
    """Whether the person looks after the ministry."""

    title = _("担当")
    parameter_name = "mine"

    def __init__(self, request: Any, *args: Any) -> None:
        self._user = request.user
        super().__init__(request, *args)

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        """One choice: one's own."""
        return [("1", gettext("自分が担当する府省庁だけ"))]

    def choose(self, queryset: Any, value: str) -> QuerySet[Any]:
        """Waves of those ministries."""
        return queryset.assigned_to(self._user)  # type: ignore[no-any-return]


class CountFilter(Choice):
    """Whether somebody has stated a count of the wave or of its rollout."""

    title = _("人数")
    parameter_name = "count"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        """Stated or not."""
        return [("stated", gettext("公表・確認あり")), ("none", gettext("公表・確認なし（按分または不明）"))]

    def choose(self, queryset: Any, value: str) -> QuerySet[Any]:
        """Waves with or without a stated count."""
        missing = conditions.is_uncounted()
        return queryset.filter(missing if value == "none" else ~missing)  # type: ignore[no-any-return]


class ExactDayFilter(Choice):
    """How finely the cutover is known."""

    title = _("切替の日")
    parameter_name = "day"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        """To the day, more coarsely, or not at all."""
        return [
            ("exact", gettext("日まで確定")),
            ("coarse", gettext("日は未定（月・年度など）")),
            ("none", gettext("検討中（日付なし）")),
        ]

    def choose(self, queryset: Any, value: str) -> QuerySet[Any]:
        """Waves known to that precision."""
        exact = Q(cutover_precision=Precision.DAY.value)
        wanted = {"exact": exact, "coarse": conditions.is_coarse(), "none": conditions.is_undecided()}
        return queryset.filter(wanted[value])  # type: ignore[no-any-return]


class SendingFilter(Choice):
    """What is still to go out, what went, and what a person must look at."""

    title = _("送信の状況")
    parameter_name = "sending"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        """Four piles; the last is what came too late, or gave way to a nearer one, after an outage."""
        return [
            ("unsent", gettext("これから送るもの")),
            ("sent", gettext("送信済み")),
            ("check", gettext("確認が必要なもの")),
            ("given_up", gettext("見逃し・省略")),
        ]

    def choose(self, queryset: Any, value: str) -> QuerySet[Any]:
        """Rows of that pile."""
        piles = {"unsent": UNSENT, "sent": [State.SENT], "check": TO_CHECK, "given_up": GIVEN_UP}
        return queryset.filter(state__in=piles[value])  # type: ignore[no-any-return]
