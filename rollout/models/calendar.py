"""What the calendar says of cutovers: when none can be, how many a month takes, and what people accept."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from ministries.models import Ministry
from rollout.domain.calendar_lint import WarningKind
from rollout.models.frame import USER_VALIDATORS
from rollout.models.labels import WARNING_LABELS
from rollout.models.managers import CodeManager
from rollout.models.plan import Wave

LONGEST_YEARLY = 365


class FreezePeriod(models.Model):
    """Days on which a ministry, or every one, cannot cut over: once, or every year."""

    code = models.SlugField(_("コード"), max_length=60, unique=True)
    ministry = models.ForeignKey(
        Ministry,
        verbose_name=_("府省庁"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="freeze_periods",
        help_text=_("その府省庁が主担当か、あわせて対象となる移行単位に注意を出します。空欄なら全府省庁。"),
    )
    label = models.CharField(_("名称"), max_length=100, help_text=_("例: 確定申告期"))
    first_day = models.DateField(_("初日"))
    last_day = models.DateField(_("最終日"))
    yearly = models.BooleanField(
        _("毎年"), default=False, help_text=_("毎年くり返すときは、初日と最終日の月日だけを使います。")
    )
    note = models.CharField(_("根拠"), max_length=300, blank=True, help_text=_("何に基づくか。資料や連絡。"))

    history = HistoricalRecords()
    objects = CodeManager["FreezePeriod"]()

    class Meta:
        verbose_name = pgettext_lazy("model", "凍結期間")
        verbose_name_plural = pgettext_lazy("models", "凍結期間")
        ordering = ["first_day", "code"]
        constraints = [
            models.CheckConstraint(
                name="freeze_period_in_order",
                condition=Q(first_day__lte=F("last_day")),
                violation_error_message=_("最終日は初日と同じか、それより後にしてください。"),
            )
        ]

    def __str__(self) -> str:
        return self.label

    def clean(self) -> None:
        """Refuse what would repeat before it is over."""
        bounds = self.first_day, self.last_day
        if self.yearly and all(bounds) and (self.last_day - self.first_day).days >= LONGEST_YEARLY:
            raise ValidationError({"last_day": gettext("毎年くり返す期間は、1年より短くしてください。")})

    def natural_key(self) -> tuple[str]:
        """The code."""
        return (self.code,)


class MonthlyLimit(models.Model):
    """What one month takes, from a fiscal year on: users, cutovers, or both."""

    from_fiscal_year = models.PositiveSmallIntegerField(
        _("適用する最初の年度"),
        unique=True,
        validators=[MinValueValidator(2019)],
        help_text=_("西暦で書きます（R8年度は 2026）。次の上限が始まる年度の前まで使います。"),
    )
    users = models.PositiveIntegerField(
        _("1か月の人数の上限"),
        null=True,
        blank=True,
        validators=USER_VALIDATORS,
        help_text=_("空欄なら人数では注意を出しません。"),
    )
    cutovers = models.PositiveSmallIntegerField(
        _("1か月の切替の上限（件）"), null=True, blank=True, help_text=_("空欄なら件数では注意を出しません。")
    )
    note = models.CharField(_("根拠"), max_length=300, blank=True, help_text=_("何に基づくか。資料や決定。"))

    history = HistoricalRecords()

    class Meta:
        verbose_name = pgettext_lazy("model", "月あたりの上限")
        verbose_name_plural = pgettext_lazy("models", "月あたりの上限")
        ordering = ["from_fiscal_year"]
        constraints = [
            models.CheckConstraint(
                name="monthly_limit_limits_something",
                condition=Q(users__isnull=False) | Q(cutovers__isnull=False),
                violation_error_message=_("人数か件数の上限を入力してください。"),
            )
        ]

    def __str__(self) -> str:
        return gettext("{from_fiscal_year}年度から").format(from_fiscal_year=self.from_fiscal_year)


class WarningAcceptance(models.Model):
    """Somebody accepts a calendar warning about one version of a cutover, and says why. Never changed.

    `subject` is the freeze period or the month that the warning speaks of, "" for other kinds.
    """

    wave = models.ForeignKey(Wave, on_delete=models.CASCADE, related_name="acceptances")
    kind = models.CharField(max_length=20)
    subject = models.CharField(max_length=60, blank=True)
    cutover_version = models.PositiveIntegerField()
    reason = models.CharField(max_length=500)
    accepted_at = models.DateTimeField(default=timezone.now)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        verbose_name = pgettext_lazy("model", "注意の承認")
        verbose_name_plural = pgettext_lazy("models", "注意の承認")
        ordering = ["accepted_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                name="warning_acceptance_once", fields=["wave", "kind", "cutover_version", "subject"]
            ),
            models.CheckConstraint(
                name="warning_acceptance_kind_known",
                condition=Q(kind__in=[kind.value for kind in WarningKind]),
            ),
            models.CheckConstraint(name="warning_acceptance_has_reason", condition=~Q(reason="")),
        ]

    def __str__(self) -> str:
        return gettext("{warning}：{reason}").format(warning=WARNING_LABELS[self.kind], reason=self.reason)

    @property
    def key(self) -> tuple[int, str, int, str]:
        """Which warning it accepts."""
        return self.wave_id, self.kind, self.cutover_version, self.subject
