"""Pages of the scenarios: what they change, beside the plan; and how one becomes the plan."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rollout import actions
from rollout.admin import wording
from rollout.admin.base import PartTable, SafeChoices, _actor, row_number
from rollout.admin.forms import PartFormSet, RowForm
from rollout.admin.promotion import NOTHING_REACHED, PromotingAdmin, may_decide, moved_at
from rollout.history import plan_changed_at, plan_moved_at
from rollout.models import Rollout, Scenario, ScenarioChange, Wave
from rollout.models.labels import always_japanese
from rollout.models.visible import visible
from rollout.scenario_actions import BY_HAND, check_reach, save_scenario
from rollout.scenarios import Step, by_change, steps_at_start, steps_now


class ScenarioForm(forms.ModelForm):  # type: ignore[type-arg]
    """A scenario, and whether its author has looked at the plan again.

    A person proposes or withdraws; only promoting makes it promoted, and declining declined.
    """

    looked_again = forms.BooleanField(
        label=_("いまの計画と見比べました"),
        required=False,
        help_text=_("変更点はこのままでよいときに選びます。計画を確かめた時点が今になります。"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "state" in self.fields:
            offered = (*BY_HAND, self.instance.state)
            choices = [pair for pair in Scenario.State.choices if pair[0] in offered]
            cast("forms.ChoiceField", self.fields["state"]).choices = choices


class ChangeForm(RowForm):
    """One fact that is otherwise."""

    def clean(self) -> dict[str, Any]:
        """Refuse a new change that would reach no wave: of a merged one, or of a rollout without any."""
        values = super().clean() or self.cleaned_data
        rollout, wave, field = (values.get(name) for name in ("rollout", "wave", "field"))
        if rollout and self.has_changed() and "wave" not in self.errors:
            try:
                check_reach(rollout, wave, field)
            except ValidationError as error:
                self.add_error(None, error)
        return values


class ChangeFormSet(PartFormSet):
    """The changes of a scenario, each fact once."""

    def add_fields(self, form: Any, index: int | None) -> None:
        """Name every field where it stands: the headings of a table label nothing."""
        super().add_fields(form, index)
        for field in form.fields.values():
            field.widget.attrs["aria-label"] = field.label

    def clean(self) -> None:
        """Refuse a second row about one fact."""
        super().clean()
        kept = [form for form in self.forms if form not in self.deleted_forms]
        facts = Counter(form.instance.key for form in kept if form.instance.rollout_id)
        if any(count > 1 for count in facts.values()):
            raise ValidationError(
                gettext("同じ導入案件・移行単位・項目の行が2つあります。1つにしてください。")
            )


class ChangeInline(PartTable):
    """The changes of a scenario, each beside what the plan has."""

    model = ScenarioChange
    form = ChangeForm
    formset = ChangeFormSet
    extra = 1
    autocomplete_fields = ("rollout", "wave")
    fields = ("rollout", "wave", "field", "value", "present")
    readonly_fields = ("present",)
    verbose_name_plural = _("変更点")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ScenarioChange]:
        """With the names that the page shows."""
        names = ("rollout__lead_ministry", "wave__rollout__lead_ministry")
        rows: QuerySet[ScenarioChange] = super().get_queryset(request).select_related(*names)
        return rows

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Rollouts and waves are chosen, not made: a scenario never touches the plan."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if isinstance(field, forms.ModelChoiceField):
            field.widget.can_add_related = field.widget.can_view_related = False
        return field

    @admin.display(description=_("現在の計画"))
    def present(self, change: ScenarioChange) -> str:
        """What the plan has; and what it had, where it moved since the scenario's author looked."""
        return str(getattr(change, "beside", wording.EMPTY))


class MovedList(ChangeList):
    """The list; every row knows when the plan last changed."""

    def get_results(self, request: HttpRequest) -> None:
        """Ask once for all rows."""
        super().get_results(request)
        changed_at = plan_changed_at()
        for row in self.result_list:
            row.plan_changed_at = changed_at


@admin.register(Scenario)
class ScenarioAdmin(SafeChoices, PromotingAdmin):
    """Named what-ifs. The plan stays as it is until one is promoted; then the scenario stays as it is."""

    form = ScenarioForm
    inlines = (ChangeInline,)
    change_form_template = "admin/scenario_change_form.html"
    list_display = ("label", "state", "size", "based_on", "moved", "created_by", "code")
    list_filter = ("state",)
    list_select_related = ("created_by",)
    list_per_page = 100
    search_fields = (
        "code",
        "label",
        "note",
        "changes__rollout__lead_ministry__name",
        "changes__rollout__lead_ministry__aliases",
    )
    search_help_text = _("名称、コード、備考、府省庁の名称・別名で探します。")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The list that knows when the plan changed."""
        return MovedList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Scenario]:
        """With the number of changes."""
        rows: QuerySet[Scenario] = super().get_queryset(request)
        return rows.annotate(change_count=Count("changes", distinct=True))

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        """Who made it, and when its author last looked at the plan."""
        return ("based_on", "created_by") if obj else ()

    def get_fields(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        """The question whether the author looked again only where there is something new to see."""
        asks = isinstance(obj, Scenario) and obj.is_open and plan_moved_at(obj.based_on)
        own = ("label", "code", "state", "note", *self.get_readonly_fields(request, obj))
        return (*own, "looked_again") if asks else own

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Of a proposal to change one row, its names."""
        return {**super().get_changeform_initial_data(request), **_named(_proposed_row(request))}

    def get_formset_kwargs(self, request: HttpRequest, obj: Any, inline: Any, prefix: str) -> dict[str, Any]:
        """Of a proposal to change one row, that row."""
        values = super().get_formset_kwargs(request, obj, inline, prefix)
        row = _proposed_row(request)
        if row is not None and obj.pk is None:
            place = (
                {"rollout": row.rollout_id, "wave": row.pk} if isinstance(row, Wave) else {"rollout": row.pk}
            )
            values["initial"] = [{**place, "field": ScenarioChange.Field.CUTOVER}]
        return values

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """What has become the plan stays as it was."""
        return not _is_frozen(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """The same."""
        return not _is_frozen(obj) and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001
        """Leave it to `save_related`, which knows the changes as well."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001
        """Save the scenario and its changes in one action; one that is as it was gets no new version."""
        changes = [row for formset in formsets for row in formset.save(commit=False)]
        removed = [row for formset in formsets for row in formset.deleted_objects]
        if change and not (form.changed_data or changes or removed):
            return
        save_scenario(
            scenario=form.instance,
            changes=changes,
            removed=removed,
            looked_again=form.cleaned_data["looked_again"],
            actor=_actor(request),
        )

    def delete_model(self, request: HttpRequest, obj: Scenario) -> None:
        """Delete one scenario."""
        actions.delete_row(row=obj, actor=_actor(request), reason="")

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Scenario]) -> None:
        """Delete the chosen scenarios."""
        for scenario in queryset:
            self.delete_model(request, scenario)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        """Each change beside the plan, whether that has moved, and the way to promote."""
        scenario = kwargs.get("obj") or context["adminform"].form.instance
        formsets = [inline.formset for inline in context["inline_admin_formsets"]]
        _set_beside(scenario, [form.instance for formset in formsets for form in formset.forms])
        if kwargs.get("obj"):
            context["moved_at"] = moved_at(scenario)
            context["may_promote"] = scenario.is_open and may_decide(request.user, scenario)
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description=_("変更点"), ordering="change_count")
    def size(self, scenario: Scenario) -> str:
        """How many facts it changes."""
        return gettext("{change_count}件").format(change_count=scenario.change_count)  # type: ignore[attr-defined]

    @admin.display(description=_("確認後の計画の動き"))
    def moved(self, scenario: Scenario) -> str:
        """When the plan moved under it."""
        changed_at: datetime | None = scenario.plan_changed_at  # type: ignore[attr-defined]
        if not scenario.is_open or changed_at is None or changed_at <= scenario.based_on:
            return wording.EMPTY
        return gettext("{localtime:%Y-%m-%d %H:%M} に変更あり").format(
            localtime=timezone.localtime(changed_at)
        )


def _is_frozen(scenario: Any) -> bool:
    return isinstance(scenario, Scenario) and scenario.state == Scenario.State.PROMOTED


def _proposed_row(request: HttpRequest) -> Rollout | Wave | None:
    """The rollout or wave that an address names to propose a change of, if this person may see it."""
    for name, kind in (("wave", Wave), ("rollout", Rollout)):
        if request.method == "GET" and (key := row_number(request.GET.get(name, ""))):
            row: Rollout | Wave | None = kind._default_manager.filter(
                visible(kind, request.user), pk=key
            ).first()
            return row
    return None


@always_japanese
def _named(row: Rollout | Wave | None) -> dict[str, Any]:
    """What a proposal to change a row may be called; the minute makes it unlike another."""
    if row is None:
        return {}
    now = timezone.localtime()
    return {
        "label": f"{row}の変更（{now:%Y-%m-%d %H:%M}）"[:100],
        "code": f"{row.code[:45]}-{now:%y%m%d-%H%M}",
        "state": Scenario.State.PROPOSED,
    }


def _set_beside(scenario: Scenario, changes: Iterable[ScenarioChange]) -> None:
    """Say of every change what the plan has, and what it had where that was something else."""
    asked = [change for change in changes if change.rollout_id and change.field]
    for change in asked:
        change.scenario = scenario
    now, start = by_change(steps_now(asked)), by_change(steps_at_start(asked))
    for change in asked:
        present, seen = (_values_text(steps.get(change.key, ())) for steps in (now, start))
        text = (
            present
            if present == seen
            else gettext("確認時 {seen} → 現在 {present}").format(seen=seen, present=present)
        )
        change.beside = text  # type: ignore[attr-defined]


def _values_text(steps: Iterable[Step]) -> str:
    texts = dict.fromkeys(wording.fact_text(step.before, step.change.field) for step in steps)
    return gettext("、").join(texts) or str(NOTHING_REACHED)
