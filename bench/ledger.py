"""The ledger at size: planning it, planning it again, and a tick that finds nothing to do."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bench import memory
from bench.owed import REMINDERS_A_WAVE, build_owing_plan, open_day
from bench.timing import take_turns
from rollout import outbox, recompute, tasks
from rollout.domain.reminders import State
from rollout.models import PlanVersion, Reminder

TABLE = Reminder._meta.db_table
COPIED_STATES = {State.SENT: 8, State.CANCELLED: 1}
"""How many rows of each state there are beside each planned one."""


@dataclass(frozen=True)
class Planning:
    """Seconds at best to plan so many rows, and to look at them again; bytes by which a process grows."""

    rows: int
    seconds: float
    again_seconds: float
    growth_bytes: int


@dataclass(frozen=True)
class Tick:
    """Seconds of a tick with nothing to do, at best and in the middle; and which of its statements scan."""

    rows: int
    best_seconds: float
    median_seconds: float
    statements: int
    scans: list[str]


def measure_planning(waves: int, turns: int) -> Planning:
    """Plan the ledger of so many waves, in an empty database; leaves it planned."""
    build_owing_plan(waves, timezone.now())
    recompute.recompute()
    _forget()
    growth = memory.growth(str(connection.settings_dict["NAME"]), "plan_reminders")
    times = take_turns({"forget": _forget, "plan": outbox.plan_reminders, "again": _plan_again}, turns)
    rows = Reminder.objects.count()
    if rows != waves * REMINDERS_A_WAVE:
        raise RuntimeError(f"{rows} reminders of {waves} waves")
    return Planning(rows, min(times["plan"]), min(times["again"]), growth)


def measure_tick(turns: int) -> Tick:
    """Tick on a planned ledger that has a long past, on an open day."""
    _add_past()
    with time_machine.travel(open_day(timezone.localdate() + timedelta(days=1))):
        tasks.tick()
        times = sorted(take_turns({"tick": tasks.tick}, turns)["tick"])
        with CaptureQueriesContext(connection) as queries:
            tasks.tick()
    rows = Reminder.objects.count()
    return Tick(rows, times[0], times[len(times) // 2], len(queries), list(_scans(queries)))


def _forget() -> None:
    Reminder.objects.all()._raw_delete(Reminder.objects.db)
    PlanVersion.objects.update(reminders_number=None)


def _plan_again() -> None:
    PlanVersion.objects.update(reminders_number=None)
    outbox.plan_reminders()


def _add_past() -> None:
    """Copy every planned row, as rows that are done with: in the database, for there are many."""
    day = datetime(2026, 1, 5, tzinfo=timezone.get_current_timezone())
    then = connection.ops.adapt_datetimefield_value(day)
    columns = [str(field.column) for field in Reminder._meta.concrete_fields if not field.primary_key]
    copies = [state for state, number in COPIED_STATES.items() for _ in range(number)]
    with connection.cursor() as cursor:
        for number, state in enumerate(copies, 1):
            changed = {
                "occurrence": str(number),
                "message_id": f"message_id || '.{number}'",
                "state": f"'{state.value}'",
                **dict.fromkeys(("due_at", "claimed_at", "sent_at"), "%s"),
            }
            chosen = ", ".join(changed.get(column, column) for column in columns)
            cursor.execute(
                f"INSERT INTO {TABLE} ({', '.join(columns)}) SELECT {chosen} FROM {TABLE} "  # noqa: S608
                f"WHERE occurrence = 0",
                [then] * 3,
            )
        cursor.execute("ANALYZE")


def _scans(queries: CaptureQueriesContext) -> Iterator[str]:
    """The statements of which the database says that it would read the whole ledger."""
    explain = "EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN "
    for query in queries.captured_queries:
        sql = query["sql"]
        if TABLE not in sql:
            continue
        with connection.cursor() as cursor:
            cursor.execute(explain + sql)
            plan = "\n".join(str(line[-1]) for line in cursor.fetchall())
        if re.search(rf"(Seq Scan on|SCAN) {TABLE}\b", plan):
            yield sql
