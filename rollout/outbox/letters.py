"""What a due row says: its rule's texts, filled in with what holds at the moment of sending.

A batch of rows is written together, so that the number of queries does not grow with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from email.utils import parseaddr
from functools import cached_property

from django.conf import settings
from django.db.models.functions import Lower
from django.utils import timezone

from ministries.models import Contact
from rollout.domain.letters import days_left_text, render, request_text, standing_text
from rollout.domain.plan import Basis
from rollout.domain.reminders import TOLD_STATES, Direction, Kind, Standing
from rollout.models import Projection, Reminder, Wave
from rollout.models.labels import STATUS_LABELS, always_japanese, count_text
from rollout.models.reminders import standing_of
from rollout.outbox.digest import digest_picture, digest_text
from rollout.outbox.invitations import Revision, addressed_to, invitation_to_anybody, revisions
from rollout.outbox.links import answer_url
from rollout.outbox.notices import last_told, told_of_merged
from rollout.outbox.rows import read_rows
from rollout.outbox.subscriptions import subscription_url

SUBJECT_LENGTH = 300
NAMELESS = "ご担当者"


@dataclass(frozen=True)
class Letter:
    """All that the mail of a row is made of, as the columns of the row."""

    subject: str
    body: str
    reply_to: str
    told_cutover: str
    told_status: str
    calendar: str
    picture: bytes | None


class Writer:
    """Writes the letters of a batch of rows, as of one moment."""

    def __init__(self, rows: Sequence[Reminder], now: datetime) -> None:
        self._rows = rows
        self._now = now
        self._today = timezone.localdate(now)
        self._written: dict[tuple[int, Kind, date], Mapping[str, str]] = {}
        self._invitations: dict[tuple[int, bool, datetime], str] = {}

    @always_japanese
    def write(self, row: Reminder) -> Letter:
        """The letter of one of the rows.

        Raises TemplateError where the rule's text is wrong, ValueError for an address with a line break.
        """
        kind = Kind(row.rule.kind)
        told = standing_of(row.wave) if row.wave else None
        subject, body = self.texts(row)
        return Letter(
            subject=subject,
            body=body,
            reply_to=self._reply_to,
            told_cutover=told.cutover.text if told else "",
            told_status=told.status if told else "",
            calendar=self._calendar(row, kind),
            picture=self._picture if kind is Kind.DIGEST else None,
        )

    @always_japanese
    def texts(self, row: Reminder) -> tuple[str, str]:
        """Subject and body alone. Raises TemplateError where the rule's text is wrong."""
        kind = Kind(row.rule.kind)
        values = self._values(row, kind)
        subject = " ".join(render(row.rule.subject, kind, values).split())[:SUBJECT_LENGTH]
        return subject, render(row.rule.body, kind, values)

    def still_differs(self, row: Reminder) -> bool:
        """Whether the address of a notice of change was last told something that is no longer so."""
        if row.wave is None:
            return False
        told = self._last_told(row)
        return told is not None and not told.is_same(standing_of(row.wave))

    @always_japanese
    def _values(self, row: Reminder, kind: Kind) -> Mapping[str, str]:
        """What the `{…}` of a rule's text stand for (rollout.domain.letters.VARIABLES)."""
        contact = self._contact(row)
        values = {
            "宛名": contact.name if contact else NAMELESS,
            "日付": f"{self._today.year}年{self._today.month}月{self._today.day}日",
        }
        if kind is Kind.DIGEST:
            return {**values, "まとめ": self._digest}
        if row.wave is None:
            return {**values, "警告": cap_warning()}
        values |= self._wave_values(row.wave, kind)
        values |= self._links(row, contact)
        return {**values, **self._change_values(row)} if kind is Kind.CHANGE else values

    def _wave_values(self, wave: Wave, kind: Kind) -> Mapping[str, str]:
        """What does not depend on whom the letter is for."""
        place = wave.pk, kind, self._today
        if place not in self._written:
            self._written[place] = self._read_wave(wave, kind)
        return self._written[place]

    def _read_wave(self, wave: Wave, kind: Kind) -> Mapping[str, str]:
        rollout = wave.rollout
        return {
            "案件": str(wave),
            "府省庁": rollout.lead_ministry.name,
            "範囲": rollout.scope or "全体",
            "状態": str(STATUS_LABELS[wave.status]),
            "切替予定": wave.cutover.text or "検討中",
            "切替予定の読み": wave.cutover.format_japanese(),
            "残り日数": days_left_text(wave.cutover, self._today),
            "人数": count_text(*self._counts.count_of(wave.pk)) if self._counts else "不明",
            "お願い": request_text(kind, wave.cutover, self._today),
        }

    def _links(self, row: Reminder, contact: Contact | None) -> dict[str, str]:
        subscription = subscription_url(contact) if contact else ""
        return {"確認ページ": answer_url(row.pk), "カレンダー": subscription}

    def _change_values(self, row: Reminder) -> dict[str, str]:
        before = self._last_told(row)
        now = standing_of(row.wave) if row.wave else None
        before_text, now_text = (
            standing_text(told.cutover, told.status) if told else "" for told in (before, now)
        )
        return {"変更前": before_text, "変更後": now_text, "変更の内容": f"{before_text} → {now_text}"}

    def _calendar(self, row: Reminder, kind: Kind) -> str:
        """The invitation that goes along with what comes before a cutover, and with what changes one."""
        is_before = kind is Kind.OFFSET and row.rule.direction == Direction.BEFORE
        if row.wave is None or not (is_before or kind is Kind.CHANGE):
            return ""
        had_invitation = (row.wave_id, row.address) in self._invited
        place = row.wave.pk, had_invitation, self._now
        if place not in self._invitations:
            self._invitations[place] = invitation_to_anybody(
                row.wave,
                self._revisions[row.wave.pk],
                organizer=parseaddr(settings.DEFAULT_FROM_EMAIL)[1],
                had_invitation=had_invitation,
                now=self._now,
            )
        return addressed_to(row.address, self._invitations[place])

    @cached_property
    def _revisions(self) -> Mapping[int, Revision]:
        return revisions({row.wave_id for row in self._rows if row.wave_id is not None})

    @cached_property
    def _counts(self) -> Projection | None:
        return Projection.objects.current(Basis.CUMULATIVE, self._today)

    @cached_property
    def _digest(self) -> str:
        return digest_text(self._now)

    @cached_property
    def _picture(self) -> bytes | None:
        return digest_picture(self._now)

    @cached_property
    def _reply_to(self) -> str:
        """The PMO's first contact."""
        pmo = Contact.objects.active().filter(role=Contact.Role.PMO).order_by("pk")
        return pmo.values_list("email", flat=True).first() or ""

    def _contact(self, row: Reminder) -> Contact | None:
        """Who is behind the address: at the lead ministry where it is there, too."""
        known = self._contacts.get(row.address, [])
        lead = row.wave.rollout.lead_ministry_id if row.wave else None
        return min(known, key=lambda contact: contact.ministry_id != lead, default=None)

    @cached_property
    def _contacts(self) -> Mapping[str, list[Contact]]:
        contacts = Contact.objects.active().annotate(address=Lower("email"))
        found: dict[str, list[Contact]] = {}
        for contact in contacts.filter(address__in={row.address for row in self._rows}).order_by("pk"):
            found.setdefault(contact.email.lower(), []).append(contact)
        return found

    def _last_told(self, row: Reminder) -> Standing | None:
        return self._told.get(row.wave_id or 0, {}).get(row.address)

    @cached_property
    def _told(self) -> Mapping[int, Mapping[str, Standing]]:
        """What each address of a notice was told last, by wave."""
        rows = told_of_merged(self._changed)
        for row in read_rows(wave__in=self._changed, state__in=TOLD_STATES):
            rows[row.wave or 0].append(row)
        return {wave: last_told(told) for wave, told in rows.items()}

    @cached_property
    def _invited(self) -> set[tuple[int | None, str]]:
        """Wave and address of each invitation that may have arrived."""
        rows = Reminder.objects.filter(wave__in=self._changed, state__in=TOLD_STATES).exclude(calendar="")
        return set(rows.values_list("wave_id", "address"))

    @cached_property
    def _changed(self) -> set[int]:
        return {row.wave_id for row in self._rows if row.wave_id and row.rule.kind == Kind.CHANGE}


def cap_warning() -> str:
    """What the PMO is told when delivery pauses. It says nothing of who waits for what."""
    return (
        f"メールが1時間あたりの上限（全体で{settings.MAILS_PER_HOUR:,}通、1つの宛先に"
        f"{settings.MAILS_PER_ADDRESS_AND_HOUR:,}通）に達したため、上限を超える分の送信を一時止めています。"
        "1時間の枠があけば、猶予のうちは自動で送ります。"
        "心当たりがないときは、通知ルールと最近の計画の変更を確認してください。"
    )
