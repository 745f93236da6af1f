"""The version of a row. Who writes says which one they have read (`If-Match`), so that no change is lost.

It is the number of the newest entry in the history of the row, followed by that of each kind of part that is
shown with it: `4711`, or `4711-17-23` for a rollout with its coverage and its waves. The ETag of a row begins
with it (`"4711.5f0c…"`, rollout.api.conditional). What comes after the dot may change without any change of
the row: the figures do, and the day. So only the version is compared.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import chain
from typing import Any

from django.db import models
from django.db.models import Max, OuterRef, Subquery, Value
from django.db.models.functions import Cast, Coalesce, Concat
from django.utils.http import parse_etags
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from rollout.api.entries import entries, with_previous
from rollout.models import Rollout, RolloutCoverage, Scenario, ScenarioChange, Wave
from rollout.models.visible import sees_people

VersionColumn = models.expressions.Combinable

KINDS: Mapping[type[models.Model], tuple[tuple[type[models.Model], str], ...]] = {
    Wave: ((Wave, "id"),),
    Rollout: ((Rollout, "id"), (RolloutCoverage, "rollout_id"), (Wave, "rollout_id")),
    Scenario: ((Scenario, "id"), (ScenarioChange, "scenario_id")),
}
"""What is shown with a row of each kind, and the column of its history that names the row."""


class ConditionMissing(APIException):
    """The writer does not say which version they have read. Becomes a 428."""

    status_code = 428
    default_detail = _("行を読み、その ETag を If-Match ヘッダーに入れて送り直してください。")


class ChangedMeanwhile(APIException):
    """The row has another version than the writer has read. Becomes a 412 with it and what differs."""

    status_code = 412
    default_detail = _(
        "読んでから送るまでのあいだに変更されました。difference を見て、よければ current を If-Match に入れて"
        "送り直してください。"
    )

    def __init__(self, row: models.Model, current: str, read: str, *, show_people: bool) -> None:
        super().__init__()
        difference = _difference(row, read, show_people=show_people)
        self.members = {"current": f'"{current}"', "difference": difference}


def version_column(kind: type[models.Model], row: Any) -> VersionColumn:
    """The version of the row whose id the expression `row` is."""
    first, *others = (_newest(part, column, row) for part, column in KINDS[kind])
    return Concat(first, *chain.from_iterable((Value("-"), each) for each in others)) if others else first


def version_of_code(kind: type[models.Model], code: str) -> VersionColumn:
    """The version of the row with this code."""
    row = Subquery(kind._default_manager.filter(code=code).order_by().values("pk")[:1])
    return version_column(kind, row)


def version_of(row: models.Model) -> str:
    """The version of a row as it stands."""
    rows = type(row)._default_manager.filter(pk=row.pk).order_by()
    return str(rows.values_list(version_column(type(row), OuterRef("pk")), flat=True).get())


def versions_of(
    kind: type[models.Model], keys: Iterable[int], moment: datetime | None = None
) -> dict[int, str]:
    """The versions of many rows, by their ids, in one query a kind of part: now, or as of a moment."""
    keys = list(keys)
    found = []
    until = {} if moment is None else {"history_date__lte": moment}
    for part, column in KINDS[kind]:
        rows = part.history.filter(**{f"{column}__in": keys}, **until).order_by().values_list(column)  # type: ignore[attr-defined]
        found.append(dict(rows.annotate(Max("history_id"))))
    return {key: "-".join(str(numbers.get(key, 0)) for numbers in found) for key in keys}


def check_version(row: models.Model, request: Request) -> None:
    """Raise ConditionMissing without `If-Match`, ChangedMeanwhile where it names no version that holds.

    `*` is refused as if nothing were said: whoever writes has read something.
    """
    read = [version_in(tag) for tag in parse_etags(request.headers.get("If-Match", "")) if tag != "*"]
    if not read:
        raise ConditionMissing
    current = version_of(row)
    if current not in read:
        may_read = getattr(request.auth, "reads", True)  # a token may be for writing alone
        raise ChangedMeanwhile(
            row, current, read[0] if may_read else "", show_people=sees_people(request.user)
        )


def version_in(tag: str) -> str:
    """The version that an ETag begins with, or that stands alone."""
    return tag.removeprefix("W/").strip('"').partition(".")[0]


def _newest(part: type[models.Model], column: str, row: Any) -> VersionColumn:
    versions = part.history.filter(**{column: row}).order_by("-history_id")  # type: ignore[attr-defined]
    newest = Subquery(versions.values("history_id")[:1])
    return Cast(Coalesce(newest, Value(0)), models.CharField(max_length=20))


def _difference(row: models.Model, read: str, *, show_people: bool) -> list[dict[str, Any]]:
    """What was changed since the version that was read; nothing where that says no version of the row."""
    numbers = read.split("-")
    kinds = KINDS[type(row)]
    are_numbers = all(each.isascii() and each.isdigit() and len(each) < 19 for each in numbers)
    own: Any = type(row).history.filter(id=row.pk)  # type: ignore[attr-defined]
    if len(numbers) != len(kinds) or not are_numbers or not own.filter(history_id=numbers[0]).exists():
        return []
    newer = [
        part.history.filter(**{column: row.pk}, history_id__gt=int(number))  # type: ignore[attr-defined]
        for (part, column), number in zip(kinds, numbers, strict=True)
    ]
    versions = [version for each in newer for version in with_previous(each)]
    return entries(versions, show_people=show_people)
