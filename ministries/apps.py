"""App configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MinistriesConfig(AppConfig):
    """The organisations and their contacts."""

    name = "ministries"
    verbose_name = _("府省庁")
