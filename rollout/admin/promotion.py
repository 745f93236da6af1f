"""The page on which a scenario becomes the plan, or a proposal is declined: what it would change, and why."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import AdminTextareaWidget
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rollout.admin import wording
from rollout.admin.base import LockedAdmin, _actor, writing
from rollout.calendar_warnings import planned_users
from rollout.consequences import foreseen
from rollout.domain.scenario import apply
from rollout.history import plan_moved_at
from rollout.impact import Impact
from rollout.models import PlanVersion, Scenario, ScenarioChange, Wave
from rollout.reader import read_plan
from rollout.scenario_actions import (
    LOOK_AGAIN,
    broken_rules,
    decline_scenario,
    promote_scenario,
    promoted_rows,
)
from rollout.scenarios import Step, steps_at_start, steps_now

NOTHING_REACHED = _("対象なし")
PROMOTE_RIGHT = "rollout.promote_scenario"
EDITS = ("rollout.change_rollout", "rollout.change_wave")
DECLINE = "_decline"


class PromotionForm(forms.Form):
    """Why a scenario becomes the plan, and what the person saw when deciding it."""

    reason = forms.CharField(
        label=_("反映する理由"),
        max_length=500,
        widget=AdminTextareaWidget(attrs={"rows": 2}),
        help_text=_("何に基づく決定か（例: 12月3日 推進会議で了承）。変わる行すべての履歴に残ります。"),
        error_messages={"required": _("計画に反映する理由を書いてください。")},
    )
    seen_version = forms.IntegerField(error_messages=dict.fromkeys(("required", "invalid"), LOOK_AGAIN))
    seen_based_on = forms.DateTimeField(error_messages=dict.fromkeys(("required", "invalid"), LOOK_AGAIN))


class PromotingAdmin(LockedAdmin):
    """Scenarios that have a page which makes them the plan."""

    def get_urls(self) -> list[URLPattern]:
        """With the page that promotes."""
        view = self.admin_site.admin_view(self.promote_view)
        return [path("<path:object_id>/promote/", view, name="rollout_scenario_promote"), *super().get_urls()]

    def promote_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What promoting would change, and the question why; then, once answered, the plan itself.

        A proposal may be declined here, too.
        """
        with writing(request):
            version = PlanVersion.objects.current().number  # first: what is read later cannot be older
            scenario = self.get_object(request, unquote(object_id))
            if not may_decide(request.user, scenario):
                raise PermissionDenied
            if scenario is None:
                return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined, no-any-return]
            try:
                scenario.check_readable()
            except ValidationError as error:
                messages.error(request, error.message)
                return HttpResponseRedirect(reverse("admin:rollout_scenario_change", args=[scenario.pk]))
            form = PromotionForm(request.POST or None)
            if scenario.state == Scenario.State.PROPOSED:
                form.fields["reason"].label = gettext("反映・見送りの理由")
            if form.is_valid() and (done := _decide(scenario, form, request)):
                messages.success(
                    request, gettext("「{scenario}」を{done}。").format(scenario=scenario, done=done)
                )
                return HttpResponseRedirect(reverse("admin:rollout_scenario_change", args=[scenario.pk]))
            context = {
                **self.admin_site.each_context(request),
                **_promotion(scenario, with_addresses=request.user.has_perm("rollout.view_reminder")),
                "is_proposal": scenario.state == Scenario.State.PROPOSED,
                "title": gettext("計画に反映: {scenario}").format(scenario=scenario),
                "form": form,
                "version": version,
                "opts": self.opts,
            }
            return TemplateResponse(request, "admin/scenario_promote.html", context).render()


@dataclass(frozen=True)
class StepRow:
    """One fact that promoting would write, in words; `start` is what the author saw, where it was another."""

    row: str
    field: str
    before: str
    after: str
    start: str
    changes_nothing: bool


def may_decide(user: Any, scenario: Any) -> bool:
    """True for who may promote, and of another person's proposal for who edits the plan."""
    if user.has_perm(PROMOTE_RIGHT):
        return True
    is_proposal = isinstance(scenario, Scenario) and scenario.state == Scenario.State.PROPOSED
    return bool(is_proposal and scenario.created_by_id != user.pk and user.has_perms(EDITS))


def moved_at(scenario: Scenario) -> datetime | None:
    """When the plan moved under an open scenario."""
    return plan_moved_at(scenario.based_on) if scenario.is_open else None


def _decide(scenario: Scenario, form: PromotionForm, request: HttpRequest) -> str:
    """What was done, in words; otherwise the form says why not."""
    values = {**form.cleaned_data, "scenario": scenario, "actor": _actor(request)}
    try:
        if DECLINE in request.POST:
            del values["seen_version"]
            decline_scenario(**values)
            return gettext("見送りました")
        promote_scenario(**values)
    except ValidationError as error:
        form.add_error(None, error)
        return ""
    return gettext("計画に反映しました")


def _promotion(scenario: Scenario, *, with_addresses: bool) -> dict[str, Any]:
    """What the page that promotes shows of a scenario."""
    changes = list(ScenarioChange.objects.filter(scenario=scenario).select_related("rollout", "wave"))
    for change in changes:
        change.scenario = scenario
    steps, start = steps_now(changes), {step.key: step for step in steps_at_start(changes)}
    rows = promoted_rows(steps)
    plan, wave_ids = read_plan()
    after = apply(plan, [change.as_change() for change in changes])
    waves = [row for row in rows if isinstance(row, Wave)]
    warnings, mails = foreseen(waves, planned_users(after, wave_ids), with_addresses=with_addresses)
    return {
        "scenario": scenario,
        "moved_at": moved_at(scenario),
        "steps": [_step_row(step, start.get(step.key)) for step in steps],
        "broken": broken_rules(rows),
        "impact": Impact.of(plan, after, timezone.localdate()),
        "warnings": warnings,
        "mails": mails,
    }


def _step_row(step: Step, start: Step | None) -> StepRow:
    field = step.change.field
    seen = wording.fact_text(start.before, field) if start else NOTHING_REACHED
    before = wording.fact_text(step.before, field)
    return StepRow(
        row=gettext("{row}（全体）").format(row=step.row) if step.is_of_whole else str(step.row),
        field=step.change.get_field_display(),
        before=before,
        after=wording.fact_text(step.after, field),
        start=str("" if seen == before else seen),
        changes_nothing=step.changes_nothing,
    )
