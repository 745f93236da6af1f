"""The history of a row and of its parts, newest first: who, when, why, and what was what before."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from simple_history.models import DeletedObject, HistoricalChanges, ModelChange, ModelDelta
from simple_history.template_utils import HistoricalRecordContextHelper

from rollout.domain.dates import FuzzyDate
from rollout.history import Cited, cited
from rollout.models import RolloutCoverage, Wave
from rollout.models.labels import NO, STATUS_LABELS, YES

KINDS = {"+": _("追加"), "~": _("変更"), "-": _("削除")}
NAMED_BY = {Wave: ("rollout__lead_ministry",), RolloutCoverage: ("ministry",)}
"""What rows are called by, so that it is read with them."""
BLANK, GONE = _("（空欄）"), _("（削除済み）")


class _Wording(HistoricalRecordContextHelper):  # type: ignore[misc]
    """Says old and new values as the pages say them."""

    def prepare_delta_change_value(self, change: ModelChange, value: Any) -> Any:
        if isinstance(value, DeletedObject):
            return BLANK if value.pk is None else _deleted_label(value)
        if isinstance(value, FuzzyDate):
            value = value.text
        if isinstance(value, bool):
            return YES if value else NO
        if isinstance(value, list):
            return gettext("、").join(str(STATUS_LABELS.get(each, each)) for each in value) or BLANK
        field = self.model._meta.get_field(change.field)
        if isinstance(field, models.PositiveIntegerField) and value is not None:
            return f"{value:,}"
        choices = dict(field.flatchoices)
        return BLANK if value in (None, "") else choices.get(value, value)


Part = tuple[type[models.Model], str]
"""A model whose rows are edited inside another's, and the column that names the row they belong to."""
Version = tuple[HistoricalChanges, HistoricalChanges | None]
"""One version, and the one before it."""


class Timeline:
    """The versions of a row and of the parts it is edited with.

    `newer_than` leaves out versions up to a number; what a row began with is told then as well. Entries
    are made for one page at a time, because only a page's changes need to be worked out.
    """

    def __init__(
        self,
        row: models.Model,
        parts: Iterable[Part],
        newer_than: Mapping[type[models.Model], int] | None = None,
    ) -> None:
        self._newer_than, self._model = newer_than, type(row)
        self._labels: dict[tuple[type[models.Model], Any], str] = {}
        self._versions = self._read(type(row), {row._meta.pk.attname: row.pk})
        for model, column in parts:
            self._versions += self._read(model, {column: row.pk})
        self._versions.sort(key=lambda pair: (pair[0].history_date, pair[0].history_id), reverse=True)

    def __len__(self) -> int:
        return len(self._versions)

    def __getitem__(self, page: slice) -> list[dict[str, Any]]:
        versions = self._versions[page]
        words = cited(citation_of(version) for version, _ in versions)
        return [self._entry(pair, words.get(citation_of(pair[0]))) for pair in versions]  # type: ignore[arg-type]

    def _read(self, model: type[models.Model], condition: dict[str, Any]) -> list[Version]:
        """Every version with the one before it."""
        history = model.history.model  # type: ignore[attr-defined]
        key = model._meta.pk.attname
        last: dict[Any, HistoricalChanges] = {}
        pairs = []
        named_by = NAMED_BY.get(model, ())
        records = history.objects.filter(**condition).select_related("history_user", *named_by)
        for record in records.order_by("history_date", "history_id"):
            row = getattr(record, key)
            pairs.append((record, last.get(row)))
            last[row] = record
        for row, record in last.items():
            self._labels[model, row] = label_of(record)
        floor = self._newer_than[model] if self._newer_than else 0
        return [pair for pair in pairs if pair[0].history_id > floor]

    def _entry(self, pair: Version, citation: Cited | None) -> dict[str, Any]:
        version, before = pair
        model = version.instance_type
        label = self._labels[model, getattr(version, model._meta.pk.attname)]
        entry = entry_of(version, before, label, citation, whole=self._newer_than is not None)
        return {**entry, "number": version.history_id if model is self._model else None}


def entry_of(version: Any, before: Any, label: str, citation: Cited | None, *, whole: bool) -> dict[str, Any]:
    """One version as the pages show it; with `whole`, of a new row all that is filled in."""
    return {
        "kind_of_row": version.instance_type._meta.verbose_name,
        "row": label,
        "at": timezone.localtime(version.history_date),
        "kind": KINDS[version.history_type],
        "is_change": version.history_type == "~",
        "is_deletion": version.history_type == "-",
        "who": version.history_user,
        "why": version.history_change_reason or "",
        "citation": citation,
        "changes": _changes(version, before, whole=whole),
    }


def compared(request: HttpRequest, row: models.Model) -> dict[str, Any] | None:
    """Two versions of a row that the address names, the older first: when, and what differs between them."""
    numbers = [request.GET.get(name, "") for name in ("from", "to")]
    if not all(number.isascii() and number.isdigit() and len(number) < 19 for number in numbers):
        return None
    versions = type(row).history.filter(**{row._meta.pk.attname: row.pk}, history_id__in=numbers)  # type: ignore[attr-defined]
    found = list(versions.order_by("history_date", "history_id"))
    if not found:
        return None
    older, newer = found[0], found[-1]
    moments = [timezone.localtime(version.history_date) for version in (older, newer)]
    return {"older": moments[0], "newer": moments[1], "changes": _difference(newer, older)}


def citation_of(version: Any) -> tuple[int | None, Any]:
    """The number of the citation that a change rests on, if any, and the moment of the change."""
    return getattr(version, "history_citation_id", None), version.history_date


def _changes(version: HistoricalChanges, before: HistoricalChanges | None, *, whole: bool) -> Any:
    """What was what before; with `whole`, of a new row all that is filled in."""
    wording = _Wording(version.instance_type, version)
    if version.history_type == "+" and whole:
        filled = wording.context_for_delta_changes(_first_values(version))
        return [change for change in filled if change["new"] not in (BLANK, NO)]
    return [] if before is None or version.history_type != "~" else _difference(version, before)


def _difference(version: Any, before: Any) -> Any:
    delta = version.diff_against(before, foreign_keys_are_objs=True)
    return _Wording(version.instance_type, version).context_for_delta_changes(
        replace(delta, changes=[*delta.changes, *_merge(version, before)])
    )


def _merge(version: HistoricalChanges, before: HistoricalChanges) -> list[ModelChange]:
    """That a wave went into another, or no longer: a field that no form has, which the library leaves out."""
    into: list[Any] = [getattr(each, "merged_into_id", None) for each in (before, version)]
    if into[0] == into[1]:
        return []
    waves = Wave.objects.select_related("rollout__lead_ministry").in_bulk(into)
    return [ModelChange("merged_into", *(waves.get(key, DeletedObject(Wave, key)) for key in into))]


def _deleted_label(row: DeletedObject) -> str:
    """What the row was called when it was deleted; a bare note where no history has it."""
    history = getattr(row.model, "history", None)
    last = history.filter(**{row.model._meta.pk.attname: row.pk}).first() if history else None
    return str(f"{label_of(last)}{GONE}" if last else GONE)


def _first_values(version: Any) -> ModelDelta:
    fields = version.instance_type._meta.concrete_fields
    names = [field.name for field in fields if field.editable and not field.primary_key]
    return ModelDelta(
        [ModelChange(name, None, getattr(version, name)) for name in names], names, version, version
    )


def label_of(record: Any) -> str:
    """What a row was called by the version; rows that the version has read already are not read again."""
    row = record.instance
    for field in row._meta.concrete_fields:
        if isinstance(field, models.ForeignKey) and record._meta.get_field(field.name).is_cached(record):
            setattr(row, field.name, getattr(record, field.name))
    try:
        return str(row)
    except (ObjectDoesNotExist, AttributeError):  # what it was called by is gone
        return str(GONE)
