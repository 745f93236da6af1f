"""What the mail of a rule would say of a wave, and when it would go out. Nothing is written.

The letter is written by the mechanism that writes every mail, as of the day that it would go out on, from a
row that nobody saves: it has no address, so that no contact's name appears in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property

from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rollout.domain.audience import Party, Recipient, Recipients, Role
from rollout.domain.dates import month_label, parse
from rollout.domain.letters import VARIABLES, TemplateError, check_template
from rollout.domain.plan import Status
from rollout.domain.reminders import (
    Kind,
    Standing,
    Unit,
    digest_days,
    due_day,
    due_moment,
    escalation_day,
    owed,
    shift,
)
from rollout.domain.words import weekday_words
from rollout.models import Reminder, ReminderRule, Wave
from rollout.models.labels import STATUS_LABELS, say
from rollout.models.reminders import INTERVAL_KINDS, MOST_UNITS, PRECISION_CHOICES
from rollout.outbox.digest import digest_text
from rollout.outbox.facts import read_rule, read_waves
from rollout.outbox.foresight import DIGEST_LATER, EarlyWriter
from rollout.outbox.letters import Letter
from rollout.outbox.mail import html_of

REPEATED_KINDS = (Kind.OVERDUE, Kind.UNCONFIRMED)
SCHEDULE_MISSING = _("「数」を直すと、送る日が表示されます。")
TEXTS = {"subject": _("件名"), "body": _("本文")}
MOVED_FROM_MONTHS = 3
"""A notice of change is shown as if the cutover had been so much earlier when it was told."""

WITHOUT_WAVE = (Kind.DIGEST, Kind.ALERT)
CALENDAR = _("予定表に登録できる予定（iCalendar）")
PICTURE = _("見込みの図（PNG）")
WAVE_MISSING = _("移行単位がまだ登録されていないため、文面を確認できません。")
EVENTS = {
    Kind.CHANGE: _(
        "知らせた切替予定や状態が変わってから10分後に、知らせ済みの人へ送ります（変更前は例です）。"
    ),
    Kind.ALERT: _("送信数が上限に達して送信を一時止めたときに、PMOへ送ります。"),
}


class PreviewWriter(EarlyWriter):
    """Writes a letter that nobody gets. A digest, which lists addresses, is for who may see the ledger."""

    def __init__(self, row: Reminder, now: datetime, *, shows_ledger: bool) -> None:
        super().__init__([row], now)
        self._shows_ledger = shows_ledger

    def values(self, row: Reminder) -> Mapping[str, str]:
        """What each variable stands for."""
        return self._values(row, Kind(row.rule.kind))

    @cached_property
    def _digest(self) -> str:
        return digest_text(self._now) if self._shows_ledger else DIGEST_LATER

    @cached_property
    def _picture(self) -> None:
        """None: it takes seconds to draw, and whoever types waits."""
        return

    def _last_told(self, row: Reminder) -> Standing:
        """An example: nobody was told anything for this row."""
        earliest = row.wave.cutover.earliest if row.wave else None
        before = shift(earliest or self._today, -MOVED_FROM_MONTHS, Unit.MONTHS)
        return Standing(parse(month_label(before.year, before.month)), Status.PLANNED.value)


@dataclass(frozen=True)
class Preview:
    """A rule as typed, on a wave: None where there is none. `shows_ledger`: to who may see addresses."""

    rule: ReminderRule
    wave: Wave | None
    now: datetime
    shows_ledger: bool = False

    @property
    def kind(self) -> Kind:
        """What the rule counts from."""
        return Kind(self.rule.kind)

    @cached_property
    def errors(self) -> dict[str, str]:
        """What is wrong with the texts, in Japanese and with the position, by the text's label."""
        if self._lacks_wave:
            return {str(Wave._meta.verbose_name): str(WAVE_MISSING)}
        found = {}
        for name, label in TEXTS.items():
            try:
                check_template(getattr(self.rule, name), self.kind)
            except TemplateError as error:
                found[str(label)] = say(error.words)
        return found

    @cached_property
    def letter(self) -> Letter | None:
        """The letter as of the day it would go out on, a digest as of now; None where a text is wrong."""
        return None if self.errors else self._writer.write(self._row)

    @property
    def html(self) -> str:
        """The letter's body as simple HTML."""
        return html_of(self.letter.body) if self.letter else ""

    @property
    def enclosures(self) -> list[str]:
        """What goes along, in words."""
        calendar = [str(CALENDAR)] if self.letter and self.letter.calendar else []
        return [*calendar, *([str(PICTURE)] if self.letter and self.kind is Kind.DIGEST else [])]

    @cached_property
    def values(self) -> Mapping[str, str]:
        """What each variable that the kind knows stands for."""
        if self._lacks_wave:
            return {}
        values = self._writer.values(self._row)
        return {name: values[name] for name in VARIABLES[self.kind]}

    @cached_property
    def due_day(self) -> date | None:
        """The next day on which the rule would send about the wave, were it saved now."""
        if self._lacks_schedule:
            return None
        return next_day(self.rule, self.wave, timezone.localdate(self.now))

    @property
    def due_text(self) -> str:
        """When that is; else what it waits for, or why there is no such day."""
        if self.kind in EVENTS:
            return str(EVENTS[self.kind])
        if self._lacks_schedule:
            return str(SCHEDULE_MISSING)
        if self._lacks_wave:
            return ""
        if self.due_day is None:
            return self._why_never
        every = gettext("次は") if self.kind in (*REPEATED_KINDS, Kind.DIGEST) else ""
        guess = gettext("（元のルールの通知に受領の確認がない場合）") if self.kind is Kind.ESCALATION else ""
        return gettext("{every}{day_text}の9時以降に送ります{guess}。").format(
            every=every, day_text=_day_text(self.due_day), guess=guess
        )

    @property
    def _why_never(self) -> str:
        if self.wave is None:
            return ""
        if self.wave.status not in self.rule.statuses:
            status = STATUS_LABELS[self.wave.status]
            return gettext("この移行単位の状態「{status}」は対象に選ばれていないため、送りません。").format(
                status=status
            )
        if self.rule.precision not in ("", self.wave.cutover_precision):
            return gettext("「{precision_choices}」が対象のため、送りません。").format(
                precision_choices=PRECISION_CHOICES[self.rule.precision]
            )
        due = None if self.kind in REPEATED_KINDS else _only_day(self.rule, self.wave)
        if due is not None:
            return gettext("送る日（{day_text}）を過ぎているため、送りません。").format(
                day_text=_day_text(due)
            )
        cutover = self.wave.cutover.format_japanese()
        return gettext("この移行単位の切替予定（{cutover}）には送る日がないため、送りません。").format(
            cutover=cutover
        )

    @property
    def _lacks_schedule(self) -> bool:
        """True for a number that cannot be saved: none where one is needed, or one beyond all plans."""
        return not (1 if self.kind in INTERVAL_KINDS else 0) <= self.rule.count <= MOST_UNITS

    @property
    def _lacks_wave(self) -> bool:
        return self.wave is None and self.kind not in WITHOUT_WAVE

    @cached_property
    def _row(self) -> Reminder:
        return Reminder(rule=self.rule, wave=None if self.kind in WITHOUT_WAVE else self.wave)

    @cached_property
    def _writer(self) -> PreviewWriter:
        moment = self.now
        if self.due_day and self.kind is not Kind.DIGEST:  # what a digest will list is not known yet
            moment = max(moment, due_moment(self.due_day))
        return PreviewWriter(self._row, moment, shows_ledger=self.shows_ledger)


def next_day(row: ReminderRule, wave: Wave | None, today: date) -> date | None:
    """The next business day from `today` on that the rule would send on about the wave, or None.

    An escalation is taken to follow a mail that goes out on its day and that nobody acknowledges.
    """
    rule = read_rule(row)
    if rule.kind is Kind.DIGEST:
        return min((mail.due_day for mail in digest_days(rule, today, today)), default=None)
    if wave is None:
        return None
    fact = read_waves([wave])[0]
    if rule.kind is Kind.ESCALATION:
        day = _only_day(row, wave) if rule.concerns(fact) else None
        return day if day and day >= today else None
    everybody = Recipients([Recipient("", fact.lead, Role.LEAD, date.min)])
    anew = replace(rule, parties=frozenset(Party), since=today)
    return min((entry.due_day for entry in owed([fact], [anew], everybody, today)), default=None)


def _only_day(row: ReminderRule, wave: Wave) -> date | None:
    """The day, gone by or not, on which a rule that repeats nothing sends about the wave."""
    if row.kind == Kind.OFFSET:
        return due_day(wave.cutover, read_rule(row))
    sent_on = _only_day(row.follows, wave) if row.follows else None
    return escalation_day(sent_on, read_rule(row)) if sent_on else None


def _day_text(day: date) -> str:
    return say(weekday_words(day))
