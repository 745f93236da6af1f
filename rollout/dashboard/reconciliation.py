"""The page at `/reconciliation/`: every published figure beside the plan, and what follows from them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rollout.dashboard.figures import count
from rollout.dashboard.listings import list_conflicts
from rollout.dashboard.pages import projection_page, public_page
from rollout.domain.findings import Finding
from rollout.domain.plan import Reading
from rollout.domain.reconciliation import CLOSE_PERCENT, Agreement, Figure, FigureKind
from rollout.models import Projection, Source
from rollout.models.labels import (
    AGREEMENT_LABELS,
    FIGURE_KIND_LABELS,
    FINDING_LABELS,
    signed_percent_text,
    signed_text,
)
from rollout.reconciliation import Entry, reconcile_published

COMPARED = {
    FigureKind.COHORT: (
        _(
            "構成員の人数の合計と比べます（累計と読むものは、それまでの区分を含みます）。"
            "按分した区分は、公表人数そのものを分けているので一致します"
        )
    ),
    FigureKind.FISCAL_YEAR: _("計画が4月から翌年3月に増やす人数と比べます"),
    FigureKind.MULTIPLE: _("計画の前年度末の何倍かを、年度末の人数で比べます"),
    FigureKind.OBSERVATION: _("同じ月の計画の累計と比べます"),
    FigureKind.STATED_COUNT: _("計画での人数と比べます"),
    FigureKind.TARGET: _(
        "計画のうち、期限までに切り替わる人数（期限がなければ時期の決まった人数）と比べます"
    ),
}
MEANINGS = {
    Agreement.AGREES: _("差は、公表値の丸めの幅の中です。"),
    Agreement.CLOSE: format_lazy(
        _("丸めの幅は超えますが、差は公表値の {close_percent}%以内です。"), close_percent=CLOSE_PERCENT
    ),
    Agreement.UNDATED: _("計画のほうが少なく、その差は時期や人数が決まっていない分の中です。"),
    Agreement.DIFFERS: _("上のどれにも当てはまりません。出典か計画を確かめてください。"),
}


@dataclass(frozen=True)
class FigureRow:
    """One published figure beside the plan; the notes, the percentage and `undated` may be empty."""

    label: str
    text: str
    published: str
    published_note: str
    planned: str
    planned_note: str
    difference: str
    percent: str
    tolerance: str
    verdict: str
    verdict_label: str
    undated: str
    source: Source


@dataclass(frozen=True)
class FigureGroup:
    """The figures of one kind, and what they are compared with."""

    title: str
    compared: str
    rows: Sequence[FigureRow]


@public_page
def reconciliation(request: HttpRequest) -> HttpResponse:
    """Published figures and findings."""
    return projection_page(request, "rollout/dashboard/reconciliation.html", _page)


def _page(projection: Projection, _today: date) -> dict[str, Any]:
    found = reconcile_published(projection)
    cohorts = found.cohorts.values()
    return {
        "headline": _headline([entry.figure for entry in found.entries]),
        "groups": [
            FigureGroup(
                str(FIGURE_KIND_LABELS[kind]), str(COMPARED[kind]), [_row(entry) for entry in entries]
            )
            for kind, entries in groupby(found.entries, key=lambda entry: entry.figure.kind)
        ],
        "findings": _by_kind(found.findings),
        "legend": [(verdict.value, AGREEMENT_LABELS[verdict], MEANINGS[verdict]) for verdict in Agreement],
        "ambiguous": [cohort for cohort in cohorts if cohort.reading == Reading.AMBIGUOUS],
        "conflicts": list_conflicts(projection.curve, cohorts),
    }


def _headline(figures: Iterable[Figure]) -> str:
    """How many figures have which verdict; verdicts that none has are left out."""
    verdicts = Counter(figure.verdict for figure in figures)
    if not verdicts:
        return gettext("公表された数字はまだ登録されていません。")
    parts = [
        gettext("「{agreement}」が {verdicts:,}件").format(
            agreement=AGREEMENT_LABELS[v], verdicts=verdicts[v]
        )
        for v in Agreement
        if verdicts[v]
    ]
    return gettext("公表された数字 {total:,}件のうち、{names}です。").format(
        total=verdicts.total(), names=gettext("、").join(parts)
    )


def _by_kind(findings: Iterable[tuple[Finding, str]]) -> list[tuple[str, list[str]]]:
    grouped = groupby(findings, key=lambda pair: pair[0].kind)
    return [(str(FINDING_LABELS[kind]), [sentence for _, sentence in pairs]) for kind, pairs in grouped]


def _row(entry: Entry) -> FigureRow:
    figure = entry.figure
    about = gettext("約") if entry.approximate and not figure.multiple else ""
    percent = figure.difference_percent
    return FigureRow(
        label=entry.label,
        text=_text(entry),
        published=f"{about}{count(figure.published)}",
        published_note=gettext("前年度末の{multiple}倍").format(multiple=figure.multiple)
        if figure.multiple
        else "",
        planned=count(figure.computed),
        planned_note="" if figure.ratio is None else gettext("{ratio:.2f}倍").format(ratio=figure.ratio),
        difference=signed_text(figure.difference),
        percent=signed_percent_text(percent) if percent else "",
        tolerance=f"±{count(figure.tolerance)}" if figure.tolerance else gettext("なし"),
        verdict=figure.verdict,
        verdict_label=str(AGREEMENT_LABELS[figure.verdict]),
        undated=count(figure.undated) if figure.verdict is Agreement.UNDATED else "",
        source=entry.source,
    )


def _text(entry: Entry) -> str:
    """The source's words in quotation marks; notes and derivations are ours."""
    quoted = entry.figure.kind not in (FigureKind.OBSERVATION, FigureKind.TARGET)
    return gettext("「{text}」").format(text=entry.text) if entry.text and quoted else entry.text
