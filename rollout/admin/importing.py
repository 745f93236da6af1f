"""Pages that take a table in: sent, checked by a worker, looked at, and put into force or dropped."""

from tempfile import TemporaryFile
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rollout.admin.base import _actor, reaches_all
from rollout.admin.exporting import ExportingAdmin
from rollout.admin.trying import SeenForm
from rollout.importing import decisions, lifecycle
from rollout.importing.files import MOST_BYTES, MOST_ROWS
from rollout.importing.sheets import CLEAR
from rollout.importing.templates import write_template
from rollout.models import PlanImport

PAGE = 100
RECENT = 10
DISCARD = "_discard"


class UploadForm(forms.Form):
    """The file."""

    file = forms.FileField(
        label=_("ファイル"),
        help_text=format_lazy(
            _("Excelブック（.xlsx）かCSV。{most_rows:,}行、{value}MBまで。"),
            most_rows=MOST_ROWS,
            value=MOST_BYTES // 1024**2,
        ),
        error_messages={
            "required": _("取り込むファイルを選んでください。"),
            "empty": _("ファイルが空です。"),
        },
        widget=forms.FileInput(attrs={"accept": ".xlsx,.csv"}),
    )

    def clean_file(self) -> Any:
        """Of a kind and a size that is read."""
        file = self.cleaned_data["file"]
        if not file.name.lower().endswith((".xlsx", ".csv")):
            raise ValidationError(
                gettext("「{name}」は取り込めません。.xlsx か .csv のファイルを選んでください。").format(
                    name=file.name
                )
            )
        if file.size > MOST_BYTES:
            raise ValidationError(
                gettext("ファイルが大きすぎます（{value:.1f}MB）。{value2}MBまでです。").format(
                    value=file.size / 1024**2, value2=MOST_BYTES // 1024**2
                )
            )
        return file


class ImportingAdmin(ExportingAdmin):
    """A list that takes back the table that it gives."""

    import_kind: PlanImport.Kind

    def has_import_permission(self, request: HttpRequest) -> bool:
        """Who may change each row may change many."""
        return bool(self.has_change_permission(request)) and reaches_all(request)

    def get_urls(self) -> list[URLPattern]:
        """With the pages of imports."""
        view, name = self.admin_site.admin_view, f"{self.opts.app_label}_{self.opts.model_name}_import"
        return [
            path("import/", view(self.import_view), name=name),
            path("import/template.xlsx", view(self.import_template_view), name=f"{name}_template"),
            path("import/<int:key>/", view(self.import_one_view), name=f"{name}_one"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """The list, with the way to imports for who may."""
        context = {"may_import": self.has_import_permission(request), **(extra_context or {})}
        return super().changelist_view(request, context)

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Which file; and what became of the last ones."""
        self._check_permission(request)
        form = UploadForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            file = form.cleaned_data["file"]
            row = decisions.receive(
                kind=self.import_kind, file_name=file.name, data=file.read(), actor=_actor(request)
            )
            return HttpResponseRedirect(self._address(row.pk))
        recent = PlanImport.objects.filter(kind=self.import_kind).select_related("created_by")
        sheet = lifecycle.SHEETS[self.import_kind]
        context = {
            "title": gettext("{verbose_name_plural}の取り込み").format(
                verbose_name_plural=self.opts.verbose_name_plural
            ),
            "form": form,
            "editable": sheet.editable,
            "clear": CLEAR,
            "recent": [(row, self._address(row.pk)) for row in recent.defer("file", "found")[:RECENT]],
            "template": self._address_of("template"),
        }
        return self._import_page(request, "admin/table_import.html", context)

    def import_template_view(self, request: HttpRequest) -> HttpResponseBase:
        """The form to fill in."""
        self._check_permission(request)
        file = TemporaryFile()  # noqa: SIM115 (the answer closes it)
        write_template(file, lifecycle.SHEETS[self.import_kind])
        file.seek(0)
        name = f"{self.opts.model_name}-template-{timezone.localdate()}.xlsx"
        return FileResponse(file, as_attachment=True, filename=name)

    def import_one_view(self, request: HttpRequest, key: int) -> HttpResponse:
        """How far one is; what it does; the decision."""
        self._check_permission(request)
        row = PlanImport.objects.filter(pk=key, kind=self.import_kind).defer("file").first()
        if row is None:
            raise Http404
        form = SeenForm(initial={"seen_version": row.seen_version, "reason": row.reason})
        if request.method == "POST":
            form = SeenForm(request.POST)
            if self._decided(request, form, row):
                return HttpResponseRedirect(self._address(key))
            row.refresh_from_db()
        found = row.found
        context = {
            "title": gettext("取り込み: {file_name}").format(file_name=row.file_name),
            "row": row,
            "found": found,
            "form": form,
            "progress": gettext("{rows_total:,}行のうち{rows_done:,}行").format(
                rows_total=row.rows_total, rows_done=row.rows_done
            ),
            "counted": _counted(found),
            "lines": f"{found.get('lines', 0):,}",
            "page": Paginator(found.get("differences") or [], PAGE).get_page(request.GET.get("p")),
            "again": self._address_of(),
        }
        return self._import_page(request, "admin/table_import_one.html", context)

    def _decided(self, request: HttpRequest, form: SeenForm, row: PlanImport) -> bool:
        """Whether what the person has decided is done; else the form says why not."""
        try:
            if DISCARD in request.POST:
                decisions.discard(key=row.pk)
                return True
            if not form.is_valid():
                return False
            decisions.confirm(key=row.pk, actor=_actor(request), **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
            return False
        return True

    def _check_permission(self, request: HttpRequest) -> None:
        if not self.has_import_permission(request):
            raise PermissionDenied

    def _address(self, key: int) -> str:
        return self._address_of("one", key)

    def _address_of(self, page: str = "", *args: Any) -> str:
        name = f"{self.opts.app_label}_{self.opts.model_name}_import{'_' if page else ''}{page}"
        return reverse(f"admin:{name}", args=args)

    def _import_page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> TemplateResponse:
        return TemplateResponse(
            request, template, {**self.admin_site.each_context(request), "opts": self.opts, **context}
        )


def _counted(found: dict[str, Any]) -> str:
    """How many rows it changes and adds, in words."""
    changed, new = found.get("changed", 0), found.get("new", 0)
    return gettext("変更{changed:,}件").format(changed=changed) + (
        gettext("、追加{new:,}件").format(new=new) if new else ""
    )
