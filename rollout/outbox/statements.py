"""UPDATEs of one ledger row whose SQL is written down once, for they run twice a mail.

Django writes the SQL of a statement anew each time, which takes longer than the database needs to run it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection

from rollout.models import PlanVersion, Reminder

PLAN_STANDS = (
    f"EXISTS (SELECT 1 FROM {PlanVersion._meta.db_table} WHERE number = %s AND reminders_number = %s)"  # noqa: S608 (names of ours)
)


class Update:
    """Sets columns of one row, provided that others still hold what is expected (one of several values).

    `expected` says how many values each column may have. With `plan_stands`, the plan also has to have a
    number, and the ledger to be planned for it.
    """

    def __init__(
        self, names: Sequence[str], expected: Mapping[str, int], *, plan_stands: bool = False
    ) -> None:
        fields: dict[str, Any] = {name: Reminder._meta.get_field(name) for name in (*names, *expected)}
        self._to_database: list[Any] = [fields[name].get_db_prep_save for name in names]
        for name, number in expected.items():
            self._to_database += [fields[name].get_db_prep_save] * number
        conditions = [
            f"{fields[n].column} IN ({', '.join(['%s'] * number)})" for n, number in expected.items()
        ]
        if plan_stands:
            conditions.append(PLAN_STANDS)
            self._to_database += [PlanVersion._meta.get_field("number").get_db_prep_save] * 2
        changes = ", ".join(f"{fields[name].column} = %s" for name in names)
        where = " AND ".join(conditions)
        self._sql = f"UPDATE {Reminder._meta.db_table} SET {changes} WHERE {where}"  # noqa: S608 (names of ours)

    def run(self, *values: Any) -> bool:
        """Whether the row was as expected.

        `values` are those to set, then those expected, in order; then the plan's number, twice.
        """
        prepared = [
            prepare(value, connection) for prepare, value in zip(self._to_database, values, strict=True)
        ]
        with connection.cursor() as cursor:
            cursor.execute(self._sql, prepared)
            return bool(cursor.rowcount == 1)
