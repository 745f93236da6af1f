"""Who was told something of a wave that is no longer so, and is owed a notice of the change.

What an address was told last stands in its newest row that was sent, or may have been. A notice says what
holds now; it goes out when that has stood for SETTLING_TIME, and not at all when the old state comes back
before. A notice that failed or came too late is not owed again until there is something else to tell. Who was
told that a wave went into another hears of that one from then on.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from rollout.domain.dates import parse
from rollout.domain.plan import Status
from rollout.domain.reminders import (
    MERGED,
    SETTLING_TIME,
    TOLD_STATES,
    UNSENT_STATES,
    Rule,
    Standing,
    State,
    next_sending,
)
from rollout.models import Wave
from rollout.outbox.rows import Changes, Key, Row, read_rows


class Notices:
    """The notices of change about one wave, which now stands at `standing`, in the version `version`.

    `rows` are its own; `merged` is what was told of waves that went into it (`told_of_merged`).
    """

    def __init__(
        self, wave: int, version: int, standing: Standing, rows: Sequence[Row], merged: Sequence[Row] = ()
    ) -> None:
        self._wave, self._version = wave, version
        self._standing = standing
        self._rows, self._merged = rows, merged

    def plan(
        self, rules: Iterable[Rule], addresses: Iterable[str], changes: Changes, now: datetime
    ) -> set[Key]:
        """Have every one of these addresses told that was told otherwise; returns the keys that are owed."""
        outdated = self._outdated() & set(addresses)
        due_at = next_sending(now + SETTLING_TIME)
        return {
            key
            for rule in rules
            for address in sorted(outdated)
            if (key := self._owe(rule.key, address, due_at, changes)) is not None
        }

    def _outdated(self) -> set[str]:
        """The addresses whose newest mail says something else."""
        told = last_told([*self._rows, *self._merged])
        return {address for address, standing in told.items() if not standing.is_same(self._standing)}

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


def last_told(rows: Iterable[Row]) -> dict[str, Standing]:
    """What each address was told last in these rows."""
    told = [row for row in rows if row.state in TOLD_STATES and row.told_status]
    told.sort(key=lambda row: (row.sent_at or row.claimed_at or row.due_at, row.pk))
    return {row.address: _told(row) for row in told}


def told_of_merged(waves: Iterable[int]) -> defaultdict[int, list[Row]]:
    """What was told of waves that went into these, by these: since then it is them that it speaks of."""
    found: defaultdict[int, list[Row]] = defaultdict(list)
    parts = Wave.objects.filter(merged_into__in=waves).select_related("merged_into")
    targets = {part.pk: part.merged_into for part in parts if part.merged_into}
    for row in read_rows(wave__in=targets, told_status=MERGED, state__in=TOLD_STATES) if targets else ():
        target = targets[row.wave or 0]
        in_use_since_then = target.status == Status.IN_USE and row.told_cutover == target.cutover.text
        status = Status.IN_USE if in_use_since_then else Status.PLANNED
        found[target.pk].append(row._replace(wave=target.pk, told_status=status.value))
    return found


def _told(row: Row) -> Standing:
    return Standing(parse(row.told_cutover, lenient=True), row.told_status)
