"""Rows of the plan as tables for people: the columns of an export, which an import takes back."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from ministries.models import Contact
from rollout.domain.allocation import CountBasis
from rollout.domain.dates import FuzzyDate, fiscal_year_label, parse
from rollout.domain.plan import NONE, Basis
from rollout.models import Projection, Wave
from rollout.models.labels import (
    COUNT_BASIS_LABELS,
    NO,
    PRECISION_LABELS,
    STATUS_LABELS,
    YES,
    always_japanese,
)
from rollout.tables import Row

CHUNK = 2_000
LONGEST_PAUSE = "60s"
"""Between two pieces of a table: whoever takes longer over one gets no further."""
WAVE_HEADINGS = (
    *("コード", "府省庁", "範囲", "名称", "導入案件", "導入区分", "切替", "切替（和暦）"),
    *("切替（最早）", "切替（最遅）", "切替の精度", "年度", "人数", "見込みでの人数", "人数の根拠"),
    *("状態", "日程確認", "備考"),
)
WAVE_COLUMNS = (
    *("code", "rollout", "cohort", "ministry", "ministry_name", "scope", "name"),
    *("cutover", "cutover_earliest", "cutover_latest", "cutover_precision", "cutover_open_ended"),
    *("fiscal_year", "users_stated", "users", "users_basis", "status", "confirmed_on", "note"),
)
"""The same for machines: names that never change, in the English of the API."""
_WAVE_PATHS = (
    *("code", "rollout__lead_ministry__code", "rollout__lead_ministry__name", "rollout__scope", "name"),
    *("rollout__code", "rollout__cohort__code", "rollout__cohort__label", "cutover", "users", "status"),
    *("confirmed_on", "note"),
)
CONTACT_HEADINGS = ("府省庁コード", "府省庁", "氏名・部署", "メールアドレス", "役割", "通知する")


@dataclass(frozen=True, slots=True)
class WaveRecord:
    """A wave with what a table says of it; a merged one has no `users` and no `basis`: they are another's."""

    code: str
    ministry_code: str
    ministry: str
    scope: str
    name: str
    rollout: str
    cohort: str
    cohort_label: str
    cutover: FuzzyDate
    stated: int | None
    status: str
    confirmed_on: date | None
    note: str
    users: int | None
    basis: CountBasis | None

    def for_people(self) -> Row:
        """Under WAVE_HEADINGS, in Japanese."""
        basis = self.basis
        return (
            *(self.code, self.ministry, self.scope, self.name, self.rollout, self.cohort_label),
            *_cutover_for_people(self.cutover.text),
            *(self.stated, self.users, "" if basis is None else _labels().basis[basis]),
            *(_labels().status[self.status], self.confirmed_on, self.note),
        )

    def for_machines(self) -> Row:
        """Under WAVE_COLUMNS: codes in place of labels."""
        basis = self.basis
        return (
            *(self.code, self.rollout, self.cohort, self.ministry_code, self.ministry, self.scope, self.name),
            *_cutover_for_machines(self.cutover.text),
            *(self.stated, self.users, None if basis is None else _BASIS_NAMES[basis]),
            *(self.status, self.confirmed_on, self.note),
        )


_BASES = {int(basis): basis for basis in CountBasis}
_BASIS_NAMES = {basis: basis.name.lower() for basis in CountBasis}


@lru_cache(maxsize=4096)  # few texts in many waves; two of one period are equal, so texts are the key
def _cutover_for_people(text: str) -> Row:
    cutover = parse(text, lenient=True)
    precision = _labels().precision[cutover.precision]
    days = (cutover.earliest, cutover.latest, precision)
    return (cutover.text, cutover.format_japanese(), *days, _year(cutover))


@lru_cache(maxsize=4096)
def _cutover_for_machines(text: str) -> Row:
    cutover = parse(text, lenient=True)
    days = (cutover.earliest, cutover.latest, cutover.precision or None)
    return (cutover.text, *days, cutover.open_ended, cutover.fiscal_year)


def wave_records(waves: QuerySet[Wave]) -> Iterator[WaveRecord]:
    """Each wave with the count that the stored projection has, read in chunks."""
    projection = Projection.objects.current(Basis.CUMULATIVE, timezone.localdate())
    rows = streamed(waves.values_list("pk", "merged_into_id", *_WAVE_PATHS), CHUNK)
    while chunk := list(islice(rows, CHUNK)):
        users, basis = _counts(projection, [row[0] for row in chunk])
        for row, count, number in zip(chunk, users, basis, strict=True):
            known = projection is not None and row[1] is None
            users_known = known and count != NONE
            yield WaveRecord(  # type: ignore[call-arg]
                *row[2:], count if users_known else None, _BASES[number] if known else None
            )


def streamed(rows: QuerySet[Any, Any], size: int) -> Iterator[Any]:
    """Rows as the database finds them, so many at a time.

    PostgreSQL finds all of them first where there is no transaction. One that is open as long as somebody
    reads keeps the rows of that moment, and a migration waits for it: it ends for who stops reading.
    """
    with _patient() if connection.vendor == "postgresql" else nullcontext():
        yield from rows.iterator(size)


@contextmanager
def _patient() -> Iterator[None]:
    """A transaction that PostgreSQL ends when nothing has been asked of it for `LONGEST_PAUSE`."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('idle_in_transaction_session_timeout', %s, true)", [LONGEST_PAUSE])
        yield


def _counts(projection: Projection | None, keys: list[int]) -> tuple[list[int], list[int]]:
    if projection is None:
        return [NONE] * len(keys), [CountBasis.UNKNOWN] * len(keys)
    users, basis = projection.counts_of(np.array(keys, dtype=np.int64))
    return users.tolist(), basis.tolist()


def wave_rows(waves: QuerySet[Wave]) -> Iterator[Row]:
    """Each wave as written, as read, and with the count that the stored projection has."""
    return (record.for_people() for record in wave_records(waves))


def wave_row(wave: Wave, projection: Projection | None) -> Row:
    """One of them, under WAVE_HEADINGS."""
    return wave_record(wave, projection).for_people()


def wave_record(wave: Wave, projection: Projection | None) -> WaveRecord:
    """The same of a wave that is read already, with its rollout, its ministry and its cohort."""
    rollout = wave.rollout
    users, basis = projection.count_of(wave.pk) if projection and not wave.is_merged else (None, None)
    return WaveRecord(
        code=wave.code,
        ministry_code=rollout.lead_ministry.code,
        ministry=rollout.lead_ministry.name,
        scope=rollout.scope,
        name=wave.name,
        rollout=rollout.code,
        cohort=rollout.cohort.code,
        cohort_label=rollout.cohort.label,
        cutover=wave.cutover,
        stated=wave.users,
        status=wave.status,
        confirmed_on=wave.confirmed_on,
        note=wave.note,
        users=users,
        basis=basis,
    )


class _Labels(NamedTuple):
    precision: dict[Any, str]
    basis: dict[Any, str]
    status: dict[Any, str]


@cache
@always_japanese
def _labels() -> _Labels:
    precision = {key: str(label) for key, label in PRECISION_LABELS.items()}
    return _Labels(
        {**precision, None: "", "": ""},
        {key: str(label) for key, label in COUNT_BASIS_LABELS.items()},
        {key: str(label) for key, label in STATUS_LABELS.items()},
    )


def contact_rows(contacts: QuerySet[Contact]) -> Iterator[Row]:
    """Each contact; for who may see them alone."""
    return map(contact_row, contacts.select_related("ministry").iterator(CHUNK))


@always_japanese
def contact_row(contact: Contact) -> Row:
    """One of them, under CONTACT_HEADINGS."""
    ministry, role = contact.ministry, contact.get_role_display()
    return ministry.code, ministry.name, contact.name, contact.email, role, str(YES if contact.active else NO)


def _year(cutover: FuzzyDate) -> str:
    return "" if cutover.fiscal_year is None else fiscal_year_label(cutover.fiscal_year)
