"""Bodies of requests that write: what each may hold. Nothing in them is ignored, and null is a value."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from ministries.models import Ministry
from rollout.api.parameters import ChoiceParameter, RowParameter
from rollout.domain.dates import FuzzyDate, FuzzyDateError, parse
from rollout.domain.plan import MAX_USERS
from rollout.models import Cohort, Rollout, Scenario, ScenarioChange, Source, Wave
from rollout.models.labels import STATUS_LABELS, say

PERIOD_HELP = "As people write it: `R8.6~`, `令和8年度上期`, `2026-06-15`; `検討中` or null is undecided."
USERS_HELP = "Users, published or confirmed; null where nobody has said, which is not zero."
LONGEST_REASON = 500


class Input(serializers.Serializer[Any]):
    """A body that is an object; a name that it does not know is an error."""

    def to_internal_value(self, data: Any) -> Any:
        """The values. Raises ValidationError by field."""
        unknown = set(data) - set(self.fields) if isinstance(data, Mapping) else ()
        if unknown:
            message = gettext("「{name}」という項目はありません。使えるのは {names} です。")
            names = gettext("、").join(self.fields)
            raise ValidationError(
                {str(name): [message.format(name=str(name)[:50], names=names)] for name in sorted(unknown)}
            )
        return super().to_internal_value(data)


@extend_schema_field({"type": "string", "maxLength": 60, "example": "R9.1"})
class PeriodInput(serializers.CharField):
    """A period as people write it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_blank=True, allow_null=True, max_length=60, **kwargs)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """The FuzzyDate. Raises ValidationError with what would be right."""
        text = super().run_validation(data)
        try:
            return parse(text or "")
        except FuzzyDateError as error:
            raise ValidationError(say(error.words)) from error

    def to_representation(self, value: FuzzyDate) -> str:  # type: ignore[override]
        """The text as written."""
        return value.text


def code_field() -> serializers.SlugField:
    """The code of a new row, which is for good."""
    return serializers.SlugField(max_length=60, help_text="A code that no other row has; for URLs, for good.")


def users_field(**kwargs: Any) -> serializers.IntegerField:
    """A count."""
    kwargs = {"allow_null": True, "help_text": USERS_HELP, **kwargs}
    return serializers.IntegerField(min_value=0, max_value=MAX_USERS, **kwargs)


class EvidenceInput(Input):
    """What the change rests on; it becomes the citation that the plan follows."""

    source = RowParameter(Source.objects.all(), help_text="Code of the source.")  # type: ignore[assignment]
    text = serializers.CharField(max_length=300, help_text="What the source says, verbatim. It is public.")
    locator = serializers.CharField(
        max_length=100, allow_blank=True, default="", help_text="Where in it: page, number of the table."
    )


class ReasonInput(Input):
    """Why."""

    reason = serializers.CharField(
        max_length=LONGEST_REASON, help_text="What the change rests on, in words. Stays in the history."
    )


class EvidencedInput(ReasonInput):
    """Why, and on what it rests."""

    evidence = EvidenceInput(required=False, help_text="Of a change of cutover, users or status.")


class WaveFacts(Input):
    """What a wave has; what is left out stays as it is."""

    cutover = PeriodInput(required=False, help_text=PERIOD_HELP)
    users = users_field(required=False)
    status = ChoiceParameter(list(STATUS_LABELS.items()), help_text="`in_use` needs a cutover to the day.")
    name = serializers.CharField(
        required=False, allow_blank=True, max_length=100, help_text="Where a rollout has several waves."
    )
    note = serializers.CharField(required=False, allow_blank=True, max_length=300)


class WaveChange(WaveFacts, EvidencedInput):
    """A change of one wave."""


class NewWave(WaveChange):
    """A new wave of a rollout."""

    code = code_field()
    rollout = RowParameter(Rollout.objects.all(), help_text="Code of the rollout.")


class OwnNewWave(WaveFacts):
    """A wave of a new rollout."""

    code = code_field()


class WaveRow(WaveFacts):
    """The change of one wave among many."""

    code = serializers.CharField(max_length=60, help_text="Code of the wave.")
    version = serializers.CharField(max_length=60, help_text="`version` of the wave as it was read.")


class WaveRows(ReasonInput):
    """Changes of many waves, for one reason: all of them or none."""

    MOST = 1000

    waves = WaveRow(  # type: ignore[call-arg]
        many=True, allow_empty=False, max_length=MOST, help_text="1 to 1,000, each wave once."
    )


class UseInput(ReasonInput):
    """利用開始確認."""

    day = PeriodInput(help_text="The actual first day, to the day: `R8.6.15`, `2026-06-15`.")


class RolloutFacts(Input):
    """What a rollout has; what is left out stays as it is."""

    cohort = RowParameter(Cohort.objects.all(), required=False, help_text="Code of the cohort.")
    ministry = RowParameter(
        Ministry.objects.all(), source="lead_ministry", required=False, help_text="Code of the lead ministry."
    )
    also_covers = RowParameter(
        Ministry.objects.all(), many=True, required=False, help_text="Codes of all that move along."
    )
    order = serializers.IntegerField(
        required=False, min_value=0, max_value=32767, help_text="Place within the cohort, as published."
    )
    scope = serializers.CharField(required=False, allow_blank=True, max_length=100)
    partial = serializers.BooleanField(required=False, help_text="True when only part of the unit moves.")  # type: ignore[assignment]
    users = users_field(required=False)
    weight = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=MAX_USERS,
        help_text="Authorised headcount (定員), which shares out a total; null when not known.",
    )
    weight_scope = ChoiceParameter(
        [*Rollout.WeightScope.values, ""], help_text="Whose headcount it is; empty when not known."
    )
    weight_note = serializers.CharField(required=False, allow_blank=True, max_length=200)


class RolloutChange(RolloutFacts, EvidencedInput):
    """A change of one rollout."""


class NewRollout(RolloutChange):
    """A new rollout with its waves."""

    code = code_field()
    cohort = RowParameter(Cohort.objects.all(), help_text="Code of the cohort.")
    ministry = RowParameter(
        Ministry.objects.all(), source="lead_ministry", help_text="Code of the lead ministry."
    )
    waves = OwnNewWave(  # type: ignore[call-arg]
        many=True,
        required=False,
        allow_empty=False,
        max_length=100,
        help_text="One undecided wave, called like the rollout with `-1`, unless given.",
    )


class NewObservation(ReasonInput):
    """A published count of GSS users."""

    as_of = PeriodInput(help_text="The day or month that the count speaks of: `2024-06`, `R6.6.19`.")
    users = users_field(allow_null=False, help_text="Users, as published.")
    approximate = serializers.BooleanField(default=False, help_text="True when the source says 「約」.")
    source = RowParameter(Source.objects.all(), help_text="Code of the source.")  # type: ignore[assignment]
    note = serializers.CharField(default="", allow_blank=True, max_length=200)


class NewSource(ReasonInput):
    """A published document or a dated statement."""

    code = code_field()
    title = serializers.CharField(max_length=300)
    publisher = serializers.CharField(max_length=100)
    published_on = PeriodInput(required=False, help_text=PERIOD_HELP)
    kind = serializers.ChoiceField(Source.Kind.values, help_text="How close it is to the decision.")


class ChangeInput(Input):
    """One fact that a scenario has otherwise than the plan."""

    rollout = RowParameter(Rollout.objects.all(), help_text="Code of the rollout.")
    wave = RowParameter(
        Wave.objects.all(), required=False, allow_null=True, default=None, help_text="Code; null: the whole."
    )
    field = serializers.ChoiceField(ScenarioChange.Field.values, help_text="Which fact.")
    value = serializers.CharField(
        allow_blank=True,
        max_length=60,
        help_text="As in the plan: `R8.9`, `68600`, `cancelled`; empty: unknown.",
    )


class ScenarioFacts(Input):
    """What a scenario has; `changes` stand in place of all that it had."""

    label = serializers.CharField(required=False, max_length=100, help_text="A name that no other has.")  # type: ignore[assignment]
    note = serializers.CharField(required=False, allow_blank=True, max_length=300, help_text="Why.")
    state = ChoiceParameter(
        [Scenario.State.DRAFT.value, Scenario.State.PROPOSED.value, Scenario.State.WITHDRAWN.value],
        help_text="`proposed` asks the PMO to decide.",
    )
    changes = ChangeInput(many=True, required=False, allow_empty=False, max_length=1000)  # type: ignore[call-arg]


class NewScenario(ScenarioFacts):
    """A new scenario, or a proposal."""

    code = code_field()
    label = serializers.CharField(max_length=100, help_text="A name that no other has.")
    changes = ChangeInput(many=True, allow_empty=False, max_length=1000)  # type: ignore[call-arg]
