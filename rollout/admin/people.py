"""Pages of the ministries and of the people to tell."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin, messages
from django.db import models
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ministries.models import Assignment, Contact, Ministry
from rollout import actions
from rollout.admin.base import PartTable, PlanAdmin, _actor, reaches_all
from rollout.admin.forms import ContactFormSet, CorporateNumberField
from rollout.admin.importing import ImportingAdmin
from rollout.exports import CONTACT_HEADINGS, contact_rows
from rollout.models import PlanImport
from rollout.outbox.failures import failing_addresses
from rollout.outbox.subscriptions import subscription_url
from rollout.tables import Row

RENEWAL = "購読用URLの作り直し"
SWITCHED_OFF = _("「通知する」がオフのあいだは使えません。")
MOST_FAILING = 10
FAILING = _(
    "{address} 宛てのメールは続けて{failures}回、受け取りを断られています（{answer}）。"
    "アドレスを確かめて直すか、「通知する」を外してください。"
)


class ContactInline(PartTable):
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
    search_help_text = _("名称、別名、英語名、コード、法人番号で探します。")
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

    @admin.display(description=_("通知する連絡先"), ordering="active_contacts")
    def recipients(self, ministry: Ministry) -> str:
        """How many are told; none is said in words."""
        count: int = ministry.active_contacts  # type: ignore[attr-defined]
        return gettext("{count}件").format(count=count) if count else gettext("なし")


@admin.register(Contact)
class ContactAdmin(ImportingAdmin, PlanAdmin):
    """Everyone who is told about a cutover."""

    list_display = ("name", "ministry", "email", "role", "told")
    list_filter = ("role", "active")
    search_fields = ("name", "email", "ministry__name", "ministry__aliases")
    list_select_related = ("ministry",)
    autocomplete_fields = ("ministry",)
    fields = ("ministry", "name", "email", "role", "active")
    actions = ("renew_subscriptions",)
    table_headings = CONTACT_HEADINGS
    import_kind = PlanImport.Kind.CONTACT

    def table_rows(self, rows: QuerySet[Contact]) -> Iterator[Row]:
        """As `contact_rows` has them."""
        return contact_rows(rows)

    def has_import_permission(self, request: HttpRequest) -> bool:
        """An import may add contacts, too."""
        return bool(super().has_import_permission(request) and self.has_add_permission(request))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """The list; above it, the addresses that the mail server refuses again and again."""
        if request.method == "GET" and reaches_all(request):
            for failing in failing_addresses()[:MOST_FAILING]:
                messages.warning(request, FAILING.format(**vars(failing)))
        return super().changelist_view(request, extra_context)

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        """Since when it is told; for who looks after contacts, the secret URL of its calendar."""
        secret = ("subscription",) if self.has_change_permission(request, obj) else ()
        return ("reachable_since", *secret) if obj else ()

    def get_fields(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        """The same, below the others."""
        return [*super().get_fields(request, obj), *self.get_readonly_fields(request, obj)]

    @admin.display(description=_("通知"), ordering="active")
    def told(self, contact: Contact) -> str:
        """Whether mail goes there."""
        return gettext("する") if contact.active else gettext("しない")

    @admin.display(description=_("カレンダー購読用URL"))
    def subscription(self, contact: Contact) -> SafeString:
        """The secret URL to hand to this contact and to nobody else."""
        help_text = gettext(
            "本人だけに渡してください。カレンダーソフトの「URLで追加」に入れると、切替予定が表示されます。"
        )
        note = help_text if contact.active else SWITCHED_OFF
        return format_html(
            '<span class="secret-url">{}</span><div class="help">{}</div>', subscription_url(contact), note
        )

    @admin.action(description=_("購読用URLを作り直す（前のURLは使えなくなります）"), permissions=["change"])
    def renew_subscriptions(self, request: HttpRequest, queryset: QuerySet[Contact]) -> None:
        """Give each chosen contact a new URL; every earlier one is void."""
        contacts = list(queryset)
        for contact in contacts:
            contact.calendar_serial += 1
            actions.save_row(row=contact, actor=_actor(request), reason=RENEWAL)
        told = gettext(
            "{count}件の購読用URLを作り直しました。新しいURLは、それぞれの連絡先のページにあります。"
        ).format(count=len(contacts))
        messages.success(request, told)


@admin.register(Assignment)
class AssignmentAdmin(PlanAdmin):
    """Which ministries each person of staff looks after; the list of waves can be narrowed to them."""

    list_display = ("user", "ministry")
    list_filter = (("user", admin.RelatedOnlyFieldListFilter),)
    search_fields = ("user__username", "ministry__name", "ministry__aliases")
    search_help_text = _("職員のユーザー名、府省庁の名称・別名で探します。")
    list_select_related = ("user", "ministry")
    autocomplete_fields = ("user", "ministry")
