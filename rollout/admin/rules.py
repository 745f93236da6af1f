"""Pages of the reminder rules: when a mail is owed, to whom, and its text, seen on a wave while typing."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rollout.admin.base import PlanAdmin, reaches_all
from rollout.admin.rule_form import RuleForm, WaveChoice, statuses_field, text_field, variables_help
from rollout.domain.reminders import UNSENT_STATES, Kind, State
from rollout.models import Reminder, ReminderRule
from rollout.outbox.preview import Preview

PREVIEW = "_preview"
LIVE = "live"

SCHEDULE_HELP = _(
    "<ul>"
    "<li><b>切替の前・当日・後</b>：「90・日・前」なら切替の90日前。0 は当日。"
    "日か月まで決まった切替にだけ送ります。月までの予定は、前なら月の初日、後なら末日から数えます。</li>"
    "<li><b>くり返し（予定日を過ぎて未確認、日程確認がない）</b>：「1・週間」なら1週間ごと。"
    "「前か後か」は使いません。</li>"
    "<li><b>受領の確認がないとき</b>：「3・営業日」なら「元のルール」の送信から3営業日後。"
    "「前か後か」は使いません。</li>"
    "<li><b>PMOへの定期まとめ</b>：数は週の数です。1 なら毎週月曜日。単位と下の「対象」は使いません。</li>"
    "<li><b>変更のお知らせ、PMOへの警告</b>：数・単位・前か後かと、下の「対象」は使いません。</li>"
    "</ul>閉庁日には送りません。切替より前の通知は直前の開庁日に、そのほかは次の開庁日に送ります。"
)
HAS_RECORDS = _(
    "通知ルール「{rule}」は台帳に{count:,}件の記録があるため、削除できません。"
    "「有効」を外すと、まだ送っていない通知は取り消され、これからは送りません。"
)


@admin.register(ReminderRule)
class ReminderRuleAdmin(PlanAdmin):
    """When a mail is owed, to whom, and which text."""

    form = RuleForm
    change_form_template = "admin/rule_change_form.html"
    reopened_by = PREVIEW
    list_display = ("label", "schedule", "audience", "grace", "in_force", "unsent", "sent", "code")
    list_filter = ("active", "kind")
    list_select_related = ("follows",)
    search_fields = ("code", "label", "subject", "body")
    fieldsets = (
        (None, {"fields": ("label", "code", "active")}),
        (
            _("いつ"),
            {"fields": ("kind", ("count", "unit", "direction"), "follows"), "description": SCHEDULE_HELP},
        ),
        (_("対象"), {"fields": ("statuses", "precision")}),
        (_("宛先"), {"fields": ("audience", "grace_business_days")}),
        (_("文面"), {"fields": ("subject", "body")}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A rule speaks to every ministry: not for who looks after some."""
        return bool(super().has_add_permission(request)) and reaches_all(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReminderRule]:
        """With the number of mails in the ledger."""
        rows: QuerySet[ReminderRule] = super().get_queryset(request)
        return rows.annotate(
            unsent_count=_in_ledger(Q(state__in=UNSENT_STATES)), sent_count=_in_ledger(Q(state=State.SENT))
        )

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Statuses as check boxes, and texts as they are stored."""
        if db_field.name == "statuses":
            return statuses_field(db_field)
        if db_field.name in ("subject", "body"):
            return text_field(db_field)
        if db_field.name == "follows":
            kwargs["queryset"] = ReminderRule.objects.filter(kind=Kind.OFFSET)
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "follows":
            field.widget.can_add_related = field.widget.can_view_related = False
        return field

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """The form; who only looks at the text keeps no writer waiting."""
        opened = (request, object_id, form_url, extra_context)
        if PREVIEW in request.POST:
            return super(PlanAdmin, self).changeform_view(*opened)
        return super().changeform_view(*opened)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        """The page with the text as typed on a real wave; while typing, that part alone."""
        form = context["adminform"].form
        now = timezone.now()
        choice = WaveChoice.of(request, timezone.localdate(now))
        may_see_ledger = request.user.has_perm("rollout.view_reminder")
        preview = Preview(form.instance, choice.wave, now, shows_ledger=may_see_ledger)
        context |= {
            "preview": preview,
            "wave_choice": choice,
            "variables_help": variables_help(preview.kind),
            "is_only_shown": PREVIEW in request.POST,
        }
        if request.POST.get(PREVIEW) == LIVE:
            return TemplateResponse(request, "admin/_rule_preview.html", context)
        if "body" in form.fields:
            form.fields["body"].help_text = context["variables_help"]
        return super().render_change_form(request, context, *args, **kwargs)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """A rule that the ledger speaks of stays; the page says what to do instead."""
        counted = ReminderRule.objects.filter(pk__in=[rule.pk for rule in objs], reminders__isnull=False)
        kept = [
            HAS_RECORDS.format(rule=rule, count=rule.record_count)
            for rule in counted.annotate(record_count=Count("reminders"))
        ]
        return ([], {}, set(), kept) if kept else super().get_deleted_objects(objs, request)

    @admin.display(description=_("有効"), ordering="active")
    def in_force(self, rule: ReminderRule) -> str:
        """Whether it is."""
        return gettext("有効") if rule.active else gettext("無効")

    @admin.display(description=_("いつ"), ordering="kind")
    def schedule(self, rule: ReminderRule) -> str:
        """When, in words."""
        return rule.schedule_text

    @admin.display(description=_("宛先"))
    def audience(self, rule: ReminderRule) -> str:
        """Whom, in words."""
        return rule.audience_text

    @admin.display(description=_("猶予"), ordering="grace_business_days")
    def grace(self, rule: ReminderRule) -> str:
        """How long a late mail still goes out."""
        return gettext("{grace_business_days}営業日").format(grace_business_days=rule.grace_business_days)

    @admin.display(description=_("送信前"), ordering="unsent_count")
    def unsent(self, rule: Any) -> str:
        """How many mails are planned or due."""
        return gettext("{unsent_count:,}件").format(unsent_count=rule.unsent_count)

    @admin.display(description=_("送信済み"), ordering="sent_count")
    def sent(self, rule: Any) -> str:
        """How many mails were sent."""
        return gettext("{sent_count:,}件").format(sent_count=rule.sent_count)


def _in_ledger(which: Q) -> Coalesce:
    rows = Reminder.objects.filter(which, rule=OuterRef("pk")).order_by().values("rule")
    return Coalesce(Subquery(rows.annotate(rows=Count("pk")).values("rows")), 0)
