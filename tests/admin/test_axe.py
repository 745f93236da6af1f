"""Every form of the admin by axe's rules: what Django's scripts put in place of fields has names, too."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib import admin
from django.urls import reverse

from ministries.models import Contact, Ministry
from rollout.models import Cohort, Rollout, Wave
from tests.admin.test_pages import admin_url, fill_ledger, pages_of
from tests.browser import content_width
from tests.factories import AssignmentFactory, BaselineFactory, MonthlyLimitFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seeded")]

NAMED = "() => !document.querySelector('.select2-selection__rendered[role], .search-label-icon:not([role])')"
"""When the scripts are done."""


def forms():
    """The pages that add and change, and one of each other sort."""
    for model in admin.site._registry:
        if model._default_manager.exists():
            pages = pages_of(model)
            yield from (pages["add"], pages["change"])
    yield from (admin_url(model, "changelist") for model in (Contact, Rollout))
    yield from (admin_url(model, "delete", model.objects.first().pk) for model in (Cohort, Ministry, Wave))
    yield from map(reverse, ("admin:password_change", "admin:rollout_changes"))


def test_forms_have_names_for_everything_and_fit(open_page, live_server):
    fill_ledger()
    for make in (AssignmentFactory, BaselineFactory, MonthlyLimitFactory):
        make()
    page = open_page(1280, reverse("admin:index"), bypass_csp=True)
    found = {}
    for address in dict.fromkeys(forms()):
        page.goto(live_server.url + address)
        fits = content_width(page) == 1280
        page.wait_for_function(NAMED)
        violations = [each["id"] for each in Axe().run(page).response["violations"]]
        if violations or not fits:
            found[address] = violations
    assert found == {}
