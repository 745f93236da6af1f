"""The page that changes many waves in one go: chosen in the list, asked what and why, shown, then done."""

from collections.abc import Iterator, Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextInputWidget
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Q, QuerySet
from django.forms import BoundField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rollout import bulk
from rollout.admin.base import _actor, reaches_all, row_number, writing
from rollout.admin.confirmation import BACK, ConfirmedAdmin
from rollout.admin.trying import SeenForm, do_or_show, try_on_figures
from rollout.calendar_warnings import planned_users
from rollout.consequences import Consequences
from rollout.domain.dates import FuzzyDate, Precision
from rollout.domain.plan import Status
from rollout.merging import named
from rollout.models import Cohort, Wave
from rollout.models.fields import FuzzyDateFormField
from rollout.models.labels import STATUS_LABELS
from rollout.reader import read_plan

LISTED = 50
"""Rows that a person still reads; the rest is counted."""
CHOSEN = "waves"
NOTHING_CHOSEN = _("まとめて変更する移行単位を、一覧で選んでください。")
MOST_MONTHS = 120
DAY_NEEDED = _("実際に利用を始めた日を「R8.6.15」のように日まで入力してください。")
USE_IS_CONFIRMED = _("「利用中」にするには、上の「利用開始確認」で実際の開始日を入力します。")
STATUSES = [(key, label) for key, label in STATUS_LABELS.items() if key != Status.IN_USE]


class BulkForm(SeenForm):
    """What is done to the chosen waves, and why."""

    waves = forms.CharField(widget=forms.HiddenInput)
    what = forms.ChoiceField(
        label=_("変更の内容"),
        choices=[
            ("months", _("切替を、月数だけずらす")),
            ("cutover", _("切替を、同じ時期に変える")),
            ("confirm", _("日程確認（いまの予定のままでよいことを、今日の日付で記録する）")),
            ("day", _("利用開始確認（「利用中」にし、実際の開始日を入れる）")),
            ("status", _("状態を変える")),
            ("cohort", _("導入区分を変える（移行単位の導入案件ごと）")),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": _("変更の内容を1つ選んでください。")},
    )
    months = forms.IntegerField(
        label=_("月数"),
        required=False,
        min_value=-MOST_MONTHS,
        max_value=MOST_MONTHS,
        help_text=_("延期は3、前倒しは-3のように。年度や四半期の予定は、その長さの単位でずらします。"),
    )
    cutover = FuzzyDateFormField(
        label=_("新しい切替"),
        widget=AdminTextInputWidget,
        help_text=_("R8.6、R8.6~、令和8年度上期、2026-06-15、検討中 のように入力します。"),
    )
    day = FuzzyDateFormField(
        label=_("利用開始日"),
        widget=AdminTextInputWidget,
        help_text=_("R8.6.15 のように、日まで入力します。"),
    )
    status = forms.ChoiceField(
        label=_("新しい状態"),
        required=False,
        choices=[("", "---------"), *STATUSES],
        help_text=USE_IS_CONFIRMED,
    )
    cohort = forms.ModelChoiceField(
        label=_("新しい導入区分"), required=False, queryset=Cohort.objects.all(), empty_label="---------"
    )

    def choices(self) -> Iterator[tuple[Any, BoundField | None]]:
        """Each choice with the field that belongs to it, if any."""
        for radio in self["what"]:
            name = radio.data["value"]
            yield radio, self[name] if name in self.fields else None

    def clean_waves(self) -> list[int]:
        """The numbers of the chosen waves."""
        return [row_number(key) for key in self.cleaned_data["waves"].split(",")]

    def clean_day(self) -> FuzzyDate:
        """A day, where it is asked for."""
        day: FuzzyDate = self.cleaned_data["day"]
        if self.cleaned_data.get("what") == "day" and day.precision is not Precision.DAY:
            raise ValidationError(DAY_NEEDED)
        return day

    def clean(self) -> dict[str, Any]:
        """Ask for what belongs to the choice; months by none would move nothing."""
        values = super().clean() or self.cleaned_data
        what = values.get("what", "")
        value = values.get(what)
        empty = not value.text if isinstance(value, FuzzyDate) else not value
        if what in self.fields and what not in self.errors and empty:
            self.add_error(
                what, gettext("「{label}」を入力してください。").format(label=self.fields[what].label)
            )
        return values

    @property
    def change(self) -> bulk.Change:
        """What the valid form says."""
        what = self.cleaned_data["what"]
        value = self.cleaned_data.get(what)
        changes: dict[str, Any] = {
            "months": bulk.MoveByMonths,
            "cutover": bulk.MoveTo,
            "day": bulk.ConfirmUse,
            "status": bulk.SetStatus,
            "cohort": bulk.AssignCohort,
        }
        change: bulk.Change = changes[what](value) if what in changes else bulk.ConfirmCutover()
        return change


class BulkAdmin(ConfirmedAdmin):
    """Waves that can be changed many at a time from their list."""

    @admin.action(description=_("選んだ移行単位をまとめて変更…"), permissions=["change"])
    def change_chosen(self, request: HttpRequest, queryset: QuerySet[Wave]) -> HttpResponse:
        """The page that asks what is to be done, and why."""
        rows = queryset.order_by("pk").values_list("pk", flat=True)
        keys = [str(key) for key in rows[: bulk.MOST_WAVES + 1]]
        return self._page(request, BulkForm(initial={CHOSEN: ",".join(keys)}), keys, {})

    def get_urls(self) -> list[URLPattern]:
        """With the page that changes many."""
        view = self.admin_site.admin_view(self.bulk_view)
        return [path("bulk/", view, name="rollout_wave_bulk"), *super().get_urls()]

    def bulk_view(self, request: HttpRequest) -> HttpResponse:
        """The question; then what it does; then the change itself."""
        if not (self.has_change_permission(request) and reaches_all(request)):
            raise PermissionDenied
        with writing(request):
            form = BulkForm(request.POST)
            found: dict[str, Any] = {}
            if form.is_valid() and BACK not in request.POST:
                found = self._done_or_shown(request, form)
            if changed := found.get("done"):
                messages.success(request, gettext("{count}件を変更しました。").format(count=len(changed)))
                return HttpResponseRedirect(reverse("admin:rollout_wave_changelist"))
            return self._page(request, form, request.POST.get(CHOSEN, "").split(","), found)

    def _done_or_shown(self, request: HttpRequest, form: BulkForm) -> dict[str, Any]:
        keys: list[int] = form.cleaned_data[CHOSEN]
        change = {
            "waves": keys,
            "change": form.change,
            "actor": _actor(request),
            "reason": form.cleaned_data["reason"],
        }
        with_addresses = request.user.has_perm("rollout.view_reminder")
        return do_or_show(
            form, lambda: bulk.change_waves(**change), lambda: _shown(change, with_addresses=with_addresses)
        )

    def _page(
        self, request: HttpRequest, form: BulkForm, keys: Sequence[str], found: dict[str, Any]
    ) -> HttpResponse:
        try:
            waves = bulk.read_waves([row_number(key) for key in keys if key])
        except ValidationError as error:
            return self._sent_back(request, error.messages)
        if not waves:
            return self._sent_back(request, [str(NOTHING_CHOSEN)])
        described = [_described(wave) for wave in waves]
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("まとめて変更（{count:,}件）").format(count=len(waves)),
            "waves": described[:LISTED],
            "more": len(described[LISTED:]),
            "form": form,
            "opts": self.opts,
            **found,
        }
        return TemplateResponse(request, "admin/wave_bulk.html", context).render()

    def _sent_back(self, request: HttpRequest, texts: Sequence[str]) -> HttpResponse:
        for text in texts:
            messages.error(request, text)
        return HttpResponseRedirect(reverse("admin:rollout_wave_changelist"))


def _shown(change: dict[str, Any], *, with_addresses: bool) -> dict[str, Any]:
    """What the change does to each wave, to the figures, to mails, and what the calendar says."""
    waves = Q(pk__in=change["waves"])
    consequences = Consequences(waves, timezone.now())

    def act() -> dict[str, Any]:
        changed = bulk.change_waves(**change)
        warnings = consequences.warnings(waves, planned_users(*read_plan())) or []
        return {
            "changed": changed[:LISTED],
            "more_changed": len(changed[LISTED:]),
            "total": len(changed),
            "warnings": warnings[:LISTED],
            "more_warnings": len(warnings[LISTED:]),
            "mails": consequences.mails(waves, with_addresses=with_addresses),
        }

    found, impact = try_on_figures(act)
    return {**found, "impact": impact}


def _described(wave: Wave) -> str:
    return gettext("{named}：切替 {cutover_text}、{status}").format(
        named=named(wave), cutover_text=bulk.cutover_text(wave), status=STATUS_LABELS[wave.status]
    )
