"""Versions of rows as JSON: what was added, changed or deleted, when, and what it had before.

One form for all who ask: a copy that is kept in step (`changes/`), a writer whose row was changed meanwhile
(412), and whoever looks before writing (`dry_run`).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone
from rest_framework import serializers

from ministries.models import Ministry
from rollout.api.periods import period_json
from rollout.domain.dates import FuzzyDate
from rollout.models import (
    Citation,
    Cohort,
    Observation,
    Rollout,
    RolloutCoverage,
    Scenario,
    ScenarioChange,
    Source,
    Target,
    Wave,
)

Model = type[models.Model]

PLAN_KINDS: Mapping[str, Model] = {
    "ministry": Ministry,
    "source": Source,
    "cohort": Cohort,
    "rollout": Rollout,
    "coverage": RolloutCoverage,
    "wave": Wave,
    "citation": Citation,
    "observation": Observation,
    "target": Target,
}
"""What the API shows of the plan, each after what it names."""
KINDS: Mapping[str, Model] = {**PLAN_KINDS, "scenario": Scenario, "scenario_change": ScenarioChange}
CHANGES = {"+": "added", "~": "changed", "-": "deleted"}
RENAMED = {"lead_ministry": "ministry"}
SHOWN_TOO = {Wave: ("confirmed_on", "merged_into"), Scenario: ("based_on",)}
"""Columns that nobody edits by themselves and that are told all the same."""


class EntrySerializer(serializers.Serializer[Any]):
    """One version of a row."""

    kind = serializers.ChoiceField(list(KINDS), help_text="What sort of row.")
    id = serializers.IntegerField(help_text="Number of the row; stays when its code changes.")
    code = serializers.CharField(allow_null=True, help_text="Its code; null for what has none.")
    change = serializers.ChoiceField(list(CHANGES.values()))
    at = serializers.DateTimeField(help_text="When it was saved.")
    by = serializers.CharField(allow_null=True, help_text="Who saved it; null for the anonymous reader.")
    reason = serializers.CharField(
        allow_null=True, help_text="Why, as written at the time; null for the anonymous reader."
    )
    values = serializers.DictField(
        help_text=(
            "All that the row has by this version; of a deleted one all that it had. Other rows are `id` and "
            "the `code` that they have now: join by `id`."
        )
    )
    before = serializers.DictField(help_text="What the version before had, of what this one changes.")


def with_previous(versions: "QuerySet[Any]") -> "QuerySet[Any]":
    """Versions that know the number of the one before them, oldest first."""
    earlier = versions.model.objects.filter(id=OuterRef("id"), history_id__lt=OuterRef("history_id"))
    newest = earlier.order_by("-history_id").values("history_id")[:1]
    known: QuerySet[Any] = versions.annotate(previous=Subquery(newest)).order_by("history_id")
    return known.select_related("history_user")


def entries(versions: Sequence[Any], *, show_people: bool) -> list[dict[str, Any]]:
    """`EntrySerializer`'s fields of versions from `with_previous`, in a constant number of queries."""
    before = _previous(versions)
    codes = _codes([*versions, *before.values()])
    return [_entry(version, before.get(_key(version)), codes, show_people) for version in versions]


def _entry(version: Any, before: Any, codes: "Codes", show_people: bool) -> dict[str, Any]:  # noqa: FBT001
    kind: Model = version.instance_type
    values = _values(version, codes)
    was = _values(before, codes) if before is not None and version.history_type == "~" else values
    return {
        "kind": _NAMES[kind],
        "id": version.id,
        "code": values.get("code"),
        "change": CHANGES[version.history_type],
        "at": timezone.localtime(version.history_date).isoformat(),
        "by": version.history_user.get_username() if show_people and version.history_user else None,
        "reason": version.history_change_reason if show_people else None,
        "values": values,
        "before": {name: was[name] for name in values if was[name] != values[name]},
    }


_NAMES = {model: name for name, model in KINDS.items()}
Codes = Mapping[tuple[Model, int], str]


def columns_of(kind: Model) -> list["models.Field[Any, Any]"]:
    """The columns that are told of a kind: what people edit, and a few that follow from what they do."""
    more = SHOWN_TOO.get(kind, ())
    fields = kind._meta.concrete_fields
    return [field for field in fields if field.name in more or (field.editable and not field.primary_key)]


def _values(version: Any, codes: Codes) -> dict[str, Any]:
    return {
        RENAMED.get(field.name, field.name): _plain(field, getattr(version, field.attname), codes)
        for field in columns_of(version.instance_type)
    }


def _plain(field: "models.Field[Any, Any]", value: Any, codes: Codes) -> Any:
    if isinstance(field, models.ForeignKey):
        return None if value is None else {"id": value, "code": codes.get((field.related_model, value))}
    if isinstance(value, FuzzyDate):
        return period_json(value)
    return float(value) if isinstance(value, Decimal) else value


def _key(version: Any) -> tuple[Model, int]:
    return version.instance_type, version.history_id


def _previous(versions: Iterable[Any]) -> dict[tuple[Model, int], Any]:
    """The version before each, where there is one."""
    wanted: dict[Model, dict[int, int]] = defaultdict(dict)
    for version in versions:
        if version.previous is not None:
            wanted[version.instance_type][version.history_id] = version.previous
    return {
        (kind, number): found[previous]
        for kind, numbers in wanted.items()
        for found in [kind.history.in_bulk(numbers.values())]  # type: ignore[attr-defined]
        for number, previous in numbers.items()
    }


def _codes(versions: Iterable[Any]) -> Codes:
    """The codes of all rows that versions name: today's, or the last one of a row that is gone."""
    wanted: dict[Model, set[int]] = defaultdict(set)
    for version in versions:
        for field in columns_of(version.instance_type):
            if isinstance(field, models.ForeignKey) and (key := getattr(version, field.attname)) is not None:
                wanted[field.related_model].add(key)
    found: dict[tuple[Model, int], str] = {}
    for kind, keys in wanted.items():
        versions_of: Any = kind.history  # type: ignore[attr-defined]
        rows = list(kind._default_manager.filter(pk__in=keys).order_by().values_list("pk", "code"))
        gone = keys - {key for key, _ in rows}
        last = versions_of.filter(id__in=gone).order_by("history_id") if gone else versions_of.none()
        found.update({(kind, key): code for key, code in [*last.values_list("id", "code"), *rows]})
    return found
