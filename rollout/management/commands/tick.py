"""`manage.py tick`."""

from typing import Any

from django.core.management.base import BaseCommand

from rollout.tasks import tick


class Command(BaseCommand):
    """What beat does once a minute, once, in this process (for cron, or after an outage)."""

    help = "Repair what was missed, find what is due and send it, once."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run in this process; no worker is needed."""
        tick()
        self.stdout.write("done")
