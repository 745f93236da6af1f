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
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

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
    Party.LEAD: _("主管府省庁の主担当"),
    Party.DEPUTY: _("主管府省庁の副担当"),
    Party.COVERED: _("あわせて対象となる府省庁の担当"),
    Party.WATCHERS: _("関係者（参考）"),
    Party.PMO: "PMO",
}
BY_CAUSE = {
    Cause.UNDECIDED: _("切替予定が未定のため、期日がありません。"),
    Cause.ENDLESS: _("切替予定（{cutover}）に最後の日がないため、期日がありません。"),
    Cause.COARSE: _("切替予定（{cutover}）が月や日まで決まっていないため、期日がありません。"),
    Cause.OVER: _("切替予定（{cutover}）の最後の日までに、このルールの次の期日がありません。"),
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
        yield gettext("{wave}の切替予定は「{cutover}」、状態は「{status}」です。").format(
            wave=wave, cutover=cutover, status=STATUS_LABELS[wave.status]
        )
        if wave.merged_into is not None:
            yield gettext(
                "「{merged_into}」に統合されたため、変更のお知らせのほかは、もう送りません。"
            ).format(merged_into=wave.merged_into)
        elif self._is_settled:
            yield gettext("そのため、変更のお知らせのほかは、もう送りません。")
        if self._outlook.is_ledger_behind:
            yield gettext(
                "台帳は最新の計画に合わせて更新しているところです。ここでは最新の計画から答えます。"
            )

    def _of_contacts(self) -> Iterator[str]:
        contacts = Contact.objects.filter(email__iexact=self._address).select_related("ministry")
        for contact in contacts:
            yield _contact_text(contact)
        if not contacts:
            yield gettext("このアドレスは、どの府省庁の連絡先にも登録されていません。")
        elif any(contact.active for contact in contacts) and not self._parties:
            yield gettext(
                "この移行単位に関係する府省庁の連絡先でもPMOの連絡先でもないため、新しい通知は届きません。"
            )
        elif self._parties:
            parties = gettext("、").join(
                str(PARTY_LABELS[party]) for party in Party if party in self._parties
            )
            yield gettext("この移行単位については「{parties}」として通知を受け取ります。").format(
                parties=parties
            )

    def _of_rule(self, rule: ReminderRule) -> list[str]:
        if rule.kind in WITHOUT_WAVE:
            return [_without_wave_text(rule, is_pmo=Party.PMO in self._parties)]
        rows = [row for row in self._rows if row.rule_id == rule.pk]
        coming = [entry for entry in self._coming if entry.waiting.key[1] == rule.pk]
        by_row = {entry.waiting.row: entry for entry in coming if entry.waiting.row}
        sentences = [self._row_text(row, by_row.get(row.pk)) for row in rows[-MOST_ROWS:]]
        if len(rows) > MOST_ROWS:
            sentences.insert(
                0,
                gettext("これより前に{value}通の記録があります。台帳で見られます。").format(
                    value=len(rows) - MOST_ROWS
                ),
            )
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
            return gettext(
                "{moment_text}に送る予定でしたが、計画・宛先・ルールが変わったため取り消します。"
            ).format(moment_text=moment_text(row.due_at))
        waits = entry.waiting.state == State.DUE and entry.fate is State.SENT
        return _waiting_text(row, entry) if waits else self._coming_text(entry)

    def _coming_text(self, entry: Upcoming) -> str:
        due, goes = moment_text(entry.waiting.due_at), moment_text(entry.goes_at)
        if entry.fate is State.MISSED:
            return gettext("期日（{due}）から猶予の営業日数を過ぎたため送りません。").format(due=due)
        if entry.kept is not None:
            return gettext("{due}が期日ですが、{will_skip}").format(
                due=due, will_skip=_will_skip(self._book.rule_rows[entry.kept])
            )
        late = gettext("（期日は{due}）").format(due=due) if due != goes else ""
        return gettext("{goes}に送る予定です{late}。").format(goes=goes, late=late)

    def _why_not(self, rule: ReminderRule) -> list[str]:
        """Why a rule owes nothing, or nothing more, about the cutover as it stands."""
        found = [] if rule.active else [gettext("この通知ルールは無効です。")]
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
            gettext("上の理由により、送るものがありません。")
            if causes
            else gettext("期日から猶予を過ぎたため送りません。")
        ]

    def _cause_text(self, absence: Absence, rule: ReminderRule) -> str:
        """In words; "" for what is said in general already."""
        if absence.cause is Cause.STRANGER or (absence.cause is Cause.STATUS and self._is_settled):
            return ""
        if absence.cause is Cause.STATUS:
            wanted = gettext("・").join(str(STATUS_LABELS[status]) for status in rule.statuses)
            now = STATUS_LABELS[self._wave.status]
            return gettext("状態が「{wanted}」の移行単位だけが対象です（いまは「{now}」）。").format(
                wanted=wanted, now=now
            )
        if absence.cause is Cause.PARTY:
            parties = gettext("、").join(str(PARTY_LABELS[party]) for party in Party if party in rule.parties)
            return gettext("宛先は「{parties}」だけです。").format(parties=parties)
        if absence.cause is Cause.PRECISION:
            wanted = str(PRECISION_CHOICES[rule.precision])
            return gettext("「{wanted}」が対象で、いまの切替予定（{text}）は当てはまりません。").format(
                wanted=wanted, text=self._wave.cutover.text
            )
        if absence.cause is Cause.TOO_EARLY and absence.due_day:
            return self._too_early_text(absence.due_day, absence.reachable, rule)
        return BY_CAUSE[absence.cause].format(cutover=self._wave.cutover.text)

    def _too_early_text(self, due_day: date, reachable: date | None, rule: ReminderRule) -> str:
        since = [
            gettext("ルールが有効になった日 {day_text}").format(
                day_text=day_text(timezone.localdate(rule.in_force_since))
            ),
            gettext("いまの切替予定になった日 {day_text}").format(day_text=day_text(self._fact.since)),
        ]
        if reachable:
            since.append(
                gettext("このアドレスへの通知を始めた日 {day_text}").format(day_text=day_text(reachable))
            )
        return gettext("期日の{day_text}が、次のどれかより前でした（{names}）。").format(
            day_text=day_text(due_day), names=gettext("、").join(since)
        )

    def _unchanged_text(self) -> str:
        told = [row for row in self._all_rows if row.address == self._address and row.state in TOLD_STATES]
        if not any(row.told_status for row in told):
            return gettext("この移行単位について、まだ何も知らせていないため、変更のお知らせもありません。")
        standing = standing_of(self._wave)
        text = standing_text(standing.cutover, standing.status)
        return gettext("最後に知らせた内容（{text}）から変わっていません。").format(text=text)

    def _unescalated_texts(self, rule: ReminderRule, follows: ReminderRule) -> list[str]:
        sent = [
            row
            for row in self._all_rows
            if row.sent_at and row.rule == follows.pk and row.version == self._fact.version
        ]
        if not sent:
            return [
                gettext("元のルール「{label}」の通知を、いまの切替予定についてまだ送っていません。").format(
                    label=follows.label
                )
            ]
        unanswered = first_unanswered(
            (row.rule, timezone.localdate(row.sent_at), row.acknowledged_at is not None)
            for row in sent
            if row.sent_at
        )
        if follows.pk not in unanswered:
            return [
                gettext("元のルール「{label}」の通知は、受領が確認されています。").format(label=follows.label)
            ]
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
    who = gettext("{ministry}の{role_display}「{name}」").format(
        ministry=contact.ministry, role_display=contact.get_role_display(), name=contact.name
    )
    if not contact.active:
        return gettext("{who}として登録されていますが、「通知する」が外れています。").format(who=who)
    return gettext("{who}として{day_text}から通知しています。").format(
        who=who, day_text=day_text(timezone.localdate(contact.reachable_since))
    )


def _without_wave_text(rule: ReminderRule, *, is_pmo: bool) -> str:
    if not rule.active:
        return gettext("この通知ルールは無効です。")
    if rule.kind == Kind.ALERT:
        text = gettext("送信を一時停止したときにPMOの連絡先へ送る警告で、移行単位ごとの通知ではありません。")
    else:
        text = gettext("PMOの連絡先へ送るまとめで、移行単位ごとの通知ではありません。")
    return text if is_pmo else gettext("{text}このアドレスには送りません。").format(text=text)


def _done_text(row: Reminder) -> str:
    return _DONE[State(row.state)](row)


def _sent_text(row: Reminder) -> str:
    answer = gettext("メールサーバーの応答「{server_answer}」、Message-ID {message_id}").format(
        server_answer=row.server_answer, message_id=row.message_id
    )
    told = (
        gettext("知らせた内容は「{told_cutover}」、").format(told_cutover=row.told_cutover)
        if row.told_cutover
        else ""
    )
    text = gettext("{moment_text}に送りました（{told}{answer}）。").format(
        moment_text=moment_text(row.sent_at or row.due_at), told=told, answer=answer
    )
    if row.acknowledged_at:
        text += gettext("{moment_text}に受領が確認されました。").format(
            moment_text=moment_text(row.acknowledged_at)
        )
    return text


def _unknown_text(row: Reminder) -> str:
    tried = moment_text(row.claimed_at or row.due_at)
    reasons = " ".join(filter(None, (row.state_note, row.server_answer)))
    return gettext(
        "{tried}に送りましたが、届いたか分かりません（{reasons}、Message-ID {message_id}）。"
    ).format(tried=tried, reasons=reasons, message_id=row.message_id)


def _failed_text(row: Reminder) -> str:
    return gettext("期日{moment_text}の通知は送れませんでした（{value}）。").format(
        moment_text=moment_text(row.due_at), value=row.server_answer or row.state_note
    )


def _noted_text(row: Reminder) -> str:
    return gettext("期日{moment_text}の通知は「{state}」です（{state_note}）。").format(
        moment_text=moment_text(row.due_at), state=row.get_state_display(), state_note=row.state_note
    )


def _sending_text(row: Reminder) -> str:
    return gettext("{moment_text}から送信しています。").format(
        moment_text=moment_text(row.claimed_at or row.due_at)
    )


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
    answer = (
        gettext("、メールサーバーの応答「{server_answer}」").format(server_answer=row.server_answer)
        if row.server_answer
        else ""
    )
    text = gettext("期日は{moment_text}で、送信待ちです（試行{attempts}回{answer}）。{state_note}").format(
        moment_text=moment_text(row.due_at), attempts=row.attempts, answer=answer, state_note=row.state_note
    )
    return gettext("{text}早ければ{moment_text}に送ります。").format(
        text=text, moment_text=moment_text(entry.goes_at)
    )


def _will_skip(kept: ReminderRule) -> str:
    return skip_note(kept).replace("省略しました", "省略します")
