"""Which rows a person may see, once they have the right to see that kind: the one place that says so.

Everybody sees all of them but who is limited (`ministries.liaison`): of the plan what their ministries lead
or move along in, of scenarios their own as far as they speak of such alone, and the published frame, which
belongs to nobody.
"""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from ministries.liaison import is_limited, own_ministries
from ministries.models import Assignment, Contact, Ministry
from rollout.models.baseline import Baseline
from rollout.models.calendar import FreezePeriod, MonthlyLimit, WarningAcceptance
from rollout.models.citation import Citation
from rollout.models.frame import Cohort, Observation, Source, Target
from rollout.models.plan import Rollout, RolloutCoverage, Wave
from rollout.models.risk import SlipAssumption
from rollout.models.scenario import Scenario, ScenarioChange, ScenarioQuerySet, may_see_scenarios
from rollout.models.version import Projection

OF_NOBODY = (Baseline, Cohort, MonthlyLimit, Observation, Projection, SlipAssumption, Source, Target)


def visible(kind: type[models.Model], user: Any) -> Q:
    """The condition on rows of a kind, or on versions of them; of a kind that is not named here, none."""
    if not is_limited(user) or kind in OF_NOBODY:
        return Q()
    own = own_ministries(user)
    moves = Q(lead_ministry_id__in=own) | Q(coverages__ministry_id__in=own)
    rollouts = Rollout.objects.filter(moves).order_by().values("id")
    of_others = ScenarioChange.objects.exclude(rollout_id__in=rollouts).order_by().values("scenario_id")
    proposed = Q(created_by_id=user.pk) & ~Q(id__in=of_others)
    conditions = {
        Ministry: Q(id__in=own),
        Contact: Q(ministry_id__in=own),
        Assignment: Q(user_id=user.pk),
        FreezePeriod: Q(ministry_id=None) | Q(ministry_id__in=own),
        Rollout: Q(id__in=rollouts),
        **dict.fromkeys((RolloutCoverage, Wave, Citation), Q(rollout_id__in=rollouts)),
        WarningAcceptance: Q(wave__rollout_id__in=rollouts),
        Scenario: proposed,
        ScenarioChange: Q(scenario_id__in=Scenario.objects.filter(proposed).order_by().values("id")),
    }
    return conditions.get(kind, Q(pk__in=[]))


def sees_whole_plan(user: Any) -> bool:
    """False for who is limited to their own ministries, unless anybody may read the plan."""
    return bool(settings.PUBLIC_READ) or not is_limited(user)


def sees_people(user: Any) -> bool:
    """True for who may read who changed what, and why, across the whole plan."""
    return bool(user.is_authenticated) and not is_limited(user)


def visible_scenarios(user: Any) -> ScenarioQuerySet:
    """Those that a person may see: none without the right to, for they are not the plan yet."""
    rows = Scenario.objects.filter(visible(Scenario, user))
    return rows if may_see_scenarios(user) else rows.none()
