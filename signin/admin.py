"""Users with what signing in adds, and who came in or failed to, to be read."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from signin.models import FailedSignIn, SignIn
from signin.second_factor import reset_second_factor

if TYPE_CHECKING:
    StockAdmin = admin.ModelAdmin[Any]
    StockUserAdmin = UserAdmin[Any]
else:
    StockAdmin, StockUserAdmin = admin.ModelAdmin, UserAdmin

User = get_user_model()
admin.site.login_template = "signin/login.html"
admin.site.unregister([User, TOTPDevice, StaticDevice])  # the latter two show keys and codes


@admin.register(User)
class LocalUserAdmin(StockUserAdmin):
    """Django's own, with a way to help somebody whose device is lost.

    Who is no superuser makes none, changes none, and gives rights by roles alone.
    """

    actions = ["reset_second_factor"]

    def get_readonly_fields(self, request: Any, obj: Any = None) -> Any:
        """What would give more than a role does is for superusers."""
        own = super().get_readonly_fields(request, obj)
        return own if request.user.is_superuser else (*own, "is_superuser", "user_permissions")

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        """Superusers are changed by superusers."""
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        """The same."""
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)

    @admin.action(description="二要素認証を解除（端末をなくした人のため）", permissions=["change"])
    def reset_second_factor(self, request: Any, users: Any) -> None:
        """The next sign-in by password sets up a new device. Of superusers only a superuser's devices."""
        if not request.user.is_superuser and users.filter(is_superuser=True).exists():
            self.message_user(
                request,
                "管理者の二要素認証は、管理者だけが解除できます。何も変えていません。",
                messages.ERROR,
            )
            return
        for user in users:
            reset_second_factor(user=user, by=request.user.get_username())
        self.message_user(
            request, f"{len(users)}人の二要素認証を解除しました。次のサインインで設定し直します。"
        )


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

    @admin.display(description="日時", ordering="attempt_time")
    def moment(self, row: Any) -> Any:
        """When."""
        return row.attempt_time

    @admin.display(description="ユーザー名", ordering="username")
    def name(self, row: Any) -> str:
        """Who, as typed where it failed."""
        return row.username or "—"

    @admin.display(description="接続元", ordering="ip_address")
    def address(self, row: Any) -> str:
        """From where."""
        return row.ip_address or "—"

    @admin.display(description="ブラウザー")
    def browser(self, row: Any) -> str:
        """With what."""
        return str(row.user_agent)


@admin.register(SignIn)
class SignInAdmin(ReadOnlyAdmin):
    """Who signed in and out."""

    list_display = [*ReadOnlyAdmin.list_display, "signed_out"]
    fields = ["moment", "name", "address", "browser", "signed_out"]

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        """Nobody deletes one."""
        return False

    @admin.display(description="サインアウト", ordering="logout_time")
    def signed_out(self, row: Any) -> Any:
        """When, where it was said."""
        return row.logout_time or "—"


@admin.register(FailedSignIn)
class FailedSignInAdmin(ReadOnlyAdmin):
    """Failures that count; deleting a row unlocks."""

    list_display = [*ReadOnlyAdmin.list_display, "failures", "state"]
    fields = ["moment", "name", "address", "browser", "failures", "state"]

    @admin.display(description="失敗した回数", ordering="failures_since_start")
    def failures(self, row: Any) -> int:
        """Since the last success."""
        return int(row.failures_since_start)

    @admin.display(description="状態")
    def state(self, row: Any) -> str:
        """Whether this row alone locks."""
        return "ロック中" if row.failures_since_start >= settings.AXES_FAILURE_LIMIT else ""
