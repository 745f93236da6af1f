"""Why a rule owes an address nothing about a wave.

The other side of `rollout.domain.reminders.owed`: an offset or repeated rule owes something exactly where no
cause is found. Of escalations, what the rule says of waves and addressees is judged here; of notices of
change, the addressee alone.

Example: a rule of 30 days before 2027-01-15 is due on 2026-12-16. Whoever is told from 2026-12-17 on is owed
nothing by it: TOO_EARLY, with that due day.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from rollout.domain.audience import Party, Recipients
from rollout.domain.reminders import OWED_KINDS, Kind, NotifiedWave, Rule, mails_owed


class Cause(StrEnum):
    """What keeps a rule from owing."""

    STATUS = "status"
    """The wave's status is none of the rule's."""
    STRANGER = "stranger"
    """The address is nobody who hears of the wave."""
    PARTY = "party"
    """It is, but the rule addresses others."""
    UNDECIDED = "undecided"
    """No date at all."""
    ENDLESS = "endless"
    """「以降」: no last day."""
    COARSE = "coarse"
    """Known to the quarter, the year and so on."""
    PRECISION = "precision"
    """Known to the day where the rule wants the month, or the other way round."""
    OVER = "over"
    """The period ends before the rule's next day."""
    TOO_EARLY = "too_early"
    """The due day lay before rule, cutover and address all existed."""


@dataclass(frozen=True)
class Absence:
    """One cause; TOO_EARLY says for which day it was, and since when the address could be told."""

    cause: Cause
    due_day: date | None = None
    reachable: date | None = None


def parties_of(wave: NotifiedWave, recipients: Recipients, address: str) -> frozenset[Party]:
    """As what the address hears of the wave; empty where it does not."""
    return frozenset(party for party in Party if address in recipients.concerned(wave, frozenset({party})))


def find_absences(
    wave: NotifiedWave, rule: Rule, recipients: Recipients, address: str, until: date
) -> list[Absence]:
    """Every cause for which the rule owes this address nothing about the wave; `until` as in `owed`."""
    found = [Absence(cause) for cause in _causes_beside_the_day(wave, rule, recipients, address)]
    if rule.kind in OWED_KINDS:
        found += _date_absences(wave, rule, recipients, address, until)
    return found


def too_early(
    wave: NotifiedWave, rule: Rule, recipients: Recipients, address: str, due_day: date
) -> list[Absence]:
    """TOO_EARLY where the day lay before rule, cutover and address existed, else nothing."""
    reachable = recipients.concerned(wave, rule.parties).get(address)
    if due_day >= max(rule.since, wave.since, reachable or date.min):
        return []
    return [Absence(Cause.TOO_EARLY, due_day, reachable)]


def _causes_beside_the_day(
    wave: NotifiedWave, rule: Rule, recipients: Recipients, address: str
) -> Iterator[Cause]:
    parties = parties_of(wave, recipients, address)
    if not parties:
        yield Cause.STRANGER
    if rule.kind is Kind.CHANGE:
        return
    if parties and not parties & rule.parties:
        yield Cause.PARTY
    if wave.status not in rule.statuses:
        yield Cause.STATUS
    if rule.precision not in (None, wave.cutover.precision):
        yield Cause.PRECISION


def _date_absences(
    wave: NotifiedWave, rule: Rule, recipients: Recipients, address: str, until: date
) -> list[Absence]:
    mails = list(mails_owed(wave, rule, max(rule.since, wave.since), until))
    if not mails:
        return [Absence(_undated_cause(wave, rule))]
    return too_early(wave, rule, recipients, address, max(mail.due_day for mail in mails))


def _undated_cause(wave: NotifiedWave, rule: Rule) -> Cause:
    cutover = wave.cutover
    if cutover.earliest is None:
        return Cause.UNDECIDED
    if rule.kind is Kind.UNCONFIRMED:
        return Cause.OVER
    if cutover.latest is None:
        return Cause.ENDLESS
    return Cause.COARSE
