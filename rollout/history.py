"""History as the audit: every tracked row has a first version, however it came in.

Saves write history by themselves. `loaddata` does not (Django calls such saves raw), so the first
recompute after it adds what is missing: a first version of new rows, and a new version of rows
that no longer match their last one.
"""

from datetime import datetime
from typing import Any

from django.db import models

from ministries.models import Contact, Ministry
from rollout.models import (
    Citation,
    Cohort,
    Observation,
    ReminderRule,
    Rollout,
    RolloutCoverage,
    Source,
    Target,
    Wave,
)

TRACKED_MODELS: tuple[type[models.Model], ...] = (
    Ministry,
    Contact,
    Source,
    Cohort,
    Rollout,
    RolloutCoverage,
    Wave,
    Citation,
    Observation,
    Target,
    ReminderRule,
)
"""Everything whose change moves a figure or a reminder, in the order in which fixtures load."""

LOADED_REASON = "データの読み込み"
DELETED = "-"
"""How django-simple-history marks the version that a deletion leaves."""


PLAN_MODELS: tuple[type[models.Model], ...] = (Cohort, Rollout, Wave)
"""What there is no plan without; the target may be missing."""


def rows_at(model: type[models.Model], moment: datetime | None) -> "models.QuerySet[Any]":
    """The rows of a tracked model as they were known at `moment`; today's rows for None.

    Columns are those of the moment. Foreign keys lead to today's rows all the same: join by id.
    """
    if moment is None:
        return model._default_manager.all()
    rows: models.QuerySet[Any] = model.history.as_of(moment)  # type: ignore[attr-defined]
    return rows


def complete_since() -> datetime | None:
    """The first moment at which the history knows a whole plan; None while there is none."""
    firsts = [
        model.history.aggregate(first=models.Min("history_date"))["first"]  # type: ignore[attr-defined]
        for model in PLAN_MODELS
    ]
    return None if None in firsts else max(firsts)


def fill_history(at: datetime) -> int:
    """Write the versions that raw saves left out, dated `at`; returns how many rows were added."""
    return sum(_fill_model(model, at) for model in TRACKED_MODELS)


def _fill_model(model: type[models.Model], at: datetime) -> int:
    history = model.history  # type: ignore[attr-defined]
    last = {
        getattr(record, model._meta.pk.attname): _values(record, model)
        for record in history.latest_of_each()
        if record.history_type != DELETED
    }
    rows = list(model._default_manager.order_by("pk"))
    new = [row for row in rows if row.pk not in last]
    changed = [row for row in rows if row.pk in last and _values(row, model) != last[row.pk]]
    options = {"batch_size": 500, "default_change_reason": LOADED_REASON, "default_date": at}
    history.bulk_history_create(new, **options)
    history.bulk_history_create(changed, update=True, **options)
    return len(new) + len(changed)


def _values(row: models.Model, model: type[models.Model]) -> list[str]:
    return [str(field.get_prep_value(getattr(row, field.attname))) for field in model._meta.concrete_fields]
