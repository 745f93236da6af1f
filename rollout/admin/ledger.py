"""Pages of what the product writes: the ledger of what is owed, and the projection as it was computed."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import linebreaksbr
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rollout.admin.base import FrozenAdmin
from rollout.admin.deciding import DecidedAdmin
from rollout.admin.filters import SendingFilter
from rollout.admin.foresight import ForeseeingAdmin
from rollout.models import Projection, Reminder
from rollout.models.labels import BASIS_LABELS
from rollout.watch import watch

TICK_IS_LATE = _(
    "1分ごとの処理が止まっています。事前通知は送られません。サーバーの管理者に知らせてください。"
)
MAIL_IS_LATE = _(
    "15分より長く送信を待っている通知があります。"
    "「送信待ち」で絞り込み、「メールサーバーの応答」を確かめてください。"
)


@admin.register(Reminder)
class ReminderAdmin(ForeseeingAdmin, DecidedAdmin):
    """The ledger: which mail is owed to whom and when, and what became of it."""

    list_display = ("due_at", "ministry", "cutover", "rule", "address", "state_text", "sent_at")
    list_filter = (SendingFilter, "state", "rule")
    search_fields = (
        "address",
        "wave__code",
        "wave__rollout__code",
        "wave__rollout__lead_ministry__name",
        "wave__rollout__lead_ministry__aliases",
        "message_id",
    )
    search_help_text = _("府省庁の名称・別名、宛先、Message-IDで探します。")
    ordering = ("due_at", "id")
    list_select_related = ("wave__rollout__lead_ministry", "rule")
    fieldsets = (
        (None, {"fields": ("due_at", "state", "state_note", "decided_by", "wave", "rule", "address")}),
        (_("受け取った人の答え"), {"fields": ("acknowledged_at",)}),
        (
            _("送った文面"),
            {"fields": ("subject", "text", "told_cutover", "told_status", "reply_to", "calendar")},
        ),
        (
            _("送信の記録"),
            {
                "fields": (
                    "sent_at",
                    "server_answer",
                    "message_id",
                    "attempts",
                    "claimed_at",
                    "retry_at",
                    "cutover_version",
                    "created_at",
                )
            },
        ),
    )

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """The list; above it, what does not keep up."""
        if request.method == "GET":
            seen = watch(timezone.now())
            if seen.tick_is_late:
                messages.error(request, TICK_IS_LATE)
            elif seen.mail_is_late:
                messages.warning(request, MAIL_IS_LATE)
        return super().changelist_view(request, extra_context)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Reminder]:
        """With the names that every page shows."""
        return super().get_queryset(request).select_related("wave__rollout__lead_ministry", "rule")

    def row_title(self, row: Reminder) -> str:
        """Which reminder, about whom."""
        return f"{row.wave or 'PMO'} {row.rule}"

    @admin.display(description=_("移行単位"), ordering="wave__rollout__lead_ministry__order")
    def ministry(self, reminder: Reminder) -> str:
        """The wave in words: ministry, scope and name."""
        return str(reminder.wave or "PMO")

    @admin.display(description=_("本文"))
    def text(self, reminder: Reminder) -> SafeString:
        """The exact text, but for what would let its reader answer in the recipient's place."""
        return linebreaksbr(reminder.shown_body)

    @admin.display(description=_("切替"), ordering="wave__cutover_latest")
    def cutover(self, reminder: Reminder) -> str:
        """The wave's cutover, as written."""
        return str(reminder.wave.cutover.text) if reminder.wave else ""

    @admin.display(description=_("状態"), ordering="state")
    def state_text(self, reminder: Reminder) -> SafeString:
        """The state, marked where a person must look."""
        return format_html(
            '<span class="status state-{}">{}</span>', reminder.state, reminder.get_state_display()
        )


@admin.register(Projection)
class ProjectionAdmin(FrozenAdmin):
    """The stored projections: of what, when, and how many."""

    list_display = ("basis_text", "dated", "undated", "day", "computed", "version")
    search_fields = ("basis",)
    list_filter = ("today",)
    fields = list_display

    def row_title(self, row: Projection) -> str:
        """How ambiguous totals are read."""
        return self.basis_text(row)

    @admin.display(description=_("読み方"), ordering="basis")
    def basis_text(self, projection: Projection) -> str:
        """How ambiguous totals are read."""
        return str(BASIS_LABELS[projection.basis])

    @admin.display(description=_("時期のある人数"))
    def dated(self, projection: Projection) -> str:
        """Users that have a date and a count."""
        return gettext("{dated_users:,}人").format(dated_users=projection.curve.dated_users)

    @admin.display(description=_("時期未定の人数"))
    def undated(self, projection: Projection) -> str:
        """Users that the published totals speak of and that have no date."""
        return gettext("{undated_users:,}人").format(undated_users=projection.curve.undated_users)

    @admin.display(description=_("基準日"), ordering="today")
    def day(self, projection: Projection) -> Any:
        """The day in Tokyo that it was computed for."""
        return projection.today

    @admin.display(description=_("計算した時刻"), ordering="computed_at")
    def computed(self, projection: Projection) -> str:
        """When."""
        return f"{timezone.localtime(projection.computed_at):%Y-%m-%d %H:%M}"

    @admin.display(description=_("データの版"), ordering="data_version")
    def version(self, projection: Projection) -> int:
        """The number of changes that it knows."""
        return projection.data_version
