"""The plan itself: rollouts, and the waves they move in."""

from datetime import date, datetime
from typing import Any

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from ministries.models import Assignment, Ministry
from rollout.domain.eras import Period
from rollout.domain.plan import MAX_USERS, Status
from rollout.models import conditions
from rollout.models.evidence import CitedChange
from rollout.models.fields import BOUND_NAMES, FuzzyDateField, fill_bounds
from rollout.models.frame import USER_VALIDATORS, Cohort
from rollout.models.labels import PRECISION_LABELS, STATUS_LABELS
from rollout.models.managers import CodeManager

USERS_HELP = _("公表・確認された人数だけを入力します。分からなければ空欄（0 とは違います）。")


class Rollout(models.Model):
    """One unit's move to GSS: a lead ministry, ministries it also covers, a scope."""

    class WeightScope(models.TextChoices):
        """Whose headcount the weight is."""

        BODY = "body", _("その機関だけ")
        WITH_OUTER = "with_outer", _("外局等を含む合計")
        PROPER = "proper", _("本省だけ")
        SPLIT = "split", _("合計を等分")
        COMBINED = "combined", _("複数の機関の合計")

    code = models.SlugField(_("コード"), max_length=60, unique=True)
    cohort = models.ForeignKey(
        Cohort, verbose_name=_("導入区分"), on_delete=models.PROTECT, related_name="rollouts"
    )
    order = models.PositiveSmallIntegerField(_("区分内の順"), default=0)
    lead_ministry = models.ForeignKey(
        Ministry, verbose_name=_("府省庁"), on_delete=models.PROTECT, related_name="led_rollouts"
    )
    also_covers = models.ManyToManyField(
        Ministry,
        verbose_name=_("あわせて対象となる府省庁"),
        through="RolloutCoverage",
        related_name="covering_rollouts",
        blank=True,
    )
    scope = models.CharField(_("範囲"), max_length=100, blank=True, help_text=_("本省、地方拠点、一部など。"))
    partial = models.BooleanField(_("一部のみ"), default=False)
    users = models.PositiveIntegerField(
        _("人数（全体）"), null=True, blank=True, validators=USER_VALIDATORS, help_text=USERS_HELP
    )
    weight = models.PositiveIntegerField(
        _("按分の重み（定員）"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), *USER_VALIDATORS],
        help_text=_("区分の残り人数を分けるときに使います。"),
    )
    weight_scope = models.CharField(
        _("重みの範囲"),
        max_length=20,
        blank=True,
        choices=WeightScope.choices,
        help_text=_("定員がどの範囲のものか。区分の中で範囲が混じると、照合で知らせます。"),
    )
    weight_note = models.CharField(_("重みの注記"), max_length=200, blank=True)

    history = HistoricalRecords(bases=[CitedChange])
    objects = CodeManager["Rollout"]()

    class Meta:
        verbose_name = pgettext_lazy("model", "導入案件")
        verbose_name_plural = pgettext_lazy("models", "導入案件")
        ordering = ["cohort__order", "order", "code"]
        constraints = [
            models.CheckConstraint(
                name="rollout_users_in_range",
                condition=Q(users__isnull=True) | Q(users__range=(0, MAX_USERS)),
            ),
            models.CheckConstraint(
                name="rollout_weight_scope_known",
                condition=Q(weight_scope__in=["", "body", "with_outer", "proper", "split", "combined"]),
            ),
            models.CheckConstraint(
                name="rollout_weight_in_range",
                condition=Q(weight__isnull=True) | Q(weight__range=(1, MAX_USERS)),
            ),
        ]

    def __str__(self) -> str:
        return self.label

    def natural_key(self) -> tuple[str]:
        """The code."""
        return (self.code,)

    @property
    def label(self) -> str:
        """The lead ministry, with the scope where there is one."""
        return (
            gettext("{name}（{scope}）").format(name=self.lead_ministry.name, scope=self.scope)
            if self.scope
            else self.lead_ministry.name
        )


class CoverageQuerySet(models.QuerySet["RolloutCoverage"]):
    """Reads of coverage."""

    def get_by_natural_key(self, rollout: str, ministry: str) -> "RolloutCoverage":
        """The row of a rollout and a ministry."""
        return self.get(rollout__code=rollout, ministry__code=ministry)


class RolloutCoverage(models.Model):
    """A ministry that moves along in another's rollout. A model of its own, so that it has a history."""

    rollout = models.ForeignKey(
        Rollout, verbose_name=_("導入案件"), on_delete=models.CASCADE, related_name="coverages"
    )
    ministry = models.ForeignKey(
        Ministry, verbose_name=_("府省庁"), on_delete=models.PROTECT, related_name="coverages"
    )

    history = HistoricalRecords()
    objects = CoverageQuerySet.as_manager()

    class Meta:
        verbose_name = pgettext_lazy("model", "あわせて対象となる府省庁")
        verbose_name_plural = pgettext_lazy("models", "あわせて対象となる府省庁")
        ordering = ["rollout", "ministry__order"]
        constraints = [
            models.UniqueConstraint(
                name="coverage_once",
                fields=["rollout", "ministry"],
                violation_error_message=_("この府省庁はすでに含まれています。"),
            )
        ]

    def __str__(self) -> str:
        return self.ministry.name

    def natural_key(self) -> tuple[str, str]:
        """The codes of both."""
        return (self.rollout.code, self.ministry.code)

    natural_key.dependencies = ["rollout.rollout", "ministries.ministry"]  # type: ignore[attr-defined]


DERIVED_FROM_CUTOVER = (*(f"cutover_{bound}" for bound in BOUND_NAMES), "cutover_version", "cutover_since")


class WaveQuerySet(models.QuerySet["Wave"]):
    """Reads of waves."""

    def get_by_natural_key(self, code: str) -> "Wave":
        """The wave with this code."""
        return self.get(code=code)

    def for_display(self) -> "WaveQuerySet":
        """With everything that a list shows, in a constant number of queries."""
        return self.select_related("rollout__lead_ministry", "rollout__cohort__source").order_by(
            F("cutover_latest").asc(nulls_last=True), "rollout__order", "code"
        )

    def unmerged(self) -> "WaveQuerySet":
        """Waves that stand for themselves."""
        return self.filter(merged_into__isnull=True)

    def awaited(self) -> "WaveQuerySet":
        """Waves that have neither moved nor been cancelled."""
        return self.filter(conditions.is_awaited())

    def overdue_unconfirmed(self, today: date) -> "WaveQuerySet":
        """予定日経過・未確認: latest day before `today`, use not confirmed, not cancelled."""
        return self.filter(conditions.is_overdue_unconfirmed(today))

    def upcoming(self, today: date, days: int) -> "WaveQuerySet":
        """Awaited waves whose period begins within `days` days of `today`, or is going on."""
        return self.filter(conditions.is_upcoming(today, days))

    def unconfirmed_since(self, day: date, today: date) -> "WaveQuerySet":
        """Awaited waves, dated and not past, whose date nobody has set or confirmed after `day`."""
        is_to_come = Q(cutover_latest__gte=today) | Q(cutover_latest=None, cutover_earliest__isnull=False)
        is_unconfirmed = Q(confirmed_on=None) | Q(confirmed_on__lte=day)
        set_before = Q(cutover_since__date__lte=day)
        return self.awaited().filter(is_to_come, is_unconfirmed, set_before)

    def moved_since(self, moment: datetime) -> "WaveQuerySet":
        """Waves that there were at `moment`, with another earliest or latest day than now."""
        versions = Wave.history.filter(id=OuterRef("pk"), history_date__lte=moment)
        then = versions.order_by("-history_date", "-history_id")
        rows = self.filter(cutover_since__gt=moment).alias(
            then_known=Exists(then),
            then_earliest=Subquery(then.values("cutover_earliest")[:1]),
            then_latest=Subquery(then.values("cutover_latest")[:1]),
        )
        from_same = Q(cutover_earliest=F("then_earliest")) | Q(
            cutover_earliest__isnull=True, then_earliest__isnull=True
        )
        to_same = Q(cutover_latest=F("then_latest")) | Q(
            cutover_latest__isnull=True, then_latest__isnull=True
        )
        return rows.filter(then_known=True).exclude(from_same & to_same)

    def assigned_to(self, user: Any) -> "WaveQuerySet":
        """Waves of the ministries that a person looks after, be they the lead or covered."""
        mine = Assignment.objects.filter(user=user).values("ministry")
        covered = RolloutCoverage.objects.filter(ministry__in=mine).values("rollout")
        return self.filter(Q(rollout__lead_ministry__in=mine) | Q(rollout__in=covered))

    def touching(self, period: Period) -> "WaveQuerySet":
        """Waves whose period has a day of `period`; 「以降」 has all from its earliest on."""
        first, last = period
        return self.filter(conditions.may_be_on_or_after(first), cutover_earliest__lte=last)

    def undecided(self) -> "WaveQuerySet":
        """Awaited waves without a cutover (検討中)."""
        return self.awaited().filter(conditions.is_undecided())

    def in_fiscal_year(self, year: int) -> "WaveQuerySet":
        """Waves whose latest day lies in the fiscal year."""
        return self.filter(conditions.is_in_fiscal_year(year))


class Wave(models.Model):
    """A batch of users that cuts over together."""

    rollout = models.ForeignKey(
        Rollout, verbose_name=_("導入案件"), on_delete=models.PROTECT, related_name="waves"
    )
    code = models.SlugField(_("コード"), max_length=60, unique=True)
    name = models.CharField(
        _("名称"), max_length=100, blank=True, help_text=_("複数に分かれるときだけ。第1陣など。")
    )
    cutover = FuzzyDateField(
        _("切替"),
        bounds=True,
        help_text=_("R8.6、R8.6~、令和8年度上期、2026-06-15、検討中 のように入力します。"),
    )
    cutover_earliest = models.DateField(_("切替（最早）"), null=True, editable=False)
    cutover_latest = models.DateField(_("切替（最遅）"), null=True, editable=False)
    cutover_precision = models.CharField(_("切替の精度"), max_length=12, blank=True, editable=False)
    cutover_open_ended = models.BooleanField(_("以降"), default=False, editable=False)
    cutover_version = models.PositiveIntegerField(_("切替日の版"), default=1, editable=False)
    cutover_since = models.DateTimeField(_("この切替日になった時点"), default=timezone.now, editable=False)
    confirmed_on = models.DateField(
        _("日程確認"), null=True, editable=False, help_text=_("この切替予定のままでよいと最後に確認した日。")
    )
    users = models.PositiveIntegerField(
        _("人数"), null=True, blank=True, validators=USER_VALIDATORS, help_text=USERS_HELP
    )
    status = models.CharField(
        _("状態"), max_length=20, choices=STATUS_LABELS, default=Status.UNDER_REVIEW.value
    )
    merged_into = models.ForeignKey(
        "self",
        verbose_name=_("統合先"),
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="merged_waves",
        help_text=_("同じ導入案件の別の移行単位にまとめたときの、まとめた先。"),
    )
    note = models.CharField(_("備考"), max_length=300, blank=True)

    history = HistoricalRecords(bases=[CitedChange])
    objects = WaveQuerySet.as_manager()

    class Meta:
        verbose_name = pgettext_lazy("model", "移行単位")
        verbose_name_plural = pgettext_lazy("models", "移行単位")
        ordering = [F("cutover_latest").asc(nulls_last=True), "code"]
        indexes = [models.Index(fields=["cutover_latest", "status"], name="wave_latest_status")]
        constraints = [
            models.CheckConstraint(name="wave_status_known", condition=Q(status__in=sorted(STATUS_LABELS))),
            models.CheckConstraint(
                name="wave_users_in_range",
                condition=Q(users__isnull=True) | Q(users__range=(0, MAX_USERS)),
            ),
            models.CheckConstraint(
                name="wave_cutover_consistent",
                condition=(
                    Q(
                        cutover_earliest__isnull=True,
                        cutover_latest__isnull=True,
                        cutover_precision="",
                        cutover_open_ended=False,
                    )
                    | Q(
                        cutover_earliest__isnull=False,
                        cutover_latest__isnull=False,
                        cutover_earliest__lte=F("cutover_latest"),
                        cutover_precision__in=sorted(PRECISION_LABELS),
                    )
                    | Q(
                        cutover_earliest__isnull=False,
                        cutover_latest__isnull=True,
                        cutover_open_ended=True,
                        cutover_precision__in=sorted(PRECISION_LABELS),
                    )
                ),
            ),
            models.CheckConstraint(
                name="wave_in_use_is_dated",
                condition=~Q(status=Status.IN_USE.value) | Q(cutover_latest__isnull=False),
                violation_error_message=_("利用中にするには、切替の日が必要です。"),
            ),
            models.CheckConstraint(
                name="wave_merged_is_cancelled",
                condition=Q(merged_into__isnull=True) | Q(status=Status.CANCELLED.value),
                violation_error_message=_("統合した移行単位の状態は「中止」です。"),
            ),
            models.CheckConstraint(
                name="wave_not_merged_into_itself",
                condition=Q(merged_into__isnull=True) | ~Q(merged_into=F("id")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rollout.label} {self.name}".strip()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; a cutover with other bounds is a new version, which starts now.

        A merged wave that is taken up again stands for itself again.
        """
        named = set(kwargs.get("update_fields") or ())
        if "cutover" in named:
            kwargs["update_fields"] = named = {*named, *DERIVED_FROM_CUTOVER}
        if "status" in named:
            kwargs["update_fields"] = {*named, "merged_into"}
        before = Wave.objects.filter(pk=self.pk).first() if self.pk else None
        self.carry_on(before, timezone.now())
        super().save(*args, **kwargs)

    def carry_on(self, before: "Wave | None", now: datetime) -> None:
        """Fill what is derived: the bounds, the version of the cutover, and whether it stands for itself."""
        if not self.is_merged:
            self.merged_into = None
        fill_bounds(self, "cutover")
        if before is not None:
            self.cutover_version, self.cutover_since = before.cutover_version, before.cutover_since
            if self.cutover_bounds != before.cutover_bounds:
                self.cutover_version, self.cutover_since = before.cutover_version + 1, now

    def natural_key(self) -> tuple[str]:
        """The code."""
        return (self.code,)

    def clean(self) -> None:
        """Fill the bounds, which the constraints look at."""
        fill_bounds(self, "cutover")

    @property
    def cutover_bounds(self) -> tuple[date | None, date | None]:
        """Earliest and latest day, as stored beside the text."""
        return self.cutover_earliest, self.cutover_latest

    @property
    def is_merged(self) -> bool:
        """True while it is part of another wave, which has its users."""
        return self.merged_into_id is not None and self.status == Status.CANCELLED

    def is_overdue_unconfirmed(self, today: date) -> bool:
        """True when the latest day lies before `today` and nobody has confirmed the use."""
        latest = self.cutover.latest
        return latest is not None and latest < today and not Status(self.status).is_settled
