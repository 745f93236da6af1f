"""Which rollouts and waves a list shows. A value that cannot be meant is an error, never an empty list."""

from datetime import datetime
from typing import Any

import django_filters.rest_framework as filters  # type: ignore[import-untyped]
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ministries.models import Ministry
from rollout.domain.dates import FuzzyDateError, parse_fiscal_year
from rollout.history import rows_at
from rollout.models import Cohort, Rollout, RolloutCoverage, Wave
from rollout.models.conditions import is_in_fiscal_year, is_overdue_unconfirmed, may_be_on_or_after
from rollout.models.labels import STATUS_LABELS, joined, say

_BOOLEANS = {"true": True, "false": False}
_STATUS_ERROR = format_lazy(
    _("「%(value)s」という状態はありません。使えるのは {names} です。"), names=joined(STATUS_LABELS)
)
_DATE_ERROR = _("2026-06-15 のように年月日を指定してください。")


class CodeField(forms.CharField):
    """The id of the row that has a code at `moment`, today for None."""

    def __init__(self, *, model: type[Model], moment: datetime | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.model, self.moment = model, moment

    def clean(self, value: Any) -> int | None:
        """The id. Raises ValidationError for a code that no row has."""
        code = super().clean(value)
        if not code:
            return None
        row = rows_at(self.model, self.moment).filter(code=code).first()
        if row is None:
            why = gettext("「{code}」というコードの{verbose_name}はありません。").format(
                code=code, verbose_name=self.model._meta.verbose_name
            )
            raise ValidationError("%(why)s", params={"why": why})
        return int(row.pk)


class FiscalYearField(forms.CharField):
    """A fiscal year by the year it starts in, written as 2026, R8 or R8年度."""

    def clean(self, value: Any) -> int | None:
        """The year. Raises ValidationError with the ways to write it."""
        text = super().clean(value)
        try:
            return parse_fiscal_year(text) if text else None
        except FuzzyDateError as error:
            raise ValidationError("%(why)s", params={"why": say(error.words)})


class StrictBooleanField(forms.CharField):
    """true or false; anything else is refused (Django's own field reads it as not given)."""

    def clean(self, value: Any) -> bool | None:
        """The value. Raises ValidationError for anything but true and false."""
        text = super().clean(value)
        if text and text.lower() not in _BOOLEANS:
            raise ValidationError(gettext("true か false を指定してください。"))
        return _BOOLEANS.get(text.lower())


class CodeFilter(filters.CharFilter):  # type: ignore[misc]
    """The id of a row, by its code."""

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
        model=Ministry, help_text="Code of a ministry that leads the rollout or is covered by it."
    )
    cohort = CodeFilter(model=Cohort, help_text="Code of the cohort the rollout belongs to.")
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

    def __init__(self, *args: Any, moment: datetime | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.moment, self.today = moment, timezone.localdate(moment)
        for name in ("ministry", "cohort"):
            self.filters[name].extra["moment"] = moment

    def of_rollout(self) -> Q:
        """What is asked of the rollout; empty where nothing is."""
        asked, condition = self.form.cleaned_data, Q()
        if ministry := asked["ministry"]:
            coverages = rows_at(RolloutCoverage, self.moment).filter(ministry_id=ministry)
            condition &= Q(lead_ministry_id=ministry) | Q(id__in=coverages.values("rollout_id"))
        if cohort := asked["cohort"]:
            condition &= Q(cohort_id=cohort)
        return condition

    def of_wave(self) -> Q:
        """What is asked of one wave; empty where nothing is."""
        asked, condition = self.form.cleaned_data, Q()
        if status := asked["status"]:
            condition &= Q(status=status)
        if (year := asked["fiscal_year"]) is not None:
            condition &= is_in_fiscal_year(year)
        if day := asked["cutover_after"]:
            condition &= may_be_on_or_after(day)
        if day := asked["cutover_before"]:
            condition &= Q(cutover_earliest__lte=day)
        if asked["unconfirmed"]:
            condition &= is_overdue_unconfirmed(self.today)
        return condition


class WaveFilter(PlanFilter):
    """Filters of waves."""

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The waves that meet every condition."""
        waves = queryset.filter(self.of_wave())
        if of_rollout := self.of_rollout():
            waves = waves.filter(rollout_id__in=rows_at(Rollout, self.moment).filter(of_rollout).values("id"))
        if self.form.cleaned_data["unconfirmed"] is False:
            waves = waves.exclude(is_overdue_unconfirmed(self.today))
        return waves


class RolloutFilter(PlanFilter):
    """Filters of rollouts: one and the same wave meets all that is asked of waves."""

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rollouts that meet every condition, each once."""
        rollouts = queryset.filter(self.of_rollout())
        if of_wave := self.of_wave():
            rollouts = rollouts.filter(id__in=self._having(of_wave))
        if self.form.cleaned_data["unconfirmed"] is False:
            rollouts = rollouts.exclude(id__in=self._having(is_overdue_unconfirmed(self.today)))
        return rollouts

    def _having(self, of_wave: Q) -> QuerySet[Any]:
        return rows_at(Wave, self.moment).filter(of_wave).order_by().values("rollout_id")
