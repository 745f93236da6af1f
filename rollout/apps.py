"""App configuration."""

from django.apps import AppConfig


class RolloutConfig(AppConfig):
    """The plan, its projection and its reminders."""

    name = "rollout"
    verbose_name = "GSS導入計画"

    def ready(self) -> None:
        """Connect the one signal receiver, and the system checks."""
        from rollout import checks, receivers

        receivers.connect()
        checks.connect()
