"""Which account at the provider a user is, and what the libraries record, under names people read."""

from axes.models import AccessAttempt, AccessLog
from django.conf import settings
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


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
