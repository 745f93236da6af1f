"""A database of the bench's own: nobody's rows are read or written."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.db import connection


@contextmanager
def throw_away_database() -> Iterator[None]:
    """Django's test database beside the configured one; for SQLite a file, with the product's options."""
    configured = connection.settings_dict["NAME"]
    creation: Any = connection.creation
    with TemporaryDirectory(prefix="gss-bench-") as folder:
        if connection.vendor == "sqlite":
            connection.settings_dict["TEST"]["NAME"] = str(Path(folder) / "bench.sqlite3")
        _disconnect()
        creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        try:
            yield
        finally:
            creation.destroy_test_db(configured, verbosity=0)


def _disconnect() -> None:
    """A pool keeps connections to the configured database, and would hand them out for the new one."""
    connection.close()
    if connection.vendor == "postgresql":
        pooled: Any = connection
        pooled.close_pool()


def database_version() -> str:
    """`SQLite 3.45.1` or `PostgreSQL 17.2`."""
    connection.ensure_connection()
    raw: Any = connection
    version = ".".join(str(part) for part in raw.get_database_version())
    return f"{connection.display_name} {version}"
