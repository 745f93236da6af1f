"""`manage.py seed`."""

from typing import Any

from django.core.management.base import BaseCommand

from rollout import recompute
from rollout.seed import seed


class Command(BaseCommand):
    """Load the published plan once; what people have edited or deleted stays as it is."""

    help = "Load the published plan into tables that have never held a row, and fill its history."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Load, compute, say how many rows came in."""
        rows = seed()
        recompute.recompute()
        self.stdout.write(f"{rows} rows loaded" if rows else "the plan is already there; nothing loaded")
