"""The Celery application. The schedule is static: one `tick` a minute finds whatever is due."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gss_tracker.settings")

app = Celery("gss_tracker")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(["rollout.importing"])
