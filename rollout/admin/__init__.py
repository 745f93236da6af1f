"""Editing: the stock Django admin in Japanese, where every edit is an action."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from rollout.admin import baselines, calendar, frame, ledger, people, plan, risk, rules, scenarios

__all__ = ["baselines", "calendar", "frame", "ledger", "people", "plan", "risk", "rules", "scenarios"]

admin.site.site_header = _("GSS導入計画")
admin.site.site_title = "gss_tracker"
admin.site.index_title = _("計画の編集")
admin.site.site_url = None
admin.site.enable_nav_sidebar = False  # the lists need the width
admin.site.empty_value_display = "—"
