"""`manage.py recompute`."""

from typing import Any

from django.core.management.base import BaseCommand

from rollout.tasks import follow_change


class Command(BaseCommand):
    """Bring the stored projections and the planned reminders up to date."""

    help = "Recompute the projections from the rows, where they are out of date, and plan the reminders."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run in this process; no worker is needed."""
        follow_change()
        self.stdout.write("the projections are up to date")
