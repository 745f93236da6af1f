"""App configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RolloutConfig(AppConfig):
    """The plan, its projection and its reminders."""

    name = "rollout"
    verbose_name = _("GSS導入計画")

    def ready(self) -> None:
        """Listen to every save."""
        from rollout import receivers

        receivers.connect()
