"""The change log of the whole plan: who changed what, when and why, across all kinds of rows, newest first.

A page is found by where the last one ended, so that a log of any length costs the same; each kind of row is
asked for as many versions as a page has, and the newest of all are shown. A person sees the kinds that they
may view.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import chain
from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget
from django.contrib.auth import get_permission_codename
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import OuterRef, Q, Subquery
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ministries.models import Assignment, Contact, Ministry
from rollout.admin.base import StockAdmin
from rollout.admin.restoring import add_again_url
from rollout.history import DELETED, TRACKED_MODELS, cited
from rollout.models import Citation, Rollout, RolloutCoverage, Scenario, ScenarioChange, Wave
from rollout.models.fields import FuzzyDateFormField
from rollout.models.labels import each_in_japanese, in_japanese
from rollout.models.visible import visible
from rollout.tables import csv_lines
from rollout.versions import citation_of, entry_of, label_of

PAGE, BATCH = 50, 500
"""Versions on a page, and in one go of an export."""

LOGGED: tuple[type[models.Model], ...] = (*TRACKED_MODELS, Scenario, ScenarioChange, Assignment)
NAMED_BY: dict[type[models.Model], tuple[str, ...]] = {
    Rollout: ("lead_ministry",),
    RolloutCoverage: ("ministry",),
    Wave: ("rollout__lead_ministry",),
    Citation: ("source", "rollout__lead_ministry", "wave"),
    ScenarioChange: ("rollout__lead_ministry", "wave__rollout__lead_ministry"),
    Assignment: ("user", "ministry"),
}
"""What the names of rows are made of."""


def _joins(kind: type[models.Model]) -> list[str]:
    """Whatever the words about a version need: the rows that it chose, and what those are called by."""
    chosen = [field for field in kind._meta.concrete_fields if isinstance(field, models.ForeignKey)]
    deeper = [f"{field.name}__{join}" for field in chosen for join in NAMED_BY.get(field.related_model, ())]
    return [*(field.name for field in chosen), *deeper]


HEADINGS = (
    _("日時"),
    _("だれが"),
    _("種類"),
    _("対象"),
    _("操作"),
    _("項目"),
    _("変更前"),
    _("変更後"),
    _("変更理由"),
    _("出典"),
)


@dataclass(frozen=True, order=True)
class Place:
    """Where a page ended: the moment, the kind of row by its place in LOGGED, and the version's number."""

    moment: datetime
    kind: int
    number: int

    def __str__(self) -> str:
        return f"{self.moment.isoformat()}_{self.kind}_{self.number}"

    @classmethod
    def read(cls, text: str) -> "Place | None":
        """As an address has it; None for whatever is none."""
        try:
            moment, kind, number = text.split("_")
            return cls(datetime.fromisoformat(moment).astimezone(), int(kind), int(number))
        except (ValueError, OverflowError):
            return None


def view_right(kind: type[models.Model]) -> str:
    """The right to see rows of this kind, and so their versions."""
    return f"{kind._meta.app_label}.{get_permission_codename('view', kind._meta)}"


class LogForm(forms.Form):
    """Which part of the log."""

    since = FuzzyDateFormField(
        label=_("いつから"), widget=AdminTextInputWidget, help_text=_("R8.6、R8年度、2026-06-15 のように。")
    )
    until = FuzzyDateFormField(
        label=_("いつまで"), widget=AdminTextInputWidget, help_text=_("その期間の終わりまで。")
    )
    kind = forms.ChoiceField(label=_("種類"), required=False)
    ministry = forms.ModelChoiceField(
        label=_("府省庁"), queryset=Ministry.objects.all(), required=False, empty_label=_("すべて")
    )
    who = forms.CharField(label=_("だれが（ユーザー名）"), required=False, max_length=150)
    why = forms.CharField(label=_("変更理由に含む語"), required=False, max_length=100)

    def __init__(self, *args: Any, kinds: Iterable[type[models.Model]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._kinds = list(kinds)
        choices = [(kind._meta.model_name, kind._meta.verbose_name) for kind in self._kinds]
        self.fields["kind"] = forms.ChoiceField(
            label=gettext("種類"), required=False, choices=[("", gettext("すべて")), *choices]
        )

    @property
    def chosen(self) -> list[type[models.Model]]:
        """The kinds of rows that are asked for."""
        wanted = self.cleaned_data["kind"]
        return [kind for kind in self._kinds if wanted in ("", kind._meta.model_name)]


def _condition(values: dict[str, Any], kind: type[models.Model]) -> Q:
    """What a valid form asks of the versions of one kind."""
    said = {
        "history_user__username__icontains": values["who"],
        "history_change_reason__icontains": values["why"],
    }
    asked = Q(**{column: word for column, word in said.items() if word})
    concerned = _concerns(kind, values["ministry"]) if values["ministry"] else Q()
    return _within(values["since"].earliest, values["until"].latest) & asked & concerned


def _within(first: date | None, last: date | None) -> Q:
    """From the first day on, to the end of the last."""
    since = Q(history_date__gte=_start_of(first)) if first else Q()
    return since & Q(history_date__lt=_start_of(last + timedelta(days=1))) if last else since


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time.min, timezone.get_current_timezone())


def _concerns(kind: type[models.Model], ministry: Ministry) -> Q:
    """Versions about a ministry: its own, its contacts', and of the rollouts that it leads or moves with."""
    if kind is Ministry:
        return Q(id=ministry.pk)
    if kind in (Contact, Assignment):
        return Q(ministry_id=ministry.pk)
    led = Rollout.history.filter(lead_ministry_id=ministry.pk).values("id")
    covered = RolloutCoverage.history.filter(ministry_id=ministry.pk).values("rollout_id")
    if kind is Rollout:
        return Q(id__in=led) | Q(id__in=covered)
    if kind in (Wave, Citation, RolloutCoverage, ScenarioChange):
        return Q(rollout_id__in=led) | Q(rollout_id__in=covered)
    return Q(pk__in=[])


class ChangeLog:
    """The versions that a valid form asks for."""

    def __init__(self, form: LogForm, user: Any) -> None:
        self._form = form
        self._user = user

    def page(self, after: Place | None, size: int) -> tuple[list[dict[str, Any]], Place | None]:
        """The entries that follow a place, newest first, and where the next page begins, if there is one."""
        found = [pair for kind in self._form.chosen for pair in self._versions(kind, after, size + 1)]
        found.sort(key=lambda pair: pair[0], reverse=True)
        shown = found[:size]
        return _entries([version for _, version in shown], self._user), shown[-1][0] if len(
            found
        ) > size else None

    def _versions(self, kind: type[models.Model], after: Place | None, size: int) -> list[tuple[Place, Any]]:
        history: Any = kind.history  # type: ignore[attr-defined]
        number = LOGGED.index(kind)
        earlier = history.filter(id=OuterRef("id")).filter(
            Q(history_date__lt=OuterRef("history_date"))
            | Q(history_date=OuterRef("history_date"), history_id__lt=OuterRef("history_id"))
        )
        newest_first = ("-history_date", "-history_id")
        rows = history.filter(
            _condition(self._form.cleaned_data, kind), _after(number, after), visible(kind, self._user)
        ).select_related("history_user", *_joins(kind))
        rows = rows.annotate(previous=Subquery(earlier.order_by(*newest_first).values("history_id")[:1]))
        return [
            (Place(row.history_date, number, row.history_id), row)
            for row in rows.order_by(*newest_first)[:size]
        ]

    def rows(self) -> Iterator[list[str]]:
        """The whole of it as a table, a line for each field that changed."""
        after: Place | None = None
        while True:
            entries, after = self.page(after, BATCH)
            for entry in entries:
                yield from _lines(entry)
            if after is None:
                return


def _after(kind: int, place: Place | None) -> Q:
    """Versions of a kind that come after a place, that is, are older."""
    if place is None:
        return Q()
    older = Q(history_date__lt=place.moment)
    if kind > place.kind:
        return older
    same = Q(history_date=place.moment)
    return older | (same & Q(history_id__lt=place.number) if kind == place.kind else same)


def _entries(versions: list[Any], user: Any) -> list[dict[str, Any]]:
    """In words, rows by their names of today where the person may see them.

    As many queries as there are kinds of rows among them, but for rows that are gone.
    """
    by_kind: dict[type[models.Model], list[Any]] = {}
    for version in versions:
        by_kind.setdefault(version.instance_type, []).append(version)
    before, labels = {}, {}
    for kind, found in by_kind.items():
        numbers = [version.previous for version in found if version.previous]
        history: Any = kind.history  # type: ignore[attr-defined]
        before[kind] = history.select_related(*_joins(kind)).in_bulk(numbers)
        rows = kind._default_manager.filter(visible(kind, user)).select_related(*NAMED_BY.get(kind, ()))
        labels[kind] = rows.in_bulk({version.id for version in found})
    words = cited(citation_of(version) for version in versions)
    return [
        {
            **entry_of(
                version,
                before[version.instance_type].get(version.previous),
                str(labels[version.instance_type].get(version.id) or label_of(version)),
                words.get(citation_of(version)),  # type: ignore[arg-type]
                whole=True,
            ),
            **_links(version, exists=version.id in labels[version.instance_type]),
        }
        for version in versions
    ]


def _links(version: Any, *, exists: bool) -> dict[str, str]:
    """To the history of a row, or, where it was deleted, to the form that adds it again."""
    options = version.instance_type._meta
    if not exists:
        return {"again": add_again_url(version) if version.history_type == DELETED else ""}
    with suppress(NoReverseMatch):
        return {
            "history": reverse(f"admin:{options.app_label}_{options.model_name}_history", args=[version.id])
        }
    return {}


def _lines(entry: dict[str, Any]) -> Iterator[list[str]]:
    citation = entry["citation"]
    source = gettext("{title}「{text}」").format(title=citation.title, text=citation.text) if citation else ""
    start = [f"{entry['at']:%Y-%m-%d %H:%M:%S}", str(entry["who"] or ""), str(entry["kind_of_row"])]
    for change in entry["changes"] or [{"field": "", "old": "", "new": ""}]:
        fields = [str(change[name]) for name in ("field", "old", "new")]
        yield [*start, entry["row"], entry["kind"], *fields, entry["why"], source]


class ChangeLogAdmin(StockAdmin):
    """Rows beside which the change log of the whole plan stands."""

    def get_urls(self) -> list[URLPattern]:
        """With the log and its export."""
        view = self.admin_site.admin_view
        return [
            path("changes/", view(self.changes_view), name="rollout_changes"),
            path("changes.csv", view(self.changes_csv_view), name="rollout_changes_csv"),
            *super().get_urls(),
        ]

    def changes_view(self, request: HttpRequest) -> HttpResponse:
        """A page of the log."""
        form = self._form(request)
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": gettext("計画の変更履歴"),
            "opts": self.opts,
            "form": form,
            "query": urlencode([(name, value) for name, value in request.GET.items() if name != "after"]),
        }
        if form.is_valid():
            place = Place.read(request.GET.get("after", ""))
            context["entries"], context["after"] = ChangeLog(form, request.user).page(place, PAGE)
        return TemplateResponse(request, "admin/change_log.html", context)

    def changes_csv_view(self, request: HttpRequest) -> HttpResponseBase:
        """All that the filters leave, as CSV."""
        form = self._form(request)
        if not form.is_valid():
            return self.changes_view(request)
        lines = csv_lines(
            chain(
                [[in_japanese(heading) for heading in HEADINGS]],
                each_in_japanese(ChangeLog(form, request.user).rows()),
            )
        )
        answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="changes-{timezone.localdate()}.csv"'
        return answer

    def _form(self, request: HttpRequest) -> LogForm:
        kinds = [kind for kind in LOGGED if request.user.has_perm(view_right(kind))]
        if not kinds:
            raise PermissionDenied
        form = LogForm({"since": "", "until": "", **request.GET.dict()}, kinds=kinds)
        ministries = Ministry.objects.filter(visible(Ministry, request.user))
        cast("forms.ModelChoiceField[Ministry]", form.fields["ministry"]).queryset = ministries
        return form
