"""The ledger of reminders, to be read only: which mail is owed to whom, and what became of it.

Personal data: for who has the right `rollout.view_reminder` alone, whatever PUBLIC_READ says.
"""

from datetime import date, datetime, time, timedelta
from typing import Any

import django_filters.rest_framework as filters  # type: ignore[import-untyped]
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from rollout.api.examples import example
from rollout.api.filters import CodeFilter, DayFilter
from rollout.api.views import ReadViewSet
from rollout.domain.eras import FIRST_DAY, LAST_DAY
from rollout.models import Reminder, ReminderRule, Wave
from rollout.models.labels import joined
from rollout.models.reminders import STATE_LABELS

ROW: dict[str, Any] = {
    "id": 1204,
    "wave": {"code": "local-finance-bureaus-1", "label": _("財務局")},
    "rule": {"code": "before-30-days", "label": _("30日前")},
    "address": "gss@example.go.jp",
    "cutover_version": 1,
    "occurrence": 0,
    "state": "sent",
    "state_label": _("送信済み"),
    "state_note": "",
    "due_at": "2026-12-02T09:00:00+09:00",
    "retry_at": None,
    "attempts": 1,
    "claimed_at": "2026-12-02T09:00:04+09:00",
    "sent_at": "2026-12-02T09:00:05+09:00",
    "server_answer": "250 2.0.0 Ok: queued as 4F2A",
    "message_id": "<0b0f9c1e-6a43-4b52-9d0c-3b1f4f6d2a77@example.go.jp>",
    "told_cutover": "R9.1",
    "told_status": "planned",
    "subject": _("財務局 切替のお知らせ（R9.1）"),
    "reply_to": "pmo@example.go.jp",
    "acknowledged_at": "2026-12-03T10:12:00+09:00",
    "decided_by": None,
    "created_at": "2026-11-24T10:00:00+09:00",
}
DETAIL = {
    **ROW,
    "body": "財務局 ご担当者 様\n\n切替予定期間の初日まであと30日です。",
    "calendar": "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n",
    "has_picture": False,
}
_STATE_ERROR = format_lazy(
    _("「%(value)s」という状態はありません。使えるのは {names} です。"), names=joined(STATE_LABELS)
)
_DAYS = [
    MinValueValidator(FIRST_DAY, format_lazy(_("{day} 以降の日を指定してください。"), day=FIRST_DAY)),
    MaxValueValidator(LAST_DAY, format_lazy(_("{day} 以前の日を指定してください。"), day=LAST_DAY)),
]


class ReminderFilter(filters.FilterSet):  # type: ignore[misc]
    """The parameters of the list."""

    state = filters.ChoiceFilter(
        choices=list(STATE_LABELS.items()),
        error_messages={"invalid_choice": _STATE_ERROR},
        help_text="Where a reminder stands.",
    )
    wave = CodeFilter(model=Wave, field_name="wave_id", help_text="Code of the wave that it is about.")
    rule = CodeFilter(model=ReminderRule, field_name="rule_id", help_text="Code of the rule that owes it.")
    address = filters.CharFilter(
        lookup_expr="iexact", max_length=254, help_text="The whole address, in capitals or not."
    )
    due_after = DayFilter(
        method="from_day", validators=_DAYS, help_text="ISO 8601 day: due that day in Tokyo or later."
    )
    due_before = DayFilter(
        method="up_to_day", validators=_DAYS, help_text="ISO 8601 day: due that day in Tokyo or earlier."
    )

    def from_day(self, rows: QuerySet[Reminder], _name: str, day: date) -> QuerySet[Reminder]:
        """What is due on `day` or later."""
        return rows.filter(due_at__gte=_beginning_of(day))

    def up_to_day(self, rows: QuerySet[Reminder], _name: str, day: date) -> QuerySet[Reminder]:
        """What is due on `day` or earlier."""
        return rows.filter(due_at__lt=_beginning_of(day + timedelta(days=1)))


class RemindedWaveSerializer(serializers.ModelSerializer[Wave]):
    """A wave, as its reminders mention it."""

    label = serializers.CharField(  # type: ignore[assignment]
        source="__str__", read_only=True, help_text="The lead ministry, with scope and name of the wave."
    )

    class Meta:
        model = Wave
        fields = ("code", "label")
        read_only_fields = fields


class OwingRuleSerializer(serializers.ModelSerializer[ReminderRule]):
    """A rule, as its reminders mention it."""

    class Meta:
        model = ReminderRule
        fields = ("code", "label")
        read_only_fields = fields


@extend_schema_serializer(examples=example("財務局, 30 days before", ROW))
class ReminderSerializer(serializers.ModelSerializer[Reminder]):
    """One message owed to one address about one wave, for one rule. Never deleted."""

    wave = RemindedWaveSerializer(
        read_only=True, allow_null=True, help_text="Null for digests and alerts, which go to the PMO."
    )
    rule = OwingRuleSerializer(read_only=True)
    state_label = serializers.CharField(source="get_state_display", read_only=True, help_text="In Japanese.")
    decided_by = serializers.CharField(
        source="decided_by.username",
        read_only=True,
        allow_null=True,
        help_text="Who decided what became of an unknown or failed one; null where nobody had to.",
    )

    told_status = serializers.CharField(
        read_only=True,
        help_text="The wave's status that the mail names, or `merged`; empty until it is written.",
    )

    class Meta:
        model = Reminder
        fields: tuple[str, ...] = tuple(ROW)
        read_only_fields = fields
        extra_kwargs = {
            "address": {"help_text": "To whom."},
            "cutover_version": {
                "help_text": "Version of the wave's cutover that it speaks of; 0 without one."
            },
            "occurrence": {"help_text": "Tells the mails of a repeated rule apart; 0 for others."},
            "state": {"help_text": "Where it stands."},
            "state_note": {
                "help_text": "Why it stands there, in Japanese; empty where it goes without saying."
            },
            "due_at": {"help_text": "09:00 in Tokyo on an open day."},
            "retry_at": {"help_text": "When it is tried again; null where it is not."},
            "attempts": {"help_text": "How often a mail server was asked."},
            "claimed_at": {"help_text": "When the last attempt began; null before the first."},
            "sent_at": {"help_text": "When the mail server accepted it; null while it has not."},
            "server_answer": {"help_text": "The mail server's last words."},
            "message_id": {"help_text": "The mail's Message-ID, the same in every attempt."},
            "told_cutover": {"help_text": "The cutover that the mail names, as written."},
            "subject": {"help_text": "The exact subject; empty until it is written, on the way out."},
            "reply_to": {"help_text": "Where answers go; empty until it is written."},
            "acknowledged_at": {"help_text": "When its receipt was confirmed; null while it was not."},
            "created_at": {"help_text": "When it was planned."},
        }


@extend_schema_serializer(examples=example("財務局, 30 days before, shortened", DETAIL))
class ReminderDetailSerializer(ReminderSerializer):
    """The same with the exact text of the mail."""

    body = serializers.CharField(
        source="shown_body",
        read_only=True,
        help_text="The text, the tokens of its links as `…`; empty until it is written, on the way out.",
    )
    has_picture = serializers.SerializerMethodField(help_text="True when the mail shows the curve as PNG.")

    class Meta(ReminderSerializer.Meta):
        fields = (*ReminderSerializer.Meta.fields, "body", "calendar", "has_picture")
        read_only_fields = fields
        extra_kwargs = {
            **ReminderSerializer.Meta.extra_kwargs,
            "calendar": {"help_text": "The iCalendar text that goes along; empty where none does."},
        }

    def get_has_picture(self, reminder: Reminder) -> bool:
        """Whether there is one."""
        return bool(reminder.picture)


class ReminderViewSet(ReadViewSet[Reminder]):
    """The ledger of reminders; 403 for who may not see it, even where anonymous reading is on."""

    follows_plan = False
    scope = "reminders"
    queryset = Reminder.objects.select_related("wave__rollout__lead_ministry", "rule", "decided_by")
    lookup_field = "pk"
    lookup_url_kwarg = "id"
    lookup_value_regex = "[0-9]{1,18}"
    filterset_class = ReminderFilter

    def check_permissions(self, request: Request) -> None:
        """As for the rest of the API, and the right to see the ledger besides."""
        super().check_permissions(request)
        if not request.user.is_authenticated:
            raise NotAuthenticated
        if not request.user.has_perm("rollout.view_reminder"):
            raise PermissionDenied

    def get_queryset(self) -> QuerySet[Reminder]:
        """The rows; a list leaves the long texts where they are."""
        rows = super().get_queryset()
        return rows.defer("body", "calendar", "picture") if self.action == "list" else rows

    def get_serializer_class(self) -> type[ReminderSerializer]:
        """The list's without the text, one row's with it."""
        return ReminderSerializer if self.action == "list" else ReminderDetailSerializer

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The ledger of reminders by due time, without the long texts.

        Personal data: for who has the right `rollout.view_reminder`; a 403 for everybody else, even where
        anonymous reading is on.
        """
        return super().list(request, *args, **kwargs)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One reminder with the exact text of its mail.

        For who has the right `rollout.view_reminder`; a 403 for everybody else, whatever the number.
        """
        return super().retrieve(request, *args, **kwargs)


def _beginning_of(day: date) -> datetime:
    return datetime.combine(day, time(), timezone.get_default_timezone())
