"""What the recipients of reminders answer, and what people decide about mails whose fate is unclear.

Atomic and keyword-only as actions are, and the plan's version row is locked first. Whoever answers by the
link in a mail is known to us as a row of the ledger alone, so that history names the row and never an
address. What no longer holds raises ValidationError in Japanese, and nothing is written.
"""

from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rollout import actions, outbox
from rollout.actions import Actor
from rollout.domain.dates import FuzzyDate
from rollout.domain.plan import Status
from rollout.domain.reminders import State, next_sending
from rollout.models import PlanVersion, Reminder, Wave
from rollout.models.labels import STATUS_LABELS

MOVED = _(
    "メールでお知らせしたあとに切替予定が変わりました。新しい予定は、あらためてメールでお知らせします。"
    "変更に心当たりがない場合は、メールに返信してPMOへお知らせください。"
)
UNDATED = _("切替の時期が決まっていないため、日程確認はできません。")
PASSED = _("切替予定を過ぎているため、日程確認はできません。利用開始の確認か、新しい予定が必要です。")
TOO_EARLY = _(
    "切替予定の期間がまだ始まっていません。早く利用を始めた場合は、メールに返信してお知らせください。"
)

RESENT_STATES = (State.UNKNOWN, State.FAILED, State.MISSED)
"""What became of these was no good, and a person may have them sent again."""

HAS_ARRIVED = _("受領が確認されています。もう一度送らずに、届いたものとして扱ってください。")


@transaction.atomic
def acknowledge(*, reminder: Reminder) -> bool:
    """Record that the mail has arrived; False when that was recorded before.

    What waits for an answer about its wave is planned anew.
    """
    PlanVersion.objects.lock()
    now = timezone.now()
    unanswered = Reminder.objects.filter(pk=reminder.pk, acknowledged_at__isnull=True)
    if not unanswered.update(acknowledged_at=now):
        return False
    outbox.follow_plan(reminder, now=now)
    return True


@transaction.atomic
def confirm_cutover(*, wave: Wave, actor: Actor, reason: str) -> bool:
    """日程確認: the cutover still holds as it stands. False when that was confirmed today already."""
    PlanVersion.objects.lock()
    wave = Wave.objects.select_related("rollout__lead_ministry").get(pk=wave.pk)
    if refusal := cutover_refusal(wave):
        raise ValidationError(refusal)
    today = timezone.localdate()
    if wave.confirmed_on == today:
        return False
    wave.confirmed_on = today
    actions.save_row(row=wave, actor=actor, reason=reason)
    return True


@transaction.atomic
def confirm_use(*, wave: Wave, day: FuzzyDate, actor: Actor, reason: str) -> bool:
    """利用開始確認: the wave has been in use since `day`. False when that was confirmed before.

    Raises ValidationError, by field, as `actions.check_wave` does, and for a wave that has ended otherwise.
    """
    PlanVersion.objects.lock()
    wave = Wave.objects.select_related("rollout__lead_ministry").get(pk=wave.pk)
    if wave.status == Status.IN_USE and wave.cutover == day:
        return False
    if refusal := use_refusal(wave):
        raise ValidationError(refusal)
    wave.status, wave.cutover = Status.IN_USE.value, day
    actions.save_row(row=wave, actor=actor, reason=reason)
    return True


@transaction.atomic
def confirm_cutover_by_link(*, reminder: Reminder) -> bool:
    """The recipient of a mail confirms the cutover that the mail told; this acknowledges the mail, too."""
    PlanVersion.objects.lock()
    wave = _wave_of(reminder)
    if refusal := moved_refusal(reminder, wave):
        raise ValidationError(refusal)
    is_new = confirm_cutover(wave=wave, actor=None, reason=link_reason(reminder))
    acknowledge(reminder=reminder)
    return is_new


@transaction.atomic
def confirm_use_by_link(*, reminder: Reminder, day: FuzzyDate) -> bool:
    """The recipient of a mail says since when the wave has been in use; this acknowledges the mail, too."""
    is_new = confirm_use(wave=_wave_of(reminder), day=day, actor=None, reason=link_reason(reminder))
    acknowledge(reminder=reminder)
    return is_new


@transaction.atomic
def resend(*, reminder: Reminder, actor: AbstractBaseUser) -> None:
    """Have a mail sent again that is unknown, failed or missed, under the same Message-ID.

    What is unknown goes out word for word as before, for it may have arrived; the others are written anew.
    It goes out at once, or when mail may go out next, takes the place of no other mail, and has its whole
    grace before it. Raises ValidationError when somebody has decided on it since `reminder` was read, when
    its recipient has acknowledged it, and when plan, rule or contact do not want it any more.
    """
    PlanVersion.objects.lock()
    now = timezone.now()
    if reminder.state == State.UNKNOWN and reminder.acknowledged_at is not None:
        raise ValidationError(HAS_ARRIVED)
    values: dict[str, object] = {"state": State.DUE, "due_at": next_sending(now), "retry_at": None}
    if reminder.state != State.UNKNOWN:
        values["body"] = ""  # nobody has it: it is written anew
    _decide(reminder, RESENT_STATES, actor, "もう一度送る", now, **values)
    outbox.follow_plan(reminder, now=now)
    reminder.refresh_from_db()
    if reminder.state != State.DUE:
        raise ValidationError(
            gettext("もう送る必要がありません：{state_note}").format(state_note=reminder.state_note)
        )


@transaction.atomic
def accept(*, reminder: Reminder, actor: AbstractBaseUser) -> None:
    """Take a mail whose fate is unknown as one that has arrived, when it was sent.

    Raises ValidationError when somebody has decided on it since `reminder` was read.
    """
    PlanVersion.objects.lock()
    values = {"state": State.SENT, "sent_at": F("claimed_at")}
    now = timezone.now()
    _decide(reminder, (State.UNKNOWN,), actor, "届いたことを確認", now, **values)
    outbox.follow_plan(reminder, now=now)


def _decide(
    reminder: Reminder,
    states: tuple[State, ...],
    actor: AbstractBaseUser,
    what: str,
    now: datetime,
    **values: object,
) -> None:
    """Write a person's decision on the row, unless it is no longer what that person saw."""
    if reminder.state not in states:
        raise ValidationError(
            gettext("いまは「{state}」です。{state_note}").format(
                state=reminder.get_state_display(), state_note=reminder.state_note
            )
        )
    seen = {"state": reminder.state, "attempts": reminder.attempts, "due_at": reminder.due_at}
    note = f"{timezone.localtime(now):%Y-%m-%d %H:%M} {actor.get_username()}：{what}"[:300]
    decided = Reminder.objects.filter(pk=reminder.pk, **seen).update(
        state_note=note, decided_by=actor, **values
    )
    if not decided:
        raise ValidationError(
            gettext("ほかの人がすでに判断したか、状態が変わりました。一覧を開き直してください。")
        )


def link_reason(reminder: Reminder) -> str:
    """Why a row was changed by whoever holds the link of a mail."""
    return f"事前通知 #{reminder.pk} のリンクから確認"


def cutover_refusal(wave: Wave) -> str:
    """Why nobody can confirm that the cutover still holds; empty where somebody can."""
    if Status(wave.status).is_settled:
        return gettext("「{status}」のため、日程確認はできません。").format(status=STATUS_LABELS[wave.status])
    if wave.cutover.is_undecided:
        return str(UNDATED)
    return str(PASSED if wave.is_overdue_unconfirmed(timezone.localdate()) else "")


def moved_refusal(reminder: Reminder, wave: Wave) -> str:
    """Why the recipient cannot speak of the cutover as it stands; empty where the mail told that one."""
    return str("" if reminder.cutover_version == wave.cutover_version else MOVED)


def use_refusal(wave: Wave) -> str:
    """Why nobody can say that the wave is in use now; empty where somebody can."""
    if wave.status == Status.IN_USE:
        return gettext(
            "すでに {text} から「利用中」と登録されています。違う場合は、メールに返信してお知らせください。"
        ).format(text=wave.cutover.text)
    if wave.status == Status.CANCELLED:
        return gettext("「中止」のため、利用開始の確認はできません。")
    begins = wave.cutover.earliest
    return str(TOO_EARLY if begins is None or begins > timezone.localdate() else "")


def _wave_of(reminder: Reminder) -> Wave:
    """The wave as it stands now. Raises Wave.DoesNotExist for a reminder that is about none."""
    return Wave.objects.select_related("rollout__lead_ministry").get(reminders=reminder)
