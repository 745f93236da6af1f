"""The history of a row and of its parts, newest first: who, when, why, and what was what before."""

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.utils import timezone
from simple_history.models import DeletedObject, HistoricalChanges, ModelChange
from simple_history.template_utils import HistoricalRecordContextHelper

from rollout.domain.dates import FuzzyDate

KINDS = {"+": "追加", "~": "変更", "-": "削除"}


class _Wording(HistoricalRecordContextHelper):  # type: ignore[misc]
    """Says old and new values as the pages say them."""

    def prepare_delta_change_value(self, change: ModelChange, value: Any) -> Any:
        if isinstance(value, DeletedObject):
            return "（削除済み）"
        if isinstance(value, FuzzyDate):
            value = value.text
        if isinstance(value, bool):
            return "はい" if value else "いいえ"
        choices = dict(self.model._meta.get_field(change.field).flatchoices)
        return "（空欄）" if value in (None, "") else choices.get(value, value)


class Timeline:
    """The versions of a row and of the parts it is edited with.

    `parts` are pairs of a model and the column that names the row. Entries are made for one page at
    a time, because only a page's changes need to be worked out.
    """

    def __init__(self, row: models.Model, parts: Iterable[tuple[type[models.Model], str]]) -> None:
        self._labels: dict[tuple[type[models.Model], Any], str] = {}
        self._versions = self._read(type(row), {row._meta.pk.attname: row.pk})
        for model, column in parts:
            self._versions += self._read(model, {column: row.pk})
        self._versions.sort(key=lambda pair: (pair[0].history_date, pair[0].history_id), reverse=True)

    def __len__(self) -> int:
        return len(self._versions)

    def __getitem__(self, page: slice) -> list[dict[str, Any]]:
        return [self._entry(version, before) for version, before in self._versions[page]]

    def _read(
        self, model: type[models.Model], condition: dict[str, Any]
    ) -> list[tuple[HistoricalChanges, HistoricalChanges | None]]:
        """Every version with the one before it."""
        history = model.history.model  # type: ignore[attr-defined]
        key = model._meta.pk.attname
        last: dict[Any, HistoricalChanges] = {}
        pairs = []
        records = history.objects.filter(**condition).select_related("history_user")
        for record in records.order_by("history_date", "history_id"):
            row = getattr(record, key)
            pairs.append((record, last.get(row)))
            last[row] = record
        for row, record in last.items():
            self._labels[model, row] = _label(record)
        return pairs

    def _entry(self, version: HistoricalChanges, before: HistoricalChanges | None) -> dict[str, Any]:
        model = version.instance_type
        return {
            "kind_of_row": model._meta.verbose_name,
            "row": self._labels[model, getattr(version, model._meta.pk.attname)],
            "at": timezone.localtime(version.history_date),
            "kind": KINDS[version.history_type],
            "who": version.history_user,
            "why": version.history_change_reason or "",
            "changes": _changes(model, version, before),
        }


def _changes(model: type[models.Model], version: HistoricalChanges, before: HistoricalChanges | None) -> Any:
    if before is None or version.history_type != "~":
        return []
    delta = version.diff_against(before, foreign_keys_are_objs=True)
    return _Wording(model, version).context_for_delta_changes(delta)


def _label(record: HistoricalChanges) -> str:
    try:
        return str(record.instance)
    except ObjectDoesNotExist:
        return "（削除済み）"
