"""The page at `/calendar/`: months by ministries, freeze periods, and the load of each month."""

from collections.abc import Iterable, Sequence
from datetime import date
from http import HTTPStatus
from typing import Any, NamedTuple

from django.db.models import Count, Max, Min
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext

from rollout.calendar_warnings import read_freezes, read_limits, read_loads
from rollout.dashboard.calendar_load import LoadRow, load_rows
from rollout.dashboard.calendar_rows import Ground, PlacedWave, list_ministries, read_covered, read_waves
from rollout.dashboard.figures import span_text
from rollout.dashboard.listings import LISTED
from rollout.dashboard.pages import projection_page, public_page
from rollout.domain.calendar_lint import Calendar
from rollout.domain.dates import (
    FuzzyDateError,
    fiscal_year_bounds,
    fiscal_year_label,
    fiscal_year_of,
    month_label,
    parse_fiscal_year,
)
from rollout.domain.eras import FIRST_DAY, LAST_DAY
from rollout.domain.fiscal_months import months_of
from rollout.domain.plan import Status, month_number, month_parts
from rollout.models import Cohort, Projection, Rollout, Wave
from rollout.models.labels import OVERDUE_LABEL, STATUS_LABELS, reason_of

TEMPLATE = "rollout/dashboard/calendar.html"


class AskedYear(NamedTuple):
    """The fiscal year to show; `refused` is empty or says why it is not the one that was asked for."""

    year: int
    refused: str


class Month(NamedTuple):
    """A column."""

    label: str
    month: str
    is_current: bool


class Link(NamedTuple):
    """Another year: which it is to this one, what it is called, and the year it starts in."""

    kind: str
    label: str
    year: int


class Listed(NamedTuple):
    """Names with what is to say of each, and how many are not listed."""

    rows: Sequence[tuple[str, str]]
    left_off: int
    total: int


@public_page
def calendar(request: HttpRequest) -> HttpResponse:
    """The fiscal year that is asked for; 400, with the current one, for what cannot be read as such."""
    asked = read_year(request.GET.get("fiscal_year"), timezone.localdate())
    response = projection_page(request, TEMPLATE, lambda projection, today: _page(projection, today, asked))
    if asked.refused:
        response.status_code = max(response.status_code, HTTPStatus.BAD_REQUEST)
    return response


def read_year(text: str | None, today: date) -> AskedYear:
    """The year asked for, written as 2026, R8 or R8年度; the current one where none is or it has none."""
    try:
        return AskedYear(fiscal_year_of(today) if text is None else parse_fiscal_year(text), "")
    except FuzzyDateError as error:
        return AskedYear(fiscal_year_of(today), reason_of(error))


def _page(projection: Projection, today: date, asked: AskedYear) -> dict[str, Any]:
    year = asked.year
    months = _months(year, today)
    freezes, limits = read_freezes(), read_limits()
    held = Calendar(limits=limits, loads=read_loads(projection.users_of))
    covered = read_covered()
    waves = read_waves(year, projection, today)
    ground = Ground(year, freezes)
    loads = load_rows(year, held)
    coming = [placed for placed in waves if not placed.is_cancelled]
    return {
        "refused": asked.refused,
        "year_label": fiscal_year_label(year),
        "headline": _headline(year, coming),
        "remarks": _remarks(coming, loads, months),
        "links": _links(year, today),
        "months": months,
        "has_this_month": any(month.is_current for month in months),
        "of_all": ground.rows_of_all(),
        "ministries": list_ministries(waves, covered, ground),
        "has_covered": any(placed.wave.rollout_id in covered for placed in waves),
        "loads": loads,
        "uncounted": len([placed for placed in coming if placed.span.length > 1]),
        "no_freezes": "" if ground.has_freezes else _no_freezes(bool(freezes)),
        "no_limit": "" if held.limit_of(fiscal_year_bounds(year)[0]) else _no_limit(bool(limits)),
        "key": _key(),
        "undecided": _list_undecided(),
        "not_within": _list_not_within(coming),
        "unnamed": Cohort.objects.exclude(undecided_note="").order_by("order", "code"),
    }


def _months(year: int, today: date) -> list[Month]:
    parts = [(number, *month_parts(number)) for number in months_of(year)]
    return [
        Month(month_label(western, month), f"{western}-{month:02}", number == month_number(today))
        for number, western, month in parts
    ]


def _headline(year: int, coming: Sequence[PlacedWave]) -> str:
    """How many waves the year has, in a sentence."""
    names = {"label": fiscal_year_label(year), "span": span_text(year)}
    if not coming:
        return gettext("{label}（{span}）にかかる切替の予定は登録されていません。").format(**names)
    return gettext("{label}（{span}）に切替の時期がかかる移行単位は {count:,}件です。").format(
        count=len(coming), **names
    )


def _remarks(coming: Iterable[PlacedWave], loads: Iterable[LoadRow], months: Sequence[Month]) -> list[str]:
    """What needs attention: overdue waves, and months with too much."""
    overdue = sum(placed.is_overdue for placed in coming)
    over = sorted({column for row in loads for column in row.columns_over})
    remarks = []
    if overdue:
        text = gettext("うち {count:,}件は、{overdue}です。")
        remarks.append(text.format(count=overdue, overdue=OVERDUE_LABEL))
    if over:
        names = gettext("、").join(months[column].label for column in over)
        remarks.append(gettext("月あたりの上限を超えるのは {names} です。").format(names=names))
    elif any(row.limit for row in loads):
        remarks.append(gettext("月あたりの上限を超える月はありません。"))
    return remarks


def _links(year: int, today: date) -> list[Link]:
    """The years beside this one as far as the plan goes, and one further, and the current one."""
    current = fiscal_year_of(today)
    known = [*_planned_years(), current]
    beside = [
        Link(kind, fiscal_year_label(each), each)
        for kind, each in (("previous", year - 1), ("next", year + 1))
        if min(known) - 1 <= each <= max(known) + 1 and _can_be_said(each)
    ]
    return beside if year == current else [*beside, Link("current", gettext("今年度"), current)]


def _planned_years() -> list[int]:
    """The fiscal years of the first and the last days of the plan."""
    bounds = Wave.objects.unmerged().aggregate(
        Min("cutover_earliest"), Max("cutover_earliest"), Max("cutover_latest")
    )
    return [fiscal_year_of(day) for day in bounds.values() if day]


def _can_be_said(year: int) -> bool:
    first, last = fiscal_year_bounds(year)
    return first >= FIRST_DAY and last <= LAST_DAY


def _no_freezes(elsewhere: bool) -> str:  # noqa: FBT001 (the one thing to know)
    return (
        gettext("この年度にかかる凍結期間はありません。")
        if elsewhere
        else gettext("凍結期間はまだ登録されていません。")
    )


def _no_limit(elsewhere: bool) -> str:  # noqa: FBT001 (the one thing to know)
    return (
        gettext("この年度に使う月あたりの上限はありません。")
        if elsewhere
        else gettext("月あたりの上限はまだ登録されていません。")
    )


def _key() -> list[tuple[str, str]]:
    """What each shape means: the kind that names it, and the word."""
    labels = [(status.value.replace("_", "-"), str(STATUS_LABELS[status.value])) for status in Status]
    return [*labels, ("overdue", str(OVERDUE_LABEL))]


def _list_undecided() -> Listed:
    """Rollouts with waves that have no date, in 建制順, and how many waves that are."""
    waves = Wave.objects.undecided()
    rollouts = Rollout.objects.filter(waves__in=waves).annotate(undecided=Count("waves"))
    shown = rollouts.select_related("lead_ministry").order_by("lead_ministry__order", "order", "code")
    rows = [(row.label, gettext("{count:,}件").format(count=row.undecided)) for row in shown[:LISTED]]
    return Listed(rows, left_off=rollouts.count() - len(rows), total=waves.count())


def _list_not_within(coming: Iterable[PlacedWave]) -> Listed:
    """Waves whose period is longer than what the year has of it."""
    found = [placed for placed in coming if not placed.span.is_within]
    rows = [(str(placed.wave), placed.mark.cutover) for placed in found[:LISTED]]
    return Listed(rows, left_off=len(found) - len(rows), total=len(found))
