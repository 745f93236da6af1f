"""Calendar warnings on the pages of rollouts and waves, and their acceptance."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from rollout import accepting
from rollout.admin.base import PlanAdmin, _actor, row_number, writing
from rollout.calendar_warnings import warnings_about
from rollout.consequences import stored_waves, waves_of
from rollout.models import Wave

ACCEPTED = _("注意を承認しました。理由とともに表示され続けます。切替を変えると、もう一度注意が出ます。")


class Warned(PlanAdmin):
    """A model whose page shows the calendar warnings about its waves, above the form."""

    change_form_template = "admin/warned_change_form.html"

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        """The page with the warnings about the rows as they are stored."""
        row = kwargs.get("obj")
        condition = waves_of(row) if row is not None else None
        if condition is not None:
            context["warnings"] = warnings_about(stored_waves(condition))
            context["may_accept"] = self.has_change_permission(request, row)
            if not context["may_accept"] and request.user.has_perm("rollout.add_scenario"):
                context["propose"] = "?".join(
                    [reverse("admin:rollout_scenario_add"), f"{self.opts.model_name}={context['object_id']}"]
                )
        return super().render_change_form(request, context, *args, **kwargs)


class AcceptingAdmin(Warned):
    """Waves, whose warnings are accepted one by one."""

    def get_urls(self) -> list[URLPattern]:
        """With the address at which a warning is accepted."""
        view = require_POST(self.admin_site.admin_view(self.accept_view))
        return [path("<str:key>/accept/", view, name="rollout_wave_accept"), *super().get_urls()]

    def accept_view(self, request: HttpRequest, key: str) -> HttpResponse:
        """Accept one warning with a reason, and go back to the wave."""
        wave: models.Model | None = self.get_object(request, str(row_number(key)))
        if not isinstance(wave, Wave):
            raise Http404
        if not self.has_change_permission(request, wave):
            raise PermissionDenied
        with writing(request):
            try:
                accepting.accept_warning(
                    wave=wave,
                    kind=request.POST.get("kind", ""),
                    subject=request.POST.get("subject", ""),
                    cutover_version=row_number(request.POST.get("cutover_version", "")),
                    actor=_actor(request),
                    reason=request.POST.get("reason", "")[:500],
                )
                messages.success(request, ACCEPTED)
            except ValidationError as error:
                messages.error(request, "".join(error.messages))
        return HttpResponseRedirect(reverse("admin:rollout_wave_change", args=[wave.pk]))
