"""What a person may do to the plan. Atomic; the version row is locked first, so that history order is
commit order; the figures follow on commit (rollout.receivers). Rules broken raise ValidationError by
field, in Japanese, and nothing is written."""

from typing import Any, TypeVar

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone

from rollout.domain.dates import Precision
from rollout.domain.plan import Status
from rollout.models import PlanVersion, Rollout, Wave

Row = TypeVar("Row", bound=models.Model)
Actor = AbstractBaseUser | None


@transaction.atomic
def save_row(*, row: Row, actor: Actor, reason: str) -> Row:
    """Add or change one row of the plan, with who and why in its history."""
    PlanVersion.objects.lock()
    if isinstance(row, Wave):
        _prepare_wave(row)
    _sign(row, actor, reason)
    row.save()
    return row


@transaction.atomic
def delete_row(*, row: models.Model, actor: Actor, reason: str) -> None:
    """Delete one row of the plan; its history stays. A rollout keeps at least one wave."""
    PlanVersion.objects.lock()
    if isinstance(row, Wave):
        check_wave_deletion(row)
    if isinstance(row, Rollout):
        for wave in row.waves.all():
            _sign(wave, actor, reason)
            wave.delete()
    _sign(row, actor, reason)
    row.delete()


def check_wave_deletion(wave: Wave) -> None:
    """Raise ValidationError when `wave` is the last one of its rollout."""
    if not Wave.objects.filter(rollout=wave.rollout_id).exclude(pk=wave.pk).exists():
        raise ValidationError("導入案件には移行単位が1つ以上必要です。やめる場合は状態を「中止」にしてください。")


def check_wave(wave: Wave) -> None:
    """Raise ValidationError, by field, when `wave` may not be saved as it is.

    Becoming 利用中 is 利用開始確認: it takes the actual day, which is not in the future.
    """
    if wave.status != Status.IN_USE or _stored_value(wave, "status") == Status.IN_USE:
        return
    if wave.cutover.precision is not Precision.DAY:
        raise ValidationError(
            {"cutover": "「利用中」にするときは、実際に利用を始めた日を「R8.6.15」のように日まで入力してください。"}
        )
    if wave.cutover.latest is not None and wave.cutover.latest > timezone.localdate():
        raise ValidationError({"cutover": "「利用中」にするときの利用開始日は、今日までの日付にしてください。"})


def needs_reason(row: models.Model, changed_fields: list[str]) -> bool:
    """True when a change moves a date, a count or a status of an existing row, and so must say why."""
    return row.pk is not None and bool({"cutover", "users", "status"} & set(changed_fields))


def _prepare_wave(wave: Wave) -> None:
    """Check the wave; a cutover with other bounds is a new version, which starts now."""
    check_wave(wave)
    before = Wave.objects.filter(pk=wave.pk).first() if wave.pk else None
    if before is None:
        return
    bounds = (wave.cutover.earliest, wave.cutover.latest)
    wave.cutover_version, wave.cutover_since = before.cutover_version, before.cutover_since
    if bounds != (before.cutover_earliest, before.cutover_latest):
        wave.cutover_version += 1
        wave.cutover_since = timezone.now()


def _stored_value(row: models.Model, name: str) -> Any:
    stored = type(row)._default_manager.filter(pk=row.pk).values_list(name, flat=True)
    return stored.first() if row.pk else None


def _sign(row: models.Model, actor: Actor, reason: str) -> None:
    """Have the history row say who and why."""
    row._history_user = actor  # type: ignore[attr-defined]
    row._change_reason = reason or None  # type: ignore[attr-defined]
