"""App configuration."""

from django.apps import AppConfig


class SigninConfig(AppConfig):
    """Accounts, sessions and the security log."""

    name = "signin"
    verbose_name = "ログイン"

    def ready(self) -> None:
        """Listen to sign-ins and to changes of rights, and check the mapping of roles."""
        from signin import checks, receivers

        checks.register()
        receivers.connect()
