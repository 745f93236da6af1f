"""Wiring: settings, URLs, Celery, health and the one-process server."""

from gss_tracker.celery import app as celery_app

__all__ = ["celery_app"]
