"""The reminder ledger: reminders owed become rows, rows become mail.

Each step is safe to repeat and to run twice at once. Planning and settling hold the plan's version
row; sending claims one row at a time with a conditional UPDATE before it speaks to the mail server,
so that a row is sent by one process only, and a crash in between leaves it in `sending`, from where
it becomes `unknown` for a person to look at, never a second mail.
"""

import logging
import smtplib
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import reduce
from operator import or_

from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from ministries.models import Contact
from rollout.domain.plan import Basis, Status
from rollout.domain.reminders import (
    Audience,
    AwaitedWave,
    Owed,
    Recipient,
    Rule,
    State,
    TemplateError,
    days_left_text,
    due_moment,
    is_addressed,
    is_past_grace,
    owed,
    render,
    request_text,
)
from rollout.models import PlanVersion, Projection, Reminder, ReminderRule, RolloutCoverage, Wave
from rollout.models.labels import STATUS_LABELS, count_text

logger = logging.getLogger(__name__)

STUCK_AFTER = timedelta(minutes=10)
SUBJECT_LENGTH = 300
UNSENT_STATES = (State.PLANNED, State.DUE)
GIVEN_UP = (State.MISSED, State.SKIPPED)
BACK_OFF = [timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 30, 60)]

Key = tuple[int, int, str, int]


def plan_reminders(*, now: datetime | None = None) -> None:
    """Make the ledger owe what the plan owes: add rows, cancel unsent ones that nobody wants any more.

    Does nothing when neither plan, contacts nor rules have changed since the last time.
    """
    now = now or timezone.now()
    with transaction.atomic():
        version = PlanVersion.objects.lock()
        if version.reminders_number == version.number:
            return
        wanted = {_key(entry): due_moment(entry.due_day) for entry in _owed()}
        existing = _follow_plan(wanted, now)
        missing = wanted.keys() - existing
        Reminder.objects.bulk_create(
            [_new_row(key, wanted[key], now) for key in sorted(missing)],
            ignore_conflicts=True,
            batch_size=500,
        )
        PlanVersion.objects.update(reminders_number=version.number)


def _owed() -> Iterable[Owed]:
    return owed(_awaited_waves(), _rules(), _recipients())


def _rules() -> list[Rule]:
    return [
        Rule(rule.pk, rule.days_before, Audience(rule.audience), timezone.localdate(rule.in_force_since))
        for rule in ReminderRule.objects.filter(active=True)
    ]


def _recipients() -> list[Recipient]:
    return [
        Recipient(
            contact.email.lower(),
            contact.ministry_id,
            contact.role == Contact.Role.PMO,
            timezone.localdate(contact.reachable_since),
        )
        for contact in Contact.objects.active()
    ]


def _awaited_waves() -> list[AwaitedWave]:
    covered = defaultdict(set)
    for rollout, ministry in RolloutCoverage.objects.values_list("rollout_id", "ministry_id"):
        covered[rollout].add(ministry)
    return [
        AwaitedWave(
            wave.pk,
            wave.cutover,
            wave.cutover_version,
            timezone.localdate(wave.cutover_since),
            frozenset({wave.rollout.lead_ministry_id} | covered[wave.rollout_id]),
        )
        for wave in Wave.objects.awaited().select_related("rollout")
    ]


def _key(entry: Owed) -> Key:
    return entry.wave, entry.rule, entry.address, entry.version


def _follow_plan(wanted: dict[Key, datetime], now: datetime) -> set[Key]:
    """Cancel, move or revive the rows that the ledger has; returns the keys of all rows it has."""
    keys: set[Key] = set()
    rows = Reminder.objects.filter(Q(state__in=UNSENT_STATES) | Q(wave__in=Wave.objects.awaited()))
    for row in rows.select_related("wave", "rule"):
        key = (row.wave_id, row.rule_id, row.address, row.cutover_version)
        keys.add(key)
        due_at = wanted.get(key)
        if due_at is None and row.state in UNSENT_STATES:
            _set_state(row, State.CANCELLED, _cancel_reason(row))
        elif due_at and _must_follow(row, due_at, now):
            _set_state(row, State.PLANNED, "", due_at=due_at)
    return keys


def _must_follow(row: Reminder, due_at: datetime, now: datetime) -> bool:
    """True for an unsent row due elsewhen, and for one given up that is wanted again within its grace."""
    if row.state in UNSENT_STATES:
        return row.due_at != due_at
    is_wanted_again = row.state == State.CANCELLED or (row.state in GIVEN_UP and row.due_at != due_at)
    return is_wanted_again and not _is_past_grace(row.rule, due_at, now)


def _is_past_grace(rule: ReminderRule, due_at: datetime, now: datetime) -> bool:
    return is_past_grace(timezone.localdate(due_at), rule.grace_business_days, timezone.localdate(now))


def _set_state(row: Reminder, state: State, note: str, **values: object) -> None:
    """Change a row's state, unless somebody else has changed it since it was read."""
    Reminder.objects.filter(pk=row.pk, state=row.state).update(state=state, state_note=note, **values)


def _new_row(key: Key, due_at: datetime, now: datetime) -> Reminder:
    wave, rule, address, version = key
    return Reminder(
        wave_id=wave, rule_id=rule, address=address, cutover_version=version, due_at=due_at, created_at=now
    )


def _cancel_reason(row: Reminder) -> str:
    """Why a row is no longer wanted, in words."""
    if Status(row.wave.status).is_settled:
        return f"移行単位が「{STATUS_LABELS[row.wave.status]}」になったため"
    if row.wave.cutover_version != row.cutover_version:
        return "切替予定が変わったため"
    if not row.rule.active:
        return "通知ルールが無効になったため"
    return "宛先または通知ルールが変わったため"


def settle(*, now: datetime | None = None) -> None:
    """Decide about everything whose time has come: due, skipped, missed, and stuck rows unknown."""
    now = now or timezone.now()
    with transaction.atomic():
        PlanVersion.objects.lock()
        Reminder.objects.filter(state=State.SENDING, claimed_at__lt=now - STUCK_AFTER).update(
            state=State.UNKNOWN, state_note="送信中に処理が途切れました。届いたか確認してください。"
        )
        Reminder.objects.filter(state=State.PLANNED, due_at__lte=now).update(state=State.DUE)
        _settle_due(now)


def _settle_due(now: datetime) -> None:
    groups = defaultdict(list)
    for row in Reminder.objects.filter(state=State.DUE).select_related("rule"):
        if _is_past_grace(row.rule, row.due_at, now):
            _set_state(row, State.MISSED, "期日から猶予の営業日数を過ぎたため送りませんでした。")
        else:
            groups[row.wave_id, row.address].append(row)
    for rows in groups.values():
        rows.sort(key=lambda row: (row.rule.days_before, row.pk))
        for row in rows[1:]:
            _set_state(row, State.SKIPPED, f"切替により近い「{rows[0].rule.label}」を送るため省略しました。")


def deliver(*, now: datetime | None = None) -> int:
    """Send what is due, one mail after the other; returns how many were accepted by the mail server.

    Nothing is claimed before the mail server answers, and whatever it leaves unanswered ends the
    round: the next tick goes on, and no round waits for more than one silent server.
    """
    moment = now or timezone.now()
    ready = Reminder.objects.filter(state=State.DUE).filter(Q(retry_at=None) | Q(retry_at__lte=moment))
    sent = 0
    for key in list(ready.order_by("due_at", "id").values_list("pk", flat=True)):
        if not ready.filter(pk=key).exists():  # taken by another tick meanwhile
            continue
        try:
            connection = get_connection()
            connection.open()
        except (OSError, smtplib.SMTPException, ImproperlyConfigured, ValueError) as error:
            _record_unreachable(ready, error)
            break
        try:
            state = _deliver_one(key, connection, moment)
        finally:
            connection.close()
        sent += state is State.SENT
        if state is State.UNKNOWN:
            break
    return sent


def _record_unreachable(ready: QuerySet[Reminder], error: Exception) -> None:
    """Have every row that waits say why."""
    logger.warning("mail server unreachable: %s", error)
    answer = f"メールサーバーに接続できません: {error}"[:500]
    with transaction.atomic():
        PlanVersion.objects.lock()
        ready.exclude(server_answer=answer).update(server_answer=answer)


def _deliver_one(key: int, connection: BaseEmailBackend, now: datetime) -> State | None:
    """Claim one row and send it; its new state, or None when it was not to be sent."""
    reminder = _claim(key, now)
    return _send(reminder, connection) if reminder else None


def _claim(key: int, now: datetime) -> Reminder | None:
    """Take one due row for this process, with the exact text to send; None when it is not to be sent."""
    with transaction.atomic():
        PlanVersion.objects.lock()
        reminder = Reminder.objects.for_display().filter(pk=key, state=State.DUE).first()
        if reminder is None:
            return None
        if not _is_wanted(reminder):
            _set_state(reminder, State.CANCELLED, _cancel_reason(reminder))
            return None
        values = _template_values(reminder, now)
        try:
            reminder.subject = " ".join(render(reminder.rule.subject, values).split())[:SUBJECT_LENGTH]
            reminder.body = render(reminder.rule.body, values)
        except TemplateError as error:
            _set_state(reminder, State.FAILED, f"通知ルールの文面に誤りがあります: {error}"[:300])
            return None
        reminder.attempts += 1
        claimed = Reminder.objects.filter(pk=key, state=State.DUE).update(
            state=State.SENDING,
            claimed_at=timezone.now(),
            attempts=reminder.attempts,
            subject=reminder.subject,
            body=reminder.body,
        )
        return reminder if claimed else None


def _is_wanted(reminder: Reminder) -> bool:
    """True while wave, rule and contact still want this reminder."""
    wave, rule = reminder.wave, reminder.rule
    if not rule.active or wave.cutover_version != reminder.cutover_version:
        return False
    return not Status(wave.status).is_settled and _contacts(reminder).exists()


def _contacts(reminder: Reminder) -> QuerySet[Contact]:
    """The active contacts behind the row's address whom its rule addresses."""
    wave = reminder.wave
    covered = RolloutCoverage.objects.filter(rollout=wave.rollout_id).values("ministry_id")
    contacts = Contact.objects.active().filter(email__iexact=reminder.address)
    pmo = Q(role=Contact.Role.PMO)
    concerned = (Q(ministry=wave.rollout.lead_ministry_id) | Q(ministry__in=covered)) & ~pmo
    audience = Audience(reminder.rule.audience)
    wanted = [
        rows for is_pmo, rows in ((True, pmo), (False, concerned)) if is_addressed(audience, is_pmo=is_pmo)
    ]
    return contacts.filter(reduce(or_, wanted)).order_by("pk")


def _template_values(reminder: Reminder, now: datetime) -> dict[str, str]:
    """What the `{…}` of a rule's text stand for (rollout.domain.reminders.VARIABLES)."""
    wave = reminder.wave
    rollout = wave.rollout
    return {
        "宛名": _contacts(reminder).values_list("name", flat=True).first() or "ご担当者",
        "案件": str(wave),
        "府省庁": rollout.lead_ministry.name,
        "範囲": rollout.scope or "全体",
        "切替予定": wave.cutover.text,
        "切替予定の読み": wave.cutover.format_japanese(),
        "残り日数": days_left_text(wave.cutover, timezone.localdate(now)),
        "人数": _users_text(wave.pk, timezone.localdate(now)),
        "お願い": request_text(wave.cutover),
    }


def _users_text(wave_id: int, today: date) -> str:
    stored = Projection.objects.current(Basis.CUMULATIVE, today)
    return count_text(*stored.count_of(wave_id)) if stored else "不明"


def _send(reminder: Reminder, connection: BaseEmailBackend) -> State:
    """Hand one claimed row to the mail server and record what it said."""
    message = EmailMessage(
        reminder.subject,
        reminder.body,
        to=[reminder.address],
        headers={"Message-ID": reminder.message_id, "Auto-Submitted": "auto-generated"},
        connection=connection,
    )
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused as error:
        code, answer = next(iter(error.recipients.values()))
        return _record_refusal(reminder, code, answer)
    except smtplib.SMTPResponseException as error:
        return _record_refusal(reminder, error.smtp_code, error.smtp_error)
    except ValueError as error:
        return _record(reminder, State.FAILED, f"メールを組み立てられません: {error}")
    except (OSError, smtplib.SMTPException) as error:
        return _record(reminder, State.UNKNOWN, f"送信中に接続が切れました: {error}")
    return _record(reminder, State.SENT, "受け付けられました", sent_at=timezone.now())


def _record_refusal(reminder: Reminder, code: int, answer: bytes | str) -> State:
    text = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
    if 400 <= code < 500:
        return _record_retry(reminder, f"{code} {text}")
    return _record(reminder, State.FAILED, f"{code} {text}")


def _record_retry(reminder: Reminder, answer: str) -> State:
    wait = BACK_OFF[min(reminder.attempts, len(BACK_OFF)) - 1]
    return _record(reminder, State.DUE, answer, retry_at=timezone.now() + wait)


def _record(reminder: Reminder, state: State, answer: str, **values: object) -> State:
    """Write the outcome on the row and return it. Says no address and no text in the log."""
    Reminder.objects.filter(pk=reminder.pk, state=State.SENDING).update(
        state=state, server_answer=answer[:500], **values
    )
    if state is not State.SENT:
        logger.warning("reminder %s: %s after attempt %s", reminder.pk, state.value, reminder.attempts)
    return state
