"""The product with the bare views beside it, for gunicorn."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gss_tracker.settings")
settings.ROOT_URLCONF = "bench.bare"
application = get_wsgi_application()
