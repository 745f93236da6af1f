"""Due rows become mail, on open days from nine o'clock in Tokyo on.

A row is claimed with all that its mail is made of, in the same transaction that records what became of the
one before it, and only then handed to the server. A claim holds only while the ledger follows the plan as it
is, so that no mail speaks of a plan that was moved meanwhile.
"""

import logging
import smtplib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from ministries.models import Contact
from rollout.domain.letters import TemplateError
from rollout.domain.reminders import Kind, State, sending_since
from rollout.models import PlanVersion, Reminder, ReminderRule
from rollout.outbox.letters import Letter, Writer
from rollout.outbox.mail import Mail, Outcome, Post, mail_of
from rollout.outbox.planning import plan_reminders
from rollout.outbox.statements import Update

logger = logging.getLogger(__name__)

BATCH = 100
MOST_CUTS = 3
"""A round that loses its connection so often leaves the rest to the next tick."""

BACK_OFF = [timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 30, 60)]
CAP_PERIOD = timedelta(hours=1)
HELD = "1時間あたりの上限に達したため、送信を待っています。"
CONNECTION_ERRORS = (OSError, smtplib.SMTPException, ImproperlyConfigured, ValueError)

LETTER = tuple(field.name for field in fields(Letter))
CLAIM = Update(
    (*LETTER, "state_note", "claimed_at", "attempts", "state"),
    {"id": 1, "state": 1, "attempts": 1},
    plan_stands=True,
)
OUTCOME = Update(
    ("state", "state_note", "server_answer", "sent_at", "retry_at"), {"id": 1, "state": 2, "claimed_at": 1}
)


def deliver() -> int:
    """Send what is due, over one connection; returns how many the mail server accepted.

    Sends nothing while mail may not go out. Nothing is claimed before the mail server answers; one that falls
    silent or breaks off again and again ends the round, and the next tick goes on.
    """
    moment = timezone.now()
    if sending_since(moment) is None:
        return 0
    ready, warnings = Reminder.objects.ready(moment), Q(rule__kind=Kind.ALERT)
    keys = [pk for part in (warnings, ~warnings) for pk in ready.filter(part).values_list("pk", flat=True)]
    delivery = Round()
    try:
        for start in range(0, len(keys), BATCH):
            if delivery.is_over:
                break
            delivery.send_batch(keys[start : start + BATCH])
    finally:
        delivery.close()
    return delivery.sent


class Round:
    """One call of `deliver`: its connection, and the mail whose outcome is still to be written down."""

    def __init__(self) -> None:
        self.sent = 0
        self.is_over = False
        self._number = -1
        self._post = Post()
        self._cuts = 0
        self._unrecorded: tuple[Reminder, Outcome] | None = None

    def send_batch(self, keys: Sequence[int]) -> None:
        """Send these rows, as far as they still wait and may go."""
        moment = timezone.now()
        plan_reminders(now=moment)
        self._number = PlanVersion.objects.current().number
        rows = list(Reminder.objects.ready(moment).for_mail().filter(pk__in=keys))
        caps = Caps(moment)
        try:
            if not self._may_go_on():
                return
            for row, mail in _write_all(caps.let_through(rows), Writer(rows, moment)):
                if self.is_over or not self._may_go_on():
                    break
                self._send(row, mail)
            self.is_over = self.is_over or caps.is_exhausted
        finally:
            self._record()
            if PlanVersion.objects.current().number != self._number:
                # Who was told meanwhile may be owed a notice.
                PlanVersion.objects.update(reminders_number=None)

    def close(self) -> None:
        """Write down what is left, and let go of the connection."""
        self._record()
        self._post.close()

    def _may_go_on(self) -> bool:
        """Whether offices are still open, and the mail server answers."""
        self.is_over = sending_since(timezone.now()) is None
        try:
            self._post.open()
        except CONNECTION_ERRORS as error:
            self.is_over = True
            _record_unreachable(timezone.now(), error)
        return not self.is_over

    def _send(self, row: Reminder, mail: Mail) -> None:
        if not self._claim(row):
            return
        outcome = self._post.send(mail)
        self._unrecorded = row, outcome
        self.sent += outcome.state is State.SENT
        self._cuts += outcome.is_cut
        self.is_over = self._cuts >= MOST_CUTS

    def _claim(self, row: Reminder) -> bool:
        """Take one due row for this process, with all that its mail is made of; record the one before.

        A row that somebody else has tried since it was read has to wait for its next attempt.
        """
        row.state_note = row.state_note if row.decided_by_id else ""  # who decided when stays
        attempts, row.attempts = row.attempts, row.attempts + 1
        row.claimed_at = timezone.now()
        values = [getattr(row, name) for name in (*LETTER, "state_note", "claimed_at", "attempts")]
        with transaction.atomic():
            self._write_down(self._unrecorded)
            claimed = CLAIM.run(*values, State.SENDING, row.pk, State.DUE, attempts, *2 * [self._number])
        self._unrecorded = None
        return claimed

    def _record(self) -> None:
        self._write_down(self._unrecorded)
        self._unrecorded = None

    def _write_down(self, sent: tuple[Reminder, Outcome] | None) -> None:
        """Write an outcome on its row. Says no address and no text in the log."""
        if sent is None:
            return
        row, outcome = sent
        now = timezone.now()
        wait = BACK_OFF[min(row.attempts, len(BACK_OFF)) - 1]
        # A process that was held up so long that its row became unknown knows better by now.
        OUTCOME.run(
            *(outcome.state, row.state_note, outcome.answer[:500]),
            now if outcome.state is State.SENT else row.sent_at,
            now + wait if outcome.state is State.DUE else row.retry_at,
            *(row.pk, State.SENDING, State.UNKNOWN, row.claimed_at),
        )
        if outcome.state is not State.SENT:
            logger.warning("reminder %s: %s after attempt %s", row.pk, outcome.state.value, row.attempts)


def _write_all(rows: Iterable[Reminder], writer: Writer) -> list[tuple[Reminder, Mail]]:
    """The mail of each row that has one; a batch is written in one go, before any of it is claimed."""
    written = ((row, _write(row, writer)) for row in rows)
    return [(row, mail) for row, mail in written if mail is not None]


def _write(row: Reminder, writer: Writer) -> Mail | None:
    """The mail of a row, which gets its letter; None where none is to be sent, with the reason on the row."""
    if row.rule.kind == Kind.CHANGE and not writer.still_differs(row):
        _end(row, State.CANCELLED, "別の通知で知らせ済みのため")
        return None
    try:
        letter = _as_before(row) if row.decided_by_id and row.body else writer.write(row)
        for name in LETTER:
            setattr(row, name, getattr(letter, name))
        return mail_of(row)
    except TemplateError as error:
        _end(row, State.FAILED, f"通知ルールの文面に誤りがあります: {error}"[:300])
    except ValueError as error:
        _end(row, State.FAILED, f"メールを組み立てられません: {error}"[:300])
    except Exception as error:  # one row that cannot be written must not hold up all that wait behind it
        logger.exception("reminder %s cannot be written", row.pk)
        _end(row, State.FAILED, f"メールを組み立てられません: {type(error).__name__}"[:300])
    return None


def _as_before(row: Reminder) -> Letter:
    """A mail that may have arrived, sent again by a person's decision: word for word."""
    return Letter(**{name: getattr(row, name) for name in LETTER})


def _end(row: Reminder, state: State, note: str) -> None:
    Reminder.objects.filter(pk=row.pk, state=State.DUE).update(state=state, state_note=note)


def _record_unreachable(moment: datetime, error: Exception) -> None:
    """Have every row that waits say why."""
    logger.warning("mail server unreachable: %s", error)
    answer = f"メールサーバーに接続できません: {error}"[:500]
    waiting = Reminder.objects.ready(moment).order_by()
    waiting.exclude(server_answer=answer).update(server_answer=answer)


class Caps:
    """How many mails may still go out in this hour, in all and to one address."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment
        recent = Reminder.objects.filter(claimed_at__gt=moment - CAP_PERIOD)
        self._sent = Counter(recent.exclude(rule__kind=Kind.ALERT).values_list("address", flat=True))
        self._total = self._sent.total()

    @property
    def is_exhausted(self) -> bool:
        """True when nothing more may go to anybody in this hour."""
        return self._total >= settings.MAILS_PER_HOUR

    def let_through(self, rows: Sequence[Reminder]) -> Iterator[Reminder]:
        """The rows that may go; the others say that they wait, and the PMO is warned once a day."""
        held: list[int] = []
        for row in rows:
            if row.rule.kind == Kind.ALERT:
                yield row
            elif self._may_go(row.address):
                self._sent[row.address] += 1
                self._total += 1
                yield row
            else:
                held.append(row.pk)
        if held:
            waiting = Reminder.objects.filter(pk__in=held, state=State.DUE, decided_by=None)
            waiting.exclude(state_note=HELD).update(state_note=HELD)
            _warn(self._moment)

    def _may_go(self, address: str) -> bool:
        return not self.is_exhausted and self._sent[address] < settings.MAILS_PER_ADDRESS_AND_HOUR


def _warn(moment: datetime) -> None:
    """Owe the PMO one warning a day."""
    pmo = Contact.objects.active().filter(role=Contact.Role.PMO)
    Reminder.objects.bulk_create(
        [
            Reminder(
                rule=rule,
                address=contact.email.lower(),
                occurrence=timezone.localdate(moment).toordinal(),
                due_at=moment,
                state=State.DUE,
            )
            for rule in ReminderRule.objects.filter(kind=Kind.ALERT, active=True)
            for contact in pmo
        ],
        ignore_conflicts=True,
    )
