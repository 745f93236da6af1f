"""Ministries in 建制順 and the contacts who are told about their cutovers."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from ministries.corporate_number import validate_corporate_number


class MinistryQuerySet(models.QuerySet["Ministry"]):
    """Reads of ministries."""

    def get_by_natural_key(self, code: str) -> "Ministry":
        """The ministry with this code."""
        return self.get(code=code)


class Ministry(models.Model):
    """An organisation: ministry, agency, commission, bureau; its place in 建制順 and its aliases."""

    class Kind(models.TextChoices):
        """What sort of body it is."""

        HEAD = "head", _("内閣")
        BODY = "body", _("内閣に置かれる機関")
        MINISTRY = "ministry", _("府省")
        COMMISSION = "commission", _("委員会")
        AGENCY = "agency", _("庁")
        BUREAU = "bureau", _("内部部局")
        REGIONAL = "regional", _("地方支分部局")

    code = models.SlugField(_("コード"), max_length=60, unique=True)
    name = models.CharField(_("名称"), max_length=100, unique=True)
    name_en = models.CharField(_("英語名"), max_length=200, blank=True)
    kind = models.CharField(_("種別"), max_length=20, choices=Kind.choices)
    parent = models.ForeignKey(
        "self",
        verbose_name=_("上位機関"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="children",
    )
    order = models.DecimalField(_("建制順"), max_digits=6, decimal_places=2)
    aliases = models.TextField(_("別名"), blank=True, help_text=_("1行に1つ。検索で見つかります。"))
    corporate_number = models.CharField(
        _("法人番号"),
        max_length=13,
        blank=True,
        validators=[validate_corporate_number],
        help_text=_("13桁。分からなければ空欄のままにしてください。"),
    )

    history = HistoricalRecords()
    objects = MinistryQuerySet.as_manager()

    class Meta:
        verbose_name = pgettext_lazy("model", "府省庁")
        verbose_name_plural = pgettext_lazy("models", "府省庁")
        ordering = ["order", "code"]
        constraints = [
            models.CheckConstraint(
                name="ministry_not_its_own_parent",
                condition=Q(parent__isnull=True) | ~Q(parent=F("id")),
                violation_error_message=_("自分自身を上位機関にはできません。"),
            ),
            models.CheckConstraint(
                name="ministry_kind_known",
                condition=Q(
                    kind__in=["head", "body", "ministry", "commission", "agency", "bureau", "regional"]
                ),
            ),
            models.CheckConstraint(
                name="ministry_corporate_number_digits",
                condition=Q(corporate_number="") | Q(corporate_number__regex=r"^[0-9]{13}$"),
            ),
            models.UniqueConstraint(
                name="ministry_corporate_number_unique",
                fields=["corporate_number"],
                condition=~Q(corporate_number=""),
                violation_error_message=_("この法人番号は別の府省庁に登録されています。"),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def natural_key(self) -> tuple[str]:
        """The code."""
        return (self.code,)

    @property
    def alias_names(self) -> list[str]:
        """The aliases, one an entry."""
        return [alias.strip() for alias in self.aliases.splitlines() if alias.strip()]

    def clean(self) -> None:
        """Refuse a chain of parents that leads back to this ministry."""
        above, seen = self.parent, {self.pk}
        while above is not None:
            if above.pk in seen:
                raise ValidationError({"parent": gettext("上位機関をたどると自分自身に戻ります。")})
            seen.add(above.pk)
            above = above.parent


class ContactQuerySet(models.QuerySet["Contact"]):
    """Reads of contacts."""

    def active(self) -> "ContactQuerySet":
        """Contacts that want mail."""
        return self.filter(active=True)

    def get_by_natural_key(self, ministry: str, email: str) -> "Contact":
        """The contact of a ministry with this address."""
        return self.get(ministry__code=ministry, email=email)


class Contact(models.Model):
    """Who is told about a ministry's cutovers. Personal data: never in anonymous answers, logs or metrics."""

    class Role(models.TextChoices):
        """What the contact does."""

        LEAD = "lead", _("主担当")
        DEPUTY = "deputy", _("副担当")
        WATCHER = "watcher", _("関係者（参考に受け取る）")
        PMO = "pmo", "PMO"

    ministry = models.ForeignKey(
        Ministry, verbose_name=_("府省庁"), on_delete=models.PROTECT, related_name="contacts"
    )
    name = models.CharField(_("氏名・部署"), max_length=100)
    email = models.EmailField(_("メールアドレス"))
    role = models.CharField(
        _("役割"),
        max_length=10,
        choices=Role.choices,
        default=Role.LEAD,
        help_text=_("PMOの連絡先には、宛先に「PMO」を選んだルールの通知が、全ての府省庁について届きます。"),
    )
    active = models.BooleanField(_("通知する"), default=True)
    reachable_since = models.DateTimeField(
        _("通知開始"),
        default=timezone.now,
        editable=False,
        help_text=_("このアドレスへの通知を始めた時点。これより前の期日の通知は送りません。"),
    )
    calendar_serial = models.PositiveIntegerField(
        _("カレンダー購読の版"),
        default=1,
        editable=False,
        help_text=_("上げると、それまでに配った購読用のURLが使えなくなります。"),
    )

    history = HistoricalRecords()
    objects = ContactQuerySet.as_manager()

    class Meta:
        verbose_name = pgettext_lazy("model", "連絡先")
        verbose_name_plural = pgettext_lazy("models", "連絡先")
        ordering = ["ministry__order", "role", "email"]
        constraints = [
            models.UniqueConstraint(
                "ministry",
                Lower("email"),
                name="contact_email_unique_in_ministry",
                violation_error_message=_("このメールアドレスは、この府省庁に登録済みです。"),
            ),
            models.CheckConstraint(
                name="contact_role_known", condition=Q(role__in=["lead", "deputy", "watcher", "pmo"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; who is told of something new, or at another address, is so from now on."""
        before = Contact.objects.filter(pk=self.pk).first() if self.pk else None
        self.carry_on(before, timezone.now())
        super().save(*args, **kwargs)

    def carry_on(self, before: "Contact | None", now: datetime) -> None:
        """Fill what is derived: since when it is told, and which calendar URL is good."""
        if before and self._tells_anew(before):
            self.reachable_since = now
        if before and self._has_moved(before):  # the URL was another person's, or another role's
            self.calendar_serial = before.calendar_serial + 1

    def natural_key(self) -> tuple[str, str]:
        """The ministry's code and the address."""
        return (self.ministry.code, self.email)

    natural_key.dependencies = ["ministries.ministry"]  # type: ignore[attr-defined]

    def _tells_anew(self, before: "Contact") -> bool:
        return self._has_moved(before) or (self.active and not before.active)

    def _has_moved(self, before: "Contact") -> bool:
        now, then = ((each.email.lower(), each.ministry_id, each.role) for each in (self, before))
        return now != then


class Assignment(models.Model):
    """A ministry that a person of staff looks after."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("職員"),
        on_delete=models.CASCADE,
        related_name="assignments",
    )
    ministry = models.ForeignKey(
        Ministry, verbose_name=_("府省庁"), on_delete=models.CASCADE, related_name="assignments"
    )

    history = HistoricalRecords()
    objects = models.Manager["Assignment"]()

    class Meta:
        verbose_name = pgettext_lazy("model", "担当")
        verbose_name_plural = pgettext_lazy("models", "担当")
        ordering = ["user__username", "ministry__order"]
        constraints = [
            models.UniqueConstraint(
                name="assignment_once",
                fields=["user", "ministry"],
                violation_error_message=_("この職員は、もうこの府省庁の担当です。"),
            )
        ]

    def __str__(self) -> str:
        return gettext("{username}：{name}").format(
            username=self.user.get_username(), name=self.ministry.name
        )
