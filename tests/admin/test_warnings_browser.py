"""Warnings accepted, and mails foreseen, in a real browser: without JavaScript, at two widths, by axe."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from rollout import actions, outbox
from rollout.models import WarningAcceptance
from tests.admin.edits import url, wave
from tests.admin.test_browser import send
from tests.browser import content_width, look
from tests.factories import ContactFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seeded")]


@pytest.fixture
def frozen():
    """国税庁 cuts over in its freeze, and its contact is to be told."""
    row = wave()
    row.cutover = "R9.2.18"
    actions.save_row(row=row, actor=None, reason="国税庁からの連絡")
    ContactFactory(ministry=row.rollout.lead_ministry, email="tax@example.go.jp")
    outbox.plan_reminders()
    return row


def checked(page, width, name, part=None):
    look(page, f"{name}-{width}")
    assert content_width(page) == width
    results = Axe().run(page, context=part)
    assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize("width", [1280, 390])
def test_warnings_and_mails_fit_and_have_no_axe_violations(open_page, frozen, width):
    page = open_page(width, url(frozen), bypass_csp=True)
    checked(page, width, "warnings", "section.warnings")
    page.get_by_label("承認する理由（凍結期間）").fill("庁内で調整済み")
    page.get_by_role("button", name="このまま進める").first.click()
    page.get_by_text("承認済み：庁内で調整済み").wait_for()
    checked(page, width, "warnings-accepted", "section.warnings")
    send(page, "切替:", "R9.3")
    checked(page, width, "warnings-confirmation")


def test_warning_is_accepted_without_javascript(open_page, frozen):
    page = open_page(1280, url(frozen), java_script_enabled=False)
    page.get_by_label("承認する理由（凍結期間）").fill("庁内で調整済み")
    page.get_by_role("button", name="このまま進める").first.click()
    page.get_by_text("承認済み：庁内で調整済み").wait_for()
    assert (WarningAcceptance.objects.get().reason, page.said) == ("庁内で調整済み", [])
