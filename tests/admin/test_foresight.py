"""The pages beside the ledger: what will go out, and why; nothing changes by looking."""

import re
from html.parser import HTMLParser

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from ministries.models import Ministry
from rollout import outbox
from rollout.domain.reminders import State
from rollout.models import PlanVersion, Reminder, ReminderRule, RolloutCoverage, Wave
from tests.admin.test_pages import leaks
from tests.factories import ContactFactory, MinistryFactory, ReminderRuleFactory, WaveFactory
from tests.rollout.ledger import START, make_wave, owe
from tests.rollout.test_foresight import contents

pytestmark = pytest.mark.django_db

LOOKAHEAD, WHY = (reverse(f"admin:rollout_reminder_{page}") for page in ("lookahead", "why"))
LIST = reverse("admin:rollout_reminder_changelist")
A = "a@example.go.jp"


@pytest.fixture(autouse=True)
def clock():
    """Time stands still at 10:00 in Tokyo on 2026-11-24."""
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


class Texts(HTMLParser):
    """The texts of every element of a kind."""

    def __init__(self, tag):
        super().__init__()
        self._tag, self._depth, self.found = tag, 0, []

    def handle_starttag(self, tag, attrs):
        if tag == self._tag:
            self._depth += 1
            self.found.append("")

    def handle_endtag(self, tag):
        self._depth -= tag == self._tag

    def handle_data(self, data):
        if self._depth:
            self.found[-1] += data


def texts(answer, tag):
    reader = Texts(tag)
    reader.feed(answer.content.decode())
    return [" ".join(text.split()) for text in reader.found]


def cells(answer, name):
    """The texts of the cells of a class."""
    found = re.findall(rf'<td class="{name}">(.*?)</td>', answer.content.decode(), flags=re.DOTALL)
    return [re.sub("<[^>]+>", "", text).strip() for text in found]


def rows(answer):
    """The rows of the tables, without the body's text."""
    html = re.sub(r"<pre .*?</pre>", "", answer.content.decode(), flags=re.DOTALL)
    reader = Texts("tr")
    reader.feed(html)
    found = [" ".join(text.split()) for text in reader.found]
    return [text for text in found if re.match(r"\d\d:\d\d", text)]


def test_lookahead_lists_by_day_what_goes_out_with_its_text(staff_client):
    owe(days=(30, 7))
    ReminderRuleFactory(
        kind="digest", count=4, unit="weeks", label="まとめ", subject="{日付} まとめ", body="{まとめ}"
    )
    ContactFactory(role="pmo", email="pmo@example.go.jp", name="PMO室")
    ReminderRule.objects.filter(kind="offset").update(to_pmo=False)
    outbox.plan_reminders()
    answer = staff_client.get(LOOKAHEAD)
    assert (answer.status_code, leaks(answer)) == (200, [])
    assert re.findall(r'colspan="6">(.*?)<span class="count">(.*?)</span>', answer.content.decode()) == [
        ("2026年11月24日（火）", "1通"),
        ("2026年12月16日（水）", "1通"),
        ("2026年12月21日（月）", "1通"),
        ("2027年1月8日（金）", "1通"),
        ("2027年1月18日（月）", "1通"),
        ("2027年2月15日（月）", "1通"),
    ]
    assert rows(answer)[:3] == [
        "10:00期日 2026-11-24 PMO — まとめ PMO室pmo@example.go.jp 2026年11月24日 まとめ",
        "09:00 国税庁（地方拠点） R9.1.15 30日前 担当者a@example.go.jp 国税庁（地方拠点） 切替のお知らせ",
        "09:00 PMO — まとめ PMO室pmo@example.go.jp 2026年12月21日 まとめ",
    ]
    assert rows(answer)[4].split()[0] == "09:00台帳にはまだない"
    assert texts(answer, "strong")[-1] == "90日間（2027年2月22日まで）で6通"
    assert texts(answer, "pre")[0] == "（まとめの中身は、送る日の計画から作ります）"


def two_ministries():
    """Two mails to a@ of 国税庁, in whose wave 審判所 moves along, and two to b@ of another ministry."""
    wave = owe(days=(30, 7))
    RolloutCoverage.objects.create(rollout=wave.rollout, ministry=MinistryFactory(name="審判所"))
    owe(WaveFactory(cutover="R9.1.15"), emails=("b@example.go.jp",), days=())


def ministry(name):
    return {"ministry": Ministry.objects.get(name=name).pk}


TO_A = [f"担当者{A}"] * 2
TO_B = ["担当者b@example.go.jp"] * 2
FILTERS = {
    "rule": (lambda: {"rule": ReminderRule.objects.get(count=7).pk}, [TO_A[0], TO_B[0]], 90),
    "address": (lambda: {"address": "B@Example"}, TO_B, 90),
    "lead ministry": (lambda: ministry("国税庁"), TO_A, 90),
    "covered ministry": (lambda: ministry("審判所"), TO_A, 90),
    "until a day": (lambda: {"until": "2026-12-16"}, [TO_A[0], TO_B[0]], 22),
    "until a month": (lambda: {"until": "R9.1"}, [TO_A[0], TO_B[0]] * 2, 68),
    "nothing": (lambda: {"until": "2026-11-30"}, [], 6),
}


@pytest.mark.parametrize(("query", "to", "days"), FILTERS.values(), ids=FILTERS)
def test_lookahead_is_narrowed(staff_client, query, to, days):
    two_ministries()
    answer = staff_client.get(LOOKAHEAD, query())
    assert cells(answer, "to") == to
    assert re.fullmatch(rf"{days}日間（.*まで）で{len(to)}通", texts(answer, "strong")[-1])


BAD = {
    "until": ({"until": "あした"}, "「あした」：日付として読めません。"),
    "past": ({"until": "2026-11-01"}, "「2026-11-01」は範囲の外です。"),
    "rule": ({"rule": "x"}, "正しく選択してください。"),
}


@pytest.mark.parametrize(("query", "message"), BAD.values(), ids=BAD)
def test_lookahead_refuses_what_it_cannot_read(staff_client, query, message):
    owe()
    answer = staff_client.get(LOOKAHEAD, query)
    [errors] = answer.context["form"].errors.values()
    assert (errors[0][: len(message)], cells(answer, "to")) == (message, [])


def test_lookahead_says_that_the_ledger_lags(staff_client):
    wave = owe()
    assert "台帳は最新の計画に" not in staff_client.get(LOOKAHEAD).content.decode()
    Wave.objects.filter(pk=wave.pk).update(status="cancelled")
    PlanVersion.objects.raise_number()
    answer = staff_client.get(LOOKAHEAD)
    assert "台帳は最新の計画に" in answer.content.decode()
    assert texts(answer, "strong")[-1] == "90日間（2027年2月22日まで）で0通"


def test_lookahead_pages_by_hundred_and_keeps_its_filters(staff_client):
    owe(emails=[f"{number:03}@example.go.jp" for number in range(101)], days=(30,))
    query = {"address": "@example.go.jp", "until": "R9.3"}
    first, last = (staff_client.get(LOOKAHEAD, {**query, "p": page}) for page in (1, 2))
    assert (len(cells(first, "to")), cells(last, "to")) == (100, ["担当者100@example.go.jp"])
    assert '<a href="?address=%40example.go.jp&amp;until=R9.3&amp;p=2">2</a>' in first.content.decode()


def test_pages_change_nothing(staff_client):
    wave = owe(days=(30, 7))
    PlanVersion.objects.raise_number()
    before = contents()
    for answer in (
        staff_client.get(LOOKAHEAD),
        staff_client.get(WHY),
        staff_client.post(WHY, {"address": A, "wave": wave.code}),
    ):
        assert answer.status_code == 200
    assert contents() == before


@pytest.mark.parametrize("page", [LOOKAHEAD, WHY])
def test_pages_need_the_right_to_see_the_ledger(client, django_user_model, page):
    user = django_user_model.objects.create_user("new", is_staff=True)
    client.force_login(user)
    assert client.get(page).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="view_reminder"))
    assert client.get(page).status_code == 200


def test_ledger_leads_to_both_pages(staff_client):
    owe()
    html = staff_client.get(LIST).content.decode()
    assert (f'<a href="{LOOKAHEAD}">これから送る通知</a>' in html, f'href="{WHY}"' in html) == (True, True)
    row = Reminder.objects.get()
    page = staff_client.get(reverse("admin:rollout_reminder_change", args=[row.pk])).content.decode()
    assert f'<a href="{WHY}?reminder={row.pk}">なぜ届いた・届かない？</a>' in page


def test_ledger_lists_what_was_missed_and_skipped(staff_client):
    owe(emails=[f"{state.value}@example.go.jp" for state in State])
    for state in State:
        row = Reminder.objects.filter(address=f"{state.value}@example.go.jp")
        row.update(state=state, sent_at=START, claimed_at=START)
    answer = staff_client.get(LIST, {"sending": "given_up"})
    assert sorted(row.state for row in answer.context["cl"].result_list) == ["missed", "skipped"]
    assert "見逃し・省略" in answer.content.decode()


ASKED = {"code": "nta-x", "name": "国税庁", "alias": "NTA", "scope": "地方"}


@pytest.mark.parametrize("text", ASKED.values(), ids=ASKED)
def test_why_answers_in_words(staff_client, text):
    wave = owe(make_wave(code="nta-x"))
    Ministry.objects.filter(pk=wave.rollout.lead_ministry_id).update(aliases="NTA")
    WaveFactory(code="other", cutover="R9.2")
    outbox.plan_reminders()
    answer = staff_client.post(WHY, {"address": " A@example.go.jp", "wave": text})
    assert (answer.status_code, leaks(answer), answer.context["form"].errors) == (200, [], {})
    assert texts(answer, "h2") == ["a@example.go.jp と 国税庁（地方拠点）"]
    assert texts(answer, "dt") == ["30日前"]
    assert texts(answer, "dd") == ["2026年12月16日 09:00に送る予定です。"]


def test_why_is_asked_of_a_row(staff_client):
    owe()
    answer = staff_client.get(WHY, {"reminder": Reminder.objects.get().pk})
    assert texts(answer, "dd") == ["2026年12月16日 09:00に送る予定です。"]


def test_why_of_a_row_without_wave_says_that_there_is_none(staff_client):
    rule = ReminderRuleFactory(kind="digest", count=1)
    row = Reminder.objects.create(rule=rule, address=A, due_at=START)
    assert "移行単位ごとのものではない" in staff_client.get(WHY, {"reminder": row.pk}).content.decode()


@pytest.mark.parametrize("number", ["0", "x", "٣", "9" * 30])
def test_why_of_no_row_is_not_found(staff_client, number):
    assert staff_client.get(WHY, {"reminder": number}).status_code == 404


def test_why_names_the_candidates(staff_client):
    wave = owe(make_wave(code="nta-1"))
    WaveFactory(rollout=wave.rollout, code="nta-2", name="第2陣")
    found = [
        staff_client.post(WHY, {"address": A, "wave": text}).context["form"].errors["wave"]
        for text in ("国税", "気象")
    ]
    candidates = "nta-1（国税庁（地方拠点））、nta-2（国税庁（地方拠点） 第2陣）"
    assert found == [
        [f"いくつか当てはまります。コードを入れてください：{candidates}"],
        ["「気象」に当てはまる移行単位はありません。"],
    ]


def test_why_suggests_waves_where_they_are_few(staff_client, monkeypatch):
    owe(make_wave(code="nta-1"))
    assert texts(staff_client.get(WHY), "option") == ["国税庁（地方拠点）"]
    monkeypatch.setattr("rollout.admin.foresight.MOST_SUGGESTIONS", 0)
    assert texts(staff_client.get(WHY), "option") == []


def questions(client):
    with CaptureQueriesContext(connection) as asked:
        count = len(cells(client.get(LOOKAHEAD), "to"))
    return count, len(asked)


def test_lookahead_asks_the_same_number_of_questions_however_long(staff_client):
    two_ministries()
    questions(staff_client)
    few = questions(staff_client)
    ReminderRuleFactory(kind="overdue", count=7, label="毎週")
    owe(WaveFactory(cutover="R9.1.20"), emails=("c@example.go.jp",), days=())
    outbox.plan_reminders()
    many = questions(staff_client)
    assert (few[0], many[0], many[1]) == (4, 20, few[1])
