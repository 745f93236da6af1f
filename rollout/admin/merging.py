"""The page that merges waves of one rollout into one of them, or into another wave of it."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rollout import actions
from rollout.admin.base import _actor, reaches_all, row_number, writing
from rollout.admin.confirmation import BACK, ConfirmedAdmin
from rollout.admin.trying import SeenForm, do_or_show, try_on_figures
from rollout.domain.dates import UNDECIDED
from rollout.domain.plan import Status
from rollout.history import newest_versions
from rollout.merging import NOTHING_CHOSEN, OTHER_ROLLOUT, REASON_NEEDED, named
from rollout.models import Rollout, Wave
from rollout.models.labels import STATUS_LABELS
from rollout.versions import Timeline

CHOSEN = "waves"
TAKEN_UP_AGAIN = _(
    "この移行単位は、別の移行単位に統合されています。状態を「中止」以外に戻すと、統合は取り消されます。"
    "統合先の人数は自動では減らないので、あわせて直してください。"
)


class TargetChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    """Which wave takes the others."""

    def label_from_instance(self, obj: models.Model) -> str:
        """With what tells waves of one rollout apart."""
        return _described(obj) if isinstance(obj, Wave) else str(obj)


class MergeForm(SeenForm):
    """Which wave takes the others, and why."""

    into = TargetChoice(
        label=_("統合先"),
        queryset=Wave.objects.none(),
        empty_label=None,
        widget=forms.RadioSelect,
        error_messages={"required": _("統合先を選んでください。")},
    )

    def __init__(self, *args: Any, rollout: Rollout, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        reason: Any = self.fields["reason"]
        reason.label, reason.error_messages["required"] = gettext("統合する理由"), REASON_NEEDED
        into: Any = self.fields["into"]
        waves = Wave.objects.filter(rollout=rollout).exclude(status=Status.CANCELLED.value)
        into.queryset = waves.select_related("rollout__lead_ministry")


class MergingAdmin(ConfirmedAdmin):
    """Waves that can be merged from their list; a merged one says into which."""

    @admin.action(description=_("選んだ移行単位を1つに統合…"), permissions=["change"])
    def merge_chosen(self, request: HttpRequest, queryset: QuerySet[Wave]) -> HttpResponse:
        """Go to the page that asks into which, and why."""
        keys = queryset.order_by("pk").values_list("pk", flat=True)
        address = reverse("admin:rollout_wave_merge")
        return HttpResponseRedirect(f"{address}?{urlencode([(CHOSEN, key) for key in keys])}")

    def get_urls(self) -> list[URLPattern]:
        """With the page that merges."""
        view = self.admin_site.admin_view(self.merge_view)
        return [path("merge/", view, name="rollout_wave_merge"), *super().get_urls()]

    def get_fieldsets(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        """Of a merged wave, first of all, into which."""
        fieldsets = super().get_fieldsets(request, obj)
        if not isinstance(obj, Wave) or not obj.merged_into_id:
            return fieldsets
        return ((gettext("統合"), {"fields": ("merged_into",), "description": TAKEN_UP_AGAIN}), *fieldsets)

    def merge_view(self, request: HttpRequest) -> HttpResponse:
        """The question which and why; then what it does; then the merge itself."""
        if not (self.has_change_permission(request) and reaches_all(request)):
            raise PermissionDenied
        with writing(request):
            waves = self._chosen(request)
            if not waves or len({wave.rollout_id for wave in waves}) > 1:
                messages.error(request, OTHER_ROLLOUT if waves else NOTHING_CHOSEN)
                return HttpResponseRedirect(reverse("admin:rollout_wave_changelist"))
            form = MergeForm(request.POST or None, rollout=waves[0].rollout)
            found: dict[str, Any] = {}
            if form.is_valid() and BACK not in request.POST:
                found = self._looked_at(request, form, waves)
            if into := found.get("done"):
                messages.success(request, gettext("{named}に統合しました。").format(named=named(into)))
                return HttpResponseRedirect(reverse("admin:rollout_wave_change", args=[into.pk]))
            context = {
                **self.admin_site.each_context(request),
                "title": gettext("移行単位の統合: {rollout}").format(rollout=waves[0].rollout),
                "waves": [_described(wave) for wave in waves],
                "form": form,
                "opts": self.opts,
                **found,
            }
            return TemplateResponse(request, "admin/wave_merge.html", context).render()

    def _chosen(self, request: HttpRequest) -> list[Wave]:
        keys = [row_number(key) for key in request.GET.getlist(CHOSEN)]
        return list(self.get_queryset(request).filter(pk__in=keys))

    def _looked_at(self, request: HttpRequest, form: MergeForm, waves: Sequence[Wave]) -> dict[str, Any]:
        """What the merge does, or under `done` what it went into; nothing where the form says why not."""
        into, reason = form.cleaned_data["into"], form.cleaned_data["reason"]
        merge = {
            "waves": [wave for wave in waves if wave != into],
            "into": into,
            "reason": reason,
            "actor": _actor(request),
        }
        return do_or_show(form, lambda: actions.merge_waves(**merge), lambda: _shown(merge))


def _shown(merge: dict[str, Any]) -> dict[str, Any]:
    """What a merge changes, and what that does to the figures."""

    def act() -> list[dict[str, Any]]:
        versions = newest_versions([Rollout, Wave])
        actions.merge_waves(**merge)
        return Timeline(merge["into"].rollout, [(Wave, "rollout_id")], versions)[:]

    entries, impact = try_on_figures(act)
    return {"entries": entries, "impact": impact}


def _described(wave: Wave) -> str:
    users = gettext("空欄") if wave.users is None else gettext("{users:,}人").format(users=wave.users)
    cutover = wave.cutover.text or UNDECIDED
    return gettext("{named}：切替 {cutover}、人数 {users}、{status}").format(
        named=named(wave), cutover=cutover, users=users, status=STATUS_LABELS[wave.status]
    )
