"""The published plan in a test's database: loaded the product's way once, copied row by row from then on."""

from django.apps import apps
from django.core.management.color import no_style
from django.db import connection

_kept = {}


def fill_once(name, fill):
    """Fill empty tables by `fill`, or with the rows that it left the first time, under the same clock."""
    if name not in _kept:
        fill()
        _kept[name] = {table: _rows(table) for table in _tables()}
        return
    with connection.cursor() as cursor:
        for table, rows in _kept[name].items():
            if rows:
                places = ", ".join(["%s"] * len(rows[0]))
                cursor.executemany(f"INSERT INTO {connection.ops.quote_name(table)} VALUES ({places})", rows)  # noqa: S608 (our own tables)
        for statement in connection.ops.sequence_reset_sql(no_style(), _models()):
            cursor.execute(statement)


def _models():
    names = ("ministries", "rollout")
    return [model for name in names for model in apps.get_app_config(name).get_models()]


def _tables():
    return [model._meta.db_table for model in _models()]


def _rows(table):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 (our own tables)
        return cursor.fetchall()
