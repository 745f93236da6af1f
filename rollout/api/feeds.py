"""Flat tables, for spreadsheets and for programs that load them whole: streamed, one row at a time.

People get what the admin exports: Japanese headings and labels, text that no spreadsheet takes for a formula,
and the mark by which Excel knows UTF-8. `headers=en` gives names and codes that never change, `raw=true` the
texts exactly as they are, `bom=false` no mark. JSON Lines are for machines alone.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from tempfile import TemporaryFile
from typing import Any

import orjson
from django.conf import settings
from django.db.models import Prefetch, prefetch_related_objects
from django.http import FileResponse, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from gss_tracker.keyset import CURSOR
from ministries.models import Ministry
from rollout.api.changes import START, ChangesQuery, Cursor, versions_since
from rollout.api.computed import ComputedView, ProjectionQuery, see
from rollout.api.conditional import NotModifiedError
from rollout.api.entries import entries
from rollout.api.expand import EXPAND
from rollout.api.files import MEDIA_TYPES, FileView
from rollout.api.parameters import ChoiceParameter, FlagParameter
from rollout.api.past import AsOfQuery
from rollout.api.plan import WaveViewSet
from rollout.api.schema import OBEYED
from rollout.api.sparse import FIELDS
from rollout.api.views import KnownParameters, WholePlan
from rollout.domain.plan import Basis
from rollout.domain.projection import Granularity, Point, period_label, period_text
from rollout.exports import WAVE_COLUMNS, WAVE_HEADINGS, WaveRecord, streamed, wave_record, wave_records
from rollout.models import Cohort, Rollout
from rollout.models.visible import sees_people
from rollout.tables import Row, csv_lines, write_workbook

MANY = 500
"""Rows that are made together."""
POINT_COLUMNS = ("period", "label", "fiscal_year", "added", "cumulative", "confirmed", "low", "high")
POINT_HEADINGS = ("期間", "表示", "年度", "増加", "累計（計画）", "累計（確認済み）", "下限", "上限")
CHANGE_COLUMNS = ("at", "kind", "id", "code", "change", "field", "before", "after", "by", "reason")
CHANGE_HEADINGS = (
    "日時",
    "種類",
    "番号",
    "コード",
    "操作",
    "項目",
    "変更前",
    "変更後",
    "変更した人",
    "変更理由",
)


class TableQuery(serializers.Serializer[Any]):
    """How a table is written."""

    headers = ChoiceParameter(
        ["ja", "en"],
        default="ja",
        help_text="`ja`: headings and labels for people; `en`: the names and codes of the API.",
    )
    raw = FlagParameter(
        help_text="`true`: texts as they are. Otherwise, in CSV, one that looks like a formula gets a `'`."
    )
    bom = ChoiceParameter(
        ["true", "false"],
        default="true",
        help_text="`false`: CSV without the mark by which Excel knows UTF-8.",
    )


class TableView(FileView):
    """A table in the form that `ending` names."""

    table = ""
    title = ""

    def table_parameters(self) -> Sequence[str]:
        """What this form obeys."""
        return OBEYED.get(self.ending, ())

    def table_query(self) -> dict[str, Any]:
        """How the table is to be written. Raises ValidationError by parameter."""
        query = TableQuery(data=self.request.query_params.dict())
        query.is_valid(raise_exception=True)
        return dict(query.validated_data)

    def answer(
        self, headings: Sequence[str], columns: Sequence[str], people: Any, machines: Any
    ) -> HttpResponseBase:
        """The file; `people` and `machines` make its rows for the one and for the other."""
        query = self.table_query()
        if self.request.headers.get("If-None-Match", "").strip() == "*":
            raise NotModifiedError  # before a file is opened that nobody would close
        is_for_people = query["headers"] == "ja" and self.ending != "jsonl"
        rows: Iterable[Row] = people() if is_for_people else machines()
        names = headings if is_for_people else columns
        if self.ending == "xlsx":
            return self._workbook(names, rows)
        made = self._json_lines(columns, rows) if self.ending == "jsonl" else self._csv(names, rows, query)
        answer = StreamingHttpResponse(made, content_type=f"{self.media_type}; charset=utf-8")
        answer.headers["Content-Disposition"] = f'attachment; filename="{self._file_name()}"'
        return answer

    def _csv(self, names: Sequence[str], rows: Iterable[Row], query: dict[str, Any]) -> Iterator[str]:
        return csv_lines(chain([names], rows), mark=query["bom"] == "true", raw=query["raw"])

    def _json_lines(self, columns: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
        objects = (dict(zip(columns, row, strict=True)) for row in rows)
        while some := list(islice(objects, MANY)):
            yield b"".join(orjson.dumps(each, option=orjson.OPT_APPEND_NEWLINE) for each in some)

    def _workbook(self, names: Sequence[str], rows: Iterable[Row]) -> HttpResponseBase:
        file = TemporaryFile()  # noqa: SIM115 (the answer closes it)
        write_workbook(file, self.title, names, rows)
        file.seek(0)
        return FileResponse(
            file, as_attachment=True, filename=self._file_name(), content_type=MEDIA_TYPES[self.ending]
        )

    def _file_name(self) -> str:
        day = timezone.localdate(getattr(self, "moment", None))
        return f"gss-{self.table}-{day}.{self.ending}"


class WaveTable(TableView, WaveViewSet):
    """All waves that the filters of `waves/` leave, in its order."""

    table, title = "waves", "移行単位"
    deprecation = None  # it outlives the list that it is like
    pagination_class = None

    def known_parameters(self) -> Sequence[str]:
        """As the list has them, without pages and fields."""
        left_out = (CURSOR, "page_size", FIELDS, EXPAND)
        return (
            *(name for name in super().known_parameters() if name not in left_out),
            *self.table_parameters(),
        )

    def relations(self) -> list["Prefetch[Any]"]:
        """What a record of the past says of its rollout."""
        kinds = {"rollout": Rollout, "rollout__lead_ministry": Ministry, "rollout__cohort": Cohort}
        return [Prefetch(path, self.rows(kind)) for path, kind in kinds.items()]

    @extend_schema(parameters=[AsOfQuery, TableQuery], responses=OpenApiTypes.BINARY, filters=True)
    def list(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:  # type: ignore[override]
        """All waves in one table.

        The filters, `search`, `ordering` and `as_of` of `waves/`; users as the projection has them.
        """
        waves = self.filter_queryset(self.get_queryset())
        records = wave_records if self.moment is None else self._past_records
        return self.answer(
            WAVE_HEADINGS,
            WAVE_COLUMNS,
            lambda: map(WaveRecord.for_people, records(waves)),
            lambda: map(WaveRecord.for_machines, records(waves)),
        )

    def _past_records(self, waves: Any) -> Iterator[WaveRecord]:
        """Each as it was known then. The rows of the past are joined by id: many at a time."""
        versions = streamed(waves, MANY)
        while some := [version.instance for version in islice(versions, MANY)]:
            prefetch_related_objects(some, *self.relations())
            for wave in some:
                yield wave_record(wave, self.counts.projection)


class CurveQuery(ProjectionQuery):
    """Parameters of the table of the projection: as of `projection/`, without chance."""

    risk = None  # type: ignore[assignment]


class ProjectionTable(TableView, ComputedView):
    """The points of the projection."""

    table, title = "projection", "見込み"
    query_class = CurveQuery

    def known_parameters(self) -> Sequence[str]:
        """Of both."""
        return (*super().known_parameters(), *self.table_parameters())

    @extend_schema(parameters=[CurveQuery, TableQuery], responses=OpenApiTypes.BINARY)
    def get(self, request: Request) -> HttpResponseBase:
        """Cumulative users by period in one table."""
        query = self.query(request)
        granularity = Granularity(query["granularity"])
        points = see(query, Basis(query["basis"])).curve.points(granularity)

        def rows() -> Iterator[Row]:
            return (_point_row(point, granularity) for point in points)

        return self.answer(POINT_HEADINGS, POINT_COLUMNS, rows, rows)


class ChangeTable(TableView, KnownParameters):
    """Every changed value, one a row."""

    table, title = "changes", "変更履歴"
    permission_classes = (WholePlan,)

    def check_condition(self, request: Request, *seen: object) -> None:
        """Always made anew where it names people, who may be called otherwise tomorrow."""
        if not sees_people(request.user):
            super().check_condition(request, *seen)

    def known_parameters(self) -> Sequence[str]:
        """From where on."""
        return ("since", *self.table_parameters())

    @extend_schema(parameters=[ChangesQuery, TableQuery], responses=OpenApiTypes.BINARY)
    def get(self, request: Request) -> HttpResponseBase:
        """Every value that was added, changed or deleted, one a row.

        Values as `changes/` has them, of periods the text and of other rows the code.
        """
        query = ChangesQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        start: Cursor = query.validated_data.get("since", START)
        show_people = sees_people(request.user)

        def rows() -> Iterator[Row]:
            return (row for entry in _entries(start, show_people=show_people) for row in _change_rows(entry))

        return self.answer(CHANGE_HEADINGS, CHANGE_COLUMNS, rows, rows)


class PowerBiView(FileView, KnownParameters):
    """A file that opens the table of the waves in Power BI Desktop."""

    ending = "pbids"

    @extend_schema(operation_id="export_waves_pbids", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> HttpResponseBase:
        """A data source file for Power BI Desktop: the waves, as `export/waves.csv?headers=en` has them.

        Power BI asks how to sign in when it is opened; the file holds no secret.
        """
        url = f"{settings.SITE_URL}{reverse('api:export-waves-csv')}?headers=en&raw=true&bom=false"
        details = {"protocol": "http", "address": {"url": url}, "authentication": None, "query": None}
        source = {"details": details, "options": {}, "mode": "Import"}
        answer = HttpResponse(
            orjson.dumps({"version": "0.1", "connections": [source]}), content_type=self.media_type
        )
        answer.headers["Content-Disposition"] = 'attachment; filename="gss-waves.pbids"'
        return answer


def _point_row(point: Point, granularity: Granularity) -> Row:
    period, label = period_text(point, granularity), period_label(point, granularity)
    users = (point.added, point.cumulative, point.confirmed, point.low, point.high)
    return (period, label, point.fiscal_year, *users)


def _entries(start: Cursor, *, show_people: bool) -> Iterator[dict[str, Any]]:
    while page := list(islice(versions_since(start, MANY), MANY)):
        yield from entries([version for _, version in page], show_people=show_people)
        start = {**start, **{name: version.history_id for name, version in page}}


def _change_rows(entry: dict[str, Any]) -> Iterator[Row]:
    head = (entry["at"], entry["kind"], entry["id"], entry["code"], entry["change"])
    tail = (entry["by"], entry["reason"])
    names = entry["before"] if entry["change"] == "changed" else entry["values"]
    for name in names or [""]:
        before = entry["before"].get(name) if entry["change"] != "deleted" else entry["values"].get(name)
        after = entry["values"].get(name) if entry["change"] != "deleted" else None
        yield (*head, name, _cell(before), _cell(after), *tail)


def _cell(value: Any) -> Any:
    if isinstance(value, dict):
        return value["text"] if "text" in value else value["code"]
    return str(value) if isinstance(value, float) else value
