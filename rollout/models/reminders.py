"""Reminder rules and the ledger of the reminders they owe."""

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from gss_tracker.logs import hide_links
from rollout.domain.audience import AUDIENCE_PARTIES, Party
from rollout.domain.letters import TemplateError, check_template
from rollout.domain.plan import AWAITED_STATUSES
from rollout.domain.reminders import MERGED, Direction, Kind, Standing, State, Unit
from rollout.models.labels import STATUS_LABELS, say
from rollout.models.managers import CodeManager
from rollout.models.plan import Wave

STATE_LABELS = {
    State.PLANNED.value: _("予定"),
    State.DUE.value: _("送信待ち"),
    State.SENDING.value: _("送信中"),
    State.SENT.value: _("送信済み"),
    State.FAILED.value: _("失敗"),
    State.UNKNOWN.value: _("不明（要確認）"),
    State.MISSED.value: _("期限切れ"),
    State.CANCELLED.value: _("取消"),
    State.SKIPPED.value: _("省略"),
}
KIND_LABELS = {
    Kind.OFFSET.value: _("切替の前・当日・後"),
    Kind.OVERDUE.value: _("予定日を過ぎて未確認のあいだ、くり返し"),
    Kind.UNCONFIRMED.value: _("日程確認がないあいだ、くり返し"),
    Kind.CHANGE.value: _("変更のお知らせ（知らせ済みの人へ）"),
    Kind.ESCALATION.value: _("受領の確認がないとき、次の担当へ"),
    Kind.DIGEST.value: _("PMOへの定期まとめ"),
    Kind.ALERT.value: _("PMOへの警告（送信の一時停止）"),
}
UNIT_LABELS = {
    Unit.DAYS.value: pgettext_lazy("unit", "日"),
    Unit.BUSINESS_DAYS.value: _("営業日"),
    Unit.WEEKS.value: _("週間"),
    Unit.MONTHS.value: _("か月"),
}
INTERVAL_KINDS = (Kind.OVERDUE, Kind.UNCONFIRMED, Kind.ESCALATION, Kind.DIGEST)
"""Kinds whose count is the time that passes in between: 1 at least."""

MOST_UNITS = 1000
DIRECTION_LABELS = {Direction.BEFORE.value: _("前"), Direction.AFTER.value: _("後")}
SCHEDULE_TEXTS = {
    Kind.OVERDUE.value: _("予定日を過ぎて未確認のあいだ{every}ごと"),
    Kind.UNCONFIRMED.value: _("日程確認がないあいだ{every}ごと"),
    Kind.CHANGE.value: _("知らせた内容が変わったとき"),
    Kind.ESCALATION.value: _("「{follows}」の送信から{every}後に受領の確認がないとき"),
    Kind.DIGEST.value: _("{count}週間ごとの月曜日"),
    Kind.ALERT.value: _("送信を一時止めたとき"),
}
PRECISION_CHOICES = {
    "": _("日・月のどちらでも"),
    "month": _("月までの予定だけ"),
    "day": _("日まで決まった予定だけ"),
}
TOLD_LABELS = STATUS_LABELS | {MERGED: _("統合")}
RULE_STATUSES = {status.value: STATUS_LABELS[status.value] for status in AWAITED_STATUSES}

SCHEDULE_FIELDS = ("kind", "count", "unit", "direction", "precision", "statuses", "follows_id")
AUDIENCE_FIELDS = tuple(AUDIENCE_PARTIES)
AUDIENCE_TEXTS = {
    Party.LEAD: _("主担当"),
    Party.DEPUTY: _("副担当"),
    Party.COVERED: _("対象府省庁"),
    Party.WATCHERS: _("関係者"),
    Party.PMO: "PMO",
}
FIXED_AUDIENCES = {
    Kind.CHANGE.value: _("知らせ済みの人"),
    Kind.DIGEST.value: AUDIENCE_TEXTS[Party.PMO],
    Kind.ALERT.value: AUDIENCE_TEXTS[Party.PMO],
}
"""Kinds that choose for themselves whom they tell."""
AUDIENCE_MISSING = _("宛先を1つ以上選んでください。")


def awaited_statuses() -> list[str]:
    """Every status in which a wave is still to come."""
    return list(RULE_STATUSES)


class ReminderRule(models.Model):
    """When a reminder is owed, to whom, and which text."""

    code = models.SlugField(_("コード"), max_length=60, unique=True)
    label = models.CharField(_("名称"), max_length=100)
    kind = models.CharField(_("種類"), max_length=12, choices=KIND_LABELS, default=Kind.OFFSET.value)
    count = models.PositiveSmallIntegerField(
        _("数"), default=0, validators=[MaxValueValidator(MOST_UNITS)], help_text=_("0 は切替の当日。")
    )
    unit = models.CharField(_("単位"), max_length=14, choices=UNIT_LABELS, default=Unit.DAYS.value)
    direction = models.CharField(
        _("前か後か"), max_length=6, choices=DIRECTION_LABELS, default=Direction.BEFORE.value
    )
    precision = models.CharField(
        _("予定の細かさ"), max_length=6, choices=PRECISION_CHOICES, blank=True, default=""
    )
    statuses = models.JSONField(_("対象の状態"), default=awaited_statuses)
    follows = models.ForeignKey(
        "self",
        verbose_name=_("元のルール"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="escalations",
        help_text=_("このルールの通知に受領の確認がないときに送ります。"),
    )
    to_lead = models.BooleanField(_("主管府省庁の主担当"), default=True)
    to_deputy = models.BooleanField(_("主管府省庁の副担当"), default=False)
    to_covered = models.BooleanField(_("あわせて対象となる府省庁の担当"), default=True)
    to_watchers = models.BooleanField(_("関係者（参考）"), default=False)
    to_pmo = models.BooleanField("PMO", default=True)
    grace_business_days = models.PositiveSmallIntegerField(
        _("猶予（営業日）"),
        default=5,
        validators=[MaxValueValidator(60)],
        help_text=_(
            "送れなかった場合、期日からこの営業日数までは後から送ります。過ぎたものは「期限切れ」です。"
        ),
    )
    subject = models.CharField(_("件名"), max_length=200)
    body = models.TextField(_("本文"))
    active = models.BooleanField(_("有効"), default=True)
    in_force_since = models.DateTimeField(_("有効にした時点"), default=timezone.now, editable=False)

    history = HistoricalRecords()
    objects = CodeManager["ReminderRule"]()

    class Meta:
        verbose_name = pgettext_lazy("model", "通知ルール")
        verbose_name_plural = pgettext_lazy("models", "通知ルール")
        ordering = ["kind", "direction", "-count", "code"]
        constraints = [
            models.CheckConstraint(name="rule_kind_known", condition=Q(kind__in=sorted(KIND_LABELS))),
            models.CheckConstraint(name="rule_unit_known", condition=Q(unit__in=sorted(UNIT_LABELS))),
            models.CheckConstraint(
                name="rule_direction_known", condition=Q(direction__in=sorted(DIRECTION_LABELS))
            ),
            models.CheckConstraint(
                name="rule_precision_known", condition=Q(precision__in=sorted(PRECISION_CHOICES))
            ),
            models.CheckConstraint(name="rule_count_in_range", condition=Q(count__range=(0, MOST_UNITS))),
            models.CheckConstraint(
                name="rule_repeats_after_some_time",
                condition=~Q(kind__in=[kind.value for kind in INTERVAL_KINDS]) | Q(count__gte=1),
                violation_error_message=_("くり返しの間隔は 1 以上にしてください。"),
            ),
            models.CheckConstraint(
                name="rule_escalation_follows",
                condition=Q(kind=Kind.ESCALATION.value, follows__isnull=False)
                | (~Q(kind=Kind.ESCALATION.value) & Q(follows__isnull=True)),
                violation_error_message=_("「元のルール」は、受領の確認がないときのルールにだけ選びます。"),
            ),
            models.CheckConstraint(
                name="rule_addresses_somebody",
                condition=Q(kind=Kind.CHANGE.value)
                | Q(to_lead=True)
                | Q(to_deputy=True)
                | Q(to_covered=True)
                | Q(to_watchers=True)
                | Q(to_pmo=True),
                violation_error_message=AUDIENCE_MISSING,
            ),
            models.CheckConstraint(
                name="rule_grace_in_range", condition=Q(grace_business_days__range=(0, 60))
            ),
        ]

    def __str__(self) -> str:
        return self.label

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; what a rule owes anew, it owes from now on."""
        before = ReminderRule.objects.filter(pk=self.pk).first() if self.pk else None
        if before and self._owes_anew(before):
            self.in_force_since = timezone.now()
        super().save(*args, **kwargs)

    def natural_key(self) -> tuple[str]:
        """The code."""
        return (self.code,)

    @property
    def parties(self) -> frozenset[Party]:
        """Whom the rule addresses."""
        return frozenset(party for name, party in AUDIENCE_PARTIES.items() if getattr(self, name))

    @property
    def audience_text(self) -> str:
        """Whom the rule addresses, in words: 「主担当・副担当・PMO」."""
        chosen = (text for party, text in AUDIENCE_TEXTS.items() if party in self.parties)
        return str(FIXED_AUDIENCES.get(self.kind) or gettext("・").join(map(str, chosen)))

    @property
    def schedule_text(self) -> str:
        """When the rule's mails go out, in words: 「切替の90日前」."""
        every = gettext("{count}{unit}").format(count=self.count, unit=UNIT_LABELS[self.unit])
        if self.kind != Kind.OFFSET:
            return SCHEDULE_TEXTS[self.kind].format(every=every, count=self.count, follows=self.follows)
        text = (
            gettext("切替の{every}{direction}").format(
                every=every, direction=DIRECTION_LABELS[self.direction]
            )
            if self.count
            else gettext("切替の当日")
        )
        return (
            gettext("{text}（{precision_choices}）").format(
                text=text, precision_choices=PRECISION_CHOICES[self.precision]
            )
            if self.precision
            else text
        )

    def _owes_anew(self, before: "ReminderRule") -> bool:
        moved = any(getattr(self, name) != getattr(before, name) for name in SCHEDULE_FIELDS)
        return moved or self.parties != before.parties or (self.active and not before.active)

    def clean(self) -> None:
        """Refuse a text that names what a mail of this kind does not know, and a wrong set of statuses."""
        errors = {}
        if self.kind in KIND_LABELS:
            for name in ("subject", "body"):
                try:
                    check_template(getattr(self, name), Kind(self.kind))
                except TemplateError as error:
                    errors[name] = say(error.words)
        if (
            not isinstance(self.statuses, list)
            or not self.statuses
            or not set(self.statuses) <= set(RULE_STATUSES)
        ):
            errors["statuses"] = gettext(
                "対象の状態を、検討中・予定・準備中・移行中から1つ以上選んでください。"
            )
        if self.follows is not None and (self.follows == self or self.follows.kind != Kind.OFFSET):
            errors["follows"] = gettext("「切替の前・当日・後」のルールを選んでください。")
        if errors:
            raise ValidationError(errors)


def new_message_id() -> str:
    """A Message-ID of our own domain, fixed before the first attempt so that a repeat can be recognised."""
    domain = settings.DEFAULT_FROM_EMAIL.rstrip(">").rpartition("@")[2]
    return f"<{uuid.uuid4()}@{domain}>"


def standing_of(wave: Wave) -> Standing:
    """What there is to tell of a wave; one that was merged stands where it went."""
    if wave.merged_into is not None:
        return Standing(wave.merged_into.cutover, MERGED)
    return Standing(wave.cutover, wave.status)


class ReminderQuerySet(models.QuerySet["Reminder"]):
    """Reads of the ledger."""

    def for_display(self) -> "ReminderQuerySet":
        """With everything that a list shows."""
        return self.select_related("wave__rollout__lead_ministry", "rule").order_by("due_at", "id")

    def for_mail(self) -> "ReminderQuerySet":
        """With everything that a mail is written from."""
        return self.select_related("wave__rollout__lead_ministry", "wave__merged_into", "rule").defer(
            "picture"
        )

    def ready(self, now: datetime) -> "ReminderQuerySet":
        """What is due and waits for no later attempt, the oldest first."""
        rows = self.filter(state=State.DUE).filter(Q(retry_at=None) | Q(retry_at__lte=now))
        return rows.order_by("due_at", "id")


class Reminder(models.Model):
    """One message owed to one address about one wave, for one rule. Never deleted by the product.

    From the claim on it holds all that the mail is made of. `told_cutover` and `told_status` are what the
    mail says of the wave; a notice of change has them from its planning on. `occurrence` numbers the mails of
    a repeated rule by the ordinal of the day that they were meant for, and notices of change from 0.

    Personal data: the address and the text stay out of anonymous answers, logs and metrics.
    """

    wave = models.ForeignKey(
        Wave,
        verbose_name=_("移行単位"),
        null=True,
        on_delete=models.PROTECT,
        related_name="reminders",
        help_text=_("PMOへのまとめと警告にはありません。"),
    )
    rule = models.ForeignKey(
        ReminderRule, verbose_name=_("通知ルール"), on_delete=models.PROTECT, related_name="reminders"
    )
    address = models.EmailField(_("宛先"))
    cutover_version = models.PositiveIntegerField(_("切替日の版"), default=0)
    occurrence = models.PositiveIntegerField(_("回"), default=0)
    state = models.CharField(_("状態"), max_length=12, choices=STATE_LABELS, default=State.PLANNED.value)
    state_note = models.CharField(_("状態の理由"), max_length=300, blank=True)
    due_at = models.DateTimeField(_("送信予定"))
    retry_at = models.DateTimeField(_("再送予定"), null=True)
    attempts = models.PositiveSmallIntegerField(_("試行回数"), default=0)
    claimed_at = models.DateTimeField(_("送信開始"), null=True)
    sent_at = models.DateTimeField(_("送信時刻"), null=True)
    server_answer = models.CharField(_("メールサーバーの応答"), max_length=500, blank=True)
    message_id = models.CharField("Message-ID", max_length=200, unique=True, default=new_message_id)
    told_cutover = models.CharField(_("知らせた切替"), max_length=60, blank=True)
    told_status = models.CharField(_("知らせた状態"), max_length=20, blank=True, choices=TOLD_LABELS)
    subject = models.CharField(_("件名"), max_length=300, blank=True)
    body = models.TextField(_("本文"), blank=True)
    reply_to = models.EmailField(_("返信先"), blank=True)
    calendar = models.TextField(_("予定（iCalendar）"), blank=True)
    picture = models.BinaryField(_("図（PNG）"), null=True)
    acknowledged_at = models.DateTimeField(_("受領の確認"), null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("判断した人"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    created_at = models.DateTimeField(_("作成"), default=timezone.now)

    objects = ReminderQuerySet.as_manager()

    class Meta:
        verbose_name = pgettext_lazy("model", "事前通知")
        verbose_name_plural = pgettext_lazy("models", "事前通知（台帳）")
        ordering = ["due_at", "id"]
        indexes = [
            models.Index(fields=["state", "due_at"], name="reminder_state_due"),
            models.Index(fields=["due_at", "id"], name="reminder_due"),
            models.Index(
                fields=["claimed_at"], name="reminder_claimed", condition=Q(claimed_at__isnull=False)
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                name="reminder_owed_once",
                fields=["wave", "rule", "address", "cutover_version", "occurrence"],
            ),
            models.UniqueConstraint(
                name="reminder_without_wave_owed_once",
                fields=["rule", "address", "occurrence"],
                condition=Q(wave__isnull=True),
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
        return f"{self.wave or 'PMO'} {self.rule} {self.get_state_display()}"

    @property
    def shown_body(self) -> str:
        """The text for readers of the ledger, who must not answer in the recipient's place."""
        return hide_links(self.body)
