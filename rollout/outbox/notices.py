"""Who was told something of a wave that is no longer so, and is owed a notice of the change.

What an address was told last stands in its newest row that was sent, or may have been. A notice says what
holds now; it goes out when that has stood for SETTLING_TIME, and not at all when the old state comes back
before. A notice that failed or came too late is not owed again until there is something else to tell.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from rollout.domain.dates import parse
from rollout.domain.reminders import (
    SETTLING_TIME,
    TOLD_STATES,
    UNSENT_STATES,
    Rule,
    Standing,
    State,
    next_sending,
)
from rollout.outbox.rows import Changes, Key, Row


class Notices:
    """The notices of change about one wave, which now stands at `standing`, in the version `version`."""

    def __init__(self, wave: int, version: int, standing: Standing, rows: Sequence[Row]) -> None:
        self._wave, self._version = wave, version
        self._standing = standing
        self._rows = rows

    def plan(
        self, rules: Iterable[Rule], addresses: Iterable[str], changes: Changes, now: datetime
    ) -> set[Key]:
        """Have every one of these addresses told that was told otherwise; returns the keys that are owed."""
        outdated = self.outdated() & set(addresses)
        due_at = next_sending(now + SETTLING_TIME)
        return {
            key
            for rule in rules
            for address in sorted(outdated)
            if (key := self._owe(rule.key, address, due_at, changes)) is not None
        }

    def outdated(self) -> set[str]:
        """The addresses whose newest mail says something else."""
        told = [row for row in self._rows if row.state in TOLD_STATES and row.told_status]
        told.sort(key=lambda row: (row.sent_at or row.claimed_at or row.due_at, row.pk))
        last = {row.address: row for row in told}
        return {address for address, row in last.items() if not _told(row).is_same(self._standing)}

    def _owe(self, rule: int, address: str, due_at: datetime, changes: Changes) -> Key | None:
        """The key of the notice that is owed, planned; None where nothing is left to be done."""
        place = (self._wave, rule, address, self._version)
        before = max(
            (row for row in self._rows if row.key[:4] == place), key=lambda row: row.occurrence, default=None
        )
        if before is None:
            changes.add((*place, 0), due_at, self._standing)
            return (*place, 0)
        tells_this = _told(before).is_same(self._standing)
        if before.state in UNSENT_STATES and tells_this:
            return before.key
        if before.state in (*UNSENT_STATES, State.CANCELLED):
            changes.plan(before, due_at, self._standing)
            return before.key
        if tells_this or before.state == State.SENDING:
            return None
        key = (*place, before.occurrence + 1)
        changes.add(key, due_at, self._standing)
        return key


def _told(row: Row) -> Standing:
    return Standing(parse(row.told_cutover, lenient=True), row.told_status)
