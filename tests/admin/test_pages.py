"""Every page of the admin opens, in Japanese, under the strict CSP; and for staff alone."""

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from rollout import outbox, recompute
from rollout.models import Baseline, Projection, Reminder, Rollout, Scenario, SlipAssumption, Wave
from signin.models import ServiceToken
from tests.factories import (
    AssignmentFactory,
    BaselineFactory,
    ContactFactory,
    MonthlyLimitFactory,
    RolloutFactory,
    ServiceTokenFactory,
    WaveFactory,
)
from tests.rollout.what_ifs import suppose

OWN = sorted(
    (model for model in admin.site._registry if model._meta.app_label in ("rollout", "ministries")),
    key=lambda model: model.__name__,
)
FROZEN = [Projection, Reminder]
ONE_ROW = [SlipAssumption]
EDITED = [model for model in OWN if model not in (*FROZEN, *ONE_ROW, Baseline)]
each_model = pytest.mark.parametrize("model", OWN, ids=lambda model: model.__name__)
INLINE = re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*json)|<[^>]+\s(?:style|on[a-z]+)=|<style")
ENGLISH = re.compile(r">[^<>]*?\b(?:Add|Change|Delete|History|Save|Select|Home|None|True|False|View|Show)\b")


def admin_url(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def pages_of(model):
    """The address of every page of a model, by name; its first row stands for all."""
    if model is Scenario:
        suppose(("nta", "cutover", "R9.6"))
    if model is ServiceToken:
        ServiceTokenFactory()
    if not model._default_manager.exists():
        fill_ledger()
        AssignmentFactory()
        BaselineFactory()
        MonthlyLimitFactory()
    key = model._default_manager.order_by("pk").first().pk
    pages = {page: admin_url(model, page, key) for page in ("change", "delete", "history")}
    return {**pages, "list": admin_url(model, "changelist"), "add": admin_url(model, "add")}


def fill_ledger():
    ContactFactory(ministry__name="連絡室", email="pmo@example.go.jp", role="pmo")
    outbox.plan_reminders()


def leaks(response):
    html = response.content.decode()
    return INLINE.findall(html) + ENGLISH.findall(html)


def test_registered_models_are_those_of_the_plan():
    names = "Assignment Baseline Cohort Contact FreezePeriod Ministry MonthlyLimit Observation Projection"
    others = "Reminder ReminderRule Rollout Scenario SlipAssumption Source Target Wave"
    assert [model.__name__ for model in OWN] == f"{names} {others}".split()


@each_model
def test_pages_stay_shut_for_who_is_not_staff(seeded, client, django_user_model, model):
    client.force_login(django_user_model.objects.create_user("reader", password="correct horse battery"))
    pages = pages_of(model)
    answers = {page: client.get(url).headers.get("Location") for page, url in pages.items()}
    assert answers == {page: f"/admin/login/?next={url}" for page, url in pages.items()}


@each_model
def test_pages_are_forbidden_to_staff_without_permissions(seeded, client, django_user_model, model):
    client.force_login(django_user_model.objects.create_user("new", is_staff=True))
    answers = {page: client.get(url).status_code for page, url in pages_of(model).items()}
    assert answers == dict.fromkeys(answers, 403)


@pytest.mark.parametrize("model", EDITED, ids=lambda model: model.__name__)
def test_pages_open_in_japanese_without_inline_code(seeded, staff_client, model):
    answers = {page: staff_client.get(url) for page, url in pages_of(model).items()}
    found = {page: (answer.status_code, leaks(answer)) for page, answer in answers.items()}
    assert found == dict.fromkeys(answers, (200, []))


@pytest.mark.parametrize("model", FROZEN, ids=lambda model: model.__name__)
def test_what_the_product_writes_can_only_be_read(seeded, staff_client, model):
    pages = pages_of(model)
    answers = {page: staff_client.get(url) for page, url in pages.items()}
    opened = {page: (answer.status_code, leaks(answer)) for page, answer in answers.items()}
    assert (opened["list"], opened["change"]) == ((200, []), (200, []))
    assert (opened["add"][0], opened["delete"][0]) == (403, 403)
    assert staff_client.post(pages["change"], {}).status_code == 403


def test_baseline_is_added_and_then_only_read(seeded, staff_client):
    answers = {page: staff_client.get(url) for page, url in pages_of(Baseline).items()}
    opened = {page: (answers[page].status_code, leaks(answers[page])) for page in ("list", "add", "change")}
    assert opened == dict.fromkeys(opened, (200, []))
    assert answers["delete"].status_code == 403


@each_model
def test_list_is_searched_and_refuses_a_senseless_filter(seeded, staff_client, model):
    url = admin_url(model, "changelist")
    answers = [
        staff_client.get(url, query) for query in ({"q": "国税"}, {"q": "\x00"}, {"fiscal_year": "abc"})
    ]
    assert [answer.status_code for answer in answers] == [200, 400, 302]


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        pytest.param({"unconfirmed": "1", "q": "国税"}, ["nta-1"], id="past its day, unconfirmed"),
        pytest.param({"unconfirmed": "1", "q": "財務"}, [], id="not past its day"),
        pytest.param({"fiscal_year": "2027"}, ["mof-1", "moj-rehabilitation-1"], id="R9年度"),
        pytest.param({"fiscal_year": "none"}, [], id="no fiscal year"),
        pytest.param({"count": "stated"}, ["moj-1", "nta-1"], id="stated count"),
        pytest.param({"day": "exact"}, [], id="exact day"),
        pytest.param({"status__exact": "cancelled"}, [], id="status"),
        pytest.param({"q": "NTA"}, ["nta-1"], id="alias or code"),
    ],
)
def test_wave_list_filters(seeded, staff_client, query, codes):
    answer = staff_client.get(admin_url(Wave, "changelist"), query)
    assert [wave.code for wave in answer.context["cl"].result_list] == codes


def cells(html, code):
    """The text of the cells of the row that links to the wave `code`."""
    row = next(row for row in html.split("<tr>") if f"/wave/{Wave.objects.get(code=code).pk}/change/" in row)
    return [re.sub("<[^>]+>", " ", cell).split() for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row)][
        1:
    ]


def test_wave_list_says_when_how_many_and_how_sure(seeded, staff_client):
    html = staff_client.get(admin_url(Wave, "changelist")).content.decode()
    assert cells(html, "nta-1") == [
        ["国税庁"],
        ["R8年度導入予定（資料では下線部）"],
        ["R8.6~", "令和8年6月", "R8年度", "2026-06-01〜2026-06-30"],
        ["68,600人（公表・確認）"],
        ["予定", "予定日経過・未確認"],
        ["146日経過"],
        ["—"],
        ["—"],
    ]
    assert [cells(html, code)[3] for code in ("jma-1", "mof-1")] == [["5,294人（按分）"], ["不明"]]


def test_wave_list_says_that_its_counts_are_old(seeded, staff_client):
    WaveFactory(rollout__lead_ministry__name="新しい庁")
    messages = [str(each) for each in staff_client.get(admin_url(Wave, "changelist")).context["messages"]]
    text = "人数は再計算を待っています。表示は2026-11-23 16:00の計算です。1分ほどで新しくなります。"
    assert messages == [text]


def test_wave_list_without_any_projection_says_so(db, staff_client):
    wave = WaveFactory()
    html = staff_client.get(admin_url(Wave, "changelist")).content.decode()
    assert cells(html, wave.code)[3] == ["計算待ち"]


def questions(client, model):
    with CaptureQueriesContext(connection) as asked:
        assert client.get(admin_url(model, "changelist")).status_code == 200
        return len(asked)


@pytest.mark.parametrize("model", [Wave, Rollout, Reminder], ids=lambda model: model.__name__)
def test_list_asks_the_same_number_of_questions_however_long(seeded, staff_client, model):
    fill_ledger()
    questions(staff_client, model)
    rows, few = model.objects.count(), questions(staff_client, model)
    rollout = RolloutFactory()
    for _ in range(5):
        WaveFactory(rollout=rollout, cutover="R9.9")
        RolloutFactory(cohort=rollout.cohort)
    recompute.recompute()
    outbox.plan_reminders()
    assert model.objects.count() > rows + 4
    assert questions(staff_client, model) == few


def test_ledger_lists_what_is_owed_by_when_it_is_due(seeded, staff_client):
    fill_ledger()
    rows = (
        staff_client.get(admin_url(Reminder, "changelist"), {"sending": "unsent"}).context["cl"].result_list
    )
    assert [row.due_at for row in rows] == sorted(row.due_at for row in rows)
    assert (rows[0].rule.label, str(rows[0].wave)) == ("予定日を過ぎて未確認（毎週）", "気象庁")


def test_ledger_page_shows_the_exact_text_and_the_answer(seeded, staff_client):
    fill_ledger()
    row = Reminder.objects.order_by("due_at").first()
    Reminder.objects.filter(pk=row.pk).update(body="1行目\n<b>2行目</b>", server_answer="受け付けられました")
    html = staff_client.get(admin_url(Reminder, "change", row.pk)).content.decode()
    for text in (
        "1行目<br>&lt;b&gt;2行目&lt;/b&gt;",
        "受け付けられました",
        row.message_id[1:-1],
        row.address,
    ):
        assert text in html


def test_page_that_may_only_be_read_shows_dates_as_written(seeded, client, django_user_model):
    reader = django_user_model.objects.create_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_wave"))
    client.force_login(reader)
    html = client.get(admin_url(Wave, "change", Wave.objects.get(code="nta-1").pk)).content.decode()
    assert ('<div class="readonly">R8.6~</div>' in html, "FuzzyDate" in html) == (True, False)
