"""A FuzzyDate in JSON: the text as written, the days it spans, its era and its fiscal year."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from rollout.domain.dates import FuzzyDate, Precision, fiscal_year_label


class PeriodSerializer(serializers.Serializer[Any]):
    """A date as a period. Never take `earliest` for the date itself: look at `precision` and `open_ended`."""

    text = serializers.CharField(help_text="As its source writes it.")
    earliest = serializers.DateField(help_text="First day of the period.")
    latest = serializers.DateField(
        allow_null=True, help_text="Last day of the period; null for 「以降」, which has none."
    )
    precision = serializers.ChoiceField(
        [precision.value for precision in Precision], help_text="How finely the date is known."
    )
    open_ended = serializers.BooleanField(
        help_text="True for `R8.6~` (starts within June 2026 and goes on) and for 「以降」."
    )
    era = serializers.CharField(help_text="In full, in the Japanese era.")
    fiscal_year = serializers.IntegerField(
        allow_null=True, help_text="Fiscal year (from April) of the latest day, by the year it starts in."
    )
    fiscal_year_label = serializers.CharField(allow_null=True, help_text=_("The same as `R8年度`."))


def period_json(period: FuzzyDate) -> dict[str, Any] | None:
    """`PeriodSerializer`'s fields of `period`; None when it is undecided."""
    if period.is_undecided:
        return None
    year = period.fiscal_year
    return {
        "text": period.text,
        "earliest": period.earliest,
        "latest": period.latest,
        "precision": period.precision,
        "open_ended": period.open_ended,
        "era": period.format_japanese(),
        "fiscal_year": year,
        "fiscal_year_label": None if year is None else fiscal_year_label(year),
    }


@extend_schema_field(PeriodSerializer)
class PeriodField(serializers.ReadOnlyField):
    """A FuzzyDate of a row."""

    def to_representation(self, value: FuzzyDate) -> dict[str, Any] | None:
        """The period, None when undecided."""
        return period_json(value)
