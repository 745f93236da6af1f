"""History as the audit: every tracked row has a first version, however it came in.

Saves write history by themselves. `loaddata` does not (Django calls such saves raw), so the first
recompute after it adds what is missing: a first version of new rows, and a new version of rows
that no longer match their last one.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, models, transaction

from ministries.models import Contact, Ministry
from rollout.models import (
    Citation,
    Cohort,
    FreezePeriod,
    MonthlyLimit,
    Observation,
    PlanVersion,
    ReminderRule,
    Rollout,
    RolloutCoverage,
    SlipAssumption,
    Source,
    Target,
    Wave,
)
from rollout.models.fields import BOUND_NAMES, fill_bounds
from rollout.models.plan import DERIVED_FROM_CUTOVER

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
    SlipAssumption,
    ReminderRule,
    FreezePeriod,
    MonthlyLimit,
)
"""Everything whose change moves a figure, a reminder or a warning, in the order in which fixtures load."""

logger = logging.getLogger(__name__)

LOADED_REASON = "データの読み込み"
DELETED = "-"
"""How django-simple-history marks the version that a deletion leaves."""


PLAN_MODELS: tuple[type[models.Model], ...] = (Cohort, Rollout, Wave)
"""What there is no plan without; the target may be missing."""


def newest_versions(kinds: Iterable[type[models.Model]]) -> dict[type[models.Model], int]:
    """The number of the last version that the history of each model has; 0 where it has none."""
    newest = models.Max("history_id")
    return {kind: kind.history.aggregate(newest=newest)["newest"] or 0 for kind in kinds}  # type: ignore[attr-defined]


def rows_at(model: type[models.Model], moment: datetime | None) -> "models.QuerySet[Any]":
    """The rows of a tracked model as they were known at `moment`; today's rows for None.

    Columns are those of the moment. Foreign keys lead to today's rows all the same: join by id.
    """
    if moment is None:
        return model._default_manager.all()
    rows: models.QuerySet[Any] = model.history.as_of(moment)  # type: ignore[attr-defined]
    return rows


def column_at(model: type[models.Model], path: str, moment: datetime | None) -> models.F | models.Subquery:
    """The column at `path` of a row of `rows_at(model, moment)`, for sorting.

    Each foreign key on the way (`rollout__cohort__order`) is followed by id among the rows of that moment;
    among today's rows the database joins.
    """
    name, _, rest = path.partition("__")
    if moment is None or not rest:
        return models.F(path)
    related: Any = model._meta.get_field(name).related_model
    rows = rows_at(related, moment).filter(id=models.OuterRef(f"{name}_id")).order_by()
    return models.Subquery(rows.values_list(column_at(related, rest, moment)))


def complete_since() -> datetime | None:
    """The first moment at which the history knows a plan and all that it names; None while there is none."""
    firsts = [
        model.history.aggregate(first=models.Min("history_date"))["first"]  # type: ignore[attr-defined]
        for model in (Ministry, Source, *PLAN_MODELS)
    ]
    return None if None in firsts else max(firsts)


@dataclass(frozen=True)
class Cited:
    """What a change rested on, in the words of the time: code and title of the source, text, locator.

    `deleted` says that the citation is not there any more.
    """

    source: str
    title: str
    text: str
    locator: str
    deleted: bool


def cited(changes: Iterable[tuple[int | None, datetime]]) -> dict[tuple[int, datetime], Cited]:
    """What each change rested on; a change is the number of its citation and its own moment.

    A citation is written right after the row that rests on it, so its first version from that moment on
    has the words. A change without a citation is left out, and so is one whose citation left no history.
    """
    wanted = {(key, at) for key, at in changes if key is not None}
    versions = _versions(Citation, {key for key, _ in wanted})
    sources = _versions(Source, {version.source_id for found in versions.values() for version in found})
    kept = set(Citation.objects.filter(pk__in=versions).values_list("pk", flat=True))
    return {
        (key, at): _cited(_version_from(versions[key], at), sources, deleted=key not in kept)
        for key, at in wanted
        if key in versions
    }


def _versions(model: type[models.Model], keys: set[int]) -> dict[int, list[Any]]:
    """The versions of each row, the oldest first, but for the one that its deletion left."""
    found: dict[int, list[Any]] = defaultdict(list)
    rows = model.history.filter(id__in=keys).exclude(history_type=DELETED)  # type: ignore[attr-defined]
    for version in rows.order_by("history_date", "history_id") if keys else ():
        found[version.id].append(version)
    return dict(found)


def _version_from(versions: list[Any], moment: datetime) -> Any:
    return next((version for version in versions if version.history_date >= moment), versions[-1])


def _cited(citation: Any, sources: dict[int, list[Any]], *, deleted: bool) -> Cited:
    known = sources[citation.source_id]
    before = [version for version in known if version.history_date <= citation.history_date]
    source = before[-1] if before else known[0]
    return Cited(source.code, source.title, citation.text, citation.locator, deleted)


def plan_changed_at() -> datetime | None:
    """When the plan or its targets were last changed; None while there is none."""
    lasts = [
        model.history.aggregate(last=models.Max("history_date"))["last"]  # type: ignore[attr-defined]
        for model in (*PLAN_MODELS, Target)
    ]
    return max((last for last in lasts if last is not None), default=None)


def plan_moved_at(since: datetime) -> datetime | None:
    """When the plan or its targets were last changed after `since`; None when they were not."""
    last = plan_changed_at()
    return last if last is not None and last > since else None


def catch_up(version: PlanVersion, at: datetime) -> None:
    """Do what raw saves have left undone, if there were any. The caller holds the lock of `version`."""
    if version.history_missing:
        repair_bounds(at)
        fill_history(at)
        PlanVersion.objects.update(history_missing=False)


def repair_bounds(at: datetime) -> None:
    """Read the bounds of raw rows from their text, and give moved cutovers a version of their own.

    A fixture may carry other bounds than its text says, and sets the version back to 1, under which
    the ledger may have sent a reminder for another date.
    """
    for observation in Observation.objects.all():
        with _kept(observation, [f"as_of_{bound}" for bound in BOUND_NAMES]):
            fill_bounds(observation, "as_of")
    highest = dict(Wave.history.values_list("id").annotate(models.Max("cutover_version")).order_by())
    versions = Wave.history.latest_of_each().exclude(history_type=DELETED)
    last = {record.id: record for record in versions.order_by("history_id")}
    for wave in Wave.objects.all():
        with _kept(wave, list(DERIVED_FROM_CUTOVER)):
            fill_bounds(wave, "cutover")
            if wave.pk in last:
                _continue_version(wave, last[wave.pk], highest[wave.pk], at)


def _continue_version(wave: Wave, last: Any, highest: int, at: datetime) -> None:
    """The version of the last one where the bounds are the same, otherwise one that there never was."""
    if wave.cutover_bounds == (last.cutover_earliest, last.cutover_latest):
        wave.cutover_version, wave.cutover_since = last.cutover_version, last.cutover_since
    else:
        wave.cutover_version, wave.cutover_since = highest + 1, at


@contextmanager
def _kept(row: models.Model, names: list[str]) -> Iterator[None]:
    """Write these columns of a row, past its save, where the block has changed them."""
    before = {name: getattr(row, name) for name in names}
    yield
    after = {name: getattr(row, name) for name in names}
    if after == before:
        return
    try:
        with transaction.atomic():
            type(row)._default_manager.filter(pk=row.pk).update(**after)
    except IntegrityError:  # one contradictory row must not keep everybody from editing
        logger.exception("%s %s: its text contradicts its other columns", type(row).__name__, row.pk)


def fill_history(at: datetime) -> int:
    """Write the versions that raw saves left out, dated `at`; returns how many rows were added."""
    return sum(_fill_model(model, at) for model in TRACKED_MODELS)


def _fill_model(model: type[models.Model], at: datetime) -> int:
    history = model.history  # type: ignore[attr-defined]
    last = {
        getattr(record, model._meta.pk.attname): _values(record, model)
        for record in history.latest_of_each().order_by("history_id")
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
