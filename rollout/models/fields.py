"""A model field and a form field that hold a FuzzyDate: the text as written, and what was read from it."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.query_utils import DeferredAttribute

from rollout.domain.dates import FuzzyDate, FuzzyDateError, parse
from rollout.models.labels import say

BOUND_NAMES = ("earliest", "latest", "precision", "open_ended")


class FuzzyDateFormField(forms.CharField):
    """Reads era and ISO text strictly; the error says what would be right."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 60)
        kwargs.setdefault("required", False)
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> FuzzyDate:  # type: ignore[override]
        """The period that the text names."""
        try:
            return parse(super().to_python(_text(value)) or "")
        except FuzzyDateError as error:
            raise ValidationError(say(error.words), code="fuzzy_date") from error

    def validate(self, value: Any) -> None:
        """Undecided counts as empty only where an answer is required."""
        super().validate(value.text)

    def run_validators(self, value: Any) -> None:
        """Length is a matter of the text."""
        super().run_validators(value.text)

    def prepare_value(self, value: Any) -> Any:
        """The text as written."""
        return _text(value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Only the text counts: 「R8.6」 and 「令和8年6月」 are two ways to write one period."""
        return not self.disabled and str(_text(initial) or "").strip() != str(_text(data) or "").strip()


class _FuzzyDateAttribute(DeferredAttribute):
    """Turns text into a FuzzyDate on assignment, so that an instance never holds a bare string."""

    def __set__(self, instance: models.Model, value: Any) -> None:
        instance.__dict__[self.field.attname] = self.field.to_python(value)


class FuzzyDateField(models.CharField):  # type: ignore[type-arg]
    """A period as a person wrote it; the column keeps the text, the value is a FuzzyDate.

    With `bounds`, the model also declares `<name>_earliest`, `_latest`, `_precision` and
    `_open_ended`, after this field; they are filled on every save so that the database can filter
    and sort (`save(update_fields=…)` has to name them too). Text that was once accepted stays
    readable: columns are read leniently.
    """

    descriptor_class = _FuzzyDateAttribute

    def __init__(self, *args: Any, bounds: bool = False, **kwargs: Any) -> None:
        self.bounds = bounds
        kwargs.setdefault("max_length", 60)
        kwargs.setdefault("blank", True)
        kwargs.setdefault("default", "")
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        """The arguments that make this field again."""
        name, path, args, kwargs = super().deconstruct()
        if self.bounds:
            kwargs["bounds"] = True
        return name, path, args, kwargs

    def from_db_value(self, value: str | None, _expression: Any, _connection: Any) -> FuzzyDate:
        """The period that the stored text names."""
        return parse(value or "", lenient=True)

    def to_python(self, value: Any) -> Any:
        """A FuzzyDate from text, read leniently (fixtures and history hold what was accepted before)."""
        if isinstance(value, FuzzyDate) or not isinstance(value, str | None):
            return value
        try:
            return parse(value or "", lenient=True)
        except FuzzyDateError as error:
            raise ValidationError(say(error.words), code="fuzzy_date") from error

    def get_prep_value(self, value: Any) -> Any:
        """The text as written."""
        return _text(value)

    def value_to_string(self, obj: models.Model) -> str:
        """The text as written, for fixtures."""
        return str(_text(self.value_from_object(obj)))

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:  # noqa: FBT001 (Django's signature)
        """The value to store; fills the bounds on the way."""
        self.fill_bounds(model_instance)
        return super().pre_save(model_instance, add)

    def fill_bounds(self, instance: models.Model) -> None:
        """Set the bound columns of `instance` from the text."""
        if not self.bounds:
            return
        value: FuzzyDate = getattr(instance, self.attname)
        for bound in BOUND_NAMES:
            setattr(instance, f"{self.name}_{bound}", getattr(value, bound))
        if value.precision is None:
            setattr(instance, f"{self.name}_precision", "")

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        """The text obeys the rules of a CharField."""
        super().validate(_text(value), model_instance)

    def run_validators(self, value: Any) -> None:
        """The text obeys the validators of a CharField."""
        super().run_validators(_text(value))

    def formfield(self, **kwargs: Any) -> Any:
        """A form field that reads era text."""
        kwargs.setdefault("form_class", FuzzyDateFormField)
        kwargs.pop("empty_value", None)
        return super(models.CharField, self).formfield(**{"max_length": self.max_length, **kwargs})


def _text(value: Any) -> Any:
    return value.text if isinstance(value, FuzzyDate) else value


def fill_bounds(row: models.Model, name: str) -> None:
    """Fill the bound columns of the FuzzyDateField `name` of `row`, which its constraints look at."""
    field = row._meta.get_field(name)
    if not isinstance(field, FuzzyDateField):
        raise TypeError(f"{name} is not a FuzzyDateField")
    field.fill_bounds(row)
