"""Accounts at the provider, tokens of programs, and what the libraries record, under names people read."""

from datetime import datetime

from axes.models import AccessAttempt, AccessLog
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from knox.models import AbstractAuthToken


class ProviderAccount(models.Model):
    """A user's account at the OpenID provider, by what never changes there: issuer and `sub`."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="provider_account"
    )
    issuer = models.CharField(_("発行者"), max_length=255)
    subject = models.CharField(_("識別子"), max_length=255)

    class Meta:
        verbose_name = verbose_name_plural = _("連携アカウント")
        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="provider_account_once_per_subject")
        ]

    def __str__(self) -> str:
        return f"{self.issuer} {self.subject}"


class ServiceToken(AbstractAuthToken):  # type: ignore[misc]
    """What a program signs in to the API with, for a service account; a digest of it is all that is kept.

    It opens what its scopes name, and of that what the account has the right to. `last_used_at` is right to
    the minute. One that is revoked or has expired stays, so that one can see what there was.
    """

    id = models.BigAutoField(primary_key=True)
    digest = models.CharField(max_length=128, unique=True, editable=False)
    token_key = models.CharField(max_length=25, db_index=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("サービスアカウント"),
        on_delete=models.CASCADE,
        related_name="service_tokens",
    )
    name = models.CharField(_("名称"), max_length=100, help_text=_("どこで使うか。例: Power BI（企画課）"))
    reads = models.BooleanField(_("計画を読む"), default=True)
    writes = models.BooleanField(_("計画に書き込む"), default=False)
    reminders = models.BooleanField(_("事前通知の台帳を読む"), default=False)
    created = models.DateTimeField(_("発行日時"), auto_now_add=True)
    expiry = models.DateTimeField(_("有効期限"))
    last_used_at = models.DateTimeField(_("最後に使われた日時"), null=True, editable=False)
    revoked_at = models.DateTimeField(_("取り消した日時"), null=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("発行した人"),
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    class Meta:
        verbose_name = pgettext_lazy("model", "API トークン")
        verbose_name_plural = pgettext_lazy("models", "API トークン")
        ordering = ["-created"]
        constraints = [
            models.CheckConstraint(
                name="service_token_opens_something",
                condition=Q(reads=True) | Q(writes=True) | Q(reminders=True),
                violation_error_message=_("できることを1つ以上選んでください。"),
            )
        ]

    def __str__(self) -> str:
        return self.name

    def is_valid(self, now: datetime) -> bool:
        """Neither expired nor revoked."""
        return self.revoked_at is None and now < self.expiry


class FailedSignIn(AccessAttempt):  # type: ignore[misc]
    """Failures by user name and address since the last success; deleting one unlocks."""

    class Meta:
        proxy = True
        verbose_name = verbose_name_plural = _("ログインの失敗（削除するとロックを解除）")

    def __str__(self) -> str:
        return gettext("{username}（{value}）").format(
            username=self.username, value=self.ip_address or gettext("接続元不明")
        )


class SignIn(AccessLog):  # type: ignore[misc]
    """Who signed in, when and from where."""

    class Meta:
        proxy = True
        verbose_name = verbose_name_plural = _("ログインの記録")

    def __str__(self) -> str:
        return gettext("{username}（{value}）").format(
            username=self.username, value=self.ip_address or gettext("接続元不明")
        )
