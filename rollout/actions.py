"""What a person may do to the plan. Atomic; the version row is locked first, so that history order is
commit order; the figures follow on commit (rollout.receivers). Rules broken raise ValidationError by
field, in Japanese, and nothing is written."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ministries.models import Contact
from rollout.domain.dates import Precision
from rollout.domain.plan import Status
from rollout.history import catch_up, complete_since
from rollout.merging import (
    REASON_NEEDED,
    USERS_ARE_ELSEWHERE,
    check_merge,
    named,
    parts_first,
    users_together,
)
from rollout.models import Baseline, Citation, PlanVersion, Rollout, Source, Wave
from rollout.tasks import nudge_on_commit

Row = TypeVar("Row", bound=models.Model)
Actor = AbstractBaseUser | None

BATCH = 500
"""Rows that one statement writes."""
REASONED_FIELDS = frozenset({"cutover", "users", "published_users", "status"})
CHANGE_REASON_NEEDED = _("変更する理由を書いてください。")
WAVE_NEEDED = _("導入案件には移行単位が1つ以上必要です。やめる場合は状態を「中止」にしてください。")
NOTHING_TO_WITHDRAW = _("この導入案件の移行単位は、すべて「利用中」か「中止」です。やめるものがありません。")
NOTHING_CITED = _(
    "出典は、切替・人数・状態を変えるときに付けられます。"
    "いまの値の出典は、導入案件の「引用」に追加してください。"
)
DAY_NEEDED = _("「利用中」にするときは、実際に利用を始めた日を「R8.6.15」のように日まで入力してください。")


@dataclass(frozen=True)
class Evidence:
    """What a change rests on: a source, what it says verbatim, and where it says so."""

    source: Source
    text: str
    locator: str = ""


@transaction.atomic
def save_row(*, row: Row, actor: Actor, reason: str, evidence: Evidence | None = None) -> Row:
    """Add or change one row of the plan, with who and why in its history, and on what it rests.

    `evidence` becomes the adopted citation of every fact that changes. Raises ValidationError as
    `check_evidence` does.
    """
    PlanVersion.objects.lock()
    if isinstance(row, Wave):
        check_wave(row)
    subjects = cited_subjects(row) if evidence else []
    if evidence:
        check_evidence(row, evidence)
    sign(row, actor, reason)
    row.save()
    if evidence and isinstance(row, Rollout | Wave):
        citations = [_adopt(row, subject, evidence) for subject in subjects]
        _newest_version(row).update(history_citation=citations[0])
    return row


@transaction.atomic
def save_rows(*, rows: Sequence[Wave] | Sequence[Contact], actor: Actor, reason: str) -> None:
    """Add or change many checked rows of one model in a few statements, each with its version.

    The same as `save_row` of each but for signals and evidence; the figures follow once, on commit.
    """
    version, now = PlanVersion.objects.lock(), timezone.now()
    catch_up(version, now)
    model: Any = type(rows[0])
    stored = model._default_manager.in_bulk([row.pk for row in rows if row.pk])
    for row in rows:
        row.carry_on(stored.get(row.pk), now)
    new, changed = ([row for row in rows if (row.pk in stored) is known] for known in (False, True))
    names = [
        field.name
        for field in model._meta.concrete_fields
        if any(_stored(field, row) != _stored(field, stored[row.pk]) for row in changed)
    ]
    model._default_manager.bulk_create(new, batch_size=BATCH)
    if names:  # an upsert: a tenth of the time that bulk_update takes
        model._default_manager.bulk_create(
            changed, batch_size=BATCH, update_conflicts=True, unique_fields=["id"], update_fields=names
        )
    signature = {"default_user": actor, "default_change_reason": reason, "default_date": now}
    model.history.bulk_history_create(new, batch_size=BATCH, **signature)
    model.history.bulk_history_create(changed, batch_size=BATCH, update=True, **signature)
    PlanVersion.objects.raise_number(history_missing=False)
    nudge_on_commit()


@transaction.atomic
def delete_row(*, row: models.Model, actor: Actor, reason: str) -> None:
    """Delete one row of the plan with all its parts; history stays. The last wave is refused."""
    PlanVersion.objects.lock()
    if isinstance(row, Wave):
        check_wave_deletion(row)
    parts: list[models.Model] = [*row.citations.all()] if isinstance(row, Rollout | Wave) else []
    if isinstance(row, Rollout):
        parts += [*row.coverages.all(), *parts_first(row.waves.all())]
    for each in [*parts, row]:
        sign(each, actor, reason)
        each.delete()


@transaction.atomic
def withdraw_rollout(*, rollout: Rollout, actor: Actor, reason: str) -> None:
    """Cancel all waves of a rollout that have not moved. Raises ValidationError where there is none."""
    PlanVersion.objects.lock()
    waves = list(rollout.waves.awaited().select_related("rollout__lead_ministry"))
    if not waves:
        raise ValidationError(NOTHING_TO_WITHDRAW)
    for wave in waves:
        wave.status = Status.CANCELLED.value
    save_rows(rows=waves, actor=actor, reason=reason)


@transaction.atomic
def merge_waves(*, waves: Iterable[Wave], into: Wave, actor: Actor, reason: str) -> Wave:
    """Merge `waves` into another of their rollout, which is returned with the users of all.

    Where no count is stated none is written: the shares go along. Raises ValidationError for a missing
    reason, and as `check_merge` and `users_together` do.
    """
    PlanVersion.objects.lock()
    if not (why := reason.strip()):
        raise ValidationError({"reason": REASON_NEEDED})
    keys = dict.fromkeys(wave.pk for wave in waves)
    rows = Wave.objects.select_related("rollout__lead_ministry").in_bulk([into.pk, *keys])
    into, parts = rows[into.pk], [rows[key] for key in keys]
    check_merge(into, parts)
    users = users_together(into, parts)
    for part in parts:
        part.status, part.merged_into, part.users = Status.CANCELLED.value, into, None
        save_row(row=part, actor=actor, reason=f"{named(into)}に統合：{why}")
    if users is not None:
        into.users = users
        save_row(row=into, actor=actor, reason=f"{'、'.join(map(named, parts))}を統合：{why}")
    return into


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
        raise ValidationError(
            {"moment": gettext("計画の履歴がまだありません。計画を登録してから作ってください。")}
        )
    if moment > now:
        raise ValidationError(
            {
                "moment": gettext(
                    "未来の時点です。今（{to_the_second}）までの日時にするか、空欄にしてください。"
                ).format(to_the_second=_to_the_second(now))
            }
        )
    if moment < since:
        first = _to_the_second(since + timedelta(microseconds=-since.microsecond % 1_000_000))
        raise ValidationError(
            {
                "moment": gettext(
                    "計画の履歴がそこまで遡れません。{first} 以降の日時にしてください。"
                ).format(first=first)
            }
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
    """Raise ValidationError, by field, when `wave` may not be saved as it is (`check_change`)."""
    check_change(wave, stored_value(wave, "status") if wave.status == Status.IN_USE else None)


def check_change(wave: Wave, status_before: str | None) -> None:
    """Raise ValidationError, by field, when `wave`, stored with that status, may not become what it is now.

    What is in use has a day, not in the future. Becoming 利用中 is 利用開始確認: it takes the actual day.
    What was merged has no count of its own.
    """
    if wave.is_merged and wave.users is not None:
        raise ValidationError({"users": USERS_ARE_ELSEWHERE})
    if wave.status != Status.IN_USE:
        return
    cutover = wave.cutover
    if status_before != Status.IN_USE and cutover.precision is not Precision.DAY:
        raise ValidationError({"cutover": DAY_NEEDED})
    if cutover.earliest is None or cutover.latest is None:
        raise ValidationError(
            {"cutover": gettext("「利用中」の移行単位には、利用を始めた日か月が必要です。")}
        )
    if cutover.earliest > timezone.localdate():
        raise ValidationError(
            {"cutover": gettext("「利用中」にするときの利用開始日は、今日までの日付にしてください。")}
        )


def needs_reason(row: models.Model, changed_fields: Iterable[str]) -> bool:
    """True when a change moves a date, a count or a status of an existing row, and so must say why."""
    return row.pk is not None and not REASONED_FIELDS.isdisjoint(changed_fields)


def cited_subjects(row: models.Model) -> list[Citation.Subject]:
    """What a source can speak of in the unsaved change of `row`: its cutover, its users, both or neither.

    Status counts as cutover: a source that confirms the use confirms the date.
    """
    if not isinstance(row, Rollout | Wave):
        return []
    before = type(row)._default_manager.filter(pk=row.pk).first() or type(row)()
    moved = row.users != before.users
    subjects = [Citation.Subject.USERS] if moved else []
    return [Citation.Subject.CUTOVER, *subjects] if _is_rescheduled(row, before) else subjects


def check_evidence(row: models.Model, evidence: Evidence) -> None:
    """Raise ValidationError when the unsaved change of `row` cannot rest on this.

    No source could speak of it, or the same place of the source is cited in other words: a document goes on
    saying what it said.
    """
    subjects = cited_subjects(row)
    if not subjects:
        raise ValidationError(NOTHING_CITED)
    if not isinstance(row, Rollout | Wave) or row.pk is None:
        return
    for citation in Citation.objects.filter(subject__in=subjects, **_place_in(row, evidence)):
        if citation.text != evidence.text:
            raise ValidationError(
                gettext(
                    "この出典の同じ箇所から、もう「{text}」を引用しています。"
                    "別の箇所なら「掲載箇所」を書き分けてください。"
                    "文言の誤りは、導入案件の「引用」で直してください。"
                ).format(text=citation.text)
            )


def _is_rescheduled(row: Rollout | Wave, before: Rollout | Wave) -> bool:
    if not isinstance(row, Wave) or not isinstance(before, Wave):
        return False
    return row.pk is None or (row.cutover.text, row.status) != (before.cutover.text, before.status)


def _adopt(row: Rollout | Wave, subject: Citation.Subject, evidence: Evidence) -> Citation:
    """Have the plan follow the evidence on one fact of a saved row, signed as the row is.

    What was adopted before stays, no longer adopted. What is cited from the same place again, in the same
    words, is not cited twice.
    """
    place = {**_place_of(row), "subject": subject}
    same = {**_place_in(row, evidence), "subject": subject}
    citation = Citation.objects.filter(**same).first() or Citation(**same)
    for other in Citation.objects.adopted().filter(**place).exclude(pk=citation.pk):
        other.adopted = False
        _save_signed_like(row, other)
    citation.text, citation.adopted = evidence.text, True
    citation.says_users = row.users if subject == Citation.Subject.USERS else None
    citation.says_cutover = (
        row.cutover if isinstance(row, Wave) and subject == Citation.Subject.CUTOVER else ""
    )
    _save_signed_like(row, citation)
    return citation


def _place_of(row: Rollout | Wave) -> dict[str, Any]:
    """What a citation of `row` speaks of: the whole rollout, or one wave among several."""
    if isinstance(row, Rollout):
        return {"rollout": row, "wave": None}
    others = Wave.objects.filter(rollout=row.rollout).exclude(pk=row.pk)
    return {"rollout": row.rollout, "wave": row if others.exists() else None}


def _place_in(row: Rollout | Wave, evidence: Evidence) -> dict[str, Any]:
    """The same, and where in which source it is said."""
    return {**_place_of(row), "source": evidence.source, "locator": evidence.locator}


def _save_signed_like(row: models.Model, other: models.Model) -> None:
    sign(other, row._history_user, row._change_reason)  # type: ignore[attr-defined]
    other.save()


def _stored(field: Any, row: models.Model) -> Any:
    """As the database has it: two texts may mean the same."""
    return field.get_prep_value(getattr(row, field.attname))


def stored_value(row: models.Model, name: str) -> Any:
    """What the database has of a row; None of a new one."""
    stored = type(row)._default_manager.filter(pk=row.pk).values_list(name, flat=True)
    return stored.first() if row.pk else None


def _newest_version(row: models.Model) -> Any:
    """The version of `row` that its last save has written."""
    versions = row.history.order_by("-history_id")  # type: ignore[attr-defined]
    return versions.model.objects.filter(pk=versions.first().pk)


def sign(row: models.Model, actor: Actor, reason: str) -> None:
    """Have the history row say who and why."""
    row._history_user = actor  # type: ignore[attr-defined]
    row._change_reason = reason or None  # type: ignore[attr-defined]
