"""The page that puts a new budget document into force: its source, cohorts, totals and members in one go."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rollout import documents
from rollout.admin.base import _actor, reaches_all, writing
from rollout.admin.confirmation import BACK, NOT_CARRIED, ConfirmedAdmin
from rollout.admin.forms import AnyForm
from rollout.admin.trying import SeenForm, do_or_show, try_on_figures
from rollout.history import newest_versions
from rollout.models import Baseline, Cohort, Rollout, Source, Target
from rollout.models.fields import FuzzyDateFormField
from rollout.models.frame import USER_VALIDATORS
from rollout.versions import Timeline

LISTED = 50
"""Changed rows that a person still reads one by one; the rest is counted."""
EXTRA = 2
RIGHTS = (
    *("rollout.add_cohort", "rollout.change_cohort", "rollout.delete_cohort", "rollout.change_rollout"),
    *("rollout.add_source", "rollout.add_baseline", "rollout.change_target"),
)
SOURCE_NEEDED = _("登録済みの出典を選ぶか、新しい出典の題名・発行者・公表日・コードを入力してください。")
ONE_SOURCE = _("登録済みの出典を選んだときは、新しい出典の欄を空にしてください。")
SOURCE_COLUMNS = {
    "title": "title",
    "publisher": "publisher",
    "published_on": "published_on",
    "code": "source_code",
}
BASELINE_COLUMNS = {"label": "baseline_label", "code": "baseline_code"}
"""The columns of a new row, and the fields of the form that they are typed into."""


class EntryForm(AnyForm):
    """One cohort as the document has it."""

    inside_code = forms.CharField(
        label=_("上位の区分のコード"),
        required=False,
        max_length=60,
        widget=AdminTextInputWidget,
        help_text=_("ほかの区分の一部なら、その区分のコード。"),
    )
    members = forms.CharField(
        label=_("構成する導入案件"),
        required=False,
        widget=AdminTextareaWidget(attrs={"rows": 8}),
        help_text=_(
            "資料の順に、1行に1つ。行の先頭がコードです。別の区分に移すときは、行を切り取って貼り付けます。"
        ),
    )

    class Meta:
        model = Cohort
        fields = (
            *("label", "code", "order", "published_users", "approximate", "rounding_unit", "reading"),
            *("undecided_note", "fiscal_year", "published_multiple", "text_in_source"),
        )
        widgets = dict.fromkeys(("label", "code", "undecided_note", "text_in_source"), AdminTextInputWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].disabled = self.instance.pk is not None

    def _get_validation_exclusions(self) -> set[str]:
        """Leave what cohorts may have only once to the document as a whole: they may change places."""
        return super()._get_validation_exclusions() | {"code", "order", "fiscal_year"}

    @property
    def entry(self) -> documents.Entry:
        """What the valid form says."""
        lines = self.cleaned_data["members"].splitlines()
        codes = [line.split()[0] for line in lines if line.strip()]
        return documents.Entry(self.instance, self.cleaned_data["inside_code"].strip(), codes)


class DocumentForm(SeenForm):
    """The document itself, the plan before it, and why."""

    source = forms.ModelChoiceField(
        label=_("登録済みの出典"),
        queryset=Source.objects.order_by("-pk"),
        required=False,
        empty_label=_("（新しい出典）"),
    )
    title = forms.CharField(label=_("題名"), required=False, max_length=300, widget=AdminTextInputWidget)
    publisher = forms.CharField(
        label=_("発行者"), required=False, max_length=100, widget=AdminTextInputWidget
    )
    published_on = FuzzyDateFormField(
        label=_("公表日"), widget=AdminTextInputWidget, help_text=_("R8.8.31、R8.8 のように。")
    )
    source_code = forms.SlugField(
        label=_("出典のコード"),
        required=False,
        max_length=60,
        widget=AdminTextInputWidget,
        help_text=_("例: budget-r9"),
    )
    target_users = forms.IntegerField(
        label=_("最終目標（人数）"),
        required=False,
        min_value=1,
        validators=USER_VALIDATORS,
        help_text=_("資料が別の目標を示すときに書き換えます。空欄ならいまのままです。"),
    )
    baseline_label = forms.CharField(
        label=_("これまでの計画を残す名前"),
        max_length=100,
        widget=AdminTextInputWidget,
        help_text=_("基準計画として残し、いつでも見比べられます。例: R8予算資料による計画"),
    )
    baseline_code = forms.SlugField(
        label=_("基準計画のコード"),
        max_length=60,
        widget=AdminTextInputWidget,
        help_text=_("例: before-budget-r9"),
    )

    def clean(self) -> dict[str, Any]:
        """Exactly one source; a baseline of a new name."""
        values = super().clean() or self.cleaned_data
        typed = [values.get(name) for name in SOURCE_COLUMNS.values()]
        filled = [bool(getattr(value, "text", value)) for value in typed]
        if values.get("source") and any(filled):
            self.add_error("source", ONE_SOURCE)
        elif not values.get("source") and not all(filled):
            self.add_error("source", SOURCE_NEEDED)
        if not self.errors:
            self._check(self.source_row, SOURCE_COLUMNS)
            self._check(self.baseline, BASELINE_COLUMNS)
        return values

    def _check(self, row: models.Model, columns: dict[str, str]) -> None:
        """Say beside its field what a new row may not have."""
        if row.pk is not None:
            return
        try:
            row.full_clean(exclude=["moment"])
        except ValidationError as error:
            for name, texts in error.message_dict.items():
                self.add_error(columns.get(name), texts)

    @property
    def source_row(self) -> Source:
        """The registered source, or the new one."""
        chosen: Source | None = self.cleaned_data["source"]
        columns = {column: self.cleaned_data[name] for column, name in SOURCE_COLUMNS.items()}
        return chosen or Source(kind=Source.Kind.PRIMARY.value, **columns)

    @property
    def baseline(self) -> Baseline:
        """The plan before the document, yet to be kept."""
        return Baseline(label=self.cleaned_data["baseline_label"], code=self.cleaned_data["baseline_code"])


EntryFormSet = forms.modelformset_factory(Cohort, form=EntryForm, extra=EXTRA, can_delete=True)


class DocumentAdmin(ConfirmedAdmin):
    """Cohorts that a new document replaces together."""

    change_list_template = "admin/cohort_change_list.html"

    def get_urls(self) -> list[URLPattern]:
        """With the page of the new document."""
        view = self.admin_site.admin_view(self.document_view)
        return [path("document/", view, name="rollout_cohort_document"), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, with the way to the new document for who may put one into force."""
        context = {
            "may_replace": request.user.has_perms(RIGHTS) and reaches_all(request),
            **(extra_context or {}),
        }
        answer: HttpResponse = super().changelist_view(request, context)
        return answer

    def document_view(self, request: HttpRequest) -> HttpResponse:
        """The form; then what the document changes; then that itself."""
        if not (request.user.has_perms(RIGHTS) and reaches_all(request)):
            raise PermissionDenied
        with writing(request):
            form, entries = _forms(request)
            found: dict[str, Any] = {}
            # Both, so that the mistakes of both are shown at once.
            if all([form.is_valid(), entries.is_valid()]) and BACK not in request.POST:
                found = _done_or_shown(request, form, entries)
            if rows := found.get("done"):
                messages.success(
                    request,
                    gettext("「{source_row}」を計画に反映しました（{count}件の変更）。").format(
                        source_row=form.source_row, count=len(rows)
                    ),
                )
                return HttpResponseRedirect(reverse("admin:rollout_cohort_changelist"))
            context = {
                **self.admin_site.each_context(request),
                "title": gettext("新しい資料の反映"),
                "form": form,
                "entries": entries,
                "opts": self.opts,
                "carried": _carried(request),
                **found,
            }
            return TemplateResponse(request, "admin/cohort_document.html", context).render()


def _forms(request: HttpRequest) -> tuple[DocumentForm, Any]:
    """As sent, or as the plan stands."""
    cohorts = Cohort.objects.select_related("inside").order_by("order", "code")
    if request.method == "POST":
        return DocumentForm(request.POST), EntryFormSet(request.POST, queryset=cohorts, prefix="entries")
    target = Target.objects.filter(by=None).first()
    entries = EntryFormSet(queryset=cohorts, prefix="entries")
    members = _members()
    for form in entries.initial_forms:
        inside = form.instance.inside
        form.initial["inside_code"] = inside.code if inside else ""
        form.initial["members"] = "\n".join(members.get(form.instance.pk, ()))
    return DocumentForm(initial={"target_users": target.users if target else None}), entries


def _members() -> dict[int, list[str]]:
    """The members of each cohort, a line each, as the form shows them."""
    lines: dict[int, list[str]] = {}
    for rollout in Rollout.objects.select_related("lead_ministry").order_by("order", "code"):
        lines.setdefault(rollout.cohort_id, []).append(f"{rollout.code} {rollout.label}")
    return lines


def _done_or_shown(request: HttpRequest, form: DocumentForm, entries: Any) -> dict[str, Any]:
    kept = [each for each in entries.forms if each not in entries.deleted_forms and each.instance.code]

    def put() -> list[models.Model]:
        document = documents.Document(
            form.source_row, [each.entry for each in kept], form.cleaned_data["target_users"]
        )
        signature = {"actor": _actor(request), "reason": form.cleaned_data["reason"]}
        return documents.put_into_force(document=document, baseline=form.baseline, **signature)

    return do_or_show(form, put, lambda: _shown(put))


def _shown(put: Any) -> dict[str, Any]:
    """What it changes row by row, and what that does to the figures."""

    def act() -> dict[str, Any]:
        versions = newest_versions([Source, Cohort, Rollout, Target])
        rows = put()
        return {"left_out": [row for row in rows if row.pk is None], **_entries(rows, versions)}

    found, impact = try_on_figures(act)
    return {**found, "impact": impact}


def _entries(rows: Sequence[models.Model], versions: dict[type[models.Model], int]) -> dict[str, Any]:
    kept = [row for row in rows if row.pk is not None]
    entries = [entry for row in kept[:LISTED] for entry in Timeline(row, (), versions)[:]]
    return {"entries": entries[::-1], "more": len(kept[LISTED:])}


def _carried(request: HttpRequest) -> list[tuple[str, str]]:
    left = (*NOT_CARRIED, "seen_version")
    return [(name, value) for name, values in request.POST.lists() if name not in left for value in values]
