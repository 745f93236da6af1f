"""What a list shows, as a table to take along: under its filters and in its order, as CSV or a workbook."""

from collections.abc import Iterator, Sequence
from itertools import chain
from tempfile import TemporaryFile
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from rollout.admin.base import ScopedAdmin
from rollout.models.labels import in_japanese
from rollout.tables import Row, csv_lines, write_workbook


class ExportingAdmin(ScopedAdmin):
    """A list that can be taken along as a table."""

    change_list_template = "admin/table_change_list.html"
    table_headings: Sequence[str] = ()

    def table_rows(self, rows: Any) -> Iterator[Row]:
        """The rows of the table, in order."""
        raise NotImplementedError

    def get_urls(self) -> list[URLPattern]:
        """With both tables."""
        view, name = self.admin_site.admin_view, f"{self.opts.app_label}_{self.opts.model_name}_export"
        return [
            path("export.csv", view(self.export_csv_view), name=f"{name}_csv"),
            path("export.xlsx", view(self.export_xlsx_view), name=f"{name}_xlsx"),
            *super().get_urls(),
        ]

    def export_csv_view(self, request: HttpRequest) -> HttpResponseBase:
        """CSV, streamed."""
        rows = self._listed(request)
        if rows is None:
            return self._refused()
        lines = csv_lines(chain([self.table_headings], self.table_rows(rows)))
        answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="{self._file_name("csv")}"'
        return answer

    def export_xlsx_view(self, request: HttpRequest) -> HttpResponseBase:
        """A workbook, written to a file of its own first."""
        rows = self._listed(request)
        if rows is None:
            return self._refused()
        file = TemporaryFile()  # noqa: SIM115 (the answer closes it)
        title = in_japanese(self.opts.verbose_name_plural)
        write_workbook(file, title, self.table_headings, self.table_rows(rows))
        file.seek(0)
        return FileResponse(file, as_attachment=True, filename=self._file_name("xlsx"))

    def _listed(self, request: HttpRequest) -> QuerySet[Any] | None:
        """What the list has under these filters; None for a filter that it does not offer."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        try:
            rows: QuerySet[Any] = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            return None
        return rows

    def _refused(self) -> HttpResponseBase:
        """Back to the list, which says so."""
        return HttpResponseRedirect(
            reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist") + "?e=1"
        )

    def _file_name(self, ending: str) -> str:
        return f"{self.opts.model_name}-{timezone.localdate()}.{ending}"
