"""What follows from an edit beside the figures: calendar warnings, and mails that it cancels and creates.

Taken from the rows as they stand, before the edit and after; the ledger is read and never written.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import models
from django.db.models import Q, prefetch_related_objects
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ministries.models import Contact
from rollout.calendar_warnings import UsersOf, WaveWarning, warnings_about
from rollout.models import ReminderRule, Rollout, Wave
from rollout.outbox.difference import difference, upcoming_about
from rollout.outbox.foresight import Upcoming

LISTED = 5
"""Mails of each sort that are told of one by one; the rest is counted."""
NOBODY = _("連絡先なし")


@dataclass(frozen=True)
class MailRow:
    """One mail: when, by which rule, about what, to whom; the address for who may see the ledger."""

    when: str
    rule: str
    wave: str
    whom: str
    address: str


@dataclass(frozen=True)
class MailRows:
    """The first of several mails, and how many there are in all."""

    title: str
    total: int
    rows: list[MailRow]

    @property
    def more(self) -> int:
        """How many are not listed."""
        return self.total - len(self.rows)


class Consequences:
    """What is to follow before an edit of some waves; afterwards, what it changes of that.

    `waves` says which, as `waves_of` does; None where an edit touches none.
    """

    def __init__(self, waves: Q | None, now: datetime) -> None:
        self._now = now
        self._before = _upcoming(waves, now)

    def warnings(self, waves: Q | None, users_of: UsersOf) -> list[WaveWarning] | None:
        """The calendar warnings about the edited waves; None where there are none."""
        if waves is None:
            return None
        return warnings_about(stored_waves(waves), users_of=users_of, today=timezone.localdate(self._now))

    def mails(
        self, waves: Q | None, *, with_addresses: bool, as_if: Iterable[Wave] = ()
    ) -> list[MailRows] | None:
        """The mails that the edit cancels, then those that it creates; None where it touches no wave.

        `as_if` has the waves as the edit makes them, where that is not written.
        """
        if waves is None:
            return None
        found = difference(self._before, _upcoming(waves, self._now, as_if))
        listed = [*found.cancelled[:LISTED], *found.created[:LISTED]]
        describer = _Describer(listed, with_addresses=with_addresses)
        return [
            describer.rows(gettext("取りやめになる通知"), found.cancelled),
            describer.rows(gettext("新しく送る通知"), found.created),
        ]


def foreseen(
    waves: Sequence[Wave], users_of: UsersOf, *, with_addresses: bool
) -> tuple[list[WaveWarning], list[MailRows]]:
    """Warnings about waves as they are to be, and the mails that this cancels and creates; in mind alone."""
    now, concerned = timezone.now(), Q(pk__in=[wave.pk for wave in waves])
    prefetch_related_objects(waves, "rollout__lead_ministry")
    stored = Wave.objects.in_bulk([wave.pk for wave in waves])
    for wave in waves:
        wave.carry_on(stored[wave.pk], now)
    found = warnings_about(waves, users_of=users_of, as_if=waves)
    mails = Consequences(concerned, now).mails(concerned, with_addresses=with_addresses, as_if=waves)
    return found, mails or []


def waves_of(row: models.Model) -> Q | None:
    """The waves whose cutover or contacts an edit of `row` may change; None where it can change none."""
    if isinstance(row, Wave):
        return Q(pk__in=[row.pk])
    return Q(rollout__in=[row.pk]) if isinstance(row, Rollout) else None


def _upcoming(waves: Q | None, now: datetime, as_if: Iterable[Wave] = ()) -> list[Upcoming]:
    return [] if waves is None else upcoming_about(waves, now, as_if)


def stored_waves(condition: Q) -> list[Wave]:
    """These waves as they are stored, with their names."""
    return list(Wave.objects.filter(condition).for_display())


class _Describer:
    """Puts mails into words, in a constant number of queries."""

    def __init__(self, entries: Sequence[Upcoming], *, with_addresses: bool) -> None:
        keys = [entry.waiting.key for entry in entries]
        self._with_addresses = with_addresses
        self._waves = Wave.objects.select_related("rollout__lead_ministry").in_bulk(
            {wave for wave, *_ in keys if wave}
        )
        self._rules = ReminderRule.objects.in_bulk({rule for _, rule, *_ in keys})
        contacts = Contact.objects.active().annotate(address=Lower("email")).select_related("ministry")
        self._contacts = list(contacts.filter(address__in={address for _, _, address, *_ in keys}))

    def rows(self, title: str, entries: Sequence[Upcoming]) -> MailRows:
        """The first of these in words."""
        return MailRows(title, len(entries), [self._row(entry) for entry in entries[:LISTED]])

    def _row(self, entry: Upcoming) -> MailRow:
        key, rule, address, *_ = entry.waiting.key
        wave = self._waves.get(key or 0)
        return MailRow(
            when=f"{timezone.localtime(entry.goes_at):%Y-%m-%d %H:%M}",
            rule=self._rules[rule].label,
            wave=str(wave or gettext("削除される移行単位")),
            whom=self._whom(wave, address),
            address=address if self._with_addresses else "",
        )

    def _whom(self, wave: Wave | None, address: str) -> str:
        """Role and ministry: those at the lead ministry where the address is there, too."""
        lead = wave.rollout.lead_ministry_id if wave else None
        known = [contact for contact in self._contacts if contact.email.lower() == address]
        contact = min(known, key=lambda contact: (contact.ministry_id != lead, contact.pk), default=None)
        return (
            gettext("{role_display}（{name}）").format(
                role_display=contact.get_role_display(), name=contact.ministry.name
            )
            if contact
            else str(NOBODY)
        )
