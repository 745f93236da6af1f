"""Tokens for programs: given once, shown once, looked at, and revoked."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from signin.models import ServiceToken
from signin.security_log import record

if TYPE_CHECKING:
    StockAdmin = admin.ModelAdmin[Any]
else:
    StockAdmin = admin.ModelAdmin

FIRST_LIFE = timedelta(days=365)
SCOPES = ("reads", "writes", "reminders")


class TokenForm(forms.ModelForm):  # type: ignore[type-arg]
    """A token that is still to be given."""

    def clean_expiry(self) -> datetime:
        """Ahead of now."""
        expiry: datetime = self.cleaned_data["expiry"]
        if expiry <= timezone.now():
            raise ValidationError(gettext("有効期限は、これからの日時にしてください。"))
        return expiry


@admin.register(ServiceToken)
class ServiceTokenAdmin(StockAdmin):
    """Given to service accounts alone: whoever uses the admin signs in as themselves."""

    list_display = ("name", "user", "scopes", "state", "expiry", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("name", "user__username")
    search_help_text = _("名称とサービスアカウントで探します。")
    actions = ("revoke",)
    fields = ("name", "user", *SCOPES, "expiry")
    readonly_fields = ("state", "created", "created_by", "last_used_at", "revoked_at")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """With what became of it."""
        return (*self.fields, *self.readonly_fields) if obj else self.fields

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Accounts that open the API and nothing else."""
        if db_field.name == "user":
            users = db_field.related_model._default_manager
            kwargs["queryset"] = users.filter(is_staff=False, is_superuser=False, is_active=True)
            kwargs["help_text"] = _(
                "管理画面を使わないユーザーだけを選べます。権限は、そのユーザーのグループで決まります。"
            )
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A year."""
        return {**super().get_changeform_initial_data(request), "expiry": timezone.now() + FIRST_LIFE}

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002 (Django's signature)
        """With a check of the expiry."""
        return super().get_form(request, obj, change=change, **{"form": TokenForm, **kwargs})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """One button: a token is shown when it is given, before anything else."""
        one = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), **one})

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was given stays as it was given."""
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Whoever has the right to change tokens, which means nothing else."""
        return request.user.has_perm("signin.change_servicetoken")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """One is revoked, and stays to be seen."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 (Django's signature)
        """Give one."""
        values = {name: getattr(obj, name) for name in ("user", "name", *SCOPES)}
        life = obj.expiry - timezone.now()
        made, obj.token = ServiceToken.objects.create(**values, created_by=request.user, expiry=life)
        obj.pk = made.pk
        record("token_given", token=made.pk, user=obj.user.get_username(), by=request.user.get_username())

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        """The token itself, this once."""
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("発行しました: {name}").format(name=obj.name),
            "opts": self.opts,
            "token": obj.token,
        }
        response = TemplateResponse(request, "signin/token.html", context)
        response.headers["Cache-Control"] = "no-store"
        return response

    @admin.action(description=_("選んだトークンを取り消す"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, tokens: QuerySet[ServiceToken]) -> None:
        """At once, and for good."""
        valid = list(tokens.filter(revoked_at=None))
        for token in valid:
            ServiceToken.objects.filter(pk=token.pk).update(revoked_at=timezone.now())
            record("token_revoked", token=token.pk, by=request.user.get_username())
        messages.success(request, gettext("{count}件を取り消しました。").format(count=len(valid)))

    @admin.display(description=_("できること"))
    def scopes(self, token: ServiceToken) -> str:
        """In words."""
        names = [ServiceToken._meta.get_field(name).verbose_name for name in SCOPES if getattr(token, name)]
        return gettext("、").join(map(str, names))

    @admin.display(description=_("状態"))
    def state(self, token: ServiceToken) -> str:
        """Whether it opens anything."""
        if token.revoked_at:
            return gettext("取り消し済み")
        return gettext("使えます") if token.is_valid(timezone.now()) else gettext("有効期限を過ぎました")
