"""Why somebody got mails about a wave, or did not, in words: from the ledger, and from what the rules owe.

Everything is judged by the functions that plan and settle (`Outlook`, `find_absences`), so that the words
cannot say otherwise than what happens.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from django.db.models import Q
from django.utils import timezone

from ministries.models import Contact
from rollout.domain.absence import Absence, Cause, find_absences, parties_of, too_early
from rollout.domain.audience import Party
from rollout.domain.dates import UNDECIDED
from rollout.domain.letters import standing_text
from rollout.domain.plan import Status
from rollout.domain.reminders import (
    TOLD_STATES,
    UNSENT_STATES,
    Kind,
    State,
    escalation_day,
    first_unanswered,
)
from rollout.models import Reminder, ReminderRule, Wave
from rollout.models.labels import STATUS_LABELS, day_text, moment_text
from rollout.models.reminders import PRECISION_CHOICES, standing_of
from rollout.outbox.facts import read_rule, read_waves
from rollout.outbox.foresight import Outlook, Upcoming
from rollout.outbox.rows import Row, read_rows
from rollout.outbox.settling import skip_note

MOST_ROWS = 20
"""Mails of one rule that are told one by one."""

WITHOUT_WAVE = (Kind.DIGEST, Kind.ALERT)
REPEATED = (Kind.OVERDUE, Kind.UNCONFIRMED)
PARTY_LABELS = {
    Party.LEAD: "主管府省庁の主担当",
    Party.DEPUTY: "主管府省庁の副担当",
    Party.COVERED: "あわせて対象となる府省庁の担当",
    Party.WATCHERS: "関係者（参考）",
    Party.PMO: "PMO",
}
BY_CAUSE = {
    Cause.UNDECIDED: "切替予定が未定のため、期日がありません。",
    Cause.ENDLESS: "切替予定（{cutover}）に最後の日がないため、期日がありません。",
    Cause.COARSE: "切替予定（{cutover}）が月や日まで決まっていないため、期日がありません。",
    Cause.OVER: "切替予定（{cutover}）の最後の日までに、このルールの次の期日がありません。",
}


@dataclass(frozen=True)
class Answer:
    """What there is to say about one thing: the address and the wave (`about` is ""), or one rule."""

    about: str
    sentences: list[str]


def explain(address: str, wave: Wave, now: datetime) -> list[Answer]:
    """Why this address got mails about the wave, or did not: first in general, then by every rule in turn.

    The wave comes with its rollout, lead ministry and the wave it was merged into. Writes nothing.
    """
    return _Explanation(address.strip().lower(), wave, now).answers()


class _Explanation:
    def __init__(self, address: str, wave: Wave, now: datetime) -> None:
        self._address, self._wave = address, wave
        self._outlook = Outlook(now, timezone.localdate(now))
        self._book = self._outlook.book
        [self._fact] = read_waves([wave])

    def answers(self) -> list[Answer]:
        rules = sorted(ReminderRule.objects.select_related("follows"), key=_place)
        return [
            Answer("", [*self._of_wave(), *self._of_contacts()]),
            *(Answer(rule.label, self._of_rule(rule)) for rule in rules),
        ]

    def _of_wave(self) -> Iterator[str]:
        wave = self._wave
        cutover = wave.cutover.text or UNDECIDED
        yield f"{wave}の切替予定は「{cutover}」、状態は「{STATUS_LABELS[wave.status]}」です。"
        if wave.merged_into is not None:
            yield f"「{wave.merged_into}」に統合されたため、変更のお知らせのほかは、もう送りません。"
        elif self._is_settled:
            yield "そのため、変更のお知らせのほかは、もう送りません。"
        if self._outlook.is_ledger_behind:
            yield "台帳は最新の計画に合わせて更新しているところです。ここでは最新の計画から答えます。"

    def _of_contacts(self) -> Iterator[str]:
        contacts = Contact.objects.filter(email__iexact=self._address).select_related("ministry")
        for contact in contacts:
            yield _contact_text(contact)
        if not contacts:
            yield "このアドレスは、どの府省庁の連絡先にも登録されていません。"
        elif any(contact.active for contact in contacts) and not self._parties:
            yield "この移行単位に関係する府省庁の連絡先でもPMOの連絡先でもないため、新しい通知は届きません。"
        elif self._parties:
            parties = "、".join(PARTY_LABELS[party] for party in Party if party in self._parties)
            yield f"この移行単位については「{parties}」として通知を受け取ります。"

    def _of_rule(self, rule: ReminderRule) -> list[str]:
        if rule.kind in WITHOUT_WAVE:
            return [_without_wave_text(rule, is_pmo=Party.PMO in self._parties)]
        rows = [row for row in self._rows if row.rule_id == rule.pk]
        coming = [entry for entry in self._coming if entry.waiting.key[1] == rule.pk]
        by_row = {entry.waiting.row: entry for entry in coming if entry.waiting.row}
        sentences = [self._row_text(row, by_row.get(row.pk)) for row in rows[-MOST_ROWS:]]
        if len(rows) > MOST_ROWS:
            sentences.insert(0, f"これより前に{len(rows) - MOST_ROWS}通の記録があります。台帳で見られます。")
        known = {row.pk for row in rows if row.state in UNSENT_STATES}
        sentences += [self._coming_text(entry) for entry in coming if entry.waiting.row not in known]
        if not coming and (rule.kind in REPEATED or not self._has_been_dealt_with(rows)):
            sentences += self._why_not(rule)
        return sentences

    def _has_been_dealt_with(self, rows: Sequence[Reminder]) -> bool:
        """Whether the ledger says what became of the cutover as it stands."""
        version = self._fact.version
        open_states = (State.CANCELLED, *UNSENT_STATES)
        return any(row.cutover_version == version and row.state not in open_states for row in rows)

    def _row_text(self, row: Reminder, entry: Upcoming | None) -> str:
        if row.state not in UNSENT_STATES:
            return _done_text(row)
        if entry is None:
            return (
                f"{moment_text(row.due_at)}に送る予定でしたが、計画・宛先・ルールが変わったため取り消します。"
            )
        waits = entry.waiting.state == State.DUE and entry.fate is State.SENT
        return _waiting_text(row, entry) if waits else self._coming_text(entry)

    def _coming_text(self, entry: Upcoming) -> str:
        due, goes = moment_text(entry.waiting.due_at), moment_text(entry.goes_at)
        if entry.fate is State.MISSED:
            return f"期日（{due}）から猶予の営業日数を過ぎたため送りません。"
        if entry.kept is not None:
            return f"{due}が期日ですが、{_will_skip(self._book.rule_rows[entry.kept])}"
        late = f"（期日は{due}）" if due != goes else ""
        return f"{goes}に送る予定です{late}。"

    def _why_not(self, rule: ReminderRule) -> list[str]:
        """Why a rule owes nothing, or nothing more, about the cutover as it stands."""
        found = [] if rule.active else ["この通知ルールは無効です。"]
        fact = read_rule(rule)
        causes = find_absences(self._fact, fact, self._book.recipients, self._address, self._book.today)
        found += [text for absence in causes if (text := self._cause_text(absence, rule))]
        if rule.kind == Kind.CHANGE and rule.active and self._parties:
            found.append(self._unchanged_text())
        if rule.follows is not None:
            found += self._unescalated_texts(rule, rule.follows)
        if found:
            return found
        return [
            "上の理由により、送るものがありません。" if causes else "期日から猶予を過ぎたため送りません。"
        ]

    def _cause_text(self, absence: Absence, rule: ReminderRule) -> str:
        """In words; "" for what is said in general already."""
        if absence.cause is Cause.STRANGER or (absence.cause is Cause.STATUS and self._is_settled):
            return ""
        if absence.cause is Cause.STATUS:
            wanted = "・".join(STATUS_LABELS[status] for status in rule.statuses)
            now = STATUS_LABELS[self._wave.status]
            return f"状態が「{wanted}」の移行単位だけが対象です（いまは「{now}」）。"
        if absence.cause is Cause.PARTY:
            parties = "、".join(PARTY_LABELS[party] for party in Party if party in rule.parties)
            return f"宛先は「{parties}」だけです。"
        if absence.cause is Cause.PRECISION:
            wanted = PRECISION_CHOICES[rule.precision]
            return f"「{wanted}」が対象で、いまの切替予定（{self._wave.cutover.text}）は当てはまりません。"
        if absence.cause is Cause.TOO_EARLY and absence.due_day:
            return self._too_early_text(absence.due_day, absence.reachable, rule)
        return BY_CAUSE[absence.cause].format(cutover=self._wave.cutover.text)

    def _too_early_text(self, due_day: date, reachable: date | None, rule: ReminderRule) -> str:
        since = [
            f"ルールが有効になった日 {day_text(timezone.localdate(rule.in_force_since))}",
            f"いまの切替予定になった日 {day_text(self._fact.since)}",
        ]
        if reachable:
            since.append(f"このアドレスへの通知を始めた日 {day_text(reachable)}")
        return f"期日の{day_text(due_day)}が、次のどれかより前でした（{'、'.join(since)}）。"

    def _unchanged_text(self) -> str:
        told = [row for row in self._all_rows if row.address == self._address and row.state in TOLD_STATES]
        if not any(row.told_status for row in told):
            return "この移行単位について、まだ何も知らせていないため、変更のお知らせもありません。"
        standing = standing_of(self._wave)
        text = standing_text(standing.cutover, standing.status)
        return f"最後に知らせた内容（{text}）から変わっていません。"

    def _unescalated_texts(self, rule: ReminderRule, follows: ReminderRule) -> list[str]:
        sent = [
            row
            for row in self._all_rows
            if row.sent_at and row.rule == follows.pk and row.version == self._fact.version
        ]
        if not sent:
            return [f"元のルール「{follows.label}」の通知を、いまの切替予定についてまだ送っていません。"]
        unanswered = first_unanswered(
            (row.rule, timezone.localdate(row.sent_at), row.acknowledged_at is not None)
            for row in sent
            if row.sent_at
        )
        if follows.pk not in unanswered:
            return [f"元のルール「{follows.label}」の通知は、受領が確認されています。"]
        fact = read_rule(rule)
        day = escalation_day(unanswered[follows.pk], fact)
        early = too_early(self._fact, fact, self._book.recipients, self._address, day)
        return [self._cause_text(absence, rule) for absence in early]

    @property
    def _is_settled(self) -> bool:
        return Status(self._wave.status).is_settled

    @cached_property
    def _parties(self) -> frozenset[Party]:
        return parties_of(self._fact, self._book.recipients, self._address)

    @cached_property
    def _rows(self) -> list[Reminder]:
        """What the ledger holds for the address about the wave, the oldest first."""
        rows = Reminder.objects.filter(wave=self._wave, address=self._address).order_by("due_at", "pk")
        return list(rows.defer("body", "picture", "calendar"))

    @cached_property
    def _all_rows(self) -> list[Row]:
        return read_rows(wave=self._wave)

    @cached_property
    def _coming(self) -> list[Upcoming]:
        entries = self._outlook.upcoming(Q(pk=self._wave.pk))
        return [entry for entry in entries if entry.waiting.key[2] == self._address]


def _place(rule: ReminderRule) -> tuple[int, float, str]:
    """Reminders of a cutover first, the earliest of them before the others."""
    return list(Kind).index(Kind(rule.kind)), read_rule(rule).position, rule.code


def _contact_text(contact: Contact) -> str:
    who = f"{contact.ministry}の{contact.get_role_display()}「{contact.name}」"
    if not contact.active:
        return f"{who}として登録されていますが、「通知する」が外れています。"
    return f"{who}として{day_text(timezone.localdate(contact.reachable_since))}から通知しています。"


def _without_wave_text(rule: ReminderRule, *, is_pmo: bool) -> str:
    if not rule.active:
        return "この通知ルールは無効です。"
    if rule.kind == Kind.ALERT:
        text = "送信を一時停止したときにPMOの連絡先へ送る警告で、移行単位ごとの通知ではありません。"
    else:
        text = "PMOの連絡先へ送るまとめで、移行単位ごとの通知ではありません。"
    return text if is_pmo else f"{text}このアドレスには送りません。"


def _done_text(row: Reminder) -> str:
    return _DONE[State(row.state)](row)


def _sent_text(row: Reminder) -> str:
    answer = f"メールサーバーの応答「{row.server_answer}」、Message-ID {row.message_id}"
    told = f"知らせた内容は「{row.told_cutover}」、" if row.told_cutover else ""
    text = f"{moment_text(row.sent_at or row.due_at)}に送りました（{told}{answer}）。"
    if row.acknowledged_at:
        text += f"{moment_text(row.acknowledged_at)}に受領が確認されました。"
    return text


def _unknown_text(row: Reminder) -> str:
    tried = moment_text(row.claimed_at or row.due_at)
    reasons = " ".join(filter(None, (row.state_note, row.server_answer)))
    return f"{tried}に送りましたが、届いたか分かりません（{reasons}、Message-ID {row.message_id}）。"


def _failed_text(row: Reminder) -> str:
    return f"期日{moment_text(row.due_at)}の通知は送れませんでした（{row.server_answer or row.state_note}）。"


def _noted_text(row: Reminder) -> str:
    return f"期日{moment_text(row.due_at)}の通知は「{row.get_state_display()}」です（{row.state_note}）。"


def _sending_text(row: Reminder) -> str:
    return f"{moment_text(row.claimed_at or row.due_at)}から送信しています。"


_DONE = {
    State.SENT: _sent_text,
    State.UNKNOWN: _unknown_text,
    State.FAILED: _failed_text,
    State.SENDING: _sending_text,
    State.MISSED: _noted_text,
    State.CANCELLED: _noted_text,
    State.SKIPPED: _noted_text,
}


def _waiting_text(row: Reminder, entry: Upcoming) -> str:
    """What a row that is due waits for."""
    answer = f"、メールサーバーの応答「{row.server_answer}」" if row.server_answer else ""
    text = (
        f"期日は{moment_text(row.due_at)}で、送信待ちです（試行{row.attempts}回{answer}）。{row.state_note}"
    )
    return f"{text}早ければ{moment_text(entry.goes_at)}に送ります。"


def _will_skip(kept: ReminderRule) -> str:
    return skip_note(kept).replace("省略しました", "省略します")
