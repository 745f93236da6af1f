"""History as the audit: every tracked row has a first version, however it came in.

Saves write history by themselves. `loaddata` does not (Django calls such saves raw), so the first
recompute after it adds what is missing: a first version of new rows, and a new version of rows
that no longer match their last one.
"""

from datetime import datetime

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


def fill_history(at: datetime) -> int:
    """Write the versions that raw saves left out, dated `at`; returns how many rows were added."""
    return sum(_fill_model(model, at) for model in TRACKED_MODELS)


def _fill_model(model: type[models.Model], at: datetime) -> int:
    history = model.history  # type: ignore[attr-defined]
    last = {version.pk_value: version.values for version in _last_versions(model)}
    rows = list(model._default_manager.order_by("pk"))
    new = [row for row in rows if row.pk not in last]
    changed = [row for row in rows if row.pk in last and _values(row, model) != last[row.pk]]
    options = {"batch_size": 500, "default_change_reason": LOADED_REASON, "default_date": at}
    history.bulk_history_create(new, **options)
    history.bulk_history_create(changed, update=True, **options)
    return len(new) + len(changed)


class _Version:
    def __init__(self, record: models.Model, model: type[models.Model]) -> None:
        self.pk_value = getattr(record, model._meta.pk.attname)
        self.values = _values(record, model)


def _last_versions(model: type[models.Model]) -> list[_Version]:
    records = model.history.latest_of_each()  # type: ignore[attr-defined]
    return [_Version(record, model) for record in records]


def _values(row: models.Model, model: type[models.Model]) -> list[str]:
    return [str(field.get_prep_value(getattr(row, field.attname))) for field in model._meta.concrete_fields]
