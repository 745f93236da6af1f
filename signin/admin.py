"""Users with what signing in adds, and who came in or failed to, to be read."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.apps import apps
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, Permission
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from signin.models import FailedSignIn, SignIn
from signin.second_factor import reset_second_factor
from signin.token_admin import ServiceTokenAdmin  # noqa: F401 (registers itself; this module alone is looked for)

if TYPE_CHECKING:
    StockAdmin = admin.ModelAdmin[Any]
    StockUserAdmin = UserAdmin[Any]
else:
    StockAdmin, StockUserAdmin = admin.ModelAdmin, UserAdmin
StockGroupAdmin = GroupAdmin

User = get_user_model()
admin.site.login_template = "signin/login.html"
admin.site.unregister([User, Group, TOTPDevice, StaticDevice])  # the latter two show keys and codes

UNKNOWN = "<unknown>"
"""What axes writes where a browser does not say what it is."""
VERBS = {"view": _("見る"), "add": _("追加する"), "change": _("変更する"), "delete": _("削除する")}
WITH_RIGHTS = ("auth", "ministries", "rollout", "signin")
"""The apps whose rows have pages."""
TIES = {
    str(name).lower()
    for model in apps.get_models(include_auto_created=True)
    if model._meta.auto_created
    for name in (model._meta.verbose_name, model._meta.verbose_name_plural)
}
"""What Django calls rows between two others."""
WITHOUT_PAGE = ("permission", "planversion", "planimport", "provideraccount")
HAS_PAGE = (
    Q(content_type__app_label__in=WITH_RIGHTS)
    & ~Q(content_type__model__in=WITHOUT_PAGE)
    & ~Q(content_type__model__startswith="historical")
)
"""The rights that a form offers; it leaves others as they are."""


class RightsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Rights in words that people use, without those for which there is no page."""

    def label_from_instance(self, obj: Any) -> str:
        """`移行単位：見る`; a right of another sort as it is called."""
        verb, _, model = obj.codename.partition("_")
        is_usual = verb in VERBS and model == obj.content_type.model
        return gettext("{name}：{value}").format(
            name=obj.content_type.name, value=VERBS[verb] if is_usual else obj.name
        )


class RightsInWords(StockAdmin):
    """Rows that have rights, in the field `rights`."""

    rights = "permissions"

    def formfield_for_manytomany(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        """With words for the rights."""
        if db_field.related_model is Permission:
            rights = Permission.objects.filter(HAS_PAGE).select_related("content_type")
            kwargs |= {"queryset": rights, "form_class": RightsField}
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def save_related(self, request: Any, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001 (Django's signature)
        """Keep the rights that the form does not offer: what it does not show it does not take away."""
        held = getattr(form.instance, self.rights)
        kept = list(held.exclude(HAS_PAGE))
        super().save_related(request, form, formsets, change)
        held.add(*kept)

    def get_deleted_objects(self, objs: Any, request: Any) -> Any:
        """What would go, without the rows that tie rights and roles together, which have no names."""
        deleted, counts, needed, protected = super().get_deleted_objects(objs, request)
        counts = {name: count for name, count in counts.items() if str(name).lower() not in TIES}
        return _with_names(deleted), counts, needed, protected


@admin.register(Group)
class RoleAdmin(RightsInWords, StockGroupAdmin):  # type: ignore[misc]
    """Django's own, with the rights in words."""


@admin.register(User)
class LocalUserAdmin(RightsInWords, StockUserAdmin):
    """Django's own, with a way to help somebody whose device is lost.

    Who is no superuser makes none, changes none, and gives rights by roles alone.
    """

    rights = "user_permissions"
    actions = ["reset_second_factor"]
    list_display = ("username", "email", "last_name", "first_name", "uses_admin")

    @admin.display(description=_("管理画面"), ordering="is_staff")
    def uses_admin(self, user: Any) -> str:
        """Whether they may use it."""
        return gettext("使う") if user.is_staff else gettext("使わない")

    def get_readonly_fields(self, request: Any, obj: Any = None) -> Any:
        """When they came is for nobody to write; what would give more than a role does is for superusers."""
        own = (*super().get_readonly_fields(request, obj), "last_login", "date_joined")
        return own if request.user.is_superuser else (*own, "is_superuser", "user_permissions")

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        """Superusers are changed by superusers."""
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        """The same."""
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)

    @admin.action(description=_("二要素認証を解除（端末をなくした人のため）"), permissions=["change"])
    def reset_second_factor(self, request: Any, users: Any) -> None:
        """The next sign-in by password sets up a new device. Of superusers only a superuser's devices."""
        if not request.user.is_superuser and users.filter(is_superuser=True).exists():
            self.message_user(
                request,
                gettext("管理者の二要素認証は、管理者だけが解除できます。何も変えていません。"),
                messages.ERROR,
            )
            return
        for user in users:
            reset_second_factor(user=user, by=request.user.get_username())
        self.message_user(
            request,
            gettext("{count}人の二要素認証を解除しました。次のログインで設定し直します。").format(
                count=len(users)
            ),
        )


def _with_names(entries: list[Any]) -> list[Any]:
    """Nested as Django has them."""
    kept = [
        entry for entry in entries if isinstance(entry, list) or str(entry).split(":")[0].lower() not in TIES
    ]
    return [_with_names(entry) if isinstance(entry, list) else entry for entry in kept]


def _may_touch(request: Any, user: Any) -> bool:
    return bool(request.user.is_superuser or user is None or not user.is_superuser)


class ReadOnlyAdmin(StockAdmin):
    """Rows that signing in writes."""

    list_display = ["moment", "name", "address", "browser"]
    list_display_links = None
    search_fields = ["username", "ip_address"]
    ordering = ["-attempt_time", "-pk"]

    def has_add_permission(self, request: Any) -> bool:
        """Nobody adds one."""
        return False

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        """Nobody edits one."""
        return False

    @admin.display(description=_("日時"), ordering="attempt_time")
    def moment(self, row: Any) -> Any:
        """When."""
        return row.attempt_time

    @admin.display(description=_("ユーザー名"), ordering="username")
    def name(self, row: Any) -> str:
        """Who, as typed where it failed."""
        return row.username or "—"

    @admin.display(description=_("接続元"), ordering="ip_address")
    def address(self, row: Any) -> str:
        """From where."""
        return row.ip_address or "—"

    @admin.display(description=_("ブラウザー"))
    def browser(self, row: Any) -> str:
        """With what."""
        return "—" if row.user_agent == UNKNOWN else str(row.user_agent)


@admin.register(SignIn)
class SignInAdmin(ReadOnlyAdmin):
    """Who signed in and out."""

    list_display = [*ReadOnlyAdmin.list_display, "signed_out"]
    fields = ["moment", "name", "address", "browser", "signed_out"]

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        """Nobody deletes one."""
        return False

    @admin.display(description=_("ログアウト"), ordering="logout_time")
    def signed_out(self, row: Any) -> Any:
        """When, where it was said."""
        return row.logout_time or "—"


@admin.register(FailedSignIn)
class FailedSignInAdmin(ReadOnlyAdmin):
    """Failures that count; deleting a row unlocks."""

    list_display = [*ReadOnlyAdmin.list_display, "failures", "state"]
    fields = ["moment", "name", "address", "browser", "failures", "state"]

    @admin.display(description=_("失敗した回数"), ordering="failures_since_start")
    def failures(self, row: Any) -> int:
        """Since the last success."""
        return int(row.failures_since_start)

    @admin.display(description=_("状態"))
    def state(self, row: Any) -> str:
        """Whether this row alone locks."""
        return gettext("ロック中") if row.failures_since_start >= settings.AXES_FAILURE_LIMIT else ""
