"""The page of one rollout: its waves, what each source says, its place in the curve, and its history."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext

from rollout.charts import month_text
from rollout.dashboard.figures import count
from rollout.dashboard.listings import LISTED, WaveRow, wave_row
from rollout.dashboard.pages import projection_page, row_page
from rollout.domain.plan import last_whole_month
from rollout.models import Citation, Projection, Reminder, Rollout, RolloutCoverage, Wave
from rollout.models.labels import OVERDUE_LABEL, share_text
from rollout.models.visible import sees_people, visible
from rollout.shown import ShownWave, read_shown
from rollout.versions import Timeline

PARTS = [(model, "rollout_id") for model in (Wave, RolloutCoverage, Citation)]
TEMPLATE = "rollout/dashboard/rollout.html"


@dataclass(frozen=True)
class OwnWave:
    """A wave of the rollout; `merged_into` names the wave that has its users now, where it went into one."""

    wave: WaveRow
    merged_into: str
    confirmed_on: date | None


@dataclass(frozen=True)
class Said:
    """What the sources say of one fact: of the rollout, or of one wave; they may disagree."""

    subject: str
    wave: Wave | None
    citations: Sequence[Citation]
    disagree: bool


@row_page
def rollout(request: HttpRequest, code: str) -> HttpResponse:
    """All that is known of a rollout. 404 for one that there is not, or that is not for the reader."""
    rows = Rollout.objects.filter(visible(Rollout, request.user))
    found = get_object_or_404(rows.select_related("lead_ministry", "cohort__source"), code=code)
    return projection_page(request, TEMPLATE, lambda seen, today: _page(found, seen, today, request.user))


def _page(found: Rollout, projection: Projection, today: date, user: Any) -> dict[str, Any]:
    rows = list(found.waves.select_related("merged_into").order_by("cutover_latest", "code"))
    shown = read_shown(rows, projection.count_of, None)
    told = Timeline(found, PARTS)
    return {
        "rollout": found,
        "covered": [coverage.ministry for coverage in found.coverages.select_related("ministry")],
        "waves": [_own_wave(wave, row, today) for wave, row in zip(shown, rows, strict=True)],
        "overdue_label": OVERDUE_LABEL,
        "weight": count(found.weight or 0),
        "places": _places(shown, rows, projection),
        "said": said_of(
            found.citations.select_related("source", "wave").order_by("subject", "wave", "-adopted")
        ),
        "history": told[:LISTED],
        "history_left_off": max(0, len(told) - LISTED),
        "shows_people": sees_people(user),
        "reminders": _reminders(found, user),
    }


def _own_wave(wave: ShownWave, row: Wave, today: date) -> OwnWave:
    into = row.merged_into
    return OwnWave(wave_row(wave, today), (into.name or into.code) if into else "", row.confirmed_on)


def _places(shown: Iterable[ShownWave], rows: Iterable[Wave], projection: Projection) -> list[str]:
    """From which month each wave counts in the curve, and how much of it that is."""
    curve = projection.curve
    sentences = []
    for wave, row in zip(shown, rows, strict=True):
        latest = wave.cutover.latest
        if latest is None or wave.users is None or row.is_merged or wave.status == "cancelled":
            continue
        point = curve.at(last_whole_month(latest))
        sentences.append(
            gettext(
                "{label}：{month} から数えます。"
                "その月の累計 {cumulative:,}人のうち {users:,}人（{share}）です。"
            ).format(
                label=wave.label,
                month=month_text(point.first_month),
                cumulative=point.cumulative,
                users=wave.users,
                share=share_text(wave.users, point.cumulative),
            )
        )
    return sentences


def said_of(citations: Iterable[Citation]) -> list[Said]:
    """The citations by what they speak of, in the order in which they come."""
    groups = groupby(citations, key=lambda row: (row.subject, row.wave))
    return [_said(wave, list(rows)) for (_, wave), rows in groups]


def _said(wave: Wave | None, rows: Sequence[Citation]) -> Said:
    facts = [row.says_cutover if row.subject == Citation.Subject.CUTOVER else row.says_users for row in rows]
    known = [fact for fact in facts if fact]
    return Said(rows[0].get_subject_display(), wave, rows, any(fact != known[0] for fact in known))


def _reminders(found: Rollout, user: Any) -> list[Reminder] | None:
    """The newest reminders about its waves; None for who may not see the ledger."""
    if not user.has_perm("rollout.view_reminder"):
        return None
    rows = Reminder.objects.filter(visible(Reminder, user), wave__rollout=found)
    return list(
        rows.select_related("rule", "wave__rollout__lead_ministry").order_by("-due_at", "-id")[:LISTED]
    )
