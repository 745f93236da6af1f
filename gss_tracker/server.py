"""Gunicorn's configuration: `gunicorn -c python:gss_tracker.server gss_tracker.wsgi`.

Without REDIS_URL the one web worker also runs Celery's worker and beat.
"""

import os
from typing import Any

from gss_tracker import settings

bind = os.environ.get("BIND", "127.0.0.1:8000")
workers = settings.WEB_CONCURRENCY
worker_class = "gthread"
threads = 8
timeout = 60
graceful_timeout = 10
control_socket_disable = True
accesslog = None
errorlog = "-"
loglevel = "warning"

_embedded: Any = None


def post_worker_init(worker: Any) -> None:
    """Start the embedded worker and beat, where there is no broker to connect to."""
    global _embedded
    if settings.REDIS_URL:
        return
    from gss_tracker.embedded import EmbeddedCelery

    _embedded = EmbeddedCelery()
    _embedded.start()


def worker_exit(server: Any, worker: Any) -> None:
    """Stop the embedded worker and beat."""
    if _embedded is not None:
        _embedded.stop()
