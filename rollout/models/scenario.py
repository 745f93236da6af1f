"""Named what-ifs on top of the plan. They never touch it; only promoting one does (rollout.actions)."""

from typing import Any
from unicodedata import normalize

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone
from simple_history.models import HistoricalRecords

from rollout.domain.dates import FuzzyDateError, parse
from rollout.domain.plan import MAX_USERS, NONE, Status
from rollout.domain.scenario import Change
from rollout.models.labels import STATUS_LABELS
from rollout.models.managers import CodeManager
from rollout.models.plan import Rollout, Wave


class Scenario(models.Model):
    """A named set of changes. `based_on` is when its author last saw it beside the plan.

    A proposal (申請) is a scenario in state `proposed`.
    """

    class State(models.TextChoices):
        """How far it has come."""

        DRAFT = "draft", "検討中"
        PROPOSED = "proposed", "申請中"
        PROMOTED = "promoted", "計画に反映済み"
        WITHDRAWN = "withdrawn", "取り下げ"

    code = models.SlugField(
        "コード", max_length=60, unique=True, help_text="URL に使います。例: nta-3-months"
    )
    label = models.CharField("名称", max_length=100, unique=True, help_text="例: 国税庁 三か月遅れ")
    note = models.CharField("備考", max_length=300, blank=True)
    state = models.CharField("状況", max_length=10, choices=State.choices, default=State.DRAFT)
    based_on = models.DateTimeField("計画を確かめた時点", default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="作成者",
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    history = HistoricalRecords()
    objects = CodeManager["Scenario"]()

    class Meta:
        verbose_name = "試算"
        verbose_name_plural = "試算"
        ordering = ["state", "label"]
        permissions = [("promote_scenario", "試算を計画に反映できる")]
        constraints = [
            models.CheckConstraint(
                name="scenario_state_known",
                condition=Q(state__in=["draft", "proposed", "promoted", "withdrawn"]),
            )
        ]

    def __str__(self) -> str:
        return self.label


class ScenarioChange(models.Model):
    """One fact that a scenario has otherwise than the plan: of one wave, or without a wave of the rollout.

    Of a rollout, a cutover or a status speaks of all its waves that no change of their own names, a
    count of the whole. `value` is what a person would write in the plan; blank is "unknown".
    """

    class Field(models.TextChoices):
        """Which fact."""

        CUTOVER = "cutover", "切替"
        USERS = "users", "人数"
        STATUS = "status", "状態"

    scenario = models.ForeignKey(
        Scenario, verbose_name="試算", on_delete=models.CASCADE, related_name="changes"
    )
    rollout = models.ForeignKey(
        Rollout, verbose_name="導入案件", on_delete=models.CASCADE, related_name="scenario_changes"
    )
    wave = models.ForeignKey(
        Wave,
        verbose_name="移行単位",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="scenario_changes",
        help_text="空欄なら導入案件の全体です。",
    )
    field = models.CharField("項目", max_length=10, choices=Field.choices)
    value = models.CharField(
        "試算での値",
        max_length=60,
        blank=True,
        help_text="R8.9、検討中、68,600、中止 など。人数の空欄は「不明」。",
    )

    history = HistoricalRecords()

    class Meta:
        verbose_name = "試算の変更点"
        verbose_name_plural = "試算の変更点"
        ordering = ["scenario", "rollout", "wave", "field"]
        constraints = [
            models.CheckConstraint(
                name="scenario_change_field_known", condition=Q(field__in=["cutover", "users", "status"])
            ),
            models.UniqueConstraint(
                name="scenario_change_once_a_rollout",
                fields=["scenario", "rollout", "field"],
                condition=Q(wave__isnull=True),
                violation_error_message="この導入案件のこの項目は、もう変更点にあります。",
            ),
            models.UniqueConstraint(
                name="scenario_change_once_a_wave",
                fields=["scenario", "wave", "field"],
                condition=Q(wave__isnull=False),
                violation_error_message="この移行単位のこの項目は、もう変更点にあります。",
            ),
        ]

    def __str__(self) -> str:
        subject = self.wave or self.rollout
        return f"{subject} {self.get_field_display()}：{self.value or '（空欄）'}"

    def clean(self) -> None:
        """Refuse a value that cannot be read, and a wave of another rollout."""
        if self.wave_id and self.wave and self.wave.rollout_id != self.rollout_id:
            raise ValidationError({"wave": "この移行単位は、選んだ導入案件のものではありません。"})
        self.as_change()

    def as_change(self) -> Change:
        """The change as the domain knows it. Raises ValidationError for a value that cannot be read."""
        wave = self.wave.code if self.wave else None
        read = {"cutover": self._cutover, "users": self._users, "status": self._status}[self.field]
        return Change(rollout=self.rollout.code, wave=wave, **read())

    def _cutover(self) -> dict[str, Any]:
        try:
            return {"cutover": parse(self.value)}
        except FuzzyDateError as error:
            raise ValidationError({"value": str(error)}) from error

    def _users(self) -> dict[str, Any]:
        digits = normalize("NFKC", self.value).strip().replace(",", "").removesuffix("人")
        if not digits:
            return {"users": NONE}
        if not (digits.isascii() and digits.isdigit() and int(digits) <= MAX_USERS):
            raise ValidationError({"value": f"人数は 0〜{MAX_USERS:,} の数字で入力してください。"})
        return {"users": int(digits)}

    def _status(self) -> dict[str, Any]:
        codes = {
            **{label: code for code, label in STATUS_LABELS.items()},
            **{code: code for code in STATUS_LABELS},
        }
        if self.value.strip() not in codes:
            raise ValidationError({"value": f"状態は {'、'.join(STATUS_LABELS.values())} のどれかです。"})
        return {"status": Status(codes[self.value.strip()])}
