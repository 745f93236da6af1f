"""Pages of the plan itself: rollouts, and the waves they move in."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db import models
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rollout import actions
from rollout.admin import filters, wording
from rollout.admin.base import Parts, PartTable, StockStacked
from rollout.admin.bulk import BulkAdmin
from rollout.admin.change_log import ChangeLogAdmin
from rollout.admin.confirmation import ConfirmedAdmin
from rollout.admin.forms import (
    CitationForm,
    CitationFormSet,
    RolloutForm,
    WaveForm,
    WaveFormSet,
    WavePartForm,
)
from rollout.admin.importing import ImportingAdmin
from rollout.admin.lists import CountedList, WaveList, stored_projection
from rollout.admin.merging import MergingAdmin
from rollout.admin.warned import AcceptingAdmin, Warned
from rollout.domain.dates import UNDECIDED
from rollout.exports import WAVE_HEADINGS, wave_rows
from rollout.models import Citation, PlanImport, Rollout, RolloutCoverage, Wave
from rollout.tables import Row

BY_CUTOVER = F("cutover_latest").asc(nulls_last=True)
UNREADABLE = _("読めませんでした")
NEW_LINE = SafeString("<br>")


class WaveReading:
    """What was read from the cutover's text: a class to mix into whatever shows a wave."""

    @admin.display(description=_("切替の読み"))
    def cutover_reading(self, wave: Wave) -> str:
        """Era, days and fiscal year."""
        return str(
            UNREADABLE if getattr(wave, "cutover_refused", False) else wording.reading_text(wave.cutover)
        )


@admin.register(Wave)
class WaveAdmin(AcceptingAdmin, WaveReading, ImportingAdmin, BulkAdmin, MergingAdmin):
    """Waves: what moves when, how many users, how far away."""

    form = WaveForm
    list_display = (
        *("ministry", "cohort", "cutover_text", "users_text"),
        *("status_text", "days_left", "confirmed", "next_mail"),
    )
    list_per_page = 100
    show_full_result_count = False
    change_list_template = "admin/wave_change_list.html"
    table_headings = WAVE_HEADINGS
    import_kind = PlanImport.Kind.WAVE
    list_display_links = ("ministry",)
    list_filter = (
        filters.MineFilter,
        filters.SoonFilter,
        filters.OverdueFilter,
        filters.FiscalYearFilter,
        "status",
        ("rollout__cohort", admin.RelatedOnlyFieldListFilter),
        filters.CountFilter,
        filters.ExactDayFilter,
        filters.MovedFilter,
    )
    search_fields = (
        "code",
        "name",
        "rollout__code",
        "rollout__scope",
        "rollout__lead_ministry__name",
        "rollout__lead_ministry__aliases",
        "rollout__coverages__ministry__name",
    )
    search_help_text = _("府省庁の名称・別名、範囲、コードで探します。")
    ordering = (BY_CUTOVER, "rollout__order", "code")
    list_select_related = ("rollout__lead_ministry", "rollout__cohort")
    autocomplete_fields = ("rollout",)
    readonly_fields = ("cutover_reading", "projected_users", "confirmed_on", "merged_into")
    actions = ("change_chosen", "merge_chosen")
    fieldsets = (
        (None, {"fields": ("rollout", "cutover", "cutover_reading", "confirmed_on", "status")}),
        (_("人数"), {"fields": ("users", "projected_users")}),
        (_("その他"), {"fields": ("code", "name", "note")}),
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The list with counts, sums and the next mails."""
        return WaveList

    def table_rows(self, rows: QuerySet[Wave]) -> Iterator[Row]:
        """As `wave_rows` has them."""
        return wave_rows(rows)

    def get_list_display(self, request: HttpRequest) -> Any:
        """The next mail only for who may look at the ledger."""
        columns = self.list_display
        return columns if request.user.has_perm("rollout.view_reminder") else columns[:-1]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Wave]:
        """With the names that every page shows."""
        return super().get_queryset(request).select_related("rollout__lead_ministry", "rollout__cohort")

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        """A wave stays with its rollout, which would otherwise be left without one."""
        return (*self.readonly_fields, "rollout") if obj else self.readonly_fields

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Say beforehand when the last wave of a rollout would go."""
        deleted, counts, forbidden, protected = super().get_deleted_objects(objs, request)
        left = [
            gettext("{rollout}：{why}").format(rollout=rollout, why=actions.WAVE_NEEDED)
            for rollout in actions.rollouts_left_empty(objs)
        ]
        return deleted, counts, forbidden, [*protected, *left]

    @admin.display(description=_("府省庁・範囲"), ordering="rollout__lead_ministry__order")
    def ministry(self, wave: Wave) -> SafeString:
        """The lead ministry, with the wave's name where there is one; below, which part of the ministry."""
        name = f"{wave.rollout.lead_ministry.name} {wave.name}".strip()
        scope = wave.rollout.scope
        return (
            format_html('{}<span class="days">{}</span>', name, scope) if scope else format_html("{}", name)
        )

    @admin.display(description=_("導入区分"), ordering="rollout__cohort__order")
    def cohort(self, wave: Wave) -> str:
        """The published group that its rollout belongs to."""
        return wave.rollout.cohort.label

    @admin.display(description=_("切替・年度"), ordering=BY_CUTOVER)
    def cutover_text(self, wave: Wave) -> SafeString:
        """As written; below, what was read from it: the era, the fiscal year, and the days."""
        cutover = wave.cutover
        if cutover.is_undecided:
            return format_html("{}", cutover.text or UNDECIDED)
        year = "" if cutover.fiscal_year is None else f"　{wording.year_text(cutover)}"
        reading = (f"{cutover.format_japanese()}{year}", wording.period_text(cutover))
        lines = format_html_join("", '<span class="days">{}</span>', ((line,) for line in reading))
        return format_html("{}{}", cutover.text, lines)

    @admin.display(description=_("人数（根拠）"), ordering="users")
    def users_text(self, wave: Wave) -> str:
        """The count and where it comes from."""
        return wording.wave_users_text(wave.projection, wave)  # type: ignore[attr-defined]

    @admin.display(description=_("状態"), ordering="status")
    def status_text(self, wave: Wave) -> SafeString:
        """The status, marked when its day has passed unconfirmed."""
        return wording.status_cell(wave, timezone.localdate())

    @admin.display(description=_("切替まで"), ordering=BY_CUTOVER)
    def days_left(self, wave: Wave) -> str:
        """How far away."""
        return wording.days_text(wave, timezone.localdate())

    @admin.display(description=_("日程確認"), ordering="confirmed_on", empty_value=wording.EMPTY)
    def confirmed(self, wave: Wave) -> str | None:
        """When somebody last said that the date still holds."""
        return wave.confirmed_on.isoformat() if wave.confirmed_on else None

    @admin.display(description=_("次の通知"), empty_value=wording.EMPTY)
    def next_mail(self, wave: Wave) -> str | None:
        """When the next mail about it is due."""
        due = wave.next_due  # type: ignore[attr-defined]
        return f"{timezone.localtime(due):%Y-%m-%d}" if due else None

    @admin.display(description=_("見込みでの人数"))
    def projected_users(self, wave: Wave) -> str:
        """The count that the stored projection uses."""
        return wording.wave_users_text(stored_projection(), wave) if wave.pk else wording.EMPTY


class WaveInline(WaveReading, Parts, StockStacked):
    """The waves of a rollout."""

    model = Wave
    form = WavePartForm
    formset = WaveFormSet
    min_num = 1
    delete_first = False
    show_change_link = True
    readonly_fields = ("cutover_reading",)
    fieldsets = (
        (None, {"fields": ("cutover", "cutover_reading", "status", "users", "code", "name", "note")}),
    )

    def get_formset(self, request: HttpRequest, obj: models.Model | None = None, **kwargs: Any) -> Any:
        """A formset that insists on one wave."""
        return super().get_formset(request, obj, validate_min=True, **kwargs)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Wave]:
        """With the names in their titles."""
        return super().get_queryset(request).select_related("rollout__lead_ministry")


class CoverageInline(PartTable):
    """The ministries that move along."""

    model = RolloutCoverage
    autocomplete_fields = ("ministry",)
    verbose_name_plural = _("あわせて対象となる府省庁")


class CitationInline(Parts, StockStacked):
    """What sources say of the rollout."""

    model = Citation
    form = CitationForm
    formset = CitationFormSet
    autocomplete_fields = ("source",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("subject", "wave"),
                    "source",
                    ("text", "locator"),
                    ("says_cutover", "says_users"),
                    "note",
                    "adopted",
                )
            },
        ),
    )


@admin.register(Rollout)
class RolloutAdmin(ChangeLogAdmin, Warned, ConfirmedAdmin):
    """Rollouts, each with its waves, the ministries it covers and what sources say of it."""

    form = RolloutForm
    inlines = (WaveInline, CoverageInline, CitationInline)
    list_display = ("label", "cohort", "cutovers", "statuses", "users_text", "code")
    list_filter = (
        ("cohort", admin.RelatedOnlyFieldListFilter),
        "partial",
    )
    search_fields = (
        "code",
        "scope",
        "lead_ministry__name",
        "lead_ministry__aliases",
        "coverages__ministry__name",
    )
    search_help_text = _("府省庁の名称・別名、範囲、コードで探します。")
    list_select_related = ("lead_ministry", "cohort")
    autocomplete_fields = ("lead_ministry",)
    fieldsets = (
        (None, {"fields": ("lead_ministry", "scope", "partial", "cohort", "order", "code")}),
        (_("人数"), {"fields": ("users", "weight", "weight_scope", "weight_note")}),
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The list with counts."""
        return CountedList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Rollout]:
        """With the names and waves that every page shows."""
        rows = super().get_queryset(request).select_related("lead_ministry", "cohort")
        return rows.prefetch_related("waves")

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001
        """Citations first: one that is edited while its wave is deleted then goes with the wave."""
        ordered = sorted(formsets, key=lambda formset: formset.model is not Citation)
        super().save_related(request, form, ordered, change)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """A rollout goes with its waves; what protects a wave protects the rollout."""
        waves = Wave.objects.filter(rollout__in=[row.pk for row in objs]).select_related(
            "rollout__lead_ministry"
        )
        deleted, counts, forbidden, protected = super().get_deleted_objects(objs, request)
        parts, part_counts, part_forbidden, part_protected = super().get_deleted_objects(waves, request)
        others = [entry for entry in [*protected, *part_protected] if entry not in parts]
        every = {**counts, **part_counts}
        return [*deleted, *parts], every, forbidden | part_forbidden, others

    @admin.display(description=_("導入案件"), ordering="lead_ministry__order")
    def label(self, rollout: Rollout) -> str:
        """The lead ministry and the scope."""
        return rollout.label

    @admin.display(description=_("切替"))
    def cutovers(self, rollout: Rollout) -> SafeString:
        """The cutover of each wave, a line each."""
        return _lines(f"{wave.name} {wave.cutover.text or UNDECIDED}".strip() for wave in _in_order(rollout))

    @admin.display(description=_("状態"))
    def statuses(self, rollout: Rollout) -> SafeString:
        """The status of each wave, in the same order."""
        today = timezone.localdate()
        return _lines(wording.status_cell(wave, today) for wave in _in_order(rollout))

    @admin.display(description=_("人数（根拠）"))
    def users_text(self, rollout: Rollout) -> str:
        """The count of all waves and where it comes from."""
        return wording.rollout_users_text(rollout.projection, rollout, rollout.waves.all())  # type: ignore[attr-defined]


def _in_order(rollout: Rollout) -> list[Wave]:
    return sorted(rollout.waves.all(), key=lambda wave: (wave.cutover.sort_key, wave.code))


def _lines(texts: Iterable[str]) -> SafeString:
    return format_html_join(NEW_LINE, "{}", ((text,) for text in texts))
