"""Who hears of a wave: contacts by what they do at the ministry that leads it, or at one that it covers.

Example: a wave that 財務省 leads and that covers 財務局. A 副担当 of 財務省 hears as DEPUTY, one of 財務局 as
COVERED, a 関係者 of either as one of the WATCHERS, and the PMO hears of every wave.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Protocol


class Party(StrEnum):
    """Whom a rule can address."""

    LEAD = "lead"
    DEPUTY = "deputy"
    COVERED = "covered"
    WATCHERS = "watchers"
    PMO = "pmo"


AUDIENCE_PARTIES = {f"to_{party.value}": party for party in Party}


class Role(StrEnum):
    """What a contact does at its ministry."""

    LEAD = "lead"
    DEPUTY = "deputy"
    WATCHER = "watcher"
    PMO = "pmo"


class Concern(Protocol):
    """Whom a wave concerns: the ministry that leads it, and those that it covers, by key."""

    @property
    def lead(self) -> int: ...

    @property
    def covered(self) -> frozenset[int]: ...


@dataclass(frozen=True)
class Recipient:
    """An address at a ministry, reachable from `since` on; PMO addresses hear of every ministry."""

    address: str
    ministry: int
    role: Role
    since: date


class Recipients:
    """Who hears of what, found by ministry."""

    def __init__(self, recipients: Iterable[Recipient]) -> None:
        self._all = list(recipients)
        self._at: dict[int, list[Recipient]] = defaultdict(list)
        self.pmo: list[Recipient] = []
        for recipient in self._all:
            if recipient.role is Role.PMO:
                self.pmo.append(recipient)
            else:
                self._at[recipient.ministry].append(recipient)

    @cached_property
    def at_all_times(self) -> "Recipients":
        """The same people, as if they had been reachable ever since."""
        return Recipients(replace(recipient, since=date.min) for recipient in self._all)

    def concerned(self, wave: Concern, parties: frozenset[Party]) -> dict[str, date]:
        """Each address of these parties once, with the first day on which it could be told."""
        found = [
            recipient
            for ministry in (wave.lead, *sorted(wave.covered - {wave.lead}))
            for recipient in self._at.get(ministry, ())
            if party_of(recipient.role, is_lead=ministry == wave.lead) in parties
        ]
        since: dict[str, date] = {}
        for recipient in found + (self.pmo if Party.PMO in parties else []):
            since[recipient.address] = min(recipient.since, since.get(recipient.address, date.max))
        return since


def party_of(role: Role, *, is_lead: bool) -> Party:
    """As what a contact hears of a wave that its ministry leads, or that covers it."""
    if role is Role.PMO:
        return Party.PMO
    if role is Role.WATCHER:
        return Party.WATCHERS
    if not is_lead:
        return Party.COVERED
    return Party.LEAD if role is Role.LEAD else Party.DEPUTY
