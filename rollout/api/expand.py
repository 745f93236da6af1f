"""Rows with what they name in full: `expand=ministry` puts the whole ministry in place of its code and name.

The full row is what its own list says of it, at the same moment and to the same reader: where that shows
nothing, code and name stay. A few queries for a whole page, however many rows it has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import prefetch_related_objects
from django.utils.translation import gettext
from rest_framework.exceptions import ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rollout.api.past import AsOfRows

EXPAND = "expand"


def check_expand(asked: str, expandable: Iterable[str], fields: str | None) -> list[str]:
    """The names of fields in a value of `expand`. Raises ValidationError for one that there is not."""
    shown = None if fields is None else {name.strip() for name in fields.split(",")}
    names = list(dict.fromkeys(name.strip() for name in asked.split(",")))
    offered = [name for name in expandable if shown is None or name in shown]
    if unknown := [name for name in names if name not in offered]:
        message = gettext("「{name}」という項目は展開できません。使えるのは {names} です。")
        text = message.format(name=unknown[0][:50], names=gettext("、").join(offered) or gettext("なし"))
        raise ValidationError({EXPAND: [text]})
    return names


def expand(view: AsOfRows, rows: Iterable[dict[str, Any]], names: Iterable[str]) -> None:
    """Put the full rows in place of what the fields `names` of `rows` mention."""
    rows = list(rows)
    for name in names:
        mentioned = [each for row in rows for each in _mentions(row[name])]
        full = _full_rows(view.expandable[name], view, {each["code"] for each in mentioned})
        for row in rows:
            found = [full.get(each["code"], each) for each in _mentions(row[name])]
            row[name] = found if isinstance(row[name], list) else found[0]


def _mentions(value: Any) -> list[dict[str, Any]]:
    return value if isinstance(value, list) else [value]


def _full_rows(kind: type[AsOfRows], asked_by: AsOfRows, codes: set[str]) -> Mapping[str, dict[str, Any]]:
    """What the list of this kind says of the rows with these codes, by code."""
    view = kind(request=asked_by.request, format_kwarg=None, moment=asked_by.moment)
    rows = view.settled(list(view.get_queryset().filter(code__in=codes)))
    prefetch_related_objects(rows, *view.relations())
    made = kind.serializer_class(rows, many=True, context=view.get_serializer_context())  # type: ignore[misc]
    return {row["code"]: row for row in made.data}
