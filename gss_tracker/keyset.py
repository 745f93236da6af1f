"""Lists in pages that stay right while rows come, go and move: a page begins after a row, not at a number.

The cursor of a link holds what that row is sorted by. The following page has the rows that come after it in
the order of the list, nulls last: none is told twice because another was added before it, none is left out
because another was deleted. Its cost does not grow with the rows before it: where the first key has an index,
the rows from its value on are read, and those without a value only where there are too few.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from django.core import signing
from django.db.models import F, Model, Q, QuerySet
from django.db.models.expressions import OrderBy
from django.utils.translation import gettext
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from gss_tracker.pagination import Pages

CURSOR = "cursor"
LONGEST = 2000


@dataclass(frozen=True)
class Position:
    """The row that a page begins after or, going back, ends before: by its keys."""

    back: bool
    values: Sequence[Any]


class KeysetPages(Pages):
    """Pages of `page_size` rows, 100 unless told, at most 1,000, by cursor."""

    page_query_param = CURSOR

    def paginate_queryset(  # type: ignore[override]
        self, queryset: QuerySet[Any], request: Request, view: Any = None
    ) -> list[Any]:
        """The rows of one page. Raises ValidationError for a cursor that no link has."""
        size = self.get_page_size(request)
        keys = Keys(queryset, request.query_params.get("ordering", ""))
        position = keys.read(request.query_params[CURSOR]) if CURSOR in request.query_params else None
        found = keys.rows(position, size + 1)
        has_more, back = len(found) > size, position is not None and position.back
        rows = found[:size][::-1] if back else found[:size]
        self._url = request.build_absolute_uri()
        before, after = (has_more, True) if back else (position is not None, has_more)
        self._previous = keys.written(rows[0], back=True) if before and rows else None
        self._next = keys.written(rows[-1], back=False) if after and rows else None
        return rows

    def get_next_link(self) -> str | None:
        """The following page."""
        return self._next and replace_query_param(self._url, CURSOR, self._next)

    def get_previous_link(self) -> str | None:
        """The page before."""
        return self._previous and replace_query_param(self._url, CURSOR, self._previous)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """`cursor` and `page_size`, for OpenAPI."""
        size = super().get_schema_operation_parameters(view)[-1]
        description = "Where the page begins; as the links `next` and `previous` have it."
        return [self._parameter(CURSOR, description, {"type": "string", "maxLength": LONGEST}), size]


class Keys:
    """What a list is sorted by; `name` tells one order of it from another.

    Cursors are signed, for one order of one list: nobody makes one up.
    """

    def __init__(self, rows: QuerySet[Any], name: str) -> None:
        order = [*(rows.query.order_by or rows.model._meta.ordering), "id"]
        keys = [_key(each) for each in order]
        table = rows.model._meta.db_table.replace("_historical", "_")  # the past is the same list
        self._signer = signing.Signer(salt=f"{CURSOR} {table} {name}")
        self._descending = [descending for _, descending in keys]
        self._names = [f"key{number}" for number in range(len(keys))]
        expressions = dict(zip(self._names, (expression for expression, _ in keys), strict=True))
        self._rows = rows.annotate(**expressions)

    def rows(self, position: Position | None, most: int) -> list[Any]:
        """So many rows from a position on, the nearest first."""
        back = position is not None and position.back
        order = [
            OrderBy(
                F(name),
                descending=descending != back,
                **({"nulls_first": True} if back else {"nulls_last": True}),
            )
            for name, descending in zip(self._names, self._descending, strict=True)
        ]
        ordered = self._rows.order_by(*order)
        found: list[Any] = []
        for part in [Q()] if position is None else self._parts(position):
            found += ordered.filter(part)[: most - len(found)]
            if len(found) == most:
                break
        return found

    def written(self, row: Model, *, back: bool) -> str:
        """The cursor at a row, on from there or back."""
        version = getattr(row, "_history", row)  # of the past the version has the keys
        parts = [back, *(getattr(version, name) for name in self._names)]
        return self._signer.sign_object(orjson.dumps(parts, default=str).decode())

    def read(self, text: str) -> Position:
        """What a cursor says. Raises ValidationError, by parameter, where no link of this list says so."""
        try:
            back, *values = orjson.loads(self._signer.unsign_object(text))
        except (signing.BadSignature, ValueError):
            message = gettext(
                "この一覧の cursor ではありません。next か previous のリンクをそのまま使ってください。"
            )
            raise ValidationError({CURSOR: [message]}) from None
        fields = [self._rows.query.annotations[key].output_field for key in self._names]
        return Position(back, [field.to_python(value) for field, value in zip(fields, values, strict=True)])

    def _parts(self, position: Position) -> Iterator[Q]:
        """Conditions on the rows beyond a position, the nearer first; each names a range of the first key."""
        first, value = self._names[0], position.values[0]
        beyond = self._beyond(position)
        has_value = Q(**{f"{first}__isnull": False})
        if value is None:
            yield from [beyond & ~has_value, has_value] if position.back else [beyond & ~has_value]
            return
        rises = self._descending[0] == position.back
        yield Q(**{f"{first}__{'gte' if rises else 'lte'}": value}) & beyond
        if not position.back:
            yield ~has_value

    def _beyond(self, position: Position) -> Q:
        """The rows after the position, or before it: by one key, where all keys before it are the same."""
        condition, same = Q(pk__in=[]), Q()
        for name, descending, value in zip(self._names, self._descending, position.values, strict=True):
            condition |= same & _past(name, value, rises=descending == position.back, back=position.back)
            same &= Q(**{f"{name}__isnull": True}) if value is None else Q(**{name: value})
        return condition


def _past(name: str, value: Any, *, rises: bool, back: bool) -> Q:
    """Rows whose key lies past a value. Nulls come last: going on they are past all, going back none is."""
    if value is None:
        return Q(**{f"{name}__isnull": False}) if back else Q(pk__in=[])
    further = Q(**{f"{name}__{'gt' if rises else 'lt'}": value})
    return further if back else further | Q(**{f"{name}__isnull": True})


def _key(order: Any) -> tuple[Any, bool]:
    """What an order sorts by, and whether downwards."""
    if isinstance(order, OrderBy):
        return order.expression, order.descending
    if isinstance(order, str):
        return F(order.removeprefix("-")), order.startswith("-")
    return order, False
