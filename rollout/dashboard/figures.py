"""What a projection says, in the words and figures of the page.

Counts arrive as whole users and leave as text with thousands separated. Planned and confirmed
users are never added up: 145,312 may be planned for this month while 47,000 are confirmed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext

from rollout.charts import month_text
from rollout.domain.dates import fiscal_year_bounds, fiscal_year_label
from rollout.domain.projection import (
    Granularity,
    Point,
    Projection,
    current_month,
    fiscal_year_end,
    fiscal_year_in_progress,
    period_label,
    period_text,
)
from rollout.models import Cohort
from rollout.models.labels import share_text, signed_text


@dataclass(frozen=True)
class Tile:
    """One large figure: what it is, how many, and how to take it."""

    kind: str
    title: str
    users: str
    note: str


@dataclass(frozen=True)
class FiscalYearRow:
    """One fiscal year of the plan beside what was published of it; `confirmed` is empty ahead of today.

    `beside` has the users of each other curve at its end, and how many the plan has more.
    """

    label: str
    span: str
    in_progress: bool
    added: str
    published: str
    difference: str
    cohort: Cohort | None
    cumulative: str
    band: str
    confirmed: str
    share: str
    beside: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class PointRow:
    """One period of the curve; `confirmed` is empty ahead of today."""

    label: str
    period: str
    added: str
    planned: str
    low: str
    high: str
    confirmed: str


def count(users: int) -> str:
    """`68,600`."""
    return f"{users:,}"


def increase(users: int) -> str:
    """`+747`, or `0`."""
    return signed_text(users) if users else "0"


def span_text(year: int) -> str:
    """`2026-04–2027-03` for the fiscal year 2026."""
    first, last = fiscal_year_bounds(year)
    return f"{first:%Y-%m}–{last:%Y-%m}"


def band_text(point: Point) -> str:
    """`146,000–158,000`."""
    return f"{point.low:,}–{point.high:,}"


def headline(curve: Projection, overdue_waves: int) -> list[str]:
    """The day in words: the sentence that matters most, then the others."""
    year = fiscal_year_in_progress(curve)
    end = curve.at(fiscal_year_end(year))
    against = _against_target(curve, end.cumulative)
    sentences = [
        gettext("{fiscal_year_label}末の見込みは {cumulative:,}人{against}。").format(
            fiscal_year_label=fiscal_year_label(year), cumulative=end.cumulative, against=against
        ),
        gettext("利用を確認できたのは {confirmed:,}人です。").format(
            confirmed=current_month(curve).confirmed
        ),
    ]
    if overdue_waves:
        sentences.append(
            gettext("予定日を過ぎて未確認の移行が {overdue_waves:,}件あります。").format(
                overdue_waves=overdue_waves
            )
        )
    if curve.undated_users:
        sentences.append(
            gettext("時期未定が {undated_users:,}人残っています。").format(undated_users=curve.undated_users)
        )
    return sentences


def _against_target(curve: Projection, users: int) -> str:
    if curve.target_users is None:
        return gettext("です。目標は登録されていません")
    return gettext("で、目標 {target_users:,}人の {share_text} です").format(
        target_users=curve.target_users, share_text=share_text(users, curve.target_users)
    )


def tiles(curve: Projection) -> list[Tile]:
    """The four figures to know: planned and confirmed now, the end of the fiscal year, what has no date."""
    now, year = current_month(curve), fiscal_year_in_progress(curve)
    end = curve.at(fiscal_year_end(year))
    month = month_text(now.first_month)
    behind = gettext("計画との差 {signed_text}人").format(
        signed_text=signed_text(now.confirmed - now.cumulative)
    )
    return [
        Tile(
            "planned",
            gettext("計画（{month}まで）").format(month=month),
            count(now.cumulative),
            gettext("予定どおりなら利用中の人数"),
        ),
        Tile("confirmed", gettext("利用確認済み"), count(now.confirmed), behind),
        Tile(
            "year-end",
            gettext("{fiscal_year_label}末の見込み").format(fiscal_year_label=fiscal_year_label(year)),
            count(end.cumulative),
            gettext("幅 {band_text}人").format(band_text=band_text(end)),
        ),
        Tile(
            "undated",
            gettext("時期未定"),
            count(curve.undated_users),
            gettext("公表人数のうち、時期か内訳が決まっていない分"),
        ),
    ]


def fiscal_year_rows(
    curve: Projection, published: Mapping[int, Cohort], beside: Sequence[Projection] = ()
) -> list[FiscalYearRow]:
    """Every fiscal year of the plan, and every one that a published figure speaks of.

    `published` names the cohort whose total is the published increase of a fiscal year; `beside` are curves
    that the plan is held against.
    """
    planned = [point.fiscal_year for point in curve.points(Granularity.FISCAL_YEAR)]
    years = range(min([*planned, *curve.published_added]), max([*planned, *curve.published_added]) + 1)
    return [_fiscal_year_row(curve, year, published.get(year), beside) for year in years]


def _fiscal_year_row(
    curve: Projection, year: int, cohort: Cohort | None, beside: Sequence[Projection]
) -> FiscalYearRow:
    end, before = curve.at(fiscal_year_end(year)), curve.at(fiscal_year_end(year - 1))
    added, published = end.cumulative - before.cumulative, curve.published_added.get(year)
    in_progress = fiscal_year_in_progress(curve)
    about = gettext("約") if cohort and cohort.approximate else ""
    return FiscalYearRow(
        label=fiscal_year_label(year),
        span=span_text(year),
        in_progress=year == in_progress,
        added=increase(added),
        published="" if published is None else f"{about}{count(published)}",
        difference="" if published is None else signed_text(added - published),
        cohort=cohort,
        cumulative=count(end.cumulative),
        band=band_text(end),
        confirmed=count(end.confirmed) if year <= in_progress else "",
        share=share_text(end.cumulative, curve.target_users),
        beside=[_beside(end, other.at(fiscal_year_end(year))) for other in beside],
    )


def _beside(end: Point, other: Point) -> tuple[str, str]:
    return count(other.cumulative), signed_text(end.cumulative - other.cumulative)


def point_rows(curve: Projection, granularity: Granularity) -> list[PointRow]:
    """The curve as a table, the same figures that the chart draws."""
    now = current_month(curve).first_month
    return [
        _point_row(point, granularity, has_begun=point.first_month <= now)
        for point in curve.points(granularity)
    ]


def _point_row(point: Point, granularity: Granularity, *, has_begun: bool) -> PointRow:
    return PointRow(
        label=period_label(point, granularity),
        period=period_text(point, granularity),
        added=increase(point.added),
        planned=count(point.cumulative),
        low=count(point.low),
        high=count(point.high),
        confirmed=count(point.confirmed) if has_begun else "",
    )
