"""What all pages of the admin share: edits go through actions, say why, and can be looked up later."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import Fieldset
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import PAGE_VAR
from django.contrib.admin.widgets import AdminTextInputWidget, RelatedFieldWidgetWrapper
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import models, transaction
from django.db.models import QuerySet
from django.forms import BaseInlineFormSet, ModelChoiceField, ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ministries.liaison import is_limited
from rollout import actions
from rollout.admin.forms import (
    EVIDENCE,
    REASON_CODE,
    REASON_MISSING,
    PartFormSet,
    ReasonForm,
    RowForm,
    reopened,
    source_field,
)
from rollout.admin.locking import CLASHES, SEEN, find_clash, seen_versions, typed_fields, written
from rollout.admin.restoring import RESTORE, Restored, filled_in, restored, tell_restored
from rollout.models import PlanVersion, Source
from rollout.models.fields import FuzzyDateField
from rollout.models.visible import visible
from rollout.versions import Part, Timeline, compared

if TYPE_CHECKING:
    StockAdmin = admin.ModelAdmin[Any]
    StockTabular = admin.TabularInline[Any, Any]
    StockStacked = admin.StackedInline[Any, Any]
    AnyForm = ModelForm[Any]
    AnyFormSet = BaseInlineFormSet[Any, Any, Any]
else:
    StockAdmin, StockTabular, StockStacked = admin.ModelAdmin, admin.TabularInline, admin.StackedInline
    AnyForm, AnyFormSet = ModelForm, BaseInlineFormSet

HISTORY_PAGE = 100
ERA_TEXT: Any = {FuzzyDateField: {"widget": AdminTextInputWidget}}
DELETION_REASON_MISSING = _("削除するときは、変更理由を書いてください。まだ何も削除していません。")
CHANGED_MEANWHILE = _(
    "この画面を開いたあとに、ほかの人がこの内容を変更しました。まだ何も削除していません。"
    "いまの内容と履歴を見て、よければもう一度削除してください。"
)
DELETED_IN_LIST = "一覧からまとめて削除"


@contextmanager
def writing(request: HttpRequest) -> Iterator[None]:
    """One writer at a time, from the first check to the last row, so that what a form found still holds."""
    if request.method != "POST":
        yield
        return
    with transaction.atomic():
        PlanVersion.objects.lock()
        yield


class SafeChoices:
    """Fields that choose a row: one that the person may see; it is never changed or deleted on the way."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The field as Django makes it, without the links that reach into other rows."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        if isinstance(field, ModelChoiceField) and (rows := field.queryset) is not None:
            field.queryset = rows.filter(visible(rows.model, request.user))
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget.can_change_related = field.widget.can_delete_related = False
        return field


class ScopedAdmin(StockAdmin):
    """A model of which each person finds the rows that they may see: in lists, choices, pages and exports."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Those."""
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.filter(visible(self.model, request.user))


def reaches_all(request: HttpRequest) -> bool:
    """True for who may use what changes many rows at once: it does not ask whose each of them is."""
    return not is_limited(request.user)


class RecordedAdmin(ScopedAdmin):
    """A model whose history can be looked up: every version of a row and of the parts it is edited with."""

    object_history_template = "admin/plan_history.html"

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Who changed what, when and why. To be read only: nothing is edited or taken back from here."""
        row = self.get_object(request, unquote(object_id))
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined, no-any-return]
        if not self.has_view_or_change_permission(request, row):
            raise PermissionDenied
        paginator: Paginator[Any] = Paginator(Timeline(row, self.parts(request, row)), HISTORY_PAGE)  # type: ignore[arg-type]
        page = paginator.get_page(request.GET.get(PAGE_VAR, 1))
        may_restore = self.has_change_permission(request, row)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("変更履歴: {row}").format(row=row),
            "page": page,
            "page_range": paginator.get_elided_page_range(page.number),
            "page_var": PAGE_VAR,
            "module_name": self.opts.verbose_name_plural,
            "object": row,
            "opts": self.opts,
            "compared": compared(request, row),
            "restore": self._restore_url(row) if may_restore else "",
        }
        return TemplateResponse(request, self.object_history_template, {**context, **(extra_context or {})})

    def _restore_url(self, row: models.Model) -> str:
        page = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk])
        return f"{page}?{RESTORE}="

    def parts(self, request: HttpRequest, row: models.Model) -> list[Part]:
        """The parts that this person may see, with the column that names the row."""
        inlines = self.get_inline_instances(request, row)
        keys: list[Any] = [inline.get_formset(request, row).fk for inline in inlines]
        return [(inline.model, key.attname) for inline, key in zip(inlines, keys, strict=True)]


class LockedAdmin(RecordedAdmin):
    """A model whose rows two people may edit at once: the second sees what the first has changed."""

    reopened_by = ""
    """The button that shows the form again as it was sent, without saving it."""

    def get_form(
        self,
        request: HttpRequest,
        obj: models.Model | None = None,
        change: bool = False,  # noqa: FBT001, FBT002 (Django's signature)
        **kwargs: Any,
    ) -> Any:
        """The form, or one that is shown again and not saved."""
        form = super().get_form(request, obj, change=change, **kwargs)
        if obj and (found := self._restored(request, obj.pk)):
            return filled_in(form, found.values)
        again = {self.reopened_by, CLASHES} & set(request.POST)
        return reopened(form) if again else form

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """What a deleted row had, where the address names one."""
        found = self._restored(request)
        return {**super().get_changeform_initial_data(request), **(found.values if found else {})}

    def _restored(self, request: HttpRequest, key: Any = None) -> Restored | None:
        """The version that goes into the form; for who may see such rows, deleted ones too."""
        may = self.has_view_permission(request) and (key is not None or not is_limited(request.user))
        return restored(request, self.model, key) if may else None

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """The form, checked and saved under one lock, unless the row has changed since it was opened."""
        with writing(request):
            key = row_number(unquote(object_id)) if object_id else 0
            row = self.get_object(request, str(key)) if key else None
            seeks_deleted = row is None and request.method == "POST" and not is_limited(request.user)
            if seeks_deleted and (deleted := self._deleted(key)):
                return self._gone(request, deleted)
            if (row or not key) and (found := self._restored(request, key or None)):
                tell_restored(request, found, has_parts=bool(self.inlines))
            context = {**(extra_context or {}), **(self._locked(request, row) if row else {})}
            return super().changeform_view(request, object_id, form_url, context)

    def _deleted(self, key: int) -> Any:
        """The version that the deletion of a row has left."""
        versions: Any = self.model.history.filter(**{self.opts.pk.attname: key}, history_type="-")
        return versions.first()

    def _gone(self, request: HttpRequest, deleted: Any) -> HttpResponse:
        """What was typed into the form of a row that somebody has deleted meanwhile."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("削除済み: {verbose_name}").format(verbose_name=self.opts.verbose_name),
            "opts": self.opts,
            "deleted": deleted,
            "typed": typed_fields(self.get_form(request, None, change=False)(request.POST)),
        }
        return TemplateResponse(request, "admin/plan_gone.html", context)

    def _locked(self, request: HttpRequest, row: models.Model) -> dict[str, Any]:
        """What the form carries, read before the row is; and what stands in the way of saving it."""
        parts = self.parts(request, row)
        found: dict[str, Any] = {"seen": written(seen_versions(type(row), row.pk, parts))}
        sends = request.method == "POST" and self.has_change_permission(request, row)
        if sends and (clash := find_clash(self, request, row, parts)):
            found["clash"] = clash
            request.POST = clash.post  # type: ignore[assignment]
        return found


class PlanAdmin(SafeChoices, LockedAdmin):
    """A model of the plan: every edit is an action, with the person and the reason in its history."""

    form = ReasonForm
    formfield_overrides = ERA_TEXT
    list_per_page = 100
    save_on_top = False
    change_form_template = "admin/plan_change_form.html"
    delete_confirmation_template = "admin/plan_delete_confirmation.html"

    def get_fields(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        """All but the reason, which stands above the buttons, below whatever it is the reason of."""
        return [name for name in super().get_fields(request, obj) if name != "reason"]

    def get_form(
        self,
        request: HttpRequest,
        obj: models.Model | None = None,
        change: bool = False,  # noqa: FBT001, FBT002 (Django's signature)
        **kwargs: Any,
    ) -> Any:
        """The form; where it asks on what the change rests, this person may register a source on the way."""
        form = super().get_form(request, obj, change=change, **kwargs)
        if EVIDENCE[0] in form.base_fields:
            can_add = self.admin_site.get_model_admin(Source).has_add_permission(request)
            form.base_fields[EVIDENCE[0]] = source_field(can_add=can_add)
        return form

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The deletion of what was looked at, checked and done under one lock; it says why."""
        if request.method == "POST" and not request.POST.get("reason", "").strip():
            messages.error(request, DELETION_REASON_MISSING)
            return HttpResponseRedirect(request.get_full_path())
        with writing(request):
            row = self.get_object(request, unquote(object_id))
            seen = written(seen_versions(type(row), row.pk, self.parts(request, row))) if row else ""
            if request.method == "POST" and request.POST.get(SEEN, seen) != seen:
                messages.error(request, CHANGED_MEANWHILE)
                return HttpResponseRedirect(request.get_full_path())
            return super().delete_view(request, object_id, {**(extra_context or {}), "seen": seen})

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """The list; what is chosen from it is done under one lock."""
        with writing(request):
            return super().changelist_view(request, extra_context)

    def save_model(self, request: HttpRequest, obj: models.Model, form: Any, change: bool) -> None:  # noqa: FBT001
        """Save a row that is new or has changed; one that has not gets no new version."""
        if not change or form.changed_columns:
            _save(obj, form, request)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:  # noqa: FBT001
        """Save each changed row once, in an order that keeps the constraints between rows on the way."""
        signature: dict[str, Any] = {"actor": _actor(request), "reason": form.cleaned_data["reason"]}
        rows = formset.save(commit=False)
        if formset.delete_first:
            _delete_rows(formset.deleted_objects, signature)
        for row in sorted(rows, key=lambda row: bool(getattr(row, "adopted", False))):
            _save(row, form, request)
        if not formset.delete_first:
            _delete_rows(formset.deleted_objects, signature)

    def delete_model(self, request: HttpRequest, obj: models.Model) -> None:
        """Delete one row."""
        actions.delete_row(
            row=obj, actor=_actor(request), reason=request.POST.get("reason", "").strip()[:500]
        )

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        """Delete the chosen rows."""
        _delete_rows(queryset, {"actor": _actor(request), "reason": DELETED_IN_LIST})

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        """Put the reason above the buttons; say there, too, when waves above ask for it."""
        form = context["adminform"].form
        obj = kwargs.get("obj")
        permitted = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        if permitted:
            formsets = [inline.formset for inline in context["inline_admin_formsets"]]
            if any(_asks_for_reason(formset) for formset in formsets) and not form.has_error("reason"):
                form.add_error("reason", REASON_MISSING)
            fields = [name for name in ("reason", *EVIDENCE) if name in form.fields]
            context["reason_fieldset"] = Fieldset(form, fields=fields, model_admin=self)
        return super().render_change_form(request, context, *args, **kwargs)


class Parts(SafeChoices):
    """Rows edited inside another: a class to mix into an inline."""

    form: Any = RowForm
    formset: Any = PartFormSet
    formfield_overrides: Any = ERA_TEXT
    extra = 0
    delete_first = True

    def get_formset(self, request: HttpRequest, obj: models.Model | None = None, **kwargs: Any) -> Any:
        """The formset, knowing in which order it is to be saved."""
        formset = super().get_formset(request, obj, **kwargs)  # type: ignore[misc]
        formset.delete_first = self.delete_first
        return formset


class PartTable(Parts, StockTabular):
    """The same as a table."""

    template = "admin/part_table.html"


class FrozenAdmin(ScopedAdmin):
    """Rows that the product writes and people read."""

    list_per_page = 100
    change_form_template = "admin/frozen_change_form.html"

    def row_title(self, row: Any) -> str:
        """What the row's page is called."""
        return str(row)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        """The page under the row's title."""
        context["subtitle"] = self.row_title(kwargs["obj"])
        return super().render_change_form(request, context, *args, **kwargs)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds one."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Nobody changes one."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Nobody deletes one."""
        return False


def row_number(text: str) -> int:
    """The number of a row as an address names it; 0, which no row has, for whatever is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _actor(request: HttpRequest) -> actions.Actor:
    return request.user if request.user.is_authenticated else None


def _save(row: models.Model, form: Any, request: HttpRequest) -> None:
    """Save one row; what the form's change rests on goes with the rows that a source can speak of."""
    evidence = form.evidence if actions.cited_subjects(row) else None
    reason = form.cleaned_data["reason"]
    actions.save_row(row=row, actor=_actor(request), reason=reason, evidence=evidence)


def _delete_rows(rows: Iterable[models.Model], signature: dict[str, Any]) -> None:
    for row in rows:
        actions.delete_row(row=row, **signature)


def _asks_for_reason(formset: Any) -> bool:
    return any(error.code == REASON_CODE for error in formset.non_form_errors().as_data())
