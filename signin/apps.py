"""App configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SigninConfig(AppConfig):
    """Accounts, sessions and the security log."""

    name = "signin"
    verbose_name = _("ログイン")

    def ready(self) -> None:
        """Listen to sign-ins and to changes of rights, and check the mapping of roles."""
        from signin import checks, receivers

        checks.register()
        receivers.connect()
