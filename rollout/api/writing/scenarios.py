"""Writing scenarios. The plan stays as it is; with the state `proposed` somebody asks the PMO to decide.

Liaisons propose for their own ministries alone: they name no row that they do not see.
"""

from http import HTTPStatus
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from rest_framework.exceptions import ValidationError as InputError
from rest_framework.request import Request
from rest_framework.response import Response

from gss_tracker.problems import as_detail
from rollout.api.writing.inputs import NewScenario, ScenarioFacts
from rollout.api.writing.rows import fill
from rollout.api.writing.views import WritingView
from rollout.models import Rollout, Scenario, ScenarioChange
from rollout.models.visible import visible, visible_scenarios
from rollout.scenario_actions import check_reach, save_scenario


class ScenarioWriting(WritingView):
    """Scenarios are added, changed, proposed and withdrawn."""

    def is_shut_to(self, user: Any) -> bool:
        """Whoever has the right may: the rows that they see are the limit."""
        return False

    def create(self, request: Request) -> Response:
        """Write a scenario, or propose a change of the plan.

        409 where the code is taken. `state` is `draft` unless given; `proposed` asks the PMO to decide.
        """

        def act(values: dict[str, Any]) -> Scenario:
            if visible_scenarios(request.user).filter(code=values["code"]).exists():
                self.check_new(code=values["code"])
            return self._save(Scenario(), values)

        return self.write(NewScenario, act, status=HTTPStatus.CREATED)

    def partial_update(self, request: Request, code: str) -> Response:
        """Change, propose or withdraw a scenario.

        What is left out stays; `changes` stand in place of all that it had. One that was promoted stays.
        """
        rows = visible_scenarios(request.user)
        return self.write(ScenarioFacts, lambda values: self._save(self.row_to_change(rows), values))

    def _save(self, scenario: Scenario, values: dict[str, Any]) -> Scenario:
        told = values.pop("changes", None)
        is_changed = fill(scenario, values)
        had = list(scenario.changes.all()) if scenario.pk else []
        wanted = had if told is None else self._changes(told)
        changes = [change for change in wanted if _said(change) not in map(_said, had)]
        removed = [change for change in had if _said(change) not in map(_said, wanted)]
        if is_changed or changes or removed:
            save_scenario(scenario=scenario, changes=changes, removed=removed, actor=self.actor)
        return scenario

    def _changes(self, told: list[dict[str, Any]]) -> list[ScenarioChange]:
        """The changes, checked. Raises InputError by their numbers."""
        found: list[ScenarioChange] = []
        errors: list[Any] = []
        rollouts = {values["rollout"].pk for values in told}
        seen = Rollout.objects.filter(visible(Rollout, self.request.user), pk__in=rollouts)
        seen_keys = set(seen.order_by().values_list("pk", flat=True))
        for values in told:
            change = ScenarioChange(**values)
            try:
                _check(change, found, is_seen=change.rollout_id in seen_keys)
            except ValidationError as error:
                errors.append(as_detail(error))
            else:
                errors.append({})
                found.append(change)
        if any(errors):
            raise InputError({"changes": errors})
        return found


def _check(change: ScenarioChange, others: list[ScenarioChange], *, is_seen: bool) -> None:
    """Raise ValidationError, by field. A wave is one of the rollout's: who sees that sees it."""
    if not is_seen:
        message = gettext("「{code}」というコードの{noun}はありません。")
        noun = Rollout._meta.verbose_name
        raise ValidationError({"rollout": message.format(code=change.rollout.code, noun=noun)})
    change.clean()
    check_reach(change.rollout, change.wave, change.field)
    if change.key in {other.key for other in others}:
        raise ValidationError({"field": gettext("同じ導入案件・移行単位・項目の変更点が2つあります。")})


def _said(change: ScenarioChange) -> tuple[object, ...]:
    """What two changes of one scenario have the same that say the same."""
    return change.rollout_id, change.wave_id, change.field, change.value
