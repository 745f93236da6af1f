"""Scenarios of the published plan, made as a person makes them."""

from rollout import scenario_actions
from rollout.models import PlanVersion, Rollout, Scenario, ScenarioChange, Wave
from tests.factories import ScenarioFactory


def change(rollout, field, value, wave=None):
    """One change, not yet saved; rollout and wave by their codes."""
    return ScenarioChange(
        rollout=Rollout.objects.get(code=rollout),
        wave=Wave.objects.get(code=wave) if wave else None,
        field=field,
        value=value,
    )


def suppose(*changes, actor=None, **values):
    """A scenario with these changes, each `(rollout, field, value)` or with a wave's code besides."""
    rows = [change(*each) for each in changes]
    for row in rows:
        row.full_clean(exclude=["scenario"])
    return scenario_actions.save_scenario(scenario=ScenarioFactory.build(**values), changes=rows, actor=actor)


def promote(scenario, *, reason="推進会議で了承", actor=None, **seen):
    """Promote it as it stands now, unless `seen_version` or `seen_based_on` says otherwise."""
    now = {
        "seen_version": PlanVersion.objects.current().number,
        "seen_based_on": Scenario.objects.get(pk=scenario.pk).based_on,
    }
    return scenario_actions.promote_scenario(scenario=scenario, actor=actor, reason=reason, **{**now, **seen})
