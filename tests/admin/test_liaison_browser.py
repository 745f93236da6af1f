"""A proposal in a real browser: a liaison makes it, an editor looks at what it does and accepts it."""

from importlib import import_module

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Group
from django.test import Client

from ministries.liaison import LIAISON
from ministries.models import Ministry
from rollout.models import Scenario
from tests.admin.edits import url, wave
from tests.browser import content_width, look
from tests.factories import AssignmentFactory, ContactFactory, UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seeded")]


@pytest.fixture
def nta(seeded):
    """国税庁, with a contact."""
    roles = import_module("rollout.migrations.0007_roles")
    roles.make_groups(apps, import_module("rollout.migrations.0009_liaison").ROLES)
    return ContactFactory(ministry=Ministry.objects.get(code="nta")).ministry


def sign_in_as_liaison(page, ministry, live_server):
    """Change who the browser is signed in as."""
    user = UserFactory(is_staff=True, username="kokuzei")
    user.groups.add(Group.objects.get(name=LIAISON))
    AssignmentFactory(user=user, ministry=ministry)
    client, name = Client(), settings.SESSION_COOKIE_NAME
    client.force_login(user)
    page.context.clear_cookies()
    page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])


@pytest.mark.parametrize("width", [1280, 390])
def test_liaison_proposes_and_an_editor_accepts(open_page, live_server, nta, width):
    with_script = width == 1280
    page = open_page(width, url(wave()), java_script_enabled=with_script, bypass_csp=True)
    sign_in_as_liaison(page, nta, live_server)

    def check(page, name):
        look(page, f"liaison-{name}-{width}")
        if with_script:
            results = Axe().run(page)
            assert results.violations_count == 0, results.generate_report()
        assert (content_width(page), page.said) == (width, [])

    page.reload()
    check(page, "wave")
    page.get_by_role("link", name="変更を申請").click()
    page.get_by_label("試算での値").first.fill("R8.9")
    page.get_by_label("備考").fill("説明会を7月に延ばすため")
    check(page, "proposal")
    page.get_by_role("button", name="保存", exact=True).click()
    page.get_by_text("追加しました").wait_for()
    page.goto(f"{live_server.url}/admin/")
    page.get_by_text("PMOの判断を待っています").wait_for()
    check(page, "start")
    editor = open_page(width, url(Scenario.objects.get()), java_script_enabled=with_script, bypass_csp=True)
    editor.get_by_role("link", name="申請の判断").click()
    editor.get_by_role("heading", name="事前通知への影響").wait_for()
    check(editor, "decision")
    editor.get_by_label("反映・見送りの理由").fill("了承")
    editor.get_by_role("button", name="計画に反映する").click()
    editor.get_by_text("計画に反映しました").wait_for()
    assert wave().cutover.text == "R8.9"
