"""What an answer looks at: the stored projection, the plan of a past moment, or a scenario's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException

from rollout.domain.checkpoints import judge
from rollout.domain.plan import Basis, Plan
from rollout.domain.projection import Projection, project
from rollout.history import plan_changed_at
from rollout.models import PlanVersion, Scenario
from rollout.models import Projection as StoredProjection
from rollout.reader import read_plan, read_scenario


class NotComputed(APIException):
    """Nothing has been computed yet; a minute later the tick will have done it. Becomes a 503."""

    status_code = 503
    default_detail = _(
        "見込みがまだ計算されていません。1分ほど待つか、"
        "`manage.py recompute` を実行してからやり直してください。"
    )
    default_code = "not_computed"
    wait = 60


def stored_projection(basis: Basis) -> StoredProjection:
    """The stored projection of a basis as of today in Tokyo. Raises NotComputed where there is none."""
    stored = StoredProjection.objects.current(basis, timezone.localdate())
    if stored is None:
        raise NotComputed
    return stored


def provenance_json(stored: StoredProjection) -> dict[str, Any]:
    """When an answer was computed, from which version of the plan, and whether that is out of date."""
    return {
        "computed_at": timezone.localtime(stored.computed_at).isoformat(),
        "data_version": stored.data_version,
        "stale": stored.stale,
    }


@dataclass(frozen=True)
class Seen:
    """A curve with all that is said of it: where it comes from, and how it stands at its checkpoints.

    `checkpoints` holds by code what `rollout.models.Projection.checkpoints` does; `today` is the day in Tokyo
    on which it was looked at. `read` gives the plan to who needs more of it than the curve.
    """

    curve: Projection
    checkpoints: Mapping[str, Mapping[str, Any]]
    origin: Mapping[str, Any]
    today: date
    read: Callable[[], Plan]
    moment: datetime | None = None

    @cached_property
    def plan(self) -> Plan:
        """The plan that was looked at: for now the rows as they are, which `stale` says of the curve."""
        return self.read()

    def is_stale(self) -> bool:
        """True when the curve is out of date; a plan that was read may have moved on since the curve was."""
        stale: bool = self.origin["stale"]
        if "plan" not in vars(self) or self.moment is not None:
            return stale
        return stale or self.origin["data_version"] != PlanVersion.objects.current().number


def see_now(basis: Basis) -> Seen:
    """The plan as known now, from the stored projection."""
    stored = stored_projection(basis)
    origin = {"scenario": None, "as_of": None, **provenance_json(stored)}
    return Seen(stored.curve, stored.checkpoints, origin, timezone.localdate(), lambda: read_plan()[0])


def see_past(moment: datetime, basis: Basis) -> Seen:
    """The plan as known at `moment`; the same whenever it is asked for."""
    text = timezone.localtime(moment).isoformat()
    origin = {"scenario": None, "as_of": text, "computed_at": text, "data_version": None, "stale": False}
    return _computed(read_plan(moment)[0], basis, origin, timezone.localdate(moment), moment)


def see_scenario(scenario: Scenario, basis: Basis) -> Seen:
    """The plan as known now with the changes of a scenario; one that moves while it is read is `stale`."""
    now, version = timezone.now(), PlanVersion.objects.current().number
    plan, _ = read_scenario(scenario)
    origin = {
        "scenario": scenario_json(scenario, plan_changed_at()),
        "as_of": None,
        "computed_at": timezone.localtime(now).isoformat(),
        "data_version": version,
        "stale": version != PlanVersion.objects.current().number,
    }
    return _computed(plan, basis, origin, timezone.localdate(now))


def scenario_json(scenario: Scenario, changed_at: datetime | None) -> dict[str, Any]:
    """Which scenario, and whether the plan, last changed at `changed_at`, moved since its author looked."""
    moved = changed_at is not None and changed_at > scenario.based_on
    return {
        "code": scenario.code,
        "label": scenario.label,
        "state": scenario.state,
        "based_on": timezone.localtime(scenario.based_on).isoformat(),
        "plan_moved_at": timezone.localtime(changed_at).isoformat() if moved else None,
    }


def _computed(
    plan: Plan, basis: Basis, origin: Mapping[str, Any], today: date, moment: datetime | None = None
) -> Seen:
    curve, _ = project(plan, basis=basis, today=today)
    checkpoints = {
        found.code: {
            "users": found.users,
            "month": found.point.first_month,
            "verdict": found.verdict,
            "since": None,
        }
        for found in judge(plan, curve)
    }
    return Seen(curve, checkpoints, origin, today, lambda: plan, moment)
