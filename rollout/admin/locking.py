"""Two people at one row: who saves second sees what the first has changed, and loses nothing that was typed.

A form carries the numbers of the newest versions of its row and of the parts it is edited with, as they were
when it was opened. Where the history has gone on meanwhile, nothing is saved: the form comes back with what
this person typed, with the other's values in all fields that this person left alone, and with the list of
what was changed by whom. Sent again, it is saved as every other.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.admin.utils import flatten_fieldsets
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models
from django.db.models import Max
from django.http import HttpRequest, QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext

from rollout.models.labels import NO, YES
from rollout.versions import BLANK, GONE, Part, Timeline

if TYPE_CHECKING:
    AnyForm = forms.ModelForm[Any]
else:
    AnyForm = forms.ModelForm

SEEN = "_seen"
CLASHES = "_clashes"
"""Set in what is shown again, which is then not saved."""

Versions = dict[type[models.Model], int]
Values = dict[str, list[str]]
"""What was sent of one part, by the names of its fields."""


@dataclass(frozen=True)
class Twice:
    """A field that two people changed: what it is called, what it holds now, what this person typed."""

    label: str
    theirs: str
    mine: str


@dataclass
class Clash:
    """What was sent, merged with what was changed meanwhile.

    `known` is False where a page does not say what it was opened on.
    """

    post: QueryDict
    known: bool
    entries: list[dict[str, Any]] = field(default_factory=list)
    twice: list[Twice] = field(default_factory=list)


def seen_versions(model: type[models.Model], key: Any, parts: list[Part]) -> Versions:
    """The number of the newest version of the row and, for each kind of part, of its parts; 0 for none."""
    columns = [(model, model._meta.pk.attname), *parts]
    newest = Max("history_id")
    return {
        kind: kind.history.filter(**{column: key}).aggregate(newest=newest)["newest"] or 0  # type: ignore[attr-defined]
        for kind, column in columns
    }


def written(versions: Versions) -> str:
    """As a form carries them."""
    return "-".join(map(str, versions.values()))


def read(text: str, current: Versions) -> Versions | None:
    """The versions that a form carries; None where it carries none, or those of another sort of page."""
    numbers = text.split("-")
    if len(numbers) != len(current) or not all(number.isascii() and number.isdigit() for number in numbers):
        return None
    return dict(zip(current, map(int, numbers), strict=True))


def find_clash(admin: Any, request: HttpRequest, row: models.Model, parts: list[Part]) -> Clash | None:
    """What stands in the way of saving what was sent; None where nothing does. The caller holds the lock."""
    current = seen_versions(type(row), row.pk, parts)
    seen = read(request.POST.get(SEEN, ""), current)
    if seen == current:
        return None
    clash = Clash(request.POST.copy(), known=seen is not None)
    if seen is not None:
        clash.entries = Timeline(row, parts, seen)[:]
        fields = flatten_fieldsets(admin.get_fieldsets(request, row))
        form = admin.get_form(request, row, change=True, fields=fields)
        _merge(form, _version_of(row, seen), row, "", clash)
        for formset in admin._create_formsets(request, row, change=True)[0]:
            _merge_parts(formset, seen, clash)
    clash.post[CLASHES] = "1"
    return clash


def typed_fields(form: AnyForm) -> list[tuple[str, str]]:
    """The fields that something was typed into, and what."""
    sent = [(str(column.label), _said(column, form[name].data)) for name, column in form.fields.items()]
    return [(label, text) for label, text in sent if text not in (str(BLANK), str(NO))]


def _version_of(row: models.Model, seen: Versions) -> models.Model | None:
    """The row as it was when the form was opened."""
    model = type(row)
    versions = model.history.filter(**{model._meta.pk.attname: row.pk})  # type: ignore[attr-defined]
    version = versions.filter(history_id__lte=seen[model]).order_by("history_id").last()
    found: models.Model | None = version.instance if version else None
    return found


def _merge(
    form: type[AnyForm], base: models.Model | None, now: models.Model, start: str, clash: Clash
) -> None:
    """Put the other's values into the fields that this person left alone; note those that both changed."""
    old, new = form(instance=base), form(instance=now)
    for name, column in _columns(new):
        before, after = old[name].initial, new[name].initial
        mine = column.widget.value_from_datadict(clash.post, MultiValueDict(), start + name)
        if not column.has_changed(before, mine):
            _put(clash.post, start + name, column, after)
        elif column.has_changed(before, _sent(column, after)) and column.has_changed(after, mine):
            label = (
                gettext("{now}の{label}").format(now=now, label=column.label) if start else str(column.label)
            )
            clash.twice.append(Twice(label, _said(column, _sent(column, after)), _said(column, mine)))


def _merge_parts(formset: Any, seen: Versions, clash: Clash) -> None:
    """What was typed into the parts, in the order of the parts as they are now, then into new ones."""
    start, key = f"{formset.prefix}-", formset.model._meta.pk.name
    if f"{start}TOTAL_FORMS" not in clash.post:
        return
    sent = _take_parts(clash.post, start)
    typed = {values[key][0]: values for values in sent if values.get(key, [""])[0]}
    rows = list(formset.get_queryset())
    for number, row in enumerate(rows):
        at, values = f"{start}{number}-", typed.pop(str(row.pk), None)
        _write(clash.post, at, values or {key: [str(row.pk)], formset.fk.name: [str(formset.instance.pk)]})
        if values:
            _merge(formset.form, _version_of(row, seen), row, at, clash)
        else:
            _fill(formset.form(instance=row), at, clash.post)
    added = [values for values in sent if not values.get(key, [""])[0]]
    for number, values in enumerate(added, len(rows)):
        _write(clash.post, f"{start}{number}-", values)
    clash.post[f"{start}INITIAL_FORMS"] = str(len(rows))
    clash.post[f"{start}TOTAL_FORMS"] = str(len(rows) + len(added))
    for pk, values in typed.items():
        clash.twice += _lost(formset, _version_of(formset.model(pk=pk), seen), values)


def _take_parts(post: QueryDict, start: str) -> list[Values]:
    """Take the values of every part out of what was sent, in order."""
    found: dict[int, Values] = {}
    for name in [name for name in post if name.startswith(start)]:
        number, dash, column = name.removeprefix(start).partition("-")
        if dash and number.isascii() and number.isdigit():
            found.setdefault(int(number), {})[column] = post.pop(name)
    return [found[number] for number in sorted(found)]


def _write(post: QueryDict, start: str, values: Values) -> None:
    for name, texts in values.items():
        post.setlist(start + name, texts)


def _fill(form: AnyForm, start: str, post: QueryDict) -> None:
    """A part that the other has added, as it is."""
    for name, column in _columns(form):
        _put(post, start + name, column, form[name].initial)


def _lost(formset: Any, base: models.Model | None, values: Values) -> Iterator[Twice]:
    """What was typed into a part that the other has deleted."""
    post = QueryDict(mutable=True)
    _write(post, "", values)
    form = formset.form(instance=base)
    for name, column in _columns(form):
        mine = column.widget.value_from_datadict(post, MultiValueDict(), name)
        if column.has_changed(form[name].initial, mine):
            yield Twice(
                gettext("{base}の{label}").format(base=base, label=column.label),
                str(GONE),
                _said(column, mine),
            )


def _columns(form: AnyForm) -> Iterator[tuple[str, forms.Field]]:
    """The fields that hold a column of the row, and not what a form asks beside it."""
    for name, column in form.fields.items():
        with suppress(FieldDoesNotExist):
            form._meta.model._meta.get_field(name)
            yield name, column


def _sent(column: forms.Field, value: Any) -> Any:
    """A value as a browser would send it back."""
    value = column.prepare_value(value)
    if isinstance(value, bool):
        return value
    shown = column.widget.format_value(value)
    if isinstance(shown, list) and not getattr(column.widget, "allow_multiple_selected", False):
        return shown[0] if shown else ""
    return "" if shown is None else shown


def _put(post: QueryDict, key: str, column: forms.Field, value: Any) -> None:
    sent = _sent(column, value)
    if sent is False:
        post.pop(key, None)
    else:
        post.setlist(key, sent if isinstance(sent, list) else ["on" if sent is True else str(sent)])


def _said(column: forms.Field, sent: Any) -> str:
    """What was sent, in words."""
    if isinstance(sent, bool):
        return str(YES if sent else NO)
    if isinstance(sent, list):
        return gettext("、").join(_said(column, each) for each in sent) or str(BLANK)
    if isinstance(column, forms.ModelChoiceField):
        with suppress(ValidationError):
            return str(column.clean(sent) or BLANK)
    labels: dict[Any, Any] = dict(getattr(column, "choices", ()))
    return str(labels.get(sent, sent)) if sent else str(BLANK)
