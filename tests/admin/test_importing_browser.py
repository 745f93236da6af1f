"""A table sent from a real browser: without JavaScript, at two widths, by axe's rules."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse

from rollout.importing import lifecycle
from rollout.models import PlanImport, Wave
from tests.browser import content_width, look

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("seeded", "_worked_here"),
]

LIST = reverse("admin:rollout_wave_changelist")
GOOD = "コード,切替,人数,備考\nnta-1,R9.6,,照会済\nmof-1,,１２００,\n"
WRONG = "コード,切替,状態\nnta-1,R8.13,完了\nnobody-1,R9.6,\n"


def send(page, text):
    page.get_by_label("ファイル").set_input_files(
        {"name": "照会結果.csv", "mimeType": "text/csv", "buffer": text.encode()}
    )
    page.get_by_role("button", name="ファイルを送って確認する").click()
    page.get_by_text("行を確認しました").wait_for()


def check(page, name, width):
    """Seen, fitting, and sound by axe's rules, which need JavaScript."""
    look(page, f"import-{name}-{width}")
    if width == 1280:
        results = Axe().run(page)
        assert results.violations_count == 0, results.generate_report()
    assert (content_width(page), page.said) == (width, [])


@pytest.mark.parametrize("width", [1280, 390])
def test_table_is_sent_corrected_looked_at_and_taken_in(open_page, width):
    page = open_page(width, LIST, java_script_enabled=width == 1280, bypass_csp=True)
    page.get_by_role("link", name="Excel・CSVを取り込む").click()
    check(page, "file", width)
    send(page, WRONG)
    check(page, "mistakes", width)
    page.get_by_role("link", name="直したファイルを送る").click()
    send(page, GOOD)
    check(page, "preview", width)
    page.get_by_label("変更する理由").fill("9月3日 照会の結果")
    page.get_by_role("button", name="この内容で取り込む").click()
    page.get_by_text("反映しました：変更2件").wait_for()
    assert Wave.objects.get(code="nta-1").cutover.text == "R9.6"


@pytest.mark.parametrize("width", [1280, 390])
def test_progress_moves_by_itself(open_page, width):
    sent = {"kind": "wave", "file_name": "照会.csv", "file": GOOD.encode()}
    key = PlanImport.objects.create(**sent, rows_total=20_000, rows_done=8_500).pk
    address = reverse("admin:rollout_wave_import_one", args=[key])
    page = open_page(width, address, java_script_enabled=width == 1280, bypass_csp=True)
    page.get_by_text("20,000行のうち8,500行").wait_for()
    check(page, "progress", width)
    PlanImport.objects.update(rows_done=9_000)
    if width == 390:
        page.get_by_role("link", name="いまの進み具合を見る").click()
    page.get_by_text("20,000行のうち9,000行").wait_for()
    lifecycle.follow(key)
    if width == 390:
        page.get_by_role("link", name="いまの進み具合を見る").click()
    page.get_by_text("2行を確認しました").wait_for()
