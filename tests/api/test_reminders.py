"""The ledger in the API: for who may see it, and for nobody else."""

import jsonschema
import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from drf_spectacular.generators import SchemaGenerator

from rollout.api.reminders import DETAIL, ROW
from rollout.models import Reminder, ReminderRule
from tests.api.test_schema import closed
from tests.factories import WaveFactory
from tests.rollout.ledger import at, make_wave

pytestmark = pytest.mark.django_db

PATHS = ["reminders/", "reminders/1/", "reminders/?state=sent", "reminders/?address=a@example.go.jp"]
SIGN_IN = "ログインが必要です。ログインしてからやり直してください。"
NO_RIGHT = "この操作をする権限がありません。"


@pytest.fixture
def auditor(client, django_user_model):
    """Somebody who may see the ledger, and nothing else, is signed in."""
    user = django_user_model.objects.create_user("auditor")
    user.user_permissions.add(Permission.objects.get(codename="view_reminder"))
    client.force_login(user)
    return user


def make_rule(code="thirty-days", **values):
    texts = {"label": "30日前", "subject": "{案件}", "body": "{お願い}"}
    return ReminderRule.objects.create(code=code, count=30, **{**texts, **values})


def make_reminder(wave=None, rule=None, **values):
    rule = rule or ReminderRule.objects.filter(code="thirty-days").first() or make_rule()
    row = {"address": "a@example.go.jp", "due_at": at("2026-12-16 09:00"), **values}
    return Reminder.objects.create(wave=wave or make_wave(), rule=rule, **row)


@pytest.mark.parametrize("public", [True, False], ids=["public", "not public"])
@pytest.mark.parametrize("path", PATHS)
def test_anonymous_reader_sees_nothing_of_the_ledger(get, settings, path, public):
    settings.PUBLIC_READ = public
    make_reminder(pk=1, state="sent", sent_at=at("2026-12-16 09:00"))
    assert get(path, 401) == {
        "type": "/problems/sign-in/",
        "title": "ログインが必要です",
        "status": 401,
        "detail": SIGN_IN,
    }


@pytest.mark.parametrize("path", PATHS)
def test_reader_without_the_right_sees_nothing_of_the_ledger(get, reader, sign_in, path):
    make_reminder(pk=1)
    assert get(path, 403)["detail"] == NO_RIGHT


@pytest.mark.parametrize(
    "path", ["waves/", "rollouts/", "ministries/", "projection/", "schema/?format=openapi-json"]
)
def test_addresses_appear_in_no_public_answer(seeded, client, path):
    make_reminder(wave=WaveFactory(), address="secret@example.go.jp", body="ひみつ")
    content = client.get(f"/api/v1/{path}").content.decode()
    assert [word for word in ("secret@", "ひみつ") if word in content] == []


@pytest.mark.usefixtures("auditor")
def test_list_leaves_the_long_texts_out(get):
    row = make_reminder(subject="件名", body="本文", calendar="BEGIN:VCALENDAR", picture=b"PNG")
    (found,) = get("reminders/")["results"]
    assert found == {
        "id": row.pk,
        "wave": {"code": row.wave.code, "label": "国税庁（地方拠点）"},
        "rule": {"code": "thirty-days", "label": "30日前"},
        "address": "a@example.go.jp",
        "cutover_version": 0,
        "occurrence": 0,
        "state": "planned",
        "state_label": "予定",
        "state_note": "",
        "due_at": "2026-12-16T09:00:00+09:00",
        **dict.fromkeys(("retry_at", "claimed_at", "sent_at", "acknowledged_at", "decided_by")),
        "attempts": 0,
        **dict.fromkeys(("server_answer", "told_cutover", "told_status", "reply_to"), ""),
        "message_id": row.message_id,
        "subject": "件名",
        "created_at": found["created_at"],
    }
    assert list(found) == list(ROW)


@pytest.mark.usefixtures("auditor")
def test_row_has_the_exact_text(get):
    text = {"subject": "件名", "body": "本文\r\n{そのまま}", "calendar": "BEGIN:VCALENDAR\r\n"}
    row = make_reminder(**text, picture=b"PNG")
    found = get(f"reminders/{row.pk}/")
    assert {name: found[name] for name in (*text, "has_picture")} == {**text, "has_picture": True}
    assert list(found) == list(DETAIL)


def test_row_says_who_decided_and_digests_have_no_wave(get, auditor):
    row = make_reminder(decided_by=auditor)
    Reminder.objects.update(wave=None)
    found = get(f"reminders/{row.pk}/")
    assert (found["wave"], found["decided_by"]) == (None, "auditor")


@pytest.mark.usefixtures("auditor")
@pytest.mark.parametrize("path", ["reminders/999/", "reminders/x/", f"reminders/{'9' * 30}/"])
def test_row_that_does_not_exist_is_a_404(get, path):
    get(path, 404)


@pytest.fixture
def three():
    """Three rows that differ in everything that can be asked for."""
    ending = WaveFactory(code="ending")
    make_reminder(pk=1, wave=WaveFactory(code="first"), due_at=at("2026-12-15 23:59:59"))
    make_reminder(pk=2, wave=WaveFactory(code="second"), due_at=at("2026-12-16 00:00"), state="due")
    late = {"due_at": at("2026-12-17 00:00"), "state": "missed", "address": "b@example.go.jp"}
    make_reminder(pk=3, wave=ending, rule=make_rule("seven-days"), **late)


@pytest.mark.usefixtures("auditor", "three")
@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("", [1, 2, 3]),
        ("state=missed", [3]),
        ("state=failed", []),
        ("wave=second", [2]),
        ("rule=seven-days", [3]),
        ("address=A@Example.go.jp", [1, 2]),
        ("address=example.go.jp", []),
        ("due_after=2026-12-16", [2, 3]),
        ("due_before=2026-12-16", [1, 2]),
        ("due_after=2026-12-16&due_before=2026-12-16", [2]),
        ("due_after=1912-07-30&due_before=2117-03-31", [1, 2, 3]),
        ("address=a@example.go.jp&state=due", [2]),
        ("page_size=1", [1]),
    ],
)
def test_list_shows_what_is_asked_for_by_due_time(get, query, rows):
    assert [row["id"] for row in get(f"reminders/?{query}")["results"]] == rows


@pytest.mark.usefixtures("auditor")
@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        ("wave=none", "wave", "「none」というコードの移行単位はありません。"),
        ("rule=none", "rule", "「none」というコードの通知ルールはありません。"),
        ("due_after=昨日", "due_after", "2026-06-15 のように年月日を指定してください。"),
        ("due_after=0001-01-01", "due_after", "1912-07-30 以降の日を指定してください。"),
        ("due_before=9999-12-31", "due_before", "2117-03-31 以前の日を指定してください。"),
        ("ordering=due_at", "ordering", None),
        ("search=a", "search", None),
        ("format=json", "format", None),
    ],
)
def test_parameter_that_cannot_be_meant_is_refused(get, query, field, message):
    errors = get(f"reminders/?{query}", 400)["errors"]
    assert list(errors) == [field]
    assert message is None or errors[field] == [message]


@pytest.mark.usefixtures("auditor")
def test_state_that_does_not_exist_is_answered_with_those_that_do(get):
    known = "planned、due、sending、sent、failed、unknown、missed、cancelled、skipped"
    assert get("reminders/?state=lost", 400)["errors"]["state"] == [
        f"「lost」という状態はありません。使えるのは {known} です。"
    ]


def answer_schema(path):
    document = SchemaGenerator().get_schema(request=None, public=True)
    answer = document["paths"][f"/api/v1/{path}"]["get"]["responses"]["200"]["content"]["application/json"]
    return {**closed(answer["schema"]), "components": closed(document["components"])}


@pytest.mark.usefixtures("auditor")
def test_answers_are_what_the_schema_says(get):
    row = make_reminder()
    Reminder.objects.create(rule=row.rule, address="pmo@example.go.jp", due_at=row.due_at)
    jsonschema.validate(get("reminders/"), answer_schema("reminders/"))
    for reminder in Reminder.objects.all():
        jsonschema.validate(get(f"reminders/{reminder.pk}/"), answer_schema("reminders/{id}/"))


def test_schema_says_which_right_is_needed():
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    for path in ("reminders/", "reminders/{id}/"):
        operation = paths[f"/api/v1/{path}"]["get"]
        assert {} not in operation["security"]
        assert operation["responses"]["403"]["description"] == (
            "It needs the right `rollout.view_reminder`; nobody else sees the ledger."
        )


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_no_view_offers_writing(staff_client, method):
    row = make_reminder()
    answers = [getattr(staff_client, method)(f"/api/v1/reminders/{path}") for path in ("", f"{row.pk}/")]
    assert [answer.status_code for answer in answers] == [405, 405]
    assert Reminder.objects.count() == 1


def test_queries_do_not_grow_with_the_rows(get, auditor):
    counts = []
    for size in (1, 5):
        for number in range(size):
            rule = make_rule(f"rule-{size}-{number}")
            make_reminder(wave=WaveFactory(), rule=rule, decided_by=auditor)
        with CaptureQueriesContext(connection) as queries:
            get("reminders/")
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.usefixtures("auditor")
def test_list_does_not_read_the_long_texts(get):
    make_reminder()
    with CaptureQueriesContext(connection) as queries:
        get("reminders/")
    read = " ".join(query["sql"] for query in queries)
    texts = ("subject", "body", "calendar", "picture")
    assert [name for name in texts if f'"rollout_reminder"."{name}"' in read] == ["subject"]


def test_detail_hides_what_would_let_its_reader_answer(get, auditor):
    links = "https://x/reminders/12.abc.def/ https://x/api/v1/calendar.ics?token=WzEs%3AZ です"
    make_reminder(pk=1, body=links)
    expected = "https://x/reminders/…/ https://x/api/v1/calendar.ics?token=… です"
    assert get("reminders/1/", 200)["body"] == expected
