"""App configuration."""

from django.apps import AppConfig


class MinistriesConfig(AppConfig):
    """The organisations and their contacts."""

    name = "ministries"
    verbose_name = "府省庁"
