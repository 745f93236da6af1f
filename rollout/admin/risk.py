"""The page of the assumption about delays: one row, which the PMO edits."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.widgets import AdminTextareaWidget
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from rollout.admin.base import PlanAdmin
from rollout.models import SlipAssumption

EXPLANATION = _(
    "見込みの幅を確率で示すとき（APIの risk=true）に使います。"
    "利用開始前の移行単位が予定から何か月ずれるかを、この三角形の分布から月単位で引きます。"
    "重みは「最もありそうな場合」が最も大きく、両端に向かって均等に小さくなります。"
    "3つとも0なら、遅れないものとして計算します。移行単位は互いに無関係にずれるものとします。"
)
LEARNING = _("件数がそろうと、基準計画（なければ最初の予定）と実際の利用開始月の差が、上の仮定に代わります。")


@admin.register(SlipAssumption)
class SlipAssumptionAdmin(PlanAdmin):
    """By how many months a wave is assumed to slip."""

    list_display = ("__str__", "learn_from", "note")
    fieldsets = (
        (
            _("予定からのずれ"),
            {"fields": ("earliest_months", "likely_months", "latest_months"), "description": EXPLANATION},
        ),
        (_("実績への切り替え"), {"fields": ("learn_from",), "description": LEARNING}),
        (None, {"fields": ("note",)}),
    )

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """What the assumption rests on in full view."""
        if db_field.name == "note":
            kwargs["widget"] = AdminTextareaWidget(attrs={"rows": 2})
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Only where there is none yet."""
        return not SlipAssumption.objects.exists() and super().has_add_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Nobody deletes it: without it nothing says how many confirmed waves are enough."""
        return False
