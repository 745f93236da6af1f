"""System checks that stop a wrong installation with the remedy."""

import os
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


def connect() -> None:
    """Register the checks."""
    register(check_one_embedded_process)


def check_one_embedded_process(**_kwargs: Any) -> list[CheckMessage]:
    """An in-memory broker reaches one process only, so that a second web worker would lose tasks."""
    web_workers = int(os.environ.get("WEB_CONCURRENCY", "1"))
    if settings.REDIS_URL or web_workers == 1:
        return []
    return [
        Error(
            "Without REDIS_URL the broker lives in one process, but WEB_CONCURRENCY asks for several.",
            hint="Set REDIS_URL and run `celery worker` and `celery beat`, or unset WEB_CONCURRENCY.",
            id="rollout.E001",
        )
    ]
