"""The ministries with their rollouts: all of them in 建制順, and the page of one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext

from ministries.models import Ministry
from rollout.dashboard.figures import count
from rollout.dashboard.listings import WaveRow, wave_row
from rollout.dashboard.pages import projection_page, public_page, row_page
from rollout.models import Projection, Rollout, RolloutCoverage
from rollout.models.labels import OVERDUE_LABEL
from rollout.models.visible import visible
from rollout.shown import Part, ShownWave, read_shown


@dataclass(frozen=True)
class OfMinistry:
    """A ministry with the waves that it leads, and those of others that it moves along in."""

    ministry: Ministry
    led: Sequence[WaveRow]
    along: Sequence[WaveRow]


@public_page
def ministries(request: HttpRequest) -> HttpResponse:
    """Every ministry that leads a rollout or moves along in one."""
    return projection_page(request, "rollout/dashboard/ministries.html", _all)


@row_page
def ministry(request: HttpRequest, code: str) -> HttpResponse:
    """One ministry. 404 for one that there is not, or that is not for the reader."""
    rows = Ministry.objects.filter(visible(Ministry, request.user)).select_related("parent")
    found = get_object_or_404(rows, code=code)
    return projection_page(
        request, "rollout/dashboard/ministry.html", lambda seen, today: _one(found, seen, today, request.user)
    )


def _all(projection: Projection, today: date) -> dict[str, Any]:
    shown = read_shown(Part().waves(), projection.count_of, None)
    rows = [of for of in _of_ministries(Ministry.objects.all(), shown, today) if of.led or of.along]
    return {"rows": rows, "overdue_label": OVERDUE_LABEL}


def _one(found: Ministry, projection: Projection, today: date, user: Any) -> dict[str, Any]:
    shown = read_shown(Part(ministry=found.pk).waves(), projection.count_of, None)
    [of] = _of_ministries([found], shown, today)
    return {
        "ministry": found,
        "children": list(found.children.filter(visible(Ministry, user))),
        "of": of,
        "headline": _headline(shown, today),
        "overdue_label": OVERDUE_LABEL,
    }


def _of_ministries(rows: Iterable[Ministry], shown: Sequence[ShownWave], today: date) -> list[OfMinistry]:
    codes = {wave.rollout for wave in shown}
    rollouts = Rollout.objects.filter(code__in=codes)
    leads = dict(rollouts.order_by().values_list("code", "lead_ministry_id"))
    along: dict[int, set[str]] = {}
    covered = RolloutCoverage.objects.filter(rollout__code__in=codes).order_by()
    for ministry_id, code in covered.values_list("ministry_id", "rollout__code"):
        along.setdefault(ministry_id, set()).add(code)
    return [
        OfMinistry(
            row,
            [wave_row(wave, today) for wave in shown if leads[wave.rollout] == row.pk],
            [wave_row(wave, today) for wave in shown if wave.rollout in along.get(row.pk, ())],
        )
        for row in rows
    ]


def _headline(shown: Sequence[ShownWave], today: date) -> str:
    """How many waves there are, how many users are known, and what comes next."""
    if not shown:
        return gettext("移行の予定はまだ登録されていません。")
    known = [wave.users for wave in shown if wave.users is not None]
    users = gettext("{users}人").format(users=count(sum(known))) if known else gettext("人数は不明")
    sentence = gettext("移行単位 {count}件、{users}です。").format(count=len(shown), users=users)
    coming = [wave for wave in shown if wave.is_coming(today)]
    if coming:
        first = min(coming, key=lambda wave: wave.cutover.sort_key)
        sentence += gettext("次の切替は {label}（{cutover}）。").format(
            label=first.label, cutover=first.cutover.format_short()
        )
    return sentence
