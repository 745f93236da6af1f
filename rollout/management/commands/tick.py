"""`manage.py tick`."""

from typing import Any

from django.core.management.base import BaseCommand

from rollout.importing.tasks import follow_imports
from rollout.tasks import tick


class Command(BaseCommand):
    """What beat does once a minute, once, in this process (for cron, or after an outage)."""

    help = "Repair what was missed, find what is due and send it, once."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run in this process; no worker is needed."""
        tick()
        follow_imports()
        self.stdout.write("done")
