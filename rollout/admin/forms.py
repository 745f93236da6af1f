"""Forms of the admin. They ask what the actions ask, so that the answer stands beside its field."""

from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import (
    AdminTextareaWidget,
    AdminTextInputWidget,
    AutocompleteSelect,
    RelatedFieldWidgetWrapper,
)
from django.core.exceptions import ValidationError
from django.db import models
from django.forms import BaseInlineFormSet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ministries.corporate_number import normalise
from rollout import actions
from rollout.models import Citation, Source, Wave
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

REASON_MISSING = _("切替・人数・状態を変えるときは、変更理由を書いてください。")
REASON_MISSING_BELOW = _("移行単位の切替・人数・状態を変えるときは、下の「変更理由」を書いてください。")
REASON_CODE = "reason"
TEXT_MISSING = _("出典を選んだときは、資料の文言も入力してください。")
SOURCE_MISSING = _("資料の文言や掲載箇所を入力したときは、出典も選んでください。")
CITED_TWICE = _("同じ出典・同じ箇所からの引用が2つあります。1つにまとめてください。")
CITATIONS_TOUCHED = _(
    "変更理由に出典を付けて保存するときは、「引用」の行は同時に変えられません。"
    "どちらかを先に保存してください。"
)
EVIDENCE = ("evidence_source", "evidence_text", "evidence_locator")
"""The fields that say on what a change rests."""


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
        label=_("変更理由"),
        required=False,
        max_length=500,
        widget=AdminTextareaWidget(attrs={"rows": 2}),
        help_text=(
            _(
                "何に基づく変更か（例: 9月3日 ○○省からの連絡）。"
                "切替・人数・状態を変えるときは必須です。履歴に残ります。"
            )
        ),
    )

    @property
    def changed_columns(self) -> list[str]:
        """What was changed of the row itself."""
        return [name for name in self.changed_data if name not in self.declared_fields]

    @property
    def evidence(self) -> actions.Evidence | None:
        """What the change rests on, as far as the form asks for it."""
        return None

    def clean(self) -> dict[str, Any]:
        """Ask for the reason where one is due."""
        values = super().clean() or self.cleaned_data
        if actions.needs_reason(self.instance, self.changed_columns) and not values.get("reason"):
            self.add_error("reason", REASON_MISSING)
        return values


class CitingForm(ReasonForm):
    """A row together with why it is changed, and what that rests on where there is something to cite."""

    evidence_source = forms.ModelChoiceField(
        label=_("出典"),
        queryset=Source.objects.all(),
        required=False,
        help_text=_("変更の根拠になる資料や連絡。あれば選びます。計画が従う引用として登録されます。"),
    )
    evidence_text = forms.CharField(
        label=_("資料の文言"),
        required=False,
        max_length=300,
        widget=AdminTextInputWidget,
        help_text=_("資料の言い方のまま。引用として公開されるので、個人名や連絡先は書かないでください。"),
    )
    evidence_locator = forms.CharField(
        label=_("掲載箇所"),
        required=False,
        max_length=100,
        widget=AdminTextInputWidget,
        help_text=_("ページ、表の番号など。"),
    )

    @property
    def evidence(self) -> actions.Evidence | None:
        """What the change rests on; None where no source is named."""
        source, text, locator = (self.cleaned_data.get(name) for name in EVIDENCE)
        return actions.Evidence(source, text, locator or "") if source and text else None

    def clean(self) -> dict[str, Any]:
        """Refuse a source without words, and words without a source."""
        values = super().clean()
        source, text, locator = (values.get(name) for name in EVIDENCE)
        if source and not text and "evidence_text" not in self.errors:
            self.add_error("evidence_text", TEXT_MISSING)
        if (text or locator) and not source and "evidence_source" not in self.errors:
            self.add_error("evidence_source", SOURCE_MISSING)
        return values


class SourceSelect(AutocompleteSelect):
    """Finds a source by typing; says so while it is empty, which is also what screen readers call it."""

    def build_attrs(self, base_attrs: Any, extra_attrs: Any = None) -> dict[str, Any]:
        """As Django's, which has no words for an empty one."""
        attrs = super().build_attrs(base_attrs, extra_attrs)
        return {**attrs, "data-placeholder": gettext("出典を題名で探す")}


def source_field(*, can_add: bool) -> Any:
    """The field for the source of a change: found by typing, or registered on the way by who may do so."""
    relation: Any = Citation._meta.get_field("source")
    field: Any = deepcopy(CitingForm.declared_fields["evidence_source"])
    choice = SourceSelect(relation, admin.site)
    field.widget = RelatedFieldWidgetWrapper(
        choice, relation.remote_field, admin.site, can_add_related=can_add, can_view_related=False
    )
    field.widget.choices = choice.choices = field.choices
    return field


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


class WaveForm(_WaveRules, CitingForm):
    """One wave."""

    def _post_clean(self) -> None:
        """Refuse a citation that nothing could rest on, or that contradicts another."""
        super()._post_clean()
        if not self.errors and self.evidence:
            try:
                actions.check_evidence(self.instance, self.evidence)
            except ValidationError as error:
                self.add_error("evidence_source", error)


class WavePartForm(_WaveRules, RowForm):
    """A wave inside its rollout, whose form asks for the reason."""


class RolloutForm(CitingForm):
    """One rollout; the formset of its waves sees to it that there is something to cite."""


class _Reopened:
    """A form that is shown again as it was sent: a class to mix into the form of a page."""

    def is_valid(self) -> bool:
        """Never, so that nothing is saved; errors are found all the same."""
        super().is_valid()  # type: ignore[misc]
        return False


def reopened(form: Any) -> Any:
    """The form class that is shown again as it was sent, with the fields that were fitted to this person."""
    again: Any = type(form)(form.__name__, (_Reopened, form), {})
    again.base_fields = form.base_fields
    return again


class PartFormSet(AnyFormSet):
    """Rows edited inside another."""

    def get_unique_error_message(self, unique_check: Any) -> str:
        """Call the fields what the page calls them."""
        columns = type(self.empty_form.instance)._meta
        names = [str(columns.get_field(name).verbose_name) for name in unique_check if name != self.fk.name]
        return gettext("同じ{names}の行が2つあります。1つにしてください。").format(
            names=gettext("・").join(names)
        )


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
        if _has_evidence(self):
            rows = [row for row in self._changed_rows() if actions.cited_subjects(row)]
            if not rows:
                raise ValidationError(actions.NOTHING_CITED)
            if evidence := _evidence(self):
                for row in rows:
                    actions.check_evidence(row, evidence)

    def _changed_rows(self) -> Iterator[models.Model]:
        """The rollout, and each wave that is changed."""
        yield self.instance
        for form in self.forms:
            if form.has_changed() and form.is_valid() and form not in self.deleted_forms:
                yield form.instance


class CitationForm(RowForm):
    """A citation; which one is adopted is a matter of all citations of the rollout together."""

    def _get_validation_exclusions(self) -> set[str]:
        """Leave `adopted` to the formset, so that the adopted one can be exchanged in one go."""
        return super()._get_validation_exclusions() | {"adopted"}


class CitationFormSet(PartFormSet):
    """The citations of a rollout; for the whole and for each wave at most one is adopted for each subject."""

    def add_fields(self, form: Any, index: int | None) -> None:
        """Offer the waves of this rollout."""
        super().add_fields(form, index)
        form.fields["wave"].widget.can_add_related = form.fields["wave"].widget.can_view_related = False
        waves = self.instance.waves if self.instance.pk else Wave.objects.none()
        form.fields["wave"].queryset = waves.select_related("rollout__lead_ministry")

    def clean(self) -> None:
        """Refuse a second adopted one, and the same one twice."""
        super().clean()
        if _has_evidence(self) and any(form.has_changed() for form in self.forms):
            raise ValidationError(CITATIONS_TOUCHED)
        rows = list(_kept(self))
        adopted = Counter((row["wave"], row["subject"]) for row in rows if row.get("adopted"))
        for (wave, subject), count in adopted.items():
            if count > 1:
                label = Citation.Subject(subject).label
                raise ValidationError(
                    gettext("{value}「{label}」で採用する引用は1つだけ選んでください。").format(
                        value=wave or "", label=label
                    )
                )
        columns = ("wave", "source", "subject", "locator")
        if len({tuple(row[name] for name in columns) for row in rows}) < len(rows):
            raise ValidationError(CITED_TWICE)


class ContactFormSet(PartFormSet):
    """The contacts of a ministry; no address twice, in whatever case."""

    def clean(self) -> None:
        """Refuse a second row with one address."""
        super().clean()
        addresses = Counter(values["email"].lower() for values in _kept(self) if values.get("email"))
        for address, count in addresses.items():
            if count > 1:
                raise ValidationError(
                    gettext("メールアドレス {address} が2回入力されています。1行にまとめてください。").format(
                        address=address
                    )
                )


def _has_evidence(formset: AnyFormSet) -> bool:
    """True when the form around says on what the change rests."""
    return any(formset.data.get(name, "").strip() for name in EVIDENCE)


def _evidence(formset: AnyFormSet) -> actions.Evidence | None:
    """The same as the form around reads it; None where that finds fault with it."""
    source, text, locator = (formset.data.get(name, "").strip() for name in EVIDENCE)
    row = Source.objects.filter(pk=source).first() if source.isdecimal() else None
    return actions.Evidence(row, text, locator) if row and text else None


def _kept(formset: AnyFormSet) -> list[dict[str, Any]]:
    """The values of the rows that will stand after saving, as far as they are valid."""
    return [
        form.cleaned_data
        for form in formset.forms
        if form.is_valid() and form.cleaned_data and form not in formset.deleted_forms
    ]
