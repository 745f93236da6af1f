"""Named moments to compare the plan with."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from rollout.models.managers import CodeManager


class Baseline(models.Model):
    """A named moment; the plan of then is read from the history. Never changed once made."""

    code = models.SlugField(
        _("コード"), max_length=60, unique=True, help_text=_("URL に使います。例: r8-request")
    )
    label = models.CharField(_("名称"), max_length=100, unique=True, help_text=_("例: R8概算要求時点"))
    moment = models.DateTimeField(_("時点"), help_text=_("この時点の計画と比べます。"))
    note = models.CharField(_("備考"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("登録日時"), default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("登録者"),
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    objects = CodeManager["Baseline"]()

    class Meta:
        verbose_name = pgettext_lazy("model", "基準計画")
        verbose_name_plural = pgettext_lazy("models", "基準計画")
        ordering = ["-moment", "code"]
        constraints = [
            models.CheckConstraint(
                name="baseline_moment_has_passed",
                condition=Q(moment__lte=F("created_at")),
                violation_error_message=_("まだ来ていない時点は基準にできません。"),
            )
        ]

    def __str__(self) -> str:
        return self.label

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save a new one. Raises ValidationError for one that is already kept."""
        if self.pk is not None and Baseline.objects.filter(pk=self.pk).exists():
            raise ValidationError(gettext("基準計画は変更できません。別の基準計画を登録してください。"))
        super().save(*args, **kwargs)
