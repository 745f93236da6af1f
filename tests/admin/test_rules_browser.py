"""The text of a rule, seen while it is typed, in a real browser."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import expect

from rollout.models import ReminderRule, Wave
from tests.admin.edits import everything, url
from tests.browser import content_width, look

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seeded")]

SUBJECT = "件名:"
SHOWN = "#rule-preview-result .rule-preview-subject"


def rule_page(code="before-90"):
    return url(ReminderRule.objects.get(code=code))


def test_text_is_shown_while_it_is_typed(open_page):
    page, before = open_page(1280, rule_page()), everything()
    subject = page.get_by_label(SUBJECT, exact=True)
    subject.fill("{電話}")
    wrong = page.locator("#rule-preview-result .errorlist li")
    wrong.wait_for()
    assert wrong.inner_text()[:21] == "件名：1文字目の「{電話}」は使えません。"
    assert page.get_by_role("status").inner_text() == "文面に誤りがあります。"
    subject.fill("")
    subject.press_sequentially("{府省庁}へ")
    shown = page.locator(SHOWN)
    shown.wait_for()
    assert (shown.inner_text(), page.get_by_role("status").inner_text()) == (
        "出入国在留管理庁へ",
        "文面を更新しました。",
    )
    assert (everything(), page.said) == (before, [])


def test_variables_follow_the_kind(open_page):
    page = open_page(1280, rule_page())
    page.get_by_label("種類:").select_option("digest")
    page.locator("#id_body_helptext", has_text="{まとめ}").wait_for()
    assert page.locator("#id_body_helptext").inner_text() == "使える変数：{宛名} {日付} {まとめ}"
    assert page.said == []


def test_wave_is_chosen_by_keyboard(open_page):
    page = open_page(1280, rule_page())
    first = page.locator(SHOWN).inner_text()
    page.get_by_label("移行単位", exact=True).focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(SHOWN)).not_to_have_text(first)
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "文面を確認"
    assert page.said == []


def test_text_that_cannot_be_asked_for_says_so_and_stays(open_page):
    page = open_page(1280, rule_page())
    page.context.clear_cookies()
    page.get_by_label(SUBJECT, exact=True).fill("打ちかけ")
    page.get_by_role("status").get_by_text("文面を確認できませんでした。").wait_for()
    assert page.get_by_label(SUBJECT, exact=True).input_value() == "打ちかけ"


def test_text_is_shown_without_javascript(open_page):
    page, before = open_page(1280, rule_page(), java_script_enabled=False), everything()
    page.get_by_label(SUBJECT, exact=True).fill("{府省庁}へ")
    page.get_by_label("移行単位", exact=True).select_option(str(Wave.objects.get(code="mof-1").pk))
    page.get_by_role("button", name="文面を確認").click()
    page.get_by_text("まだ保存していません。").wait_for()
    assert page.locator(SHOWN).inner_text() == "財務省へ"
    assert page.get_by_label(SUBJECT, exact=True).input_value() == "{府省庁}へ"
    assert (everything(), page.said) == (before, [])
    page.get_by_role("button", name="保存", exact=True).click()
    page.get_by_text("変更しました").wait_for()
    assert ReminderRule.objects.get(code="before-90").subject == "{府省庁}へ"


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", ["list", "form", "wrong"])
def test_pages_of_rules_fit_and_have_no_axe_violations(open_page, width, name):
    path = reverse("admin:rollout_reminderrule_changelist") if name == "list" else rule_page("unanswered-14")
    page = open_page(width, path, bypass_csp=True)
    if name == "wrong":
        page.get_by_label(SUBJECT, exact=True).fill("{電話}")
        page.get_by_role("button", name="文面を確認").click()
        page.get_by_text("まだ保存していません。").wait_for()
    look(page, f"rules-{name}-{width}")
    assert content_width(page) == width
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
