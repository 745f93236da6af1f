"""Which rollouts and waves a list shows. A value that cannot be meant is an error, never an empty list."""

from datetime import date
from typing import Any

import django_filters.rest_framework as filters  # type: ignore[import-untyped]
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from ministries.models import Ministry
from rollout.domain.dates import FuzzyDateError, parse_fiscal_year
from rollout.models import Cohort, Rollout, RolloutCoverage, Wave
from rollout.models.labels import STATUS_LABELS
from rollout.models.plan import WaveQuerySet

_BOOLEANS = {"true": True, "false": False}
_STATUS_ERROR = f"「%(value)s」という状態はありません。使えるのは {'、'.join(STATUS_LABELS)} です。"
_DATE_ERROR = "2026-06-15 のように年月日を指定してください。"


class CodeField(forms.CharField):
    """The row that a code names."""

    def __init__(self, *, rows: QuerySet[Any], noun: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rows, self.noun = rows, noun

    def clean(self, value: Any) -> Any:
        """The row. Raises ValidationError for a code that no row has."""
        code = super().clean(value)
        if not code:
            return None
        row = self.rows.filter(code=code).first()
        if row is None:
            raise ValidationError(
                "%(why)s", params={"why": f"「{code}」というコードの{self.noun}はありません。"}
            )
        return row


class FiscalYearField(forms.CharField):
    """A fiscal year by the year it starts in, written as 2026, R8 or R8年度."""

    def clean(self, value: Any) -> int | None:
        """The year. Raises ValidationError with the ways to write it."""
        text = super().clean(value)
        try:
            return parse_fiscal_year(text) if text else None
        except FuzzyDateError as error:
            raise ValidationError("%(why)s", params={"why": str(error)})


class StrictBooleanField(forms.CharField):
    """true or false; anything else is refused (Django's own field reads it as not given)."""

    def clean(self, value: Any) -> bool | None:
        """The value. Raises ValidationError for anything but true and false."""
        text = super().clean(value)
        if text and text.lower() not in _BOOLEANS:
            raise ValidationError("true か false を指定してください。")
        return _BOOLEANS.get(text.lower())


class CodeFilter(filters.CharFilter):  # type: ignore[misc]
    """A row by its code."""

    field_class = CodeField


class FiscalYearFilter(filters.CharFilter):  # type: ignore[misc]
    """A fiscal year."""

    field_class = FiscalYearField


class StrictBooleanFilter(filters.BooleanFilter):  # type: ignore[misc]
    """A boolean."""

    field_class = StrictBooleanField

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.TextInput, **kwargs)


class DayFilter(filters.DateFilter):  # type: ignore[misc]
    """A day in ISO 8601."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%d"], error_messages={"invalid": _DATE_ERROR}, **kwargs)


class PlanFilter(filters.FilterSet):  # type: ignore[misc]
    """The parameters that lists of rollouts and of waves share."""

    ministry = CodeFilter(
        rows=Ministry.objects.all(),
        noun="府省庁",
        help_text="Code of a ministry that leads the rollout or is covered by it.",
    )
    cohort = CodeFilter(
        rows=Cohort.objects.all(), noun="導入区分", help_text="Code of the cohort the rollout belongs to."
    )
    status = filters.ChoiceFilter(
        choices=list(STATUS_LABELS.items()),
        error_messages={"invalid_choice": _STATUS_ERROR},
        help_text="Status of a wave.",
    )
    fiscal_year = FiscalYearFilter(
        help_text="Fiscal year (April to March) of the cutover's latest day: `2026`, `R8` or `R8年度`."
    )
    cutover_after = DayFilter(
        help_text="ISO 8601 day: the cutover's latest day is that day or later; 「以降」 counts."
    )
    cutover_before = DayFilter(help_text="ISO 8601 day: the cutover's earliest day is that day or earlier.")
    unconfirmed = StrictBooleanFilter(
        help_text=(
            "予定日経過・未確認: the latest day has passed in Tokyo and nobody has confirmed the use. "
            "`false` on rollouts: those without any such wave."
        )
    )


class WaveFilter(PlanFilter):
    """Filters of waves."""

    def filter_queryset(self, queryset: WaveQuerySet) -> WaveQuerySet:
        """The waves that meet every condition."""
        asked = self.form.cleaned_data
        waves = queryset.filter(_of_rollout(asked, "rollout__"), _of_wave(asked))
        if asked["unconfirmed"] is False:
            waves = waves.exclude(pk__in=Wave.objects.overdue_unconfirmed(timezone.localdate()).values("pk"))
        return waves


class RolloutFilter(PlanFilter):
    """Filters of rollouts: one and the same wave meets all that is asked of waves."""

    def filter_queryset(self, queryset: QuerySet[Rollout]) -> QuerySet[Rollout]:
        """The rollouts that meet every condition, each once."""
        asked = self.form.cleaned_data
        rollouts, of_wave = queryset.filter(_of_rollout(asked, "")), _of_wave(asked)
        own_waves = Wave.objects.filter(rollout=OuterRef("pk")).order_by()
        if of_wave:
            rollouts = rollouts.filter(Exists(own_waves.filter(of_wave)))
        if asked["unconfirmed"] is False:
            rollouts = rollouts.exclude(Exists(own_waves.overdue_unconfirmed(timezone.localdate())))
        return rollouts


def _of_rollout(asked: dict[str, Any], path: str) -> Q:
    """What is asked of the rollout, which lies at `path`."""
    condition = Q()
    if ministry := asked["ministry"]:
        covering = RolloutCoverage.objects.filter(ministry=ministry).order_by().values("rollout")
        condition &= Q(**{f"{path}lead_ministry": ministry}) | Q(**{f"{path}pk__in": covering})
    if cohort := asked["cohort"]:
        condition &= Q(**{f"{path}cohort": cohort})
    return condition


def _of_wave(asked: dict[str, Any]) -> Q:
    """What is asked of one wave; empty where nothing is."""
    condition = Q()
    if status := asked["status"]:
        condition &= Q(status=status)
    if (year := asked["fiscal_year"]) is not None:
        condition &= _is_among(Wave.objects.in_fiscal_year(year))
    if day := asked["cutover_after"]:
        condition &= _may_be_on_or_after(day)
    if day := asked["cutover_before"]:
        condition &= Q(cutover_earliest__lte=day)
    if asked["unconfirmed"]:
        condition &= _is_among(Wave.objects.overdue_unconfirmed(timezone.localdate()))
    return condition


def _may_be_on_or_after(day: date) -> Q:
    """The latest day is `day` or later, or there is an earliest day and no latest (「以降」)."""
    endless = Q(cutover_latest__isnull=True, cutover_earliest__isnull=False)
    return Q(cutover_latest__gte=day) | endless


def _is_among(waves: WaveQuerySet) -> Q:
    return Q(pk__in=waves.order_by().values("pk"))
