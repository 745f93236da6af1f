"""What a person may do to the plan. Atomic; the version row is locked first, so that history order is
commit order; the figures follow on commit (rollout.receivers). Rules broken raise ValidationError by
field, in Japanese, and nothing is written."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from rollout.domain.dates import Precision
from rollout.domain.plan import Status
from rollout.history import catch_up, complete_since
from rollout.models import Baseline, PlanVersion, Rollout, Wave

Row = TypeVar("Row", bound=models.Model)
Actor = AbstractBaseUser | None

REASONED_FIELDS = frozenset({"cutover", "users", "published_users", "status"})
WAVE_NEEDED = "導入案件には移行単位が1つ以上必要です。やめる場合は状態を「中止」にしてください。"
DAY_NEEDED = "「利用中」にするときは、実際に利用を始めた日を「R8.6.15」のように日まで入力してください。"


@transaction.atomic
def save_row(*, row: Row, actor: Actor, reason: str) -> Row:
    """Add or change one row of the plan, with who and why in its history."""
    PlanVersion.objects.lock()
    if isinstance(row, Wave):
        check_wave(row)
    _sign(row, actor, reason)
    row.save()
    return row


@transaction.atomic
def delete_row(*, row: models.Model, actor: Actor, reason: str) -> None:
    """Delete one row of the plan, a rollout with all its parts; history stays. The last wave is refused."""
    PlanVersion.objects.lock()
    if isinstance(row, Wave):
        check_wave_deletion(row)
    parts = [*row.waves.all(), *row.coverages.all(), *row.citations.all()] if isinstance(row, Rollout) else []
    for each in [*parts, row]:
        _sign(each, actor, reason)
        each.delete()


@transaction.atomic
def save_baseline(*, row: Baseline, actor: Actor) -> Baseline:
    """Keep a moment under a name; without one it is now, when no change is half written.

    Raises ValidationError for a moment whose plan is not known, and for a baseline that is already kept.
    """
    version = PlanVersion.objects.lock()
    catch_up(version, timezone.now())
    check_moment(row.moment or timezone.now())
    now = timezone.now()
    row.moment = row.moment or now
    row.created_at, row.created_by_id = now, actor.pk if actor else None
    row.save()
    return row


def check_moment(moment: datetime) -> None:
    """Raise ValidationError, by field, for a moment ahead of now or before the plan's history is complete."""
    now, since = timezone.now(), complete_since()
    if since is None:
        raise ValidationError({"moment": "計画の履歴がまだありません。計画を登録してから作ってください。"})
    if moment > now:
        raise ValidationError(
            {"moment": f"未来の時点です。今（{_to_the_second(now)}）までの日時にするか、空欄にしてください。"}
        )
    if moment < since:
        first = _to_the_second(since + timedelta(microseconds=-since.microsecond % 1_000_000))
        raise ValidationError(
            {"moment": f"計画の履歴がそこまで遡れません。{first} 以降の日時にしてください。"}
        )


def _to_the_second(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S}"


def check_wave_deletion(wave: Wave) -> None:
    """Raise ValidationError when `wave` is the last one of its rollout."""
    if rollouts_left_empty([wave]):
        raise ValidationError(WAVE_NEEDED)


def rollouts_left_empty(waves: Iterable[Wave]) -> list[Rollout]:
    """The rollouts that would have no wave left without `waves`."""
    waves = list(waves)
    others = Wave.objects.filter(rollout=OuterRef("pk")).exclude(pk__in=[wave.pk for wave in waves])
    concerned = Rollout.objects.filter(pk__in={wave.rollout_id for wave in waves})
    return list(concerned.exclude(Exists(others)).select_related("lead_ministry"))


def check_wave(wave: Wave) -> None:
    """Raise ValidationError, by field, when `wave` may not be saved as it is.

    What is in use has a day, not in the future. Becoming 利用中 is 利用開始確認: it takes the actual day.
    """
    if wave.status != Status.IN_USE:
        return
    cutover = wave.cutover
    if _stored_value(wave, "status") != Status.IN_USE and cutover.precision is not Precision.DAY:
        raise ValidationError({"cutover": DAY_NEEDED})
    if cutover.earliest is None or cutover.latest is None:
        raise ValidationError({"cutover": "「利用中」の移行単位には、利用を始めた日か月が必要です。"})
    if cutover.earliest > timezone.localdate():
        raise ValidationError(
            {"cutover": "「利用中」にするときの利用開始日は、今日までの日付にしてください。"}
        )


def needs_reason(row: models.Model, changed_fields: Iterable[str]) -> bool:
    """True when a change moves a date, a count or a status of an existing row, and so must say why."""
    return row.pk is not None and not REASONED_FIELDS.isdisjoint(changed_fields)


def _stored_value(row: models.Model, name: str) -> Any:
    stored = type(row)._default_manager.filter(pk=row.pk).values_list(name, flat=True)
    return stored.first() if row.pk else None


def _sign(row: models.Model, actor: Actor, reason: str) -> None:
    """Have the history row say who and why."""
    row._history_user = actor  # type: ignore[attr-defined]
    row._change_reason = reason or None  # type: ignore[attr-defined]
