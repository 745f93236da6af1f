"""Print the tables for the configured kind of database: `python -m bench [reminders | WAVES...]`."""

import os
import secrets
import sys

import django

REMINDERS = "reminders"


def main() -> None:
    """Set Django up, then measure."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gss_tracker.settings")
    os.environ.setdefault("SECRET_KEY", secrets.token_hex(32))  # else the settings would keep one in var/
    django.setup()
    from django.db import connection

    from bench.table import SIZES, print_reminder_tables, print_risk_table, print_tables

    if sys.argv[1:] == [REMINDERS]:
        print_reminder_tables()
        return
    print_tables([int(argument) for argument in sys.argv[1:]] or list(SIZES))
    print_reminder_tables()
    if connection.vendor == "sqlite":  # it needs no database: once is enough
        print_risk_table()


if __name__ == "__main__":
    main()
