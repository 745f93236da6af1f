"""Reminder rules and the ledger of the reminders they owe."""

import uuid
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from simple_history.models import HistoricalRecords

from rollout.domain.reminders import Audience, State, TemplateError, check_template
from rollout.models.managers import CodeManager
from rollout.models.plan import Wave

STATE_LABELS = {
    State.PLANNED.value: "予定",
    State.DUE.value: "送信待ち",
    State.SENDING.value: "送信中",
    State.SENT.value: "送信済み",
    State.FAILED.value: "失敗",
    State.UNKNOWN.value: "不明（要確認）",
    State.MISSED.value: "期限切れ",
    State.CANCELLED.value: "取消",
    State.SKIPPED.value: "省略",
}
AUDIENCE_LABELS = {
    Audience.EVERYONE.value: "府省庁の連絡先とPMO",
    Audience.MINISTRIES.value: "府省庁の連絡先",
    Audience.PMO.value: "PMO",
}


class ReminderRule(models.Model):
    """How long before a cutover, to whom, and which text."""

    code = models.SlugField("コード", max_length=60, unique=True)
    label = models.CharField("名称", max_length=100)
    days_before = models.PositiveSmallIntegerField("切替の何日前", validators=[MaxValueValidator(1000)])
    audience = models.CharField(
        "宛先", max_length=12, choices=AUDIENCE_LABELS, default=Audience.EVERYONE.value
    )
    grace_business_days = models.PositiveSmallIntegerField(
        "猶予（営業日）",
        default=5,
        validators=[MaxValueValidator(60)],
        help_text="送れなかった場合、期日からこの営業日数までは後から送ります。過ぎたものは「期限切れ」です。",
    )
    subject = models.CharField("件名", max_length=200)
    body = models.TextField("本文")
    active = models.BooleanField("有効", default=True)
    in_force_since = models.DateTimeField("有効にした時点", default=timezone.now, editable=False)

    history = HistoricalRecords()
    objects = CodeManager["ReminderRule"]()

    class Meta:
        verbose_name = "通知ルール"
        verbose_name_plural = "通知ルール"
        ordering = ["-days_before", "code"]
        constraints = [
            models.CheckConstraint(
                name="rule_audience_known", condition=Q(audience__in=sorted(AUDIENCE_LABELS))
            ),
            models.CheckConstraint(name="rule_days_in_range", condition=Q(days_before__range=(0, 1000))),
            models.CheckConstraint(
                name="rule_grace_in_range", condition=Q(grace_business_days__range=(0, 60))
            ),
        ]

    def __str__(self) -> str:
        return self.label

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; a rule with another offset or audience, or switched on again, is in force from now on."""
        before = ReminderRule.objects.filter(pk=self.pk).first() if self.pk else None
        if before and self._owes_anew(before):
            self.in_force_since = timezone.now()
        super().save(*args, **kwargs)

    def natural_key(self) -> tuple[str]:
        """The code."""
        return (self.code,)

    def _owes_anew(self, before: "ReminderRule") -> bool:
        moved = (self.days_before, self.audience) != (before.days_before, before.audience)
        return moved or (self.active and not before.active)

    def clean(self) -> None:
        """Refuse a text that names something a mail does not know."""
        errors = {}
        for name in ("subject", "body"):
            try:
                check_template(getattr(self, name))
            except TemplateError as error:
                errors[name] = str(error)
        if errors:
            raise ValidationError(errors)


def new_message_id() -> str:
    """A Message-ID of our own domain, fixed before the first attempt so that a repeat can be recognised."""
    domain = settings.DEFAULT_FROM_EMAIL.rstrip(">").rpartition("@")[2]
    return f"<{uuid.uuid4()}@{domain}>"


class ReminderQuerySet(models.QuerySet["Reminder"]):
    """Reads of the ledger."""

    def for_display(self) -> "ReminderQuerySet":
        """With everything that a list shows."""
        return self.select_related("wave__rollout__lead_ministry", "rule").order_by("due_at", "id")


class Reminder(models.Model):
    """One message owed to one address about one wave, for one rule. Never deleted by the product.

    Personal data: the address and the text stay out of anonymous answers, logs and metrics.
    """

    wave = models.ForeignKey(
        Wave, verbose_name="移行単位", on_delete=models.PROTECT, related_name="reminders"
    )
    rule = models.ForeignKey(
        ReminderRule, verbose_name="通知ルール", on_delete=models.PROTECT, related_name="reminders"
    )
    address = models.EmailField("宛先")
    cutover_version = models.PositiveIntegerField("切替日の版")
    occurrence = models.PositiveIntegerField("回", default=0)
    state = models.CharField("状態", max_length=12, choices=STATE_LABELS, default=State.PLANNED.value)
    state_note = models.CharField("状態の理由", max_length=300, blank=True)
    due_at = models.DateTimeField("送信予定")
    retry_at = models.DateTimeField("再送予定", null=True)
    attempts = models.PositiveSmallIntegerField("試行回数", default=0)
    claimed_at = models.DateTimeField("送信開始", null=True)
    sent_at = models.DateTimeField("送信時刻", null=True)
    server_answer = models.CharField("メールサーバーの応答", max_length=500, blank=True)
    message_id = models.CharField("Message-ID", max_length=200, unique=True, default=new_message_id)
    subject = models.CharField("件名", max_length=300, blank=True)
    body = models.TextField("本文", blank=True)
    created_at = models.DateTimeField("作成", default=timezone.now)

    objects = ReminderQuerySet.as_manager()

    class Meta:
        verbose_name = "事前通知"
        verbose_name_plural = "事前通知（台帳）"
        ordering = ["due_at", "id"]
        indexes = [models.Index(fields=["state", "due_at"], name="reminder_state_due")]
        constraints = [
            models.UniqueConstraint(
                name="reminder_owed_once",
                fields=["wave", "rule", "address", "cutover_version", "occurrence"],
            ),
            models.CheckConstraint(name="reminder_state_known", condition=Q(state__in=sorted(STATE_LABELS))),
            models.CheckConstraint(
                name="reminder_sent_has_time", condition=~Q(state=State.SENT.value) | Q(sent_at__isnull=False)
            ),
            models.CheckConstraint(
                name="reminder_sending_is_claimed",
                condition=~Q(state=State.SENDING.value) | Q(claimed_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.wave} {self.rule} {self.get_state_display()}"
