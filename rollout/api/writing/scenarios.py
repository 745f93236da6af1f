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
from rollout.models import Rollout, Scenario, ScenarioChange, Wave
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
        values = self.read(NewScenario)

        def act() -> Scenario:
            self.check_new(code=values["code"])
            return self._save(Scenario(), values)

        return self.write(act, status=HTTPStatus.CREATED)

    def partial_update(self, request: Request, code: str) -> Response:
        """Change, propose or withdraw a scenario.

        What is left out stays; `changes` stand in place of all that it had. One that was promoted stays.
        """
        values = self.read(ScenarioFacts)
        return self.write(lambda: self._save(self.row_to_change(visible_scenarios(request.user)), values))

    def _save(self, scenario: Scenario, values: dict[str, Any]) -> Scenario:
        told = values.pop("changes", None)
        is_changed = fill(scenario, values)
        had = list(scenario.changes.all()) if scenario.pk else []
        changes = [] if told is None else self._changes(told)
        if is_changed or changes:
            removed = had if changes else []
            save_scenario(scenario=scenario, changes=changes, removed=removed, actor=self.actor)
        return scenario

    def _changes(self, told: list[dict[str, Any]]) -> list[ScenarioChange]:
        """The changes, checked. Raises InputError by their numbers."""
        found: list[ScenarioChange] = []
        errors: list[Any] = []
        for values in told:
            change = ScenarioChange(**values)
            try:
                self._check(change, found)
            except ValidationError as error:
                errors.append(as_detail(error))
            else:
                errors.append({})
                found.append(change)
        if any(errors):
            raise InputError({"changes": errors})
        return found

    def _check(self, change: ScenarioChange, others: list[ScenarioChange]) -> None:
        for name, kind in (("rollout", Rollout), ("wave", Wave)):
            row = getattr(change, name)
            rows = kind._default_manager.filter(visible(kind, self.request.user))
            if row is not None and not rows.filter(pk=row.pk).exists():
                message = gettext("「{code}」というコードの{noun}はありません。")
                raise ValidationError({name: message.format(code=row.code, noun=kind._meta.verbose_name)})
        change.clean()
        check_reach(change.rollout, change.wave, change.field)
        if change.key in {other.key for other in others}:
            raise ValidationError({"field": gettext("同じ導入案件・移行単位・項目の変更点が2つあります。")})
