"""Pages of the ministries and of the people to tell."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest

from ministries.models import Contact, Ministry
from rollout.admin.base import Parts, PlanAdmin, StockTabular
from rollout.admin.forms import ContactFormSet, CorporateNumberField


class ContactInline(Parts, StockTabular):
    """The contacts of a ministry."""

    model = Contact
    formset = ContactFormSet


@admin.register(Ministry)
class MinistryAdmin(PlanAdmin):
    """Ministries in 建制順, each with its contacts."""

    inlines = (ContactInline,)
    list_display = ("name", "kind", "parent", "recipients", "code", "order")
    list_filter = ("kind",)
    search_fields = ("name", "aliases", "name_en", "code", "corporate_number")
    search_help_text = "名称、別名、英語名、コード、法人番号で探します。"
    list_select_related = ("parent",)
    autocomplete_fields = ("parent",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Ministry]:
        """With the number of contacts who are told."""
        active = Count("contacts", filter=Q(contacts__active=True))
        rows: QuerySet[Ministry] = super().get_queryset(request)
        return rows.annotate(active_contacts=active)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Read the 法人番号 as people paste it."""
        if db_field.name == "corporate_number":
            kwargs["form_class"] = CorporateNumberField
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    @admin.display(description="通知する連絡先", ordering="active_contacts")
    def recipients(self, ministry: Ministry) -> str:
        """How many are told; none is said in words."""
        count: int = ministry.active_contacts  # type: ignore[attr-defined]
        return f"{count}件" if count else "なし"


@admin.register(Contact)
class ContactAdmin(PlanAdmin):
    """Everyone who is told about a cutover."""

    list_display = ("name", "ministry", "email", "role", "active")
    list_filter = ("role", "active")
    search_fields = ("name", "email", "ministry__name", "ministry__aliases")
    list_select_related = ("ministry",)
    autocomplete_fields = ("ministry",)
    fields = ("ministry", "name", "email", "role", "active")

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        """Since when this address is told."""
        return ("reachable_since",) if obj else ()

    def get_fields(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        """The same, below the others."""
        return [*super().get_fields(request, obj), *self.get_readonly_fields(request, obj)]
