"""The page at `/comparison/`: the plan beside a baseline, a past moment or a scenario. It names no people."""

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rollout.dashboard import differences
from rollout.dashboard.pages import public_page, read_basis, render_page
from rollout.dashboard.questions import (
    Person,
    RefusedError,
    choose_baseline,
    choose_moment,
    choose_scenario,
)
from rollout.domain.dates import fiscal_year_of
from rollout.domain.plan import Basis
from rollout.models import Baseline, Rollout, Scenario
from rollout.models.labels import BASIS_LABELS, day_text, moment_text
from rollout.models.visible import visible, visible_scenarios
from rollout.moments import BusyError, current_moment
from rollout.states import Comparison, compare_baseline, compare_scenario

TEMPLATE = "rollout/dashboard/comparison.html"
COMPARED = ("baseline", "scenario", "from")
Either = Baseline | Scenario
ADDED = (
    ("add_baseline", "admin:rollout_baseline_add", _("基準計画を追加")),
    ("add_scenario", "admin:rollout_scenario_add", _("試算を追加")),
)


@dataclass(frozen=True)
class _Asked:
    """What the address names, as far as it can be read; `refused` is empty or says why it cannot."""

    chosen: Either | None
    basis: Basis
    refused: str


@public_page
def comparison(request: HttpRequest) -> HttpResponse:
    """Two states of the plan side by side, or the choice of them.

    400 for what cannot be compared, 503 while a change is being written.
    """
    try:
        asked = _read(request)
        context = _choices(asked, request.user)
        if asked.chosen is not None:
            context |= _page(_compare(asked.chosen, asked.basis), _seen_rollouts(request.user))
        status = HTTPStatus.BAD_REQUEST if asked.refused else HTTPStatus.OK
    except BusyError:
        context = {**_choices(_Asked(None, Basis.CUMULATIVE, ""), request.user), "busy": True}
        status = HTTPStatus.SERVICE_UNAVAILABLE
    return render_page(request, TEMPLATE, context, status=status)


def _read(request: HttpRequest) -> _Asked:
    basis, unknown = read_basis(request.GET.get("basis"))
    refused = ""
    chosen: Either | None = None
    try:
        chosen = _choose(request)
    except RefusedError as error:
        refused = str(error)
    if unknown is not None:
        refused = gettext(
            "「basis={unknown}」という読み方はありません。cumulative か group を指定してください。"
        ).format(unknown=unknown)
    return _Asked(None if refused else chosen, basis, refused)


def _choose(request: HttpRequest) -> Either | None:
    """What the address names to compare with; None where it names nothing. Raises RefusedError."""
    asked = {name: text for name in COMPARED if (text := request.GET.get(name))}
    if len(asked) > 1:
        raise RefusedError(gettext("基準計画と試算は一緒に選べません。どちらか1つを選んでください。"))
    if "baseline" in asked:
        return choose_baseline(asked["baseline"])
    if "scenario" in asked:
        return choose_scenario(asked["scenario"], request.user)
    return _since(choose_moment(asked["from"])) if "from" in asked else None


def _since(moment: datetime) -> Baseline:
    """A moment that nobody has named as a baseline, by the name of its day."""
    return Baseline(
        label=gettext("{day}の計画").format(day=day_text(timezone.localdate(moment))), moment=moment
    )


def _choices(asked: _Asked, user: Person) -> dict[str, Any]:
    return {
        "refused": asked.refused,
        "chosen": asked.chosen,
        "kind": asked.chosen._meta.model_name if asked.chosen else "",
        "basis": asked.basis.value,
        "basis_label": BASIS_LABELS[asked.basis.value],
        "readings": [(each.value, BASIS_LABELS[each.value], each is asked.basis) for each in Basis],
        "baselines": [(row, moment_text(row.moment)) for row in Baseline.objects.all()],
        "scenarios": list(visible_scenarios(user)),
        "may_add": [(name, label) for right, name, label in ADDED if _may(user, right)],
    }


def _compare(chosen: Either, basis: Basis) -> Comparison:
    now = current_moment()
    if isinstance(chosen, Baseline):
        return compare_baseline(chosen, basis, now)
    return compare_scenario(chosen, basis, now)


def _may(user: Person, right: str) -> bool:
    """True for who has the right and may use the admin."""
    return isinstance(user, AbstractUser) and user.is_staff and user.has_perm(f"rollout.{right}")


def _seen_rollouts(user: Person) -> dict[str, int]:
    """The rollouts whose history this person may look up in the admin: ids by code."""
    if not _may(user, "view_rollout"):
        return {}
    return dict(Rollout.objects.filter(visible(Rollout, user)).values_list("code", "id"))


def _page(found: Comparison, rollout_ids: dict[str, int]) -> dict[str, Any]:
    year = fiscal_year_of(timezone.localdate(found.computed_at))
    waves = found.waves()
    return {
        "comparison": found,
        "before_at": moment_text(found.before.moment),
        "computed": moment_text(found.computed_at),
        "headline": differences.headline(found, year),
        "counts": differences.counts_text(waves),
        "years": differences.year_rows(found, year),
        "moved": differences.explain_year(found, year),
        "waves": differences.list_waves(waves, rollout_ids),
    }
