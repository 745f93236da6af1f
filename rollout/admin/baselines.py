"""Pages of the baselines: kept in one step, then only to be read."""

from datetime import datetime, time
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminSplitDateTime
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rollout import actions
from rollout.admin.base import AnyForm, FrozenAdmin, StockAdmin, writing
from rollout.models import Baseline

MOMENT_HELP = _(
    "比べる元にする時点です。空欄なら今（登録した時点）になります。"
    "時刻を空けると、その日の終わり（今日なら今）です。登録した後は変えられません。"
)
DAY_MISSING = _("時刻だけでは時点が決まりません。日付も入力するか、両方を空欄にしてください。")


class MomentWidget(AdminSplitDateTime):
    """A day and a time, each with a name of its own."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs)
        for widget, part in zip(self.widgets, (_("時点の日付"), _("時点の時刻")), strict=True):
            widget.attrs["aria-label"] = part


class MomentField(forms.SplitDateTimeField):
    """A moment, or None for now: a day without a time is its end, the unfinished day is now."""

    widget = MomentWidget

    def compress(self, data_list: Any) -> datetime | None:
        """The moment. Raises ValidationError for a time without a day."""
        day, at = data_list or (None, None)
        if not day and at:
            raise ValidationError(DAY_MISSING)
        if not day or (not at and day == timezone.localdate()):
            return None
        return datetime.combine(day, at or time.max, timezone.get_current_timezone())


class BaselineForm(AnyForm):
    """A new baseline; the moment is checked beside its field."""

    moment = MomentField(label=_("時点"), required=False, help_text=MOMENT_HELP)

    def clean_moment(self) -> datetime | None:
        """The moment that was entered. Raises ValidationError where the plan of then is not known."""
        moment: datetime | None = self.cleaned_data["moment"]
        try:
            actions.check_moment(moment or timezone.now())
        except ValidationError as error:
            raise ValidationError(error.messages) from error
        return moment


@admin.register(Baseline)
class BaselineAdmin(FrozenAdmin):
    """Named moments to compare the plan with. They can be added, and then only be read."""

    form = BaselineForm
    add_form_template = "admin/change_form.html"
    list_display = ("label", "moment_text", "created_by", "note", "comparison")
    search_fields = ("code", "label", "note")
    list_select_related = ("created_by",)
    fields = ("label", "code", "moment", "note")

    def row_title(self, row: Baseline | None) -> str:
        """Its name; nothing while it is being added."""
        return str(row) if row else ""

    def get_fields(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        """What is asked of a new one, and what is known of one that is kept."""
        if obj is None:
            return self.fields
        return ("label", "code", "moment_text", "note", "created_by", "created_at", "comparison")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A code that says the day and is free."""
        code = f"baseline-{timezone.localdate():%Y%m%d}"
        taken = set(Baseline.objects.filter(code__startswith=code).values_list("code", flat=True))
        codes = (f"{code}-{number}" if number > 1 else code for number in range(1, len(taken) + 2))
        return {"code": next(each for each in codes if each not in taken)}

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whoever may add baselines."""
        return StockAdmin.has_add_permission(self, request)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """The form, checked and saved under one lock, with one button."""
        one_button = {"show_save_and_add_another": False, "show_save_and_continue": False}
        with writing(request):
            return super().changeform_view(
                request, object_id, form_url, {**one_button, **(extra_context or {})}
            )

    def save_model(self, request: HttpRequest, obj: Baseline, form: Any, change: bool) -> None:  # noqa: FBT001
        """Keep it."""
        actions.save_baseline(row=obj, actor=request.user if request.user.is_authenticated else None)

    @admin.display(description=_("時点"), ordering="moment")
    def moment_text(self, baseline: Baseline) -> str:
        """To the second, in Tokyo."""
        return f"{timezone.localtime(baseline.moment):%Y-%m-%d %H:%M:%S}"

    @admin.display(description=_("比較"))
    def comparison(self, baseline: Baseline) -> SafeString:
        """A link to the page that puts the plan of then beside today's."""
        return format_html(
            gettext('<a href="{}?baseline={}">今の計画と比べる</a>'), reverse("comparison"), baseline.code
        )
