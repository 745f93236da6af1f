"""One change to many waves: one reason, one moment, one recompute; all of them, or none.

What is done to each is a `Change`. A wave that the change leaves as it is gets no new version.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rollout import actions
from rollout.actions import Actor
from rollout.answers import cutover_refusal
from rollout.domain.dates import UNDECIDED, FuzzyDate, FuzzyDateError
from rollout.domain.plan import Status
from rollout.domain.rescheduling import move_by_months
from rollout.merging import STATUS_IS_ELSEWHERE, named
from rollout.models import Cohort, PlanVersion, Rollout, Wave
from rollout.models.labels import STATUS_LABELS, reason_of

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

MOST_WAVES = 1000
"""So many waves are changed in one go."""
TOO_MANY = format_lazy(
    _("一度に変更できるのは{most_waves:,}件までです。絞り込んでから選んでください。"), most_waves=MOST_WAVES
)
NOTHING_CHANGES = _("選んだ移行単位は、どれも変わりません。すでにその内容になっています。")
GONE = _("選んだ移行単位の一部は、もうありません。一覧から選び直してください。")


@dataclass(frozen=True)
class Changed:
    """What one wave's change says: which wave, which fact, from what to what, in words."""

    wave: Wave
    fact: "StrOrPromise"
    before: str
    after: str


class Change(Protocol):
    """Something that is done to every chosen wave."""

    @property
    def fact(self) -> "StrOrPromise":
        """What it changes, in words."""

    def value(self, wave: Wave) -> str:
        """The fact of the wave that this changes, in words."""

    def apply(self, wave: Wave) -> Rollout | Wave:
        """Change the wave in memory; the row to save. Raises ValidationError or FuzzyDateError."""


class _Dated:
    """Changes the cutover of what still awaits it: a class to mix into a change."""

    fact = _("切替")

    def value(self, wave: Wave) -> str:
        return cutover_text(wave)


@dataclass(frozen=True)
class MoveByMonths(_Dated):
    """Reschedule by whole months, back when negative."""

    months: int

    def apply(self, wave: Wave) -> Wave:
        """See `rollout.domain.rescheduling`."""
        _check_awaited(wave)
        wave.cutover = move_by_months(wave.cutover, self.months)
        return wave


@dataclass(frozen=True)
class MoveTo(_Dated):
    """Reschedule to one period."""

    cutover: FuzzyDate

    def apply(self, wave: Wave) -> Wave:
        """The period as it is written."""
        _check_awaited(wave)
        wave.cutover = self.cutover
        return wave


@dataclass(frozen=True)
class ConfirmCutover:
    """日程確認: the cutover still holds today."""

    fact = _("日程確認")

    def value(self, wave: Wave) -> str:
        """The day of the last one."""
        return wave.confirmed_on.isoformat() if wave.confirmed_on else gettext("なし")

    def apply(self, wave: Wave) -> Wave:
        """As of today."""
        if refusal := cutover_refusal(wave):
            raise ValidationError(refusal)
        wave.confirmed_on = timezone.localdate()
        return wave


@dataclass(frozen=True)
class ConfirmUse:
    """利用開始確認: in use since a day."""

    day: FuzzyDate
    fact = _("状態と切替")

    def value(self, wave: Wave) -> str:
        """Both."""
        return gettext("{status}、{cutover_text}").format(
            status=STATUS_LABELS[wave.status], cutover_text=cutover_text(wave)
        )

    def apply(self, wave: Wave) -> Wave:
        """The actual day becomes the cutover."""
        if wave.status == Status.IN_USE and wave.cutover == self.day:
            return wave
        if Status(wave.status).is_settled:
            raise ValidationError(
                gettext("すでに「{status}」（{cutover_text}）です。").format(
                    status=STATUS_LABELS[wave.status], cutover_text=cutover_text(wave)
                )
            )
        wave.status, wave.cutover = Status.IN_USE.value, self.day
        return wave


@dataclass(frozen=True)
class SetStatus:
    """Another status; 利用中 is for `ConfirmUse`, which takes the actual day."""

    status: str
    fact = _("状態")

    def value(self, wave: Wave) -> str:
        """Its label."""
        return str(STATUS_LABELS[wave.status])

    def apply(self, wave: Wave) -> Wave:
        """As the single edit does; taking up a merged wave again is for its own page, which says more."""
        if wave.is_merged:
            raise ValidationError(STATUS_IS_ELSEWHERE)
        wave.status = self.status
        return wave


@dataclass(frozen=True)
class AssignCohort:
    """Another cohort for the rollouts of the waves: a rollout goes as a whole."""

    cohort: Cohort
    fact = _("導入区分")

    def value(self, wave: Wave) -> str:
        """The cohort of its rollout."""
        return str(wave.rollout.cohort)

    def apply(self, wave: Wave) -> Rollout:
        """Of the rollout."""
        wave.rollout.cohort = self.cohort
        return wave.rollout


@transaction.atomic
def change_waves(*, waves: Sequence[int], change: Change, actor: Actor, reason: str) -> list[Changed]:
    """Change these waves, by their ids, or none of them; what has changed, in the order of the list.

    Raises ValidationError for a missing reason, for more than MOST_WAVES, when a wave is gone, when nothing
    would change, and for every wave that the change or a rule of the plan refuses, named.
    """
    PlanVersion.objects.lock()
    if not (why := reason.strip()):
        raise ValidationError({"reason": actions.CHANGE_REASON_NEEDED})
    changed, rows = _apply(read_waves(waves), change)
    if not changed:
        raise ValidationError(NOTHING_CHANGES)
    for row in rows:
        actions.save_row(row=row, actor=actor, reason=why)
    return changed


def read_waves(waves: Sequence[int]) -> list[Wave]:
    """These waves in the order of the list. Raises ValidationError when one is gone or there are too many."""
    if len(waves) > MOST_WAVES:
        raise ValidationError(TOO_MANY)
    rows = Wave.objects.filter(pk__in=waves)
    found = list(rows.select_related("rollout__lead_ministry", "rollout__cohort"))
    if len(found) < len(set(waves)):
        raise ValidationError(GONE)
    return _sharing_rollouts(found)


def cutover_text(wave: Wave) -> str:
    """As written, and the days that were read from it."""
    cutover = wave.cutover
    return (
        gettext("{text}（{format_iso}）").format(text=cutover.text, format_iso=cutover.format_iso())
        if not cutover.is_undecided
        else UNDECIDED
    )


def _apply(waves: Iterable[Wave], change: Change) -> tuple[list[Changed], list[Rollout | Wave]]:
    changed, refused, rows = [], [], {}
    for wave in waves:
        before = change.value(wave)
        try:
            row = change.apply(wave)
            actions.check_wave(wave)
        except (ValidationError, FuzzyDateError) as error:
            why = error.messages if isinstance(error, ValidationError) else [reason_of(error)]
            refused.append(gettext("{wave}：{why}").format(wave=named(wave), why=gettext("、").join(why)))
            continue
        if (after := change.value(wave)) != before:
            changed.append(Changed(wave, change.fact, before, after))
            rows[type(row), row.pk] = row
    if refused:
        raise ValidationError(refused)
    return changed, list(rows.values())


def _sharing_rollouts(waves: list[Wave]) -> list[Wave]:
    """Waves of one rollout hold one object of it, so that it is changed and saved once."""
    rollouts = {wave.rollout_id: wave.rollout for wave in waves}
    for wave in waves:
        wave.rollout = rollouts[wave.rollout_id]
    return waves


def _check_awaited(wave: Wave) -> None:
    if Status(wave.status).is_settled:
        raise ValidationError(
            gettext("「{status}」のため、まとめて日程は変えられません。").format(
                status=STATUS_LABELS[wave.status]
            )
        )
