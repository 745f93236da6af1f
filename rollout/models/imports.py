"""Tables that people have sent in: checked and looked at, then put into force or dropped."""

from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class PlanImport(models.Model):
    """One uploaded file and what becomes of it.

    `file` is kept only while it may still be needed: it may hold personal data. `found` is what checking it
    has found (`rollout.importing.preview.Preview.stored`); once it is settled the numbers alone.
    `since` is when it came to its state. `touched_at` is set while a worker is at it, the last of `attempts`.
    """

    class Kind(models.TextChoices):
        """What its rows are."""

        WAVE = "wave", _("移行単位")
        CONTACT = "contact", _("連絡先")

    class State(models.TextChoices):
        """How far it is."""

        WAITING = "waiting", _("確認中")
        CHECKED = "checked", _("反映の判断待ち")
        CONFIRMED = "confirmed", _("反映中")
        APPLIED = "applied", _("反映済み")
        REFUSED = "refused", _("取り込めません")
        DISCARDED = "discarded", _("取りやめ")

    kind = models.CharField(_("種類"), max_length=10, choices=Kind.choices)
    state = models.CharField(_("状態"), max_length=10, choices=State.choices, default=State.WAITING)
    file_name = models.CharField(_("ファイル名"), max_length=200)
    file = models.BinaryField(_("ファイル"), null=True)
    created_at = models.DateTimeField(_("受付"), default=timezone.now)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("職員"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    reason = models.CharField(_("変更する理由"), max_length=500, blank=True)
    seen_version = models.PositiveBigIntegerField(null=True)
    moved_on = models.BooleanField(default=False)
    rows_total = models.PositiveIntegerField(default=0)
    rows_done = models.PositiveIntegerField(default=0)
    since = models.DateTimeField(default=timezone.now)
    touched_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    found: Any = models.JSONField(default=dict, encoder=DjangoJSONEncoder)

    objects = models.Manager["PlanImport"]()

    class Meta:
        verbose_name = pgettext_lazy("model", "取り込み")
        verbose_name_plural = pgettext_lazy("models", "取り込み")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(name="import_kind_known", condition=Q(kind__in=["wave", "contact"])),
            models.CheckConstraint(
                name="import_state_known",
                condition=Q(state__in=["waiting", "checked", "confirmed", "applied", "refused", "discarded"]),
            ),
        ]

    def __str__(self) -> str:
        return self.file_name

    @property
    def is_under_way(self) -> bool:
        """True while a worker has something to do with it."""
        return self.state in (self.State.WAITING, self.State.CONFIRMED)

    @property
    def can_be_confirmed(self) -> bool:
        """True where it is checked, nothing is wrong with it, and it changes something."""
        found = self.found
        is_checked = self.state == self.State.CHECKED
        return is_checked and not found["mistakes"] and bool(found["changed"] + found["new"])

    @property
    def can_be_discarded(self) -> bool:
        """True until somebody has confirmed it."""
        return self.state in (self.State.WAITING, self.State.CHECKED)
