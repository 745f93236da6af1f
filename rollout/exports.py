"""Rows of the plan as tables for people: the columns of an export, which an import takes back."""

from collections.abc import Iterator

from django.db.models import QuerySet
from django.utils import timezone

from ministries.models import Contact
from rollout.domain.dates import FuzzyDate, fiscal_year_label
from rollout.domain.plan import Basis
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
WAVE_HEADINGS = (
    *("コード", "府省庁", "範囲", "名称", "導入案件", "導入区分", "切替", "切替（和暦）"),
    *("切替（最早）", "切替（最遅）", "切替の精度", "年度", "人数", "見込みでの人数", "人数の根拠"),
    *("状態", "日程確認", "備考"),
)
CONTACT_HEADINGS = ("府省庁コード", "府省庁", "氏名・部署", "メールアドレス", "役割", "通知する")


def wave_rows(waves: QuerySet[Wave]) -> Iterator[Row]:
    """Each wave as written, as read, and with the count that the stored projection has."""
    projection = Projection.objects.current(Basis.CUMULATIVE, timezone.localdate())
    for wave in waves.select_related("rollout__lead_ministry", "rollout__cohort").iterator(CHUNK):
        yield wave_row(wave, projection)


@always_japanese
def wave_row(wave: Wave, projection: Projection | None) -> Row:
    """One of them, under WAVE_HEADINGS."""
    rollout, cutover = wave.rollout, wave.cutover
    users, basis = projection.count_of(wave.pk) if projection and not wave.is_merged else (None, None)
    return (
        *(wave.code, rollout.lead_ministry.name, rollout.scope, wave.name, rollout.code),
        *(rollout.cohort.label, cutover.text, cutover.format_japanese()),
        *(cutover.earliest, cutover.latest, str(PRECISION_LABELS.get(wave.cutover_precision, ""))),
        *(_year(cutover), wave.users, users, "" if basis is None else str(COUNT_BASIS_LABELS[basis])),
        *(str(STATUS_LABELS[wave.status]), wave.confirmed_on, wave.note),
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
