"""Tokens of programs: shown once, good for what they are for, counted, and over when they are."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from rollout.models import Wave
from signin.models import ServiceToken
from tests.api.edits import move
from tests.conftest import SEED_NOW
from tests.factories import UserFactory

pytestmark = pytest.mark.usefixtures("seeded")

WAVE = {"cutover": "R9.1", "reason": "連絡"}


@pytest.fixture
def account():
    user = UserFactory(username="power-bi")
    user.groups.add(Group.objects.get(name="APIサービス"), Group.objects.get(name="PMO編集者"))
    return user


@pytest.fixture
def give(account):
    def give(days=365, **values):
        return ServiceToken.objects.create(account, name="Power BI", expiry=timedelta(days=days), **values)

    cache.clear()
    return give


def ask(client, token, path="waves/", method="get", **values):
    headers = {"authorization": f"Token {token}", **values.pop("headers", {})}
    return getattr(client, method)(f"/api/v1/{path}", headers=headers, **values)


def test_token_opens_the_api_as_its_account(client, give, settings):
    settings.PUBLIC_READ = False
    _, text = give()
    assert ask(client, text, "scenarios/").status_code == 200
    assert text not in str(vars(ServiceToken.objects.get()))
    assert client.get("/api/v1/waves/").status_code == 401


@pytest.mark.parametrize("text", ["", "x", "x y", "\xff" * 64, "0" * 64, "0" * 10_000])
def test_what_is_no_token_opens_nothing(client, give, text):
    give()
    answer = ask(client, text)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Token")
    assert answer.json()["type"] == "/problems/sign-in/"


def test_token_is_over_when_it_expires_is_revoked_or_its_account_is_shut(client, give, account):
    (_, text), (revoked, other) = give(days=1), give(days=9)
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        assert [ask(client, each).status_code for each in (text, other)] == [401, 200]
    ServiceToken.objects.filter(pk=revoked.pk).update(revoked_at=timezone.now())
    assert [ask(client, each).status_code for each in (text, other)] == [200, 401]
    account.is_active = False
    account.save()
    assert ask(client, text).status_code == 401
    assert ServiceToken.objects.count() == 2


@pytest.mark.parametrize(
    ("scopes", "statuses"),
    [
        ({}, [200, 403, 403]),
        ({"writes": True}, [200, 200, 403]),
        ({"reminders": True}, [200, 403, 200]),
        ({"reads": False, "writes": True}, [403, 200, 403]),
        ({"reads": False, "reminders": True}, [403, 403, 200]),
    ],
    ids=str,
)
def test_token_is_good_for_its_scopes_alone(client, give, scopes, statuses):
    _, text = give(**scopes)
    tag = client.get("/api/v1/waves/nta-1/")["ETag"]
    written = ask(
        client,
        text,
        "waves/nta-1/",
        "patch",
        data=WAVE,
        content_type="application/json",
        headers={"if_match": tag},
    )
    read, ledger = ask(client, text), ask(client, text, "reminders/")
    assert [read.status_code, written.status_code, ledger.status_code] == statuses
    refused = [answer for answer in (read, written, ledger) if answer.status_code == 403]
    assert {answer.json()["detail"] for answer in refused} <= {
        "このトークンには、この操作が許されていません。"
    }


def test_token_does_not_grow_with_its_account(client, give, account):
    _, text = give()
    account.is_staff = account.is_superuser = True
    account.save()
    assert ask(client, text).status_code == 401


def test_token_for_writing_alone_reads_no_history(client, give):
    _, text = give(reads=False, writes=True)
    first = Wave.objects.get(code="nta-1").history.get()
    move("nta-1", "R8.9")
    headers = {"if_match": f'"{first.history_id}"'}
    values = {"data": WAVE, "content_type": "application/json", "headers": headers}
    answer = ask(client, text, "waves/nta-1/", "patch", **values)
    assert (answer.status_code, answer.json()["difference"]) == (412, [])


def test_refused_requests_are_counted_too(client, give, settings):
    settings.API_REQUESTS_PER_MINUTE = 2
    _, text = give()
    with time_machine.travel(SEED_NOW, tick=False):
        answers = [ask(client, text, path) for path in ("reminders/", "schema/", "reminders/")]
    assert [answer.status_code for answer in answers] == [403, 200, 429]
    assert all("RateLimit" in answer for answer in answers)


def test_token_gives_no_right_that_its_account_has_not(client, give, account):
    account.groups.remove(Group.objects.get(name="PMO編集者"))
    _, text = give(writes=True, reminders=True)
    found = [
        ask(client, text, "reminders/"),
        ask(client, text, "waves/", "post", data={}, content_type="application/json"),
    ]
    assert [answer.status_code for answer in found] == [403, 403]


def test_requests_of_a_token_are_counted_and_one_too_many_is_told_when_to_come_back(client, give, settings):
    settings.API_REQUESTS_PER_MINUTE = 2
    (_, text), (_, other) = give(), give()
    with time_machine.travel(SEED_NOW + timedelta(seconds=20), tick=False):
        answers = [ask(client, text) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert [answer["RateLimit"] for answer in answers] == [
            '"token";r=1;t=40',
            '"token";r=0;t=40',
            '"token";r=0;t=40',
        ]
        assert (answers[0]["RateLimit-Policy"], answers[2]["Retry-After"]) == ('"token";q=2;w=60', "40")
        assert answers[2].json()["type"] == "/problems/too-many-requests/"
        assert ask(client, other).status_code == client.get("/api/v1/waves/").status_code == 200
    with time_machine.travel(SEED_NOW + timedelta(seconds=60), tick=False):
        assert ask(client, text).status_code == 200


def test_nobody_is_refused_while_the_cache_is_away(client, give, settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }
    _, text = give()
    assert ask(client, text).status_code == 200


def test_use_is_noted_once_a_minute(client, give, django_assert_num_queries):
    _, text = give()
    with time_machine.travel(SEED_NOW + timedelta(hours=1), tick=False) as clock:
        ask(client, text)
        first = ServiceToken.objects.get().last_used_at
        clock.shift(59)
        ask(client, text)
        assert ServiceToken.objects.get().last_used_at == first
        clock.shift(2)
        ask(client, text)
    assert ServiceToken.objects.get().last_used_at > first


def test_token_costs_one_query(client, give, django_assert_num_queries):
    _, text = give()
    tag = ask(client, text)["ETag"]
    with django_assert_num_queries(3):  # the token with its account, whether limited, the state of the plan
        answer = ask(client, text, headers={"if_none_match": tag})
    assert answer.status_code == 304


def add(client, **values):
    until = timezone.localtime() + timedelta(days=30)
    day = {"expiry_0": f"{until:%Y-%m-%d}", "expiry_1": "09:00:00"}
    return client.post(
        reverse("admin:signin_servicetoken_add"), {"name": "Power BI", "reads": "on", **day, **values}
    )


def test_token_is_shown_once_and_works(staff_client, client, account, caplog):
    answer = add(staff_client, user=account.pk, writes="on")
    text = answer.context["token"]
    token = ServiceToken.objects.get()
    assert ("no-store" in answer["Cache-Control"], token.writes, token.created_by.username) == (
        True,
        True,
        "pmo",
    )
    assert text.encode() in answer.content
    assert ask(client, text).status_code == 200
    page = staff_client.get(reverse("admin:signin_servicetoken_change", args=[token.pk]))
    assert text.encode() not in page.content
    assert text not in caplog.text
    assert '"event": "token_given"' in caplog.text


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"expiry_0": "2020-01-01"}, "expiry"),
        ({"expiry_0": ""}, "expiry"),
        ({"reads": ""}, "__all__"),
        ({"name": ""}, "name"),
        ({"user": "someone of the admin"}, "user"),
    ],
    ids=str,
)
def test_token_that_cannot_be_given_is_told(staff_client, account, values, field):
    if "user" in values:
        values = {"user": UserFactory(is_staff=True).pk}
    answer = add(staff_client, **{"user": account.pk, **values})
    assert list(answer.context["adminform"].form.errors) == [field]
    assert not ServiceToken.objects.exists()


def test_token_is_revoked_in_the_list_and_stays_to_be_seen(staff_client, client, give):
    token, text = give()
    page = reverse("admin:signin_servicetoken_changelist")
    answer = staff_client.post(page, {"action": "revoke", "_selected_action": [token.pk]}, follow=True)
    assert "1件を取り消しました。" in answer.content.decode()
    assert "取り消し済み" in answer.content.decode()
    assert ask(client, text).status_code == 401
    assert staff_client.get(reverse("admin:signin_servicetoken_delete", args=[token.pk])).status_code == 403


def test_given_token_is_not_changed(staff_client, give):
    token, _ = give()
    address = reverse("admin:signin_servicetoken_change", args=[token.pk])
    assert staff_client.post(address, {"name": "other", "writes": "on"}).status_code == 403
    assert list(ServiceToken.objects.values_list("name", "writes")) == [("Power BI", False)]


def test_library_has_no_table_beside_ours(db):
    assert [name for name in connection.introspection.table_names() if name.startswith("knox")] == []
