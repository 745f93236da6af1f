"""What will go out, to whom and in which words, as plan and ledger stand now. Nothing is written.

Planning and settling are done in mind: the same rules over the same rows, up to a later day. So the outlook
is right even while the ledger lags behind the plan. It supposes that nobody changes, confirms or
acknowledges anything meanwhile, and that every mail gets through; escalations of mails that are still to be
sent, and pauses for the caps, cannot be foreseen.

Example: 財務局 cuts over in 2027-01; its reminder of 1 day before is foreseen for 2026-12-28 09:00, and says
that 4 days are left, because it is written for that day.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property, lru_cache
from typing import NamedTuple, overload

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from ministries.models import Contact
from rollout.domain.dates import FuzzyDateError, parse
from rollout.domain.letters import TemplateError
from rollout.domain.reminders import UNSENT_STATES, Kind, Standing, State, is_past_grace, next_sending
from rollout.models import PlanVersion, Reminder, ReminderRule, Wave
from rollout.models.labels import say
from rollout.outbox.letters import NAMELESS, Writer
from rollout.outbox.planning import Book, chunks, concerned
from rollout.outbox.rows import Changes, Key, Row, read_rows
from rollout.outbox.settling import group_of, rank

USUAL_DAYS = 90
MOST_DAYS = 731
PAGE = 100

LINK_LATER = "（確認ページのリンク。送信のときに宛先ごとに作ります）"
CALENDAR_LATER = "（予定表の購読用リンク。送信のときに宛先ごとに作ります）"
DIGEST_LATER = "（まとめの中身は、送る日の計画から作ります）"


class UntilError(ValueError):
    """A last day that an outlook cannot have. The message is in Japanese and says what would be right."""


def read_until(text: str, now: datetime) -> date:
    """The last day of an outlook: `2027-02-28`, or the end of `R9.2`; empty for USUAL_DAYS from now.

    Raises UntilError.
    """
    today = timezone.localdate(now)
    if not text.strip():
        return today + timedelta(days=USUAL_DAYS)
    try:
        last = parse(text.strip()).latest
    except FuzzyDateError as error:
        raise UntilError(say(error.words)) from None
    if last is None:
        raise UntilError(
            gettext("「{text}」には最後の日がありません。2027-02-28、R9.2 のように書いてください。").format(
                text=text
            )
        )
    if not today <= last <= today + timedelta(days=MOST_DAYS):
        raise UntilError(
            gettext(
                "「{text}」は範囲の外です。{first}（今日）から{last}（約2年先）までの日を書いてください。"
            ).format(text=text, first=today, last=today + timedelta(days=MOST_DAYS))
        )
    return last


class Forecast(Changes):
    """What planning would write, kept in mind alone."""

    def __init__(self, now: datetime) -> None:
        super().__init__(now)
        self._dropped: set[int] = set()
        self._moved: dict[int, datetime] = {}
        self._added: list[Waiting] = []

    def cancel(self, row: Row, reason: str) -> None:
        """It will not wait any more."""
        self._dropped.add(row.pk)

    def plan(self, row: Row, due_at: datetime, told: Standing | None = None) -> None:
        """It will wait for that moment."""
        self._moved[row.pk] = due_at

    def add(self, key: Key, due_at: datetime, told: Standing | None = None) -> None:
        """A row that there is not yet."""
        self._added.append(Waiting(key, due_at, None, ""))

    def write(self) -> None:
        """Write nothing."""

    def take(self, rows: Iterable[Row]) -> Iterator["Waiting"]:
        """What would wait after all this, `rows` being what there is; begins anew."""
        for row in rows:
            if row.pk in self._moved:
                yield Waiting(row.key, self._moved[row.pk], row.pk, State.PLANNED)
            elif row.state in UNSENT_STATES and row.pk not in self._dropped:
                yield Waiting(row.key, row.due_at, row.pk, row.state)
        yield from self._added
        self._dropped.clear()
        self._moved.clear()
        self._added.clear()


class Waiting(NamedTuple):
    """A row that is to be sent; `row` and `state` as in the ledger, None and "" where it has none yet."""

    key: Key
    due_at: datetime
    row: int | None
    state: str


class Upcoming(NamedTuple):
    """What becomes of a waiting row at `goes_at`: SENT, MISSED, or SKIPPED because the rule `kept` goes."""

    waiting: Waiting
    goes_at: datetime
    fate: State
    kept: int | None = None

    @property
    def order(self) -> tuple[datetime, int, str, int, int]:
        """By when, then by wave and address."""
        wave, rule, address, _, occurrence = self.waiting.key
        return self.goes_at, wave or 0, address, rule, occurrence


@dataclass(frozen=True)
class Foreseen:
    """One mail to come, in the words of its day; `body` says what is wrong where the rule's text is.

    `due_at` is when it was to go, `goes_at` the first moment at which it really may. `state` is "" where the
    ledger has no row yet.
    """

    due_at: datetime
    goes_at: datetime
    wave: Wave | None
    rule: ReminderRule
    address: str
    name: str
    subject: str
    body: str
    is_in_ledger: bool
    state: str


class Outlook:
    """Plan and ledger as they stand at `now`, and what comes of them up to a day."""

    def __init__(self, now: datetime, until: date) -> None:
        self.now = now
        self.until = until
        self._forecast = Forecast(now)
        self.book = Book(now, until, self._forecast)

    @property
    def is_ledger_behind(self) -> bool:
        """True while the ledger has not yet followed the newest change, or the new day."""
        version = PlanVersion.objects.current()
        planned_for = version.reminders_number, version.reminders_day
        return planned_for != (version.number, self.book.today)

    def upcoming(self, waves: Q | None = None, as_if: Iterable[Wave] = ()) -> list[Upcoming]:
        """All that waits or will, in order, with what becomes of it; of these waves alone, if given.

        `as_if` has waves as they might become, with their rollouts: they are looked at in place of the rows.
        """
        waiting = [] if waves else self._without_wave()
        instead = {wave.pk: wave for wave in as_if}
        condition = concerned(self.now) | Q(pk__in=instead)
        for chunk in chunks(condition & waves if waves else condition):
            seen = [instead.get(wave.pk, wave) for wave in chunk]
            waiting += self._forecast.take(self.book.plan_waves(seen))
        return sorted(self._decide(waiting), key=lambda entry: entry.order)

    def compose(self, entries: Sequence[Upcoming]) -> list[Foreseen]:
        """These in words, in a constant number of queries."""
        waves = Wave.objects.select_related("rollout__lead_ministry", "merged_into").in_bulk(
            {entry.waiting.key[0] for entry in entries} - {None}
        )
        rows = [self._row(entry.waiting, waves) for entry in entries]
        writer = EarlyWriter(rows, self.now)
        return [writer.foresee(row, entry) for row, entry in zip(rows, entries, strict=True)]

    def _without_wave(self) -> list[Waiting]:
        waiting = list(self._forecast.take(self.book.plan_digests()))
        alerts = read_rows(wave=None, rule__kind=Kind.ALERT, state__in=UNSENT_STATES)
        return waiting + list(self._forecast.take(alerts))

    def _decide(self, waiting: Iterable[Waiting]) -> Iterator[Upcoming]:
        """Settle in mind: of a group that goes on one day, the highest in rank goes.

        What a person has decided to send takes nobody's place.
        """
        groups = defaultdict(list)
        for entry in waiting:
            wave, rule, address, _, _ = entry.key
            goes_at = self._goes_at(entry)
            if self._is_missed(entry, goes_at):
                yield Upcoming(entry, goes_at, State.MISSED)
            elif entry.row in self._decided:
                yield Upcoming(entry, goes_at, State.SENT)
            else:
                groups[group_of(wave, address, self._rule(rule)), goes_at.date()].append((goes_at, entry))
        for group in groups.values():
            yield from self._decide_group(group)

    def _decide_group(self, group: Sequence[tuple[datetime, Waiting]]) -> Iterator[Upcoming]:
        _, kept = max(group, key=lambda pair: self._rank(pair[1])) if len(group) > 1 else group[0]
        for goes_at, entry in group:
            if entry is kept:
                yield Upcoming(entry, goes_at, State.SENT)
            else:
                yield Upcoming(entry, goes_at, State.SKIPPED, kept.key[1])

    def _rank(self, entry: Waiting) -> tuple[datetime, float, float]:
        return *rank(entry.due_at, self._rule(entry.key[1])), entry.row or float("inf")

    def _rule(self, key: int) -> ReminderRule:
        return self.book.rule_rows[key]

    def _goes_at(self, entry: Waiting) -> datetime:
        """When mail may go out first, seen from when it is due, is tried again, and from now."""
        retry_at = self._retries.get(entry.row or 0, entry.due_at)
        return _next_sending(max(entry.due_at, retry_at, self.now))

    def _is_missed(self, entry: Waiting, goes_at: datetime) -> bool:
        if goes_at == entry.due_at:
            return False
        grace = self._rule(entry.key[1]).grace_business_days
        return is_past_grace(timezone.localdate(entry.due_at), grace, goes_at.date())

    @cached_property
    def _retries(self) -> dict[int, datetime]:
        waiting = Reminder.objects.filter(state=State.DUE, retry_at__gt=self.now)
        return {pk: retry_at for pk, retry_at in waiting.values_list("pk", "retry_at") if retry_at}

    def _row(self, waiting: Waiting, waves: dict[int, Wave]) -> Reminder:
        """An unsaved row, as the mail is written from."""
        wave, rule, address, version, occurrence = waiting.key
        return Reminder(
            wave=waves[wave] if wave else None,
            rule=self._rule(rule),
            address=address,
            cutover_version=version,
            occurrence=occurrence,
            due_at=waiting.due_at,
            state=waiting.state,
        )

    @cached_property
    def _decided(self) -> set[int]:
        decided = Reminder.objects.filter(state=State.DUE, decided_by__isnull=False)
        return set(decided.values_list("pk", flat=True))


@lru_cache(maxsize=1024)
def _next_sending(moment: datetime) -> datetime:
    return timezone.localtime(next_sending(moment))


class EarlyWriter(Writer):
    """Writes letters before their day: without the links, which let their holder answer, and the digest."""

    def foresee(self, row: Reminder, entry: Upcoming) -> Foreseen:
        """The letter of one of the rows, as of the moment at which it goes."""
        self._now, self._today = entry.goes_at, entry.goes_at.date()
        contact = self._contact(row)
        try:
            subject, body = self.texts(row)
        except TemplateError as error:
            subject, body = "", f"通知ルールの文面に誤りがあるため送れません: {error}"
        return Foreseen(
            due_at=row.due_at,
            goes_at=entry.goes_at,
            wave=row.wave,
            rule=row.rule,
            address=row.address,
            name=contact.name if contact else NAMELESS,
            subject=subject,
            body=body,
            is_in_ledger=entry.waiting.row is not None,
            state=row.state,
        )

    def _links(self, row: Reminder, contact: Contact | None) -> dict[str, str]:
        return {"確認ページ": LINK_LATER, "カレンダー": CALENDAR_LATER}

    @cached_property
    def _digest(self) -> str:
        return DIGEST_LATER


class Foresight(Sequence[Foreseen]):
    """All mails to come, in order. Their texts are written when they are looked at, a page at a time."""

    def __init__(self, outlook: Outlook, entries: Sequence[Upcoming]) -> None:
        self._outlook = outlook
        self._entries = entries

    @property
    def is_ledger_behind(self) -> bool:
        """True while the ledger has not yet followed the newest change, or the new day."""
        return self._outlook.is_ledger_behind

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, place: int) -> Foreseen: ...

    @overload
    def __getitem__(self, place: slice) -> list[Foreseen]: ...

    def __getitem__(self, place: int | slice) -> Foreseen | list[Foreseen]:
        """One, or a list."""
        if isinstance(place, slice):
            return self._outlook.compose(self._entries[place])
        return self._outlook.compose([self._entries[place]])[0]

    def __iter__(self) -> Iterator[Foreseen]:
        for start in range(0, len(self), PAGE):
            yield from self[start : start + PAGE]


def foresee(
    now: datetime,
    until: date,
    *,
    waves: Q | None = None,
    rule: int | None = None,
    address: str = "",
) -> Foresight:
    """Everything that will go out from `now` to the end of `until`; of these waves, this rule, this address.

    `address` is any part of one. Writes nothing.
    """
    outlook = Outlook(now, until)
    wanted = address.strip().lower()
    return Foresight(
        outlook,
        [
            entry
            for entry in outlook.upcoming(waves)
            if entry.fate is State.SENT
            and entry.goes_at.date() <= until
            and (rule is None or entry.waiting.key[1] == rule)
            and wanted in entry.waiting.key[2]
        ],
    )
