"""What the PMO assumes of delays, where the tracker's own history does not teach it yet."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from rollout.models.managers import CodeManager

LONGEST_SLIP = 60


class SlipAssumption(models.Model):
    """By how many months a wave slips: a triangular distribution. One row.

    `learn_from` is how many confirmed waves the history must hold before it is learnt from instead.
    """

    ONLY_CODE = "default"

    code = models.SlugField(_("コード"), max_length=60, unique=True, default=ONLY_CODE, editable=False)
    earliest_months = models.SmallIntegerField(
        _("早い場合（か月）"),
        validators=[MinValueValidator(-LONGEST_SLIP), MaxValueValidator(LONGEST_SLIP)],
        help_text=_("予定より早まる場合は負の数。"),
    )
    likely_months = models.SmallIntegerField(_("最もありそうな場合（か月）"))
    latest_months = models.SmallIntegerField(
        _("遅い場合（か月）"), validators=[MaxValueValidator(LONGEST_SLIP)]
    )
    learn_from = models.PositiveSmallIntegerField(
        _("実績に切り替える件数"),
        default=20,
        validators=[MinValueValidator(1)],
        help_text=_("利用開始を確認した移行単位がこの件数になると、仮定の代わりに実績の遅れを使います。"),
    )
    note = models.CharField(_("根拠"), max_length=300, help_text=_("この仮定が何に基づくか。"))

    history = HistoricalRecords()
    objects = CodeManager["SlipAssumption"]()

    class Meta:
        verbose_name = pgettext_lazy("model", "遅れの仮定")
        verbose_name_plural = pgettext_lazy("models", "遅れの仮定")
        constraints = [
            models.CheckConstraint(name="slip_assumption_only_row", condition=Q(code="default")),
            models.CheckConstraint(
                name="slip_assumption_in_order",
                condition=Q(
                    earliest_months__gte=-LONGEST_SLIP,
                    earliest_months__lte=F("likely_months"),
                    latest_months__gte=F("likely_months"),
                    latest_months__lte=LONGEST_SLIP,
                ),
                violation_error_message=_(
                    "早い場合 ≦ 最もありそうな場合 ≦ 遅い場合 の順に入力してください。"
                ),
            ),
            models.CheckConstraint(name="slip_assumption_learns_from_some", condition=Q(learn_from__gte=1)),
        ]

    def __str__(self) -> str:
        return gettext(
            "{earliest_months}〜{latest_months}か月（最もありそうなのは {likely_months}か月）"
        ).format(
            earliest_months=self.earliest_months,
            latest_months=self.latest_months,
            likely_months=self.likely_months,
        )

    def natural_key(self) -> tuple[str]:
        """The code."""
        return (self.code,)
