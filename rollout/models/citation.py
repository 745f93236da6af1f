"""What sources say of the plan."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from simple_history.models import HistoricalRecords

from rollout.domain.plan import MAX_USERS
from rollout.models.fields import FuzzyDateField
from rollout.models.frame import USER_VALIDATORS, Source
from rollout.models.plan import Rollout, Wave


class CitationQuerySet(models.QuerySet["Citation"]):
    """Reads of citations."""

    def get_by_natural_key(  # the parts of the key
        self, rollout: str, source: str, subject: str, locator: str, wave: str | None = None
    ) -> "Citation":
        """What a source says, at one place, of one fact of a rollout or of one of its waves."""
        key = {"rollout__code": rollout, "source__code": source, "subject": subject, "locator": locator}
        return self.get(**key, wave__code=wave) if wave else self.get(**key, wave__isnull=True)

    def adopted(self) -> "CitationQuerySet":
        """The citations that the plan follows."""
        return self.filter(adopted=True)


class Citation(models.Model):
    """What a source says of one rollout, verbatim. They may disagree; the plan follows the adopted one."""

    class Subject(models.TextChoices):
        """Which fact the source speaks of."""

        CUTOVER = "cutover", _("切替")
        USERS = "users", _("人数")

    rollout = models.ForeignKey(
        Rollout, verbose_name=_("導入案件"), on_delete=models.CASCADE, related_name="citations"
    )
    wave = models.ForeignKey(
        Wave,
        verbose_name=_("移行単位"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="citations",
        help_text=_("移行単位の一つだけについての引用なら選びます。空欄なら導入案件の全体です。"),
    )
    source = models.ForeignKey(
        Source, verbose_name=_("出典"), on_delete=models.PROTECT, related_name="citations"
    )
    subject = models.CharField(_("内容"), max_length=10, choices=Subject.choices)
    text = models.CharField(_("資料の文言"), max_length=300, help_text=_("資料の言い方のまま。"))
    locator = models.CharField(
        _("掲載箇所"), max_length=100, blank=True, help_text=_("ページ、表の番号など。")
    )
    note = models.CharField(_("備考"), max_length=200, blank=True)
    says_cutover = FuzzyDateField(
        _("読み取った時期"), help_text=_("文言が示す時期。R8.6、2022-08 のように入力します。")
    )
    says_users = models.PositiveIntegerField(
        _("読み取った人数"),
        null=True,
        blank=True,
        validators=USER_VALIDATORS,
        help_text=_("文言が示す人数。"),
    )
    adopted = models.BooleanField(
        _("採用"), default=False, help_text=_("計画がこの引用に従う場合に選びます。")
    )

    history = HistoricalRecords()
    objects = CitationQuerySet.as_manager()

    class Meta:
        verbose_name = pgettext_lazy("model", "引用")
        verbose_name_plural = pgettext_lazy("models", "引用")
        ordering = ["rollout", "subject", "-adopted", "source__code", "id"]
        constraints = [
            models.CheckConstraint(
                name="citation_subject_known", condition=Q(subject__in=["cutover", "users"])
            ),
            models.CheckConstraint(
                name="citation_says_what_its_subject_is",
                condition=(Q(says_users__isnull=True) | Q(subject="users"))
                & (Q(says_cutover="") | Q(subject="cutover")),
                violation_error_message=_("切替の引用には時期を、人数の引用には人数を入力してください。"),
            ),
            models.CheckConstraint(
                name="citation_users_in_range",
                condition=Q(says_users__isnull=True) | Q(says_users__range=(0, MAX_USERS)),
            ),
            models.UniqueConstraint(
                name="citation_once",
                fields=["rollout", "source", "subject", "locator"],
                condition=Q(wave__isnull=True),
                violation_error_message=_("この出典のこの箇所からの引用は登録済みです。"),
            ),
            models.UniqueConstraint(
                name="citation_once_a_wave",
                fields=["wave", "source", "subject", "locator"],
                condition=Q(wave__isnull=False),
                violation_error_message=_(
                    "この出典のこの箇所からの、この移行単位についての引用は登録済みです。"
                ),
            ),
            models.UniqueConstraint(
                name="citation_one_adopted",
                fields=["rollout", "subject"],
                condition=Q(adopted=True, wave__isnull=True),
                violation_error_message=_("採用する引用は、内容ごとに1つです。"),
            ),
            models.UniqueConstraint(
                name="citation_one_adopted_a_wave",
                fields=["wave", "subject"],
                condition=Q(adopted=True, wave__isnull=False),
                violation_error_message=_("採用する引用は、移行単位の内容ごとに1つです。"),
            ),
        ]

    def __str__(self) -> str:
        return self.text

    def natural_key(self) -> tuple[Any, ...]:
        """The codes of rollout and source, the subject and the locator; the wave's code, if any."""
        key = (self.rollout.code, self.source.code, self.subject, self.locator)
        return (*key, self.wave.code) if self.wave else key

    natural_key.dependencies = ["rollout.rollout", "rollout.wave", "rollout.source"]  # type: ignore[attr-defined]
