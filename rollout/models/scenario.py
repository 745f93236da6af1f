"""Named what-ifs on top of the plan. They never touch it; only promoting one does (rollout.actions)."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from rollout.domain.dates import FuzzyDate, parse
from rollout.domain.plan import NONE, Status
from rollout.domain.scenario import Change
from rollout.models.labels import STATUS_LABELS, in_japanese, reason_of
from rollout.models.plan import Rollout, Wave
from rollout.models.reading import read_status, read_users

Fact = TypeVar("Fact")
ChangeKey = tuple[int, int, int | None, str]


class ScenarioQuerySet(models.QuerySet["Scenario"]):
    """Reads of scenarios."""

    def get_by_natural_key(self, code: str) -> "Scenario":
        """The scenario with this code."""
        return self.get(code=code)

    def with_changes(self) -> "ScenarioQuerySet":
        """With their changes and what those name, in a constant number of queries."""
        return self.prefetch_related("changes__rollout__lead_ministry", "changes__wave")


def may_see_scenarios(user: AbstractBaseUser | AnonymousUser) -> bool:
    """True for who has `rollout.view_scenario`; anonymous readers never do."""
    return isinstance(user, PermissionsMixin | AnonymousUser) and user.has_perm("rollout.view_scenario")


class Scenario(models.Model):
    """A named set of changes. `based_on` is when its author last saw it beside the plan.

    A proposal (申請) is a scenario in state `proposed`.
    """

    class State(models.TextChoices):
        """How far it has come."""

        DRAFT = "draft", _("検討中")
        PROPOSED = "proposed", _("申請中")
        PROMOTED = "promoted", _("計画に反映済み")
        DECLINED = "declined", _("見送り")
        WITHDRAWN = "withdrawn", _("取り下げ")

    code = models.SlugField(
        _("コード"), max_length=60, unique=True, help_text=_("URL に使います。例: nta-3-months")
    )
    label = models.CharField(_("名称"), max_length=100, unique=True, help_text=_("例: 国税庁 三か月遅れ"))
    note = models.CharField(_("備考"), max_length=300, blank=True)
    state = models.CharField(_("状況"), max_length=10, choices=State.choices, default=State.DRAFT)
    based_on = models.DateTimeField(_("計画を確かめた時点"), default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("作成者"),
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    history = HistoricalRecords()
    objects = ScenarioQuerySet.as_manager()

    class Meta:
        verbose_name = pgettext_lazy("model", "試算")
        verbose_name_plural = pgettext_lazy("models", "試算")
        ordering = ["state", "label"]
        permissions = [("promote_scenario", _("試算を計画に反映できる"))]
        constraints = [
            models.CheckConstraint(
                name="scenario_state_known",
                condition=Q(state__in=["draft", "proposed", "promoted", "declined", "withdrawn"]),
            )
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def is_open(self) -> bool:
        """True while it may still be promoted."""
        return self.state in (self.State.DRAFT, self.State.PROPOSED)

    def check_readable(self) -> None:
        """Raise ValidationError, naming the changes, where values cannot be read: raw loads leave such."""
        unreadable = [str(change) for change in self.changes.all() if not change.is_readable]
        if unreadable:
            raise ValidationError(
                gettext(
                    "試算「{label}」の変更点「{names}」は、値を読めません。"
                    "管理画面の「試算」で直してください。"
                ).format(label=self.label, names=gettext("」「").join(unreadable))
            )


class ScenarioChange(models.Model):
    """One fact that a scenario has otherwise than the plan: of one wave, or without a wave of the rollout.

    What it reaches is said in `rollout.domain.scenario`. `value` is what a person would write in the plan;
    a blank count is unknown.
    """

    class Field(models.TextChoices):
        """Which fact."""

        CUTOVER = "cutover", _("切替")
        USERS = "users", _("人数")
        STATUS = "status", _("状態")

    scenario = models.ForeignKey(
        Scenario, verbose_name=_("試算"), on_delete=models.CASCADE, related_name="changes"
    )
    rollout = models.ForeignKey(
        Rollout, verbose_name=_("導入案件"), on_delete=models.CASCADE, related_name="scenario_changes"
    )
    wave = models.ForeignKey(
        Wave,
        verbose_name=_("移行単位"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="scenario_changes",
        help_text=_("空欄なら導入案件の全体です。"),
    )
    field = models.CharField(_("項目"), max_length=10, choices=Field.choices)
    value = models.CharField(
        _("試算での値"),
        max_length=60,
        blank=True,
        help_text=_("R8.9、検討中、68,600、中止 など。人数の空欄は「不明」。"),
    )

    history = HistoricalRecords()

    class Meta:
        verbose_name = pgettext_lazy("model", "試算の変更点")
        verbose_name_plural = pgettext_lazy("models", "試算の変更点")
        ordering = ["scenario", "rollout", "wave", "field"]
        constraints = [
            models.CheckConstraint(
                name="scenario_change_field_known", condition=Q(field__in=["cutover", "users", "status"])
            ),
            models.UniqueConstraint(
                name="scenario_change_once_a_rollout",
                fields=["scenario", "rollout", "field"],
                condition=Q(wave__isnull=True),
                violation_error_message=_("この導入案件のこの項目は、もう変更点にあります。"),
            ),
            models.UniqueConstraint(
                name="scenario_change_once_a_wave",
                fields=["scenario", "wave", "field"],
                condition=Q(wave__isnull=False),
                violation_error_message=_("この移行単位のこの項目は、もう変更点にあります。"),
            ),
        ]

    def __str__(self) -> str:
        subject = self.wave or self.rollout
        return gettext("{subject} {field_display}：{value}").format(
            subject=subject, field_display=self.get_field_display(), value=self.value or gettext("（空欄）")
        )

    @property
    def key(self) -> ChangeKey:
        """What no other change has the same: scenario, rollout, wave and field."""
        return self.scenario_id, self.rollout_id, self.wave_id, self.field

    def clean(self) -> None:
        """Keep the value as the plan would write it; refuse one that cannot be read, and a foreign wave."""
        if self.wave_id and self.wave and self.wave.rollout_id != self.rollout_id:
            raise ValidationError({"wave": gettext("この移行単位は、選んだ導入案件のものではありません。")})
        if self.field in self.Field.values:
            self.value = _KEPT[self.field](self.value)

    @property
    def fact(self) -> FuzzyDate | int | str | None:
        """The value as the rows of the plan hold it; None is an unknown count.

        Raises ValidationError for a value that cannot be read. Dates are read as leniently as the plan's.
        """
        return _FACTS[self.field](self.value)

    @property
    def is_readable(self) -> bool:
        """True where the value can be read; `clean` lets no other through."""
        try:
            _FACTS[self.field](self.value)
        except ValidationError:
            return False
        return True

    def as_change(self) -> Change:
        """The change as the domain knows it. Raises ValidationError for a value that cannot be read."""
        fact: Any = self.fact
        if self.field == self.Field.USERS:
            fact = NONE if fact is None else fact
        if self.field == self.Field.STATUS:
            fact = Status(fact)
        wave = self.wave.code if self.wave else None
        return Change(rollout=self.rollout.code, wave=wave, **{self.field: fact})


def _read(text: str, reader: Callable[[str], Fact]) -> Fact:
    try:
        return reader(text)
    except ValueError as error:
        raise ValidationError({"value": reason_of(error)}) from error


def _keep_cutover(text: str) -> str:
    if not text.strip():
        raise ValidationError(
            {"value": gettext("切替の時期を入力してください。未定にするときは「検討中」と書きます。")}
        )
    return _read(text.strip(), parse).text


def _keep_users(text: str) -> str:
    users = _read(text, read_users)
    return "" if users is None else str(users)


_FACTS: dict[str, Callable[[str], FuzzyDate | int | str | None]] = {
    "cutover": lambda text: _read(text.strip(), partial(parse, lenient=True)),
    "users": lambda text: _read(text, read_users),
    "status": lambda text: _read(text, read_status),
}
_KEPT: dict[str, Callable[[str], str]] = {
    "cutover": _keep_cutover,
    "users": _keep_users,
    "status": lambda text: in_japanese(STATUS_LABELS[_read(text, read_status)]),
}
