"""The ledger owes what the plan owes: rows are added, moved, revived and cancelled, never deleted.

Done whenever plan, contacts or rules have changed, and on every new day, for repeated rules. Waves come in
chunks, so that memory stays flat however large the plan is.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from rollout.domain.audience import Party
from rollout.domain.plan import Status
from rollout.domain.reminders import (
    UNSENT_STATES,
    Kind,
    NotifiedWave,
    Rule,
    State,
    digest_days,
    due_moment,
    escalation_day,
    first_unanswered,
    is_past_grace,
    owed,
)
from rollout.models import PlanVersion, Reminder, ReminderRule, Wave, conditions
from rollout.models.labels import STATUS_LABELS, always_japanese
from rollout.models.reminders import standing_of
from rollout.outbox.facts import read_recipients, read_rules, read_waves
from rollout.outbox.notices import Notices, told_of_merged
from rollout.outbox.rows import Changes, Key, Row, read_rows

CHUNK = 500
EDITED_WITHIN = timedelta(days=30)
"""A wave that has settled is looked at so long after its last edit, to tell those who were told."""

GIVEN_UP = (State.MISSED, State.SKIPPED)
EVERYBODY = frozenset(Party)
RESPONSIBLE = frozenset({Party.LEAD, Party.DEPUTY})
"""Whose acknowledgement ends a matter: the PMO and who only follows it cannot answer for the ministry."""


def plan_reminders(*, now: datetime | None = None) -> None:
    """Make the ledger owe what the plan owes: add rows, cancel unsent ones that nobody wants any more.

    Does nothing when neither plan, contacts, rules nor the day have changed since the last time.
    """
    now = now or timezone.now()
    today = timezone.localdate(now)
    with transaction.atomic():
        version = PlanVersion.objects.lock()
        if (version.reminders_number, version.reminders_day) == (version.number, today):
            return
        book = Book(now)
        for waves in chunks(concerned(now)):
            book.plan_waves(waves)
        book.plan_digests()
        PlanVersion.objects.update(reminders_number=version.number, reminders_day=today)


def follow_plan(row: Reminder, *, now: datetime) -> None:
    """Bring one row and those beside it up to date with the plan; the version row is locked."""
    book = Book(now)
    if row.wave_id is None:
        book.plan_digests()
    else:
        waves = Wave.objects.select_related("rollout", "merged_into")
        book.plan_waves([waves.get(pk=row.wave_id)])


def concerned(now: datetime) -> Q:
    """The waves that may owe something, or have something unsent."""
    edited = Wave.history.filter(history_date__gte=now - EDITED_WITHIN).values("id")
    unsent = Reminder.objects.filter(state__in=UNSENT_STATES, wave__isnull=False).values("wave")
    return conditions.is_awaited() | Q(pk__in=edited) | Q(pk__in=unsent)


def chunks(condition: Q) -> Iterator[list[Wave]]:
    """The waves that fit, a bounded number at a time."""
    rows = Wave.objects.filter(condition).select_related("rollout", "merged_into").order_by("pk")
    last = 0
    while waves := list(rows.filter(pk__gt=last)[:CHUNK]):
        yield waves
        last = waves[-1].pk


class Book:
    """The rules and recipients of one moment, and the ledger that follows them.

    Repeated rules and digests owe what is due up to `until`, today if not given, and once beyond. `changes`
    takes what is to be written.
    """

    def __init__(self, now: datetime, until: date | None = None, changes: Changes | None = None) -> None:
        self.now = now
        self.today = timezone.localdate(now)
        self.until = until or self.today
        self.rule_rows = {row.pk: row for row in ReminderRule.objects.all()}
        self.rules = read_rules(self.rule_rows.values())
        self.recipients = read_recipients()
        self._changes = changes or Changes(now)

    def of_kind(self, kind: Kind) -> list[Rule]:
        """The rules in force of one kind."""
        return [rule for rule in self.rules if rule.kind is kind]

    def owed(self, waves: Iterable[NotifiedWave], until: date) -> dict[Key, datetime]:
        """When offset and repeated rules owe something about these waves, up to a day and once beyond."""
        return {
            (entry.wave, entry.rule, entry.address, entry.version, entry.occurrence): entry.due_at
            for entry in owed(waves, self.rules, self.recipients, until)
        }

    def owed_digests(self, until: date) -> dict[Key, datetime]:
        """When digests are owed, up to a day and once beyond."""
        return {
            (None, rule.key, recipient.address, 0, occurrence): due_moment(day)
            for rule in self.of_kind(Kind.DIGEST)
            for recipient in self.recipients.pmo
            for occurrence, day in digest_days(rule, max(rule.since, recipient.since), until)
        }

    def plan_waves(self, waves: Sequence[Wave]) -> list[Row]:
        """Bring the rows of these waves up to date; returns them as they were."""
        rows = defaultdict(list)
        before = read_rows(wave__in=waves)
        for row in before:
            rows[row.wave].append(row)
        facts, merged = read_waves(waves), told_of_merged({wave.pk for wave in waves})
        for wave, fact in zip(waves, facts, strict=True):
            told = self._plan_notices(wave, fact, rows[wave.pk], merged[wave.pk])
            wanted = self.owed([fact], self.until) | self._escalations(fact, rows[wave.pk])
            self._follow(wanted, [row for row in rows[wave.pk] if row.key not in told], wave, fact)
        self._changes.write()
        return before

    def plan_digests(self) -> list[Row]:
        """Bring the rows of the digests up to date; returns them as they were."""
        rows = read_rows(wave=None, rule__kind=Kind.DIGEST)
        self._follow(self.owed_digests(self.until), rows)
        self._changes.write()
        return rows

    def _plan_notices(
        self, wave: Wave, fact: NotifiedWave, rows: Sequence[Row], merged: Sequence[Row]
    ) -> set[Key]:
        """Plan the notices of change about a wave; returns the keys of those that are owed."""
        notices = Notices(wave.pk, wave.cutover_version, standing_of(wave), rows, merged)
        reachable = self.recipients.concerned(fact, EVERYBODY)
        return notices.plan(self.of_kind(Kind.CHANGE), reachable, self._changes, self.now)

    def _escalations(self, wave: NotifiedWave, rows: Iterable[Row]) -> dict[Key, datetime]:
        """When what nobody has acknowledged goes to the next role."""
        responsible = self.recipients.concerned(wave, RESPONSIBLE)
        unanswered = first_unanswered(
            (
                row.rule,
                timezone.localdate(row.sent_at),
                row.acknowledged_at is not None and row.address in responsible,
            )
            for row in rows
            if row.sent_at is not None and row.version == wave.version
        )
        wanted: dict[Key, datetime] = {}
        for rule in self.of_kind(Kind.ESCALATION):
            sent_on = unanswered.get(rule.follows or 0)
            if sent_on is None or not rule.concerns(wave):
                continue
            day = escalation_day(sent_on, rule)
            for address, since in self.recipients.concerned(wave, rule.parties).items():
                if day >= max(rule.since, since):
                    wanted[wave.key, rule.key, address, wave.version, 0] = due_moment(day)
        return wanted

    def _follow(
        self,
        wanted: Mapping[Key, datetime],
        rows: Iterable[Row],
        wave: Wave | None = None,
        fact: NotifiedWave | None = None,
    ) -> None:
        """Add what is missing, cancel what nobody wants, move and revive what is wanted elsewhen."""
        known = set()
        for row in rows:
            known.add(row.key)
            due_at = wanted.get(row.key)
            if due_at is None and row.state in UNSENT_STATES:
                if not self._still_waits(row, fact):
                    self._changes.cancel(row, self._cancel_reason(row, wave))
            elif due_at and self._must_follow(row, due_at):
                self._changes.plan(row, due_at)
        for key, due_at in wanted.items():
            if key not in known and not self._comes_too_late(key, due_at):
                self._changes.add(key, due_at)

    def _still_waits(self, row: Row, fact: NotifiedWave | None) -> bool:
        """True for what was due when its rule or contact was edited, and is owed that day all the same."""
        if row.state != State.DUE or fact is None:
            return False
        rules = [replace(rule, since=date.min) for rule in self.rules if rule.key == row.rule]
        anyway = owed([fact], rules, self.recipients.at_all_times, self.today)
        return any((entry.key, entry.due_at) == (row.key, row.due_at) for entry in anyway)

    def _comes_too_late(self, key: Key, due_at: datetime) -> bool:
        """True for an offset reminder that begins to be owed when its grace is over: nothing was missed."""
        rule = self.rule_rows[key[1]]
        is_late = is_past_grace(timezone.localdate(due_at), rule.grace_business_days, self.today)
        return is_late and rule.kind == Kind.OFFSET

    def _must_follow(self, row: Row, due_at: datetime) -> bool:
        """True for an unsent row due elsewhen, and for one given up that is wanted again within its grace."""
        if row.state in UNSENT_STATES:
            return row.due_at != due_at and not row.is_decided
        is_wanted_again = row.state == State.CANCELLED or (row.state in GIVEN_UP and row.due_at != due_at)
        grace = self.rule_rows[row.rule].grace_business_days
        return is_wanted_again and not is_past_grace(timezone.localdate(due_at), grace, self.today)

    @always_japanese
    def _cancel_reason(self, row: Row, wave: Wave | None) -> str:
        """Why a row is no longer wanted, in words."""
        rule = self.rule_rows[row.rule]
        if wave is not None and rule.kind != Kind.CHANGE:
            if wave.merged_into_id is not None:
                return "移行単位が統合されたため"
            if Status(wave.status).is_settled:
                return f"移行単位が「{STATUS_LABELS[wave.status]}」になったため"
            if wave.cutover_version != row.version:
                return "切替予定が変わったため"
        return _reason_of_rule(rule)


@always_japanese
def _reason_of_rule(rule: ReminderRule) -> str:
    if not rule.active:
        return "通知ルールが無効になったため"
    return {
        Kind.CHANGE.value: "知らせる変更がなくなったか、次の変更に置き換わったため",
        Kind.ESCALATION.value: "受領が確認されたか、宛先または通知ルールが変わったため",
        Kind.UNCONFIRMED.value: "日程が確認されたか、宛先または通知ルールが変わったため",
    }.get(rule.kind, "宛先または通知ルールが変わったため")
