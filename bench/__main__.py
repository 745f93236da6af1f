"""Print tables for the configured database: `python -m bench [reminders|imports|pages|api | WAVES...]`."""

import os
import secrets
import sys

import django

REMINDERS, IMPORTS, PAGES, API = "reminders", "imports", "pages", "api"


def main() -> None:
    """Set Django up, then measure."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gss_tracker.settings")
    os.environ.setdefault("SECRET_KEY", secrets.token_hex(32))  # else the settings would keep one in var/
    django.setup()
    from django.db import connection

    from bench.table import (
        SIZES,
        print_api_table,
        print_import_table,
        print_page_table,
        print_reminder_tables,
        print_risk_table,
        print_tables,
    )

    alone = {
        REMINDERS: print_reminder_tables,
        IMPORTS: print_import_table,
        PAGES: print_page_table,
        API: print_api_table,
    }
    if len(sys.argv) == 2 and sys.argv[1] in alone:
        alone[sys.argv[1]]()
        return
    print_tables([int(argument) for argument in sys.argv[1:]] or list(SIZES))
    print_reminder_tables()
    print_import_table()
    print_page_table()
    if connection.vendor == "sqlite":  # it needs no database: once is enough
        print_risk_table()
    else:
        print_api_table()


if __name__ == "__main__":
    main()
