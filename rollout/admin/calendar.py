"""Pages of what the calendar says: when no cutover can be, and how many a month takes."""

from django.contrib import admin
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rollout.admin.base import PlanAdmin
from rollout.models import FreezePeriod, MonthlyLimit

NOTHING_REFUSED = _("移行単位の画面と変更の確認に注意として出ます。切替の登録を止めるものではありません。")


@admin.register(FreezePeriod)
class FreezePeriodAdmin(PlanAdmin):
    """When a ministry cannot cut over."""

    list_display = ("label", "whose", "days", "note", "code")
    list_filter = (("ministry", admin.RelatedOnlyFieldListFilter), "yearly")
    search_fields = ("code", "label", "ministry__name", "ministry__aliases")
    list_select_related = ("ministry",)
    autocomplete_fields = ("ministry",)
    fieldsets = (
        (
            None,
            {
                "fields": ("label", "ministry", "first_day", "last_day", "yearly", "note", "code"),
                "description": NOTHING_REFUSED,
            },
        ),
    )

    @admin.display(description=_("府省庁"), ordering="ministry__order")
    def whose(self, row: FreezePeriod) -> str:
        """The ministry, or all."""
        return row.ministry.name if row.ministry else gettext("全府省庁")

    @admin.display(description=_("期間"), ordering="first_day")
    def days(self, row: FreezePeriod) -> str:
        """The days, of a yearly one without the year."""
        first, last = row.first_day, row.last_day
        if row.yearly:
            return gettext("毎年 {month}月{day}日〜{month2}月{day2}日").format(
                month=first.month, day=first.day, month2=last.month, day2=last.day
            )
        return gettext("{first}〜{last}").format(first=first, last=last)


@admin.register(MonthlyLimit)
class MonthlyLimitAdmin(PlanAdmin):
    """How many users and cutovers a month takes."""

    list_display = ("__str__", "users", "cutovers", "note")
    fieldsets = (
        (
            None,
            {
                "fields": ("from_fiscal_year", "users", "cutovers", "note"),
                "description": (
                    format_lazy(
                        _(
                            "上限が1つもなければ、集中の注意は出ません。PMOで決めた値を入力してください。"
                            "{nothing_refused}数えるのは、日か月まで決まっている切替（中止を除く）です。"
                            "人数が不明のものは0人とします。"
                        ),
                        nothing_refused=NOTHING_REFUSED,
                    )
                ),
            },
        ),
    )
