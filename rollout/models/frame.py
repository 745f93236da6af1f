"""The published frame: sources, cohorts, targets and observations."""

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from rollout.domain.plan import MAX_USERS, Reading
from rollout.models.fields import FuzzyDateField, fill_bounds
from rollout.models.labels import PRECISION_LABELS, READING_LABELS
from rollout.models.managers import CodeManager

FIRST_FISCAL_YEAR, LAST_FISCAL_YEAR = 2000, 2100
USER_VALIDATORS = [MaxValueValidator(MAX_USERS)]
READINGS = sorted(READING_LABELS)


class Source(models.Model):
    """A published document or a dated statement."""

    class Kind(models.TextChoices):
        """How close the source is to the decision."""

        PRIMARY = "primary", _("一次資料")
        PRESS = "press", _("報道")
        LAW = "law", _("法令")
        STATEMENT = "statement", _("回答・連絡")

    code = models.SlugField(_("コード"), max_length=60, unique=True)
    title = models.CharField(_("題名"), max_length=300)
    publisher = models.CharField(_("発行者"), max_length=100)
    published_on = FuzzyDateField(_("公表日"))
    kind = models.CharField(_("種別"), max_length=20, choices=Kind.choices)

    history = HistoricalRecords()
    objects = CodeManager["Source"]()

    class Meta:
        verbose_name = pgettext_lazy("model", "出典")
        verbose_name_plural = pgettext_lazy("models", "出典")
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                name="source_kind_known", condition=Q(kind__in=["primary", "press", "law", "statement"])
            )
        ]

    def __str__(self) -> str:
        return self.title

    def natural_key(self) -> tuple[str]:
        """The code."""
        return (self.code,)


class Cohort(models.Model):
    """A published group of rollouts with one published total; a cohort may lie inside another."""

    code = models.SlugField(_("コード"), max_length=60, unique=True)
    label = models.CharField(_("名称"), max_length=100)
    order = models.PositiveSmallIntegerField(
        _("資料での順"), help_text=_("累計として読むときの「それまで」の順です。")
    )
    inside = models.ForeignKey(
        "self",
        verbose_name=_("上位の区分"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="inner_cohorts",
    )
    published_users = models.PositiveIntegerField(
        _("公表人数"),
        null=True,
        blank=True,
        validators=USER_VALIDATORS,
        help_text=_("公表されていなければ空欄。"),
    )
    approximate = models.BooleanField(_("概数（約）"), default=False)
    rounding_unit = models.PositiveIntegerField(
        _("丸めの単位"),
        default=1,
        validators=[MinValueValidator(1), *USER_VALIDATORS],
        help_text=_("「約47,000」なら1000。見込みの幅になります。"),
    )
    reading = models.CharField(
        _("公表人数の読み方"), max_length=20, choices=READING_LABELS, default=Reading.GROUP.value
    )
    undecided_note = models.CharField(
        _("未定の構成員"),
        max_length=200,
        blank=True,
        help_text=_("資料の言い方のまま。記入すると、残りの人数は按分せず「時期未定」になります。"),
    )
    fiscal_year = models.PositiveSmallIntegerField(
        _("増加数を示す年度"),
        null=True,
        blank=True,
        validators=[MinValueValidator(FIRST_FISCAL_YEAR), MaxValueValidator(LAST_FISCAL_YEAR)],
        help_text=_("公表人数がその年度1年間の増加数でもある場合だけ、西暦で入力します。"),
    )
    published_multiple = models.PositiveSmallIntegerField(
        _("公表された倍率"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text=_("資料がその年度末を前年度末の何倍としているか。「倍増」なら2。"),
    )
    source = models.ForeignKey(
        Source, verbose_name=_("出典"), on_delete=models.PROTECT, related_name="cohorts"
    )
    text_in_source = models.CharField(_("資料の文言"), max_length=300, blank=True)

    history = HistoricalRecords()
    objects = CodeManager["Cohort"]()

    class Meta:
        verbose_name = pgettext_lazy("model", "導入区分")
        verbose_name_plural = pgettext_lazy("models", "導入区分")
        ordering = ["order", "code"]
        constraints = [
            models.CheckConstraint(
                name="cohort_not_inside_itself",
                condition=Q(inside__isnull=True) | ~Q(inside=F("id")),
                violation_error_message=_("自分自身を上位の区分にはできません。"),
            ),
            models.CheckConstraint(name="cohort_reading_known", condition=Q(reading__in=READINGS)),
            models.CheckConstraint(
                name="cohort_inside_is_a_size",
                condition=Q(inside__isnull=True) | Q(reading=Reading.GROUP.value),
                violation_error_message=_("上位の区分がある場合、公表人数は「この区分だけの人数」です。"),
            ),
            models.CheckConstraint(
                name="cohort_users_in_range",
                condition=Q(published_users__isnull=True) | Q(published_users__range=(0, MAX_USERS)),
            ),
            models.CheckConstraint(
                name="cohort_rounding_unit_in_range", condition=Q(rounding_unit__range=(1, MAX_USERS))
            ),
            models.CheckConstraint(
                name="cohort_fiscal_year_in_range",
                condition=Q(fiscal_year__isnull=True)
                | Q(fiscal_year__range=(FIRST_FISCAL_YEAR, LAST_FISCAL_YEAR)),
            ),
            models.CheckConstraint(
                name="cohort_multiple_of_a_fiscal_year",
                condition=Q(published_multiple__isnull=True)
                | Q(published_multiple__range=(1, 100), fiscal_year__isnull=False),
                violation_error_message=_("倍率は、増加数を示す年度とあわせて入力してください。"),
            ),
            models.UniqueConstraint(
                name="cohort_fiscal_year_unique",
                fields=["fiscal_year"],
                violation_error_message=_("この年度の増加数は別の導入区分に登録されています。"),
            ),
            models.UniqueConstraint(
                name="cohort_order_unique",
                fields=["order"],
                violation_error_message=_("この順は別の導入区分で使われています。"),
            ),
        ]

    def __str__(self) -> str:
        return self.label

    def natural_key(self) -> tuple[str]:
        """The code."""
        return (self.code,)

    def clean(self) -> None:
        """Refuse a chain of cohorts that leads back to this one."""
        outer, seen = self.inside, {self.pk}
        while outer is not None:
            if outer.pk in seen:
                raise ValidationError({"inside": gettext("上位の区分をたどると自分自身に戻ります。")})
            seen.add(outer.pk)
            outer = outer.inside


class Target(models.Model):
    """Users to reach, and how the figure is to be read; with a date it is a checkpoint on the way."""

    code = models.SlugField(_("コード"), max_length=60, unique=True)
    label = models.CharField(_("名称"), max_length=100)
    users = models.PositiveIntegerField(_("人数"), validators=USER_VALIDATORS)
    reading = models.CharField(
        _("人数の読み方"), max_length=20, choices=READING_LABELS, default=Reading.GROUP.value
    )
    by = models.DateField(_("期限"), null=True, blank=True, help_text=_("最終目標なら空欄。"))
    derivation = models.CharField(
        _("算出方法"),
        max_length=200,
        blank=True,
        help_text=_("公表された数字から算出した目標なら、その式。公表されたままの数字なら空欄。"),
    )
    source = models.ForeignKey(
        Source, verbose_name=_("出典"), on_delete=models.PROTECT, related_name="targets"
    )

    history = HistoricalRecords()
    objects = CodeManager["Target"]()

    class Meta:
        verbose_name = pgettext_lazy("model", "目標")
        verbose_name_plural = pgettext_lazy("models", "目標")
        ordering = [F("by").asc(nulls_last=True), "code"]
        constraints = [
            models.CheckConstraint(name="target_users_in_range", condition=Q(users__range=(1, MAX_USERS))),
            models.CheckConstraint(name="target_reading_known", condition=Q(reading__in=READINGS)),
            models.UniqueConstraint(
                Coalesce("by", Value("0001-01-01", output_field=models.DateField())),
                name="target_one_per_deadline",
                violation_error_message=_("この期限の目標（期限なしなら最終目標）はすでにあります。"),
            ),
        ]

    def __str__(self) -> str:
        return self.label

    def natural_key(self) -> tuple[str]:
        """The code."""
        return (self.code,)


class ObservationQuerySet(models.QuerySet["Observation"]):
    """Reads of observations."""

    def get_by_natural_key(self, source: str, as_of: str) -> "Observation":
        """What a source says of a day."""
        return self.get(source__code=source, as_of=as_of)


class Observation(models.Model):
    """A published count of GSS users on a day, or in a month."""

    as_of = FuzzyDateField(_("時点"), blank=False, bounds=True)
    as_of_earliest = models.DateField(_("時点（最早）"), null=True, editable=False)
    as_of_latest = models.DateField(_("時点（最遅）"), null=True, editable=False)
    as_of_precision = models.CharField(_("時点の精度"), max_length=12, blank=True, editable=False)
    as_of_open_ended = models.BooleanField(_("時点以降"), default=False, editable=False)
    users = models.PositiveIntegerField(_("利用者数"), validators=USER_VALIDATORS)
    approximate = models.BooleanField(_("概数（約）"), default=False)
    source = models.ForeignKey(
        Source, verbose_name=_("出典"), on_delete=models.PROTECT, related_name="observations"
    )
    note = models.CharField(_("備考"), max_length=200, blank=True)

    history = HistoricalRecords()
    objects = ObservationQuerySet.as_manager()

    class Meta:
        verbose_name = pgettext_lazy("model", "実績")
        verbose_name_plural = pgettext_lazy("models", "実績")
        ordering = ["as_of_latest", "source__code", "id"]
        constraints = [
            models.UniqueConstraint(
                name="observation_source_as_of_unique",
                fields=["source", "as_of"],
                violation_error_message=_("この出典のこの時点の実績は登録済みです。"),
            ),
            models.CheckConstraint(
                name="observation_users_in_range", condition=Q(users__range=(0, MAX_USERS))
            ),
            models.CheckConstraint(
                name="observation_is_dated",
                condition=Q(
                    as_of_earliest__isnull=False,
                    as_of_latest__isnull=False,
                    as_of_earliest__lte=F("as_of_latest"),
                    as_of_precision__in=sorted(PRECISION_LABELS),
                    as_of_open_ended=False,
                ),
                violation_error_message=_(
                    "時点は「2024-06」「R6.6.19」のように、終わりのある期間で入力してください。"
                ),
            ),
        ]

    def __str__(self) -> str:
        return gettext("{text} {users:,}人").format(text=self.as_of.text, users=self.users)

    def natural_key(self) -> tuple[str, str]:
        """The source's code and the text of the day."""
        return (self.source.code, self.as_of.text)

    natural_key.dependencies = ["rollout.source"]  # type: ignore[attr-defined]

    def clean(self) -> None:
        """Fill the bounds, which the constraints look at."""
        fill_bounds(self, "as_of")
