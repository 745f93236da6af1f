"""The page at `/comparison/`: the plan beside a baseline, or beside a scenario. It names no people."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from django.contrib.auth.models import AbstractBaseUser, AbstractUser, AnonymousUser
from django.core.exceptions import ValidationError
from django.db import OperationalError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rollout.dashboard import differences
from rollout.dashboard.pages import QUOTED_LENGTH, public_page, read_basis, render_page
from rollout.domain.dates import fiscal_year_of
from rollout.domain.plan import Basis
from rollout.history import complete_since
from rollout.models import Baseline, Rollout, Scenario
from rollout.models.labels import BASIS_LABELS, moment_text
from rollout.models.scenario import may_see_scenarios
from rollout.models.visible import visible, visible_scenarios
from rollout.recompute import settled_moment
from rollout.states import Comparison, compare_baseline, compare_scenario

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

TEMPLATE = "rollout/dashboard/comparison.html"
Chosen = TypeVar("Chosen", Baseline, Scenario)
Either = Baseline | Scenario
Person = AbstractBaseUser | AnonymousUser
ADDED = (
    ("add_baseline", "admin:rollout_baseline_add", _("基準計画を追加")),
    ("add_scenario", "admin:rollout_scenario_add", _("試算を追加")),
)
CHOOSE = _("下から選んでください。")
SCENARIOS_HIDDEN = _("試算を見られるのは、権限のある人がログインしたときだけです。")


class _RefusedError(Exception):
    """What was asked for cannot be compared; the text says what would be right."""


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
    asked = _read(request)
    context = _choices(asked, request.user)
    status = HTTPStatus.BAD_REQUEST if asked.refused else HTTPStatus.OK
    if asked.chosen is not None:
        try:
            context |= _page(_compare(asked.chosen, asked.basis), _seen_rollouts(request.user))
        except OperationalError:
            context["busy"] = True
            status = HTTPStatus.SERVICE_UNAVAILABLE
    return render_page(request, TEMPLATE, context, status=status)


def _read(request: HttpRequest) -> _Asked:
    basis, unknown = read_basis(request.GET.get("basis"))
    refused = ""
    chosen: Either | None = None
    try:
        chosen = _choose(request)
    except _RefusedError as error:
        refused = str(error)
    if unknown is not None:
        refused = gettext(
            "「basis={unknown}」という読み方はありません。cumulative か group を指定してください。"
        ).format(unknown=unknown)
    return _Asked(None if refused else chosen, basis, refused)


def _choose(request: HttpRequest) -> Either | None:
    """The baseline or scenario that the address names; None where it names none. Raises _RefusedError."""
    baseline, scenario = request.GET.get("baseline"), request.GET.get("scenario")
    if baseline and scenario:
        raise _RefusedError(gettext("基準計画と試算は一緒に選べません。どちらか1つを選んでください。"))
    remedy = CHOOSE if may_see_scenarios(request.user) else SCENARIOS_HIDDEN
    chosen: Either | None = _row(Baseline.objects.all(), baseline) or _row(
        visible_scenarios(request.user), scenario, remedy
    )
    if isinstance(chosen, Baseline):
        _check_known(chosen)
    if isinstance(chosen, Scenario):
        _check_readable(chosen)
    return chosen


def _row(rows: QuerySet[Chosen], code: str | None, remedy: "StrOrPromise" = CHOOSE) -> Chosen | None:
    if not code:
        return None
    row = rows.filter(code=code).first()
    if row is None:
        name = rows.model._meta.verbose_name
        raise _RefusedError(
            gettext("「{code}」という{name}はありません。{remedy}").format(
                code=code[:QUOTED_LENGTH], name=name, remedy=remedy
            )
        )
    return row


def _check_known(baseline: Baseline) -> None:
    since = complete_since()
    if since is None or baseline.moment < since:
        raise _RefusedError(
            gettext("「{label}」の時点（{moment_text}）の計画は、履歴に残っていません。").format(
                label=baseline.label, moment_text=moment_text(baseline.moment)
            )
        )


def _check_readable(scenario: Scenario) -> None:
    try:
        scenario.check_readable()
    except ValidationError as error:
        raise _RefusedError(error.message) from error


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
    now = settled_moment()
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
