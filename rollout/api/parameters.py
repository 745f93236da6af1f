"""Query parameters of computed answers; a wrong value is answered with what would be right."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.utils.translation import gettext
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from rollout.api.views import check_may_see_scenarios
from rollout.models import Scenario
from rollout.models.scenario import ScenarioQuerySet
from rollout.models.visible import visible_scenarios

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class ChoiceParameter(serializers.ChoiceField):
    """One of a few words; another word is answered with all of them. A word may come with its label."""

    def __init__(self, choices: "Sequence[str | tuple[str, StrOrPromise]]", **kwargs: Any) -> None:
        words = [choice if isinstance(choice, str) else choice[0] for choice in choices]
        error = gettext("「{{input}}」は選べません。使えるのは {names} です。").format(
            names=gettext("、").join(word for word in words if word)
        )
        messages: Any = dict.fromkeys(("invalid_choice", "null"), error)
        super().__init__(choices, error_messages=messages, required=False, **kwargs)


LONGEST_CODE = 60


@extend_schema_field(OpenApiTypes.BOOL)
class FlagParameter(ChoiceParameter):
    """`true` or `false`; false unless given."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(["true", "false"], default=False, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        """Which of the two."""
        return super().to_internal_value(data) == "true"


@extend_schema_field(OpenApiTypes.STR)
class RowParameter(serializers.SlugRelatedField[Any]):
    """A row by its code."""

    def __init__(self, rows: QuerySet[Any], **kwargs: Any) -> None:
        noun = rows.model._meta.verbose_name
        messages: Any = {
            "does_not_exist": gettext("「{{value}}」というコードの{noun}はありません。").format(noun=noun),
            "null": gettext("{noun}のコードを指定してください。").format(
                noun=noun
            ),  # what was given is empty
        }
        super().__init__(slug_field="code", queryset=rows, error_messages=messages, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        """The row. Raises ValidationError for a code that no row has or, being no text, can have."""
        if not isinstance(data, str) or "\0" in data:
            self.fail("does_not_exist", value=str(data)[:LONGEST_CODE])
        return super().to_internal_value(data)


def check_one_of(given: Mapping[str, Any], *names: str) -> str:
    """The one of `names` that is given. Raises ValidationError, by parameter, for none and for several."""
    found = [name for name in names if name in given]
    if len(found) != 1:
        message = gettext("「{names}」のどちらか1つを指定してください。").format(
            names=gettext("」か「").join(names)
        )
        raise ValidationError({name: [message] for name in found or names})
    return found[0]


class ScenarioParameter(RowParameter):
    """A scenario by its code; the serializer's context holds the request. Raises 403 as `scenarios/` does.

    One whose values cannot be read is answered with what is to be put right.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(Scenario.objects.all(), **kwargs)

    def get_queryset(self) -> ScenarioQuerySet:
        """What the person who asks may see."""
        return visible_scenarios(self.context["request"].user)

    def to_internal_value(self, data: Any) -> Any:
        """The scenario. Raises NotAuthenticated or PermissionDenied for who may not see any."""
        check_may_see_scenarios(self.context["request"])
        scenario = super().to_internal_value(data)
        scenario.check_readable()
        return scenario
