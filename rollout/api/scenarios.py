"""Scenarios with their changes, each beside what the plan has now and had when its author last looked."""

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

import django_filters.rest_framework as filters  # type: ignore[import-untyped]
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_serializer, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from rollout.api.examples import example
from rollout.api.projection import ProjectionScenarioSerializer, scenario_json
from rollout.api.versions import VersionColumn, version_of_code
from rollout.api.views import ReadViewSet, check_may_see_scenarios
from rollout.api.writing import examples as bodies
from rollout.api.writing.inputs import NewScenario, ScenarioFacts
from rollout.api.writing.scenarios import ScenarioWriting
from rollout.api.writing.schema import writes
from rollout.domain.dates import UNDECIDED, FuzzyDate
from rollout.history import plan_changed_at
from rollout.models import Scenario, ScenarioChange
from rollout.models.labels import joined
from rollout.models.scenario import ScenarioQuerySet
from rollout.models.visible import visible_scenarios
from rollout.scenarios import Fact, Step, by_change, steps_at_start, steps_now

EXAMPLE = {
    "code": "nta-3-months",
    "label": "国税庁 三か月遅れ",
    "state": "proposed",
    "based_on": "2026-11-20T17:30:00+09:00",
    "plan_moved_at": "2026-11-23T15:30:00+09:00",
    "note": "12月の会議に諮る",
    "changes": [
        {
            "rollout": "nta",
            "rollout_label": "国税庁",
            "wave": None,
            "field": "cutover",
            "value": "R8.9",
            "present": "R8.7~",
            "present_at_start": "R8.6~",
        }
    ],
}
_STATE_ERROR = format_lazy(
    _("「%(value)s」という状況はありません。使えるのは {names} です。"),
    names=joined(Scenario.State.values),
)


class ScenarioFilter(filters.FilterSet):  # type: ignore[misc]
    """The parameters of the list."""

    state = filters.ChoiceFilter(
        choices=Scenario.State.choices,
        error_messages={"invalid_choice": _STATE_ERROR},
        help_text="How far a scenario has come; all of them unless given, withdrawn and promoted ones too.",
    )


class ScenarioChangeSerializer(serializers.Serializer[Any]):
    """One fact that the scenario has otherwise than the plan.

    Values are texts: a cutover as written (`R8.6~`, `検討中`), a count in digits, the code of a status. One
    that cannot be read stands as it was written; `projection/` and `projection/comparison/` then refuse.
    """

    rollout = serializers.CharField(help_text="Code of the rollout.")
    rollout_label = serializers.CharField(help_text="Its name.")
    wave = serializers.CharField(
        allow_null=True,
        help_text=(
            "Code of the wave. Null: of the rollout, a cutover or a status speaks of its waves that are "
            "neither in use nor cancelled and that no change of their own names, a count of the whole."
        ),
    )
    field = serializers.ChoiceField(ScenarioChange.Field.values, help_text="Which fact.")
    value = serializers.CharField(allow_null=True, help_text="In the scenario; null for an unknown count.")
    present = serializers.CharField(
        allow_null=True,
        help_text=(
            "In the plan now; values of several waves that differ stand side by side with 「、」. "
            "Null for an unknown count, and where the change reaches nothing."
        ),
    )
    present_at_start = serializers.CharField(
        allow_null=True, help_text="The same at `based_on`: the plan that the change was made on."
    )


@extend_schema_serializer(examples=example("国税庁 later, on a plan that moved", EXAMPLE))
class ScenarioSerializer(ProjectionScenarioSerializer):
    """A named what-if on top of the plan, which it never touches until it is promoted."""

    note = serializers.CharField(help_text="What its author says of it.")
    changes = ScenarioChangeSerializer(many=True, help_text="By rollout, wave and field.")


@extend_schema_view(
    create=writes(
        NewScenario, ScenarioSerializer, bodies.NEW_SCENARIO, status=HTTPStatus.CREATED, is_change=False
    ),
    partial_update=writes(ScenarioFacts, ScenarioSerializer, bodies.SCENARIO_CHANGE),
)
class ScenarioViewSet(ScenarioWriting, ReadViewSet[Scenario]):
    """Named what-ifs; 403 for who may not see them."""

    follows_plan = False
    queryset = Scenario.objects.all()
    serializer_class = ScenarioSerializer
    filterset_class = ScenarioFilter

    def check_permissions(self, request: Request) -> None:
        """As for the rest of the API, and the right to see scenarios besides."""
        super().check_permissions(request)
        check_may_see_scenarios(request)

    def get_queryset(self) -> ScenarioQuerySet:
        """What this person may see, with all that is shown of it."""
        return visible_scenarios(self.request.user).with_changes()

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Named what-ifs on top of the plan, by state and name.

        Deliberation and not the plan: for who has the right `rollout.view_scenario`; a 403 for everybody
        else, even where anonymous reading is on.
        """
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(_scenarios_json(page or ()))

    def row_version(self) -> VersionColumn | None:
        """Of the one scenario."""
        code = self.kwargs.get("code")
        return None if code is None else version_of_code(Scenario, code)

    def written(self, row: Scenario, status: HTTPStatus) -> Response:
        """The scenario as it is read."""
        return self.answered(_scenarios_json([self.get_queryset().get(pk=row.pk)])[0], row, status)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A what-if with its changes, each beside the plan.

        For who has the right `rollout.view_scenario`; a 403 for everybody else, whatever the code.
        """
        return Response(_scenarios_json([self.get_object()])[0])


def _scenarios_json(scenarios: Sequence[Scenario]) -> list[dict[str, Any]]:
    """`ScenarioSerializer`'s fields of each, in a constant number of queries."""
    changes = [change for scenario in scenarios for change in scenario.changes.all()]
    now, start = by_change(steps_now(changes)), by_change(steps_at_start(changes))
    changed_at = plan_changed_at()
    return [
        {
            **scenario_json(scenario, changed_at),
            "note": scenario.note,
            "changes": [
                {
                    **_change_json(change),
                    "present": _present(now.get(change.key, ())),
                    "present_at_start": _present(start.get(change.key, ())),
                }
                for change in scenario.changes.all()
            ],
        }
        for scenario in scenarios
    ]


def _change_json(change: ScenarioChange) -> dict[str, Any]:
    return {
        "rollout": change.rollout.code,
        "rollout_label": change.rollout.label,
        "wave": change.wave.code if change.wave else None,
        "field": change.field,
        "value": _text(change.fact if change.is_readable else change.value),
    }


def _present(steps: Iterable[Step]) -> str | None:
    texts = dict.fromkeys(_text(step.before) or "" for step in steps)
    return gettext("、").join(text for text in texts if text) or None


def _text(fact: Fact) -> str | None:
    if isinstance(fact, FuzzyDate):
        return fact.text or UNDECIDED
    return None if fact is None else str(fact)
