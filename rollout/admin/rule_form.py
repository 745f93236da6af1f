"""The form of a reminder rule, and the choice of the wave that its text is looked at on."""

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget
from django.db.models import Case, F, IntegerField, Q, QuerySet, When
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rollout.admin.forms import ReasonForm
from rollout.domain.audience import AUDIENCE_PARTIES
from rollout.domain.letters import VARIABLES
from rollout.domain.reminders import DATED_PRECISIONS, Kind
from rollout.models import ReminderRule, Wave, conditions
from rollout.models.reminders import (
    AUDIENCE_FIELDS,
    AUDIENCE_MISSING,
    FIXED_AUDIENCES,
    INTERVAL_KINDS,
    RULE_STATUSES,
)

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

WAVES_OFFERED = 200
STATUSES_MISSING = _("対象の状態を1つ以上選んでください。")
INTERVAL_MISSING = _("間隔は 1 以上にしてください。")
FOLLOWS_MISSING = _("「受領の確認がないとき」のルールでは、元のルールを選んでください。")
FOLLOWS_NEEDLESS = _("元のルールは「受領の確認がないとき」のルールでだけ選びます。空欄に戻してください。")
FOLLOWED = _("「{rule}」がこのルールを元にしているため、種類は変えられません。")
_COLUMNS = {column.name: column for column in ReminderRule._meta.fields}
AUDIENCE_LABELS = {name: _COLUMNS[name].verbose_name for name in AUDIENCE_FIELDS}


class _PlainText(forms.CharField):
    """A text of many lines as it is stored: a browser's line ends are no change, blank lines stay."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strip=False, **kwargs)

    def to_python(self, value: Any) -> str:
        """With plain line ends; blanks alone are no text."""
        text = (super().to_python(value) or "").replace("\r\n", "\n")
        return text if text.strip() else ""


def text_field(column: Any) -> forms.Field:
    """The field for a text with variables."""
    if column.name == "subject":
        widget = AdminTextInputWidget(attrs={"class": "vLargeTextField"})
        return forms.CharField(label=column.verbose_name, max_length=column.max_length, widget=widget)
    return _PlainText(label=column.verbose_name, widget=AdminTextareaWidget(attrs={"rows": 20}))


def statuses_field(column: Any) -> forms.Field:
    """The field for the statuses that a rule speaks of."""
    return forms.MultipleChoiceField(
        label=column.verbose_name,
        choices=list(RULE_STATUSES.items()),
        initial=list(RULE_STATUSES),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext("送るときにこの状態にある移行単位だけが対象です。"),
    )


def variables_help(kind: Kind) -> str:
    """Which variables the mails of a kind know."""
    return gettext("使える変数：") + " ".join(f"{{{name}}}" for name in VARIABLES[kind])


class RuleForm(ReasonForm):
    """One rule. What its kind does not use is kept as it is, or filled with what the kind does anyway."""

    audience = forms.MultipleChoiceField(
        label=_("宛先"),
        choices=list(AUDIENCE_LABELS.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_(
            "変更のお知らせは知らせ済みの人に、定期まとめと警告はPMOに送ります（この選択は使いません）。"
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault(
            "audience", [name for name in AUDIENCE_PARTIES if getattr(self.instance, name)]
        )

    @property
    def changed_columns(self) -> list[str]:
        """What was changed of the row; its audience is five columns."""
        return super().changed_columns + [name for name in self.changed_data if name == "audience"]

    def clean(self) -> dict[str, Any]:
        """Refuse what the kind cannot work with, beside its field."""
        values = super().clean()
        kind = values.get("kind")
        if kind in FIXED_AUDIENCES:
            self._fill_in(values)
        for field, message in [*_faults(kind, values), *self._broken_ties(kind)]:
            if field not in self.errors:
                self.add_error(field, message)
        return values

    def _broken_ties(self, kind: str | None) -> "Iterable[tuple[str, StrOrPromise]]":
        """Rules that follow this one, where it would no longer be of a kind that can be followed."""
        if self.instance.pk and kind not in (None, Kind.OFFSET):
            for rule in self.instance.escalations.order_by("pk"):
                yield "kind", FOLLOWED.format(rule=rule)

    def _fill_in(self, values: dict[str, Any]) -> None:
        """Leave nothing empty that the kind does not ask for."""
        values["statuses"] = values.get("statuses") or list(RULE_STATUSES)
        values["audience"] = values.get("audience") or ["to_pmo"]

    def _post_clean(self) -> None:
        for name in AUDIENCE_FIELDS if "audience" in self.cleaned_data else ():
            setattr(self.instance, name, name in self.cleaned_data["audience"])
        super()._post_clean()


def _faults(kind: str | None, values: dict[str, Any]) -> "Iterable[tuple[str, StrOrPromise]]":
    if not values.get("statuses"):
        yield "statuses", STATUSES_MISSING
    if not values.get("audience"):
        yield "audience", AUDIENCE_MISSING
    if kind in INTERVAL_KINDS and values.get("count") == 0:
        yield "count", INTERVAL_MISSING
    if (kind == Kind.ESCALATION) != (values.get("follows") is not None):
        yield "follows", FOLLOWS_MISSING if kind == Kind.ESCALATION else FOLLOWS_NEEDLESS


class WaveChoice(forms.Form):
    """On which wave a text is looked at: the soonest to come first, as many as a list can hold."""

    preview_wave = forms.ModelChoiceField(
        label=_("移行単位"), queryset=Wave.objects.for_display(), required=False, empty_label=None
    )

    @classmethod
    def of(cls, request: HttpRequest, today: date) -> "WaveChoice":
        """The choice that came with a form; where none did, or no sensible one, the next dated wave."""
        choice = cls(request.POST if "preview_wave" in request.POST else None)
        chosen = choice.cleaned_data["preview_wave"] if choice.is_valid() else None
        choice.wave = chosen or next_wave(today)
        waves = {wave.pk: wave for wave in [choice.wave, *_offered(today)] if wave}
        field: Any = choice.fields["preview_wave"]
        field.choices = [
            (
                wave.pk,
                gettext("{wave}（{value}）").format(wave=wave, value=wave.cutover.text or gettext("未定")),
            )
            for wave in waves.values()
        ]
        choice.initial["preview_wave"] = choice.wave.pk if choice.wave else None
        return choice

    wave: Wave | None


def next_wave(today: date) -> Wave | None:
    """The next awaited wave with a day or month; where there is none, any wave."""
    return _offered(today).first()


def _offered(today: date) -> QuerySet[Wave]:
    """Waves that have a mail ahead of them first, then others that are awaited, then the rest."""
    ahead = Q(cutover_latest__gte=today, cutover_precision__in=DATED_PRECISIONS)
    place = Case(
        When(conditions.is_awaited() & ahead, then=0),
        When(conditions.is_awaited(), then=1),
        default=2,
        output_field=IntegerField(),
    )
    rows = Wave.objects.select_related("rollout__lead_ministry", "merged_into")
    return rows.order_by(place, F("cutover_earliest").asc(nulls_last=True), "pk")[:WAVES_OFFERED]
