"""Forms of the admin. They ask what the actions ask, so that the answer stands beside its field."""

from collections import Counter
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget
from django.core.exceptions import ValidationError
from django.forms import BaseInlineFormSet

from ministries.corporate_number import normalise
from rollout import actions
from rollout.models import Citation
from rollout.models.fields import BOUND_NAMES, FuzzyDateField

if TYPE_CHECKING:

    class AnyForm(forms.ModelForm[Any]):
        """A model form with the steps that Django leaves open to override, which its stubs lack."""

        def _get_validation_exclusions(self) -> set[str]: ...
        def _post_clean(self) -> None: ...

    AnyFormSet = BaseInlineFormSet[Any, Any, Any]
else:
    AnyForm = forms.ModelForm
    AnyFormSet = BaseInlineFormSet

REASON_MISSING = "切替・人数・状態を変えるときは、変更理由を書いてください。"
REASON_MISSING_BELOW = "移行単位の切替・人数・状態を変えるときは、下の「変更理由」を書いてください。"
REASON_CODE = "reason"


class CorporateNumberField(forms.CharField):
    """法人番号 as people paste it: full width, with hyphens or spaces."""

    def to_python(self, value: Any) -> str:
        """Plain digits."""
        return normalise(super().to_python(value) or "")

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """No limit while typing: a pasted number may be longer than its digits."""
        return {**super().widget_attrs(widget), "maxlength": None}


class RowForm(AnyForm):
    """Checks a row against every constraint, also those on the bounds that a period's text fills."""

    def _get_validation_exclusions(self) -> set[str]:
        """As Django does, but bounds count as entered where their text is."""
        return super()._get_validation_exclusions() - self._filled_bounds()

    def _filled_bounds(self) -> set[str]:
        periods = [field for field in self._meta.model._meta.fields if isinstance(field, FuzzyDateField)]
        read = [field.name for field in periods if field.bounds and field.name in self.cleaned_data]
        return {f"{name}_{bound}" for name in read for bound in BOUND_NAMES}


class ReasonForm(RowForm):
    """A row together with why it is changed."""

    reason = forms.CharField(
        label="変更理由",
        required=False,
        max_length=500,
        widget=AdminTextareaWidget(attrs={"rows": 2}),
        help_text=(
            "何に基づく変更か（例: 9月3日 ○○省からの連絡）。"
            "切替・人数・状態を変えるときは必須です。履歴に残ります。"
        ),
    )

    @property
    def changed_columns(self) -> list[str]:
        """What was changed of the row itself."""
        return [name for name in self.changed_data if name != "reason"]

    def clean(self) -> dict[str, Any]:
        """Ask for the reason where one is due."""
        values = super().clean() or self.cleaned_data
        if actions.needs_reason(self.instance, self.changed_columns) and not values.get("reason"):
            self.add_error("reason", REASON_MISSING)
        return values


class _WaveRules(AnyForm):
    def _post_clean(self) -> None:
        super()._post_clean()
        self.instance.cutover_refused = "cutover" in self.errors
        if self.errors:
            return
        try:
            actions.check_wave(self.instance)
        except ValidationError as error:
            self.add_error(None, error)


class WaveForm(_WaveRules, ReasonForm):
    """One wave."""


class WavePartForm(_WaveRules, RowForm):
    """A wave inside its rollout, whose form asks for the reason."""


class PartFormSet(AnyFormSet):
    """Rows edited inside another."""

    def get_unique_error_message(self, unique_check: Any) -> str:
        """Call the fields what the page calls them."""
        columns = type(self.empty_form.instance)._meta
        names = [columns.get_field(name).verbose_name for name in unique_check if name != self.fk.name]
        return f"同じ{'・'.join(names)}の行が2つあります。1つにしてください。"


class WaveFormSet(PartFormSet):
    """The waves of a rollout: at least one; moving or deleting one needs the reason of the whole form."""

    default_error_messages = {
        **BaseInlineFormSet.default_error_messages,
        "too_few_forms": actions.WAVE_NEEDED,
    }

    def clean(self) -> None:
        """Ask for the reason where one is due."""
        super().clean()
        moved = any(actions.needs_reason(form.instance, form.changed_data) for form in self.initial_forms)
        if (moved or self.deleted_forms) and not self.data.get("reason", "").strip():
            raise ValidationError(REASON_MISSING_BELOW, code=REASON_CODE)


class CitationForm(RowForm):
    """A citation; which one is adopted is a matter of all citations of the rollout together."""

    def _get_validation_exclusions(self) -> set[str]:
        """Leave `adopted` to the formset, so that the adopted one can be exchanged in one go."""
        return super()._get_validation_exclusions() | {"adopted"}


class CitationFormSet(PartFormSet):
    """The citations of a rollout; at most one is adopted for each subject."""

    def clean(self) -> None:
        """Refuse a second adopted one."""
        super().clean()
        adopted = Counter(values["subject"] for values in _kept(self) if values.get("adopted"))
        for subject, count in adopted.items():
            if count > 1:
                label = Citation.Subject(subject).label
                raise ValidationError(f"「{label}」で採用する引用は1つだけ選んでください。")


class ContactFormSet(PartFormSet):
    """The contacts of a ministry; no address twice, in whatever case."""

    def clean(self) -> None:
        """Refuse a second row with one address."""
        super().clean()
        addresses = Counter(values["email"].lower() for values in _kept(self) if values.get("email"))
        for address, count in addresses.items():
            if count > 1:
                raise ValidationError(
                    f"メールアドレス {address} が2回入力されています。1行にまとめてください。"
                )


def _kept(formset: AnyFormSet) -> list[dict[str, Any]]:
    """The values of the rows that will stand after saving, as far as they are valid."""
    return [
        form.cleaned_data
        for form in formset.forms
        if form.is_valid() and form.cleaned_data and form not in formset.deleted_forms
    ]
