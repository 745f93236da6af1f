"""Before an edit that moves the figures is saved, its author sees what it does to them.

The edit is saved the way every edit is, looked at, and taken back with all that went with it; what
the author then confirms is the same edit, posted again together with the version of the plan that it was
looked at on. Where the plan has changed in between, the figures are shown anew.
"""

from dataclasses import dataclass
from typing import Any, NoReturn

from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import ProtectedError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext

from rollout import actions
from rollout.admin.base import PlanAdmin
from rollout.calendar_warnings import planned_users
from rollout.consequences import Consequences, waves_of
from rollout.domain.plan import IntArray, Plan, is_same
from rollout.history import catch_up, newest_versions
from rollout.impact import Impact
from rollout.models import PlanVersion
from rollout.reader import read_plan
from rollout.trial import tried
from rollout.versions import Timeline

CONFIRMED = "_confirmed"
BACK = "_back"
NOT_CARRIED = ("csrfmiddlewaretoken", CONFIRMED, BACK)


class Unconfirmed(Exception):  # noqa: N818 (not an error: it takes an edit back that nobody has confirmed yet)
    """Ends the saving of an edit; carries what the confirmation page shows."""

    def __init__(self, context: dict[str, Any]) -> None:
        super().__init__()
        self.context = context


@dataclass(frozen=True)
class Before:
    """The plan before an edit: its number, its state, how far the history went, and what was to follow."""

    number: int
    plan: Plan
    versions: dict[type[models.Model], int]
    consequences: Consequences


class ConfirmedAdmin(PlanAdmin):
    """A model whose edits show what they do to the figures before they are saved."""

    reopened_by = BACK

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """The form; an edit that moves the figures is shown before it is saved."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except Unconfirmed as edit:
            return self._ask(request, edit.context)

    def save_model(self, request: HttpRequest, obj: models.Model, form: Any, change: bool) -> None:  # noqa: FBT001
        """Save the row, having looked at the plan as it was."""
        number = PlanVersion.objects.lock().number
        form.before = None if _has_confirmed(request, number) else self._look(request, obj, number)
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001
        """Save the parts. Raises Unconfirmed when all together moves the figures and is not confirmed yet."""
        super().save_related(request, form, formsets, change)
        if form.before is None:
            return
        plan, wave_ids = read_plan()
        if not is_same(form.before.plan, plan):
            self._take_back(request, form, plan, wave_ids)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The deletion, with what it does to the figures."""
        row = self.get_object(request, unquote(object_id)) if request.method == "GET" else None
        if row is not None and self.has_delete_permission(request, row):
            extra_context = {"impact": _impact_of_deletion(row), **(extra_context or {})}
        return super().delete_view(request, object_id, extra_context)

    def _look(self, request: HttpRequest, row: models.Model, number: int) -> Before:
        catch_up(PlanVersion.objects.lock(), timezone.now())
        kinds = [type(row), *(model for model, _ in self.parts(request, row))]
        consequences = Consequences(waves_of(row), timezone.now())
        return Before(number, read_plan()[0], newest_versions(kinds), consequences)

    def _take_back(self, request: HttpRequest, form: Any, plan: Plan, wave_ids: IntArray) -> NoReturn:
        row, before = form.instance, form.before
        raise Unconfirmed(
            {
                "object": str(row),
                "number": before.number,
                "entries": Timeline(row, self.parts(request, row), before.versions)[:],
                "reason": form.cleaned_data["reason"],
                "impact": Impact.of(before.plan, plan, timezone.localdate()),
                "warnings": before.consequences.warnings(waves_of(row), planned_users(plan, wave_ids)),
                "mails": before.consequences.mails(
                    waves_of(row), with_addresses=request.user.has_perm("rollout.view_reminder")
                ),
            }
        )

    def _ask(self, request: HttpRequest, found: dict[str, Any]) -> TemplateResponse:
        context = {
            **self.admin_site.each_context(request),
            **found,
            "title": gettext("変更の確認: {found}").format(found=found["object"]),
            "opts": self.opts,
            "is_popup": IS_POPUP_VAR in request.POST,
            "moved_on": CONFIRMED in request.POST,
            "carried": [
                (name, value)
                for name, values in request.POST.lists()
                if name not in NOT_CARRIED
                for value in values
            ],
        }
        return TemplateResponse(request, "admin/plan_confirmation.html", context)


def _has_confirmed(request: HttpRequest, number: int) -> bool:
    """True when the person has seen what the edit does to the plan as it stands."""
    return request.POST.get(CONFIRMED) == str(number)


def _impact_of_deletion(row: models.Model) -> Impact | None:
    """What deleting the row does to the figures; None where it may not be deleted or moves nothing."""
    before = read_plan()[0]
    try:
        with tried():
            actions.delete_row(row=row, actor=None, reason="")
            after = read_plan()[0]
    except (ValidationError, ProtectedError):
        return None
    return None if is_same(before, after) else Impact.of(before, after, timezone.localdate())
