"""The ledger's rows as planning reads them, and what it writes back, a few statements for any number."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from rollout.domain.reminders import Standing, State
from rollout.models import Reminder

Key = tuple[int | None, int, str, int, int]
"""Wave, rule, address, version of the cutover, occurrence."""

BATCH = 500
FETCH = 5000

COLUMNS = (
    *(
        "pk",
        "wave_id",
        "rule_id",
        "address",
        "cutover_version",
        "occurrence",
        "state",
        "due_at",
        "claimed_at",
    ),
    *("sent_at", "acknowledged_at", "told_cutover", "told_status", "decided_by_id"),
)


class Row(NamedTuple):
    """A row of the ledger, as far as planning looks at it."""

    pk: int
    wave: int | None
    rule: int
    address: str
    version: int
    occurrence: int
    state: str
    due_at: datetime
    claimed_at: datetime | None
    sent_at: datetime | None
    acknowledged_at: datetime | None
    told_cutover: str
    told_status: str
    decided_by: int | None

    @property
    def key(self) -> Key:
        """What makes it unique."""
        return self.wave, self.rule, self.address, self.version, self.occurrence

    @property
    def is_decided(self) -> bool:
        """True for what a person has decided to send, whenever it was due."""
        return self.state == State.DUE and self.decided_by is not None


def read_rows(**conditions: Any) -> list[Row]:
    """The rows that fit, in the order in which they were made."""
    rows = Reminder.objects.filter(**conditions).order_by("pk").values_list(*COLUMNS)
    return [Row(*values) for values in rows.iterator(chunk_size=FETCH)]


class Changes:
    """What is to be written; every change applies only while the row's state is what was read."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._updates: dict[tuple[str, tuple[tuple[str, Any], ...]], list[int]] = defaultdict(list)
        self._new: list[Reminder] = []

    def cancel(self, row: Row, reason: str) -> None:
        """Nobody wants it any more."""
        self._update(row, state=State.CANCELLED, state_note=reason)

    def plan(self, row: Row, due_at: datetime, told: Standing | None = None) -> None:
        """It is wanted at that moment; a notice of change then tells `told`."""
        values = {"told_cutover": told.cutover.text, "told_status": told.status} if told else {}
        self._update(row, state=State.PLANNED, state_note="", due_at=due_at, **values)

    def add(self, key: Key, due_at: datetime, told: Standing | None = None) -> None:
        """A new row."""
        wave, rule, address, version, occurrence = key
        row = Reminder(
            wave_id=wave,
            rule_id=rule,
            address=address,
            cutover_version=version,
            occurrence=occurrence,
            due_at=due_at,
            created_at=self._now,
        )
        if told:
            row.told_cutover, row.told_status = told.cutover.text, told.status
        self._new.append(row)

    def write(self) -> None:
        """Write all that has come together, and begin anew."""
        for (state, values), keys in self._updates.items():
            for batch in batches(keys):
                Reminder.objects.filter(pk__in=batch, state=state).update(**dict(values))
        Reminder.objects.bulk_create(self._new, ignore_conflicts=True, batch_size=BATCH)
        self._updates.clear()
        self._new.clear()

    def _update(self, row: Row, **values: Any) -> None:
        self._updates[row.state, tuple(values.items())].append(row.pk)


def batches(keys: list[int]) -> Iterable[list[int]]:
    """As many keys at a time as one statement takes."""
    return (keys[start : start + BATCH] for start in range(0, len(keys), BATCH))
