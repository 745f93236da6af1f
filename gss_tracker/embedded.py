"""Celery worker and beat as threads of the one server process, for installations without a broker."""

import logging
import threading
from typing import Any

from celery import beat

from gss_tracker.celery import app

logger = logging.getLogger(__name__)

worker_is_here = threading.Event()
"""Set while a worker runs in this process, so that an in-memory message reaches somebody."""


class EmbeddedCelery:
    """A worker with a pool of threads, and a beat; both end with the process."""

    def __init__(self) -> None:
        app.set_current()
        self._worker: Any = app.WorkController(
            pool_cls="threads", concurrency=2, loglevel="WARNING", without_gossip=True, without_mingle=True
        )
        self._beat = beat.Service(app, scheduler_cls=beat.Scheduler)

    def start(self) -> None:
        """Start both threads."""
        threading.Thread(target=self._worker.start, name="celery-worker", daemon=True).start()
        threading.Thread(
            target=self._beat.start, kwargs={"embedded_process": False}, name="celery-beat", daemon=True
        ).start()
        worker_is_here.set()
        app.send_task("rollout.tick")
        logger.info("worker and beat run in this process")

    def stop(self) -> None:
        """Stop both; what was not finished is found in the rows by the next tick."""
        worker_is_here.clear()
        self._beat.stop()
        self._worker.stop()
