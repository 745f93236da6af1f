"""Too many wrong passwords, sessions that end, and what the security log says."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group, Permission, User
from django.test import RequestFactory

from signin.lockout import client_address
from signin.models import FailedSignIn, SignIn
from tests.admin.test_pages import leaks

PASSWORD = "correct horse battery"
NOW = "2026-11-26 10:00+09:00"


@pytest.fixture
def admin(db):
    return User.objects.create_superuser("admin", password=PASSWORD)


def try_in(client, password, username="admin", **headers):
    return client.post("/admin/login/?next=/admin/", {"username": username, "password": password}, **headers)


def lock(client, username="admin"):
    return [try_in(client, "wrong", username).status_code for _ in range(5)]


@pytest.mark.parametrize("username", ["admin", "nobody"])
def test_fifth_failure_locks_and_says_until_when_whether_there_is_such_a_user(client, admin, username):
    with time_machine.travel(NOW, tick=False):
        assert lock(client, username) == [200, 200, 200, 200, 429]
        answer = try_in(client, PASSWORD, username)
    page = answer.content.decode()
    assert (answer.status_code, "11月26日 10:16" in page, leaks(answer)) == (429, True, [])


def test_answers_are_the_same_whether_there_is_such_a_user(client, admin):
    pages = [try_in(client, "wrong", name).content.decode() for name in ("admin", "nobod")]
    texts = [page[page.index("errornote") : page.index("<form")] for page in pages]
    assert texts[0] == texts[1]


def test_tries_while_locked_do_not_lengthen_the_lock(client, admin):
    with time_machine.travel(NOW, tick=False) as clock:
        lock(client)
        clock.shift(timedelta(minutes=14))
        held = try_in(client, PASSWORD)
        clock.shift(timedelta(minutes=2))
        assert (held.status_code, held.headers["Retry-After"], try_in(client, PASSWORD).status_code) == (
            429,
            "61",
            302,
        )


def test_other_address_and_other_user_are_not_locked(client, admin):
    User.objects.create_superuser("other", password=PASSWORD)
    lock(client)
    answers = [try_in(client, PASSWORD, REMOTE_ADDR="192.0.2.7"), try_in(client, PASSWORD, "other")]
    assert [answer.status_code for answer in answers] == [302, 302]


def test_administrator_unlocks_by_deleting_the_row(client, admin):
    lock(client)
    boss = type(client)()
    boss.force_login(User.objects.create_superuser("boss"))
    row = FailedSignIn.objects.get()
    boss.post(f"/admin/signin/failedsignin/{row.pk}/delete/", {"post": "yes"})
    assert try_in(client, PASSWORD).status_code == 302


@pytest.mark.parametrize(("count", "address"), [(0, "127.0.0.1"), (1, "192.0.2.9"), (2, "203.0.113.5")])
def test_address_is_what_our_own_proxies_saw(settings, count, address):
    settings.PROXY_COUNT = count
    request = RequestFactory().get("/", headers={"X-Forwarded-For": "10.0.0.1, 203.0.113.5, 192.0.2.9"})
    assert client_address(request) == address


@pytest.mark.parametrize("model", ["failedsignin", "signin"])
def test_records_are_read_in_japanese_and_not_edited(client, admin, model):
    lock(client)
    try_in(client, PASSWORD, REMOTE_ADDR="192.0.2.7")
    SignIn.objects.get()
    row = {"failedsignin": FailedSignIn, "signin": SignIn}[model].objects.get().pk
    pages = [client.get(f"/admin/signin/{model}/{page}") for page in ("", f"{row}/change/", "add/")]
    assert [(page.status_code, leaks(page)) for page in pages[:2]] == [(200, []), (200, [])]
    assert (pages[2].status_code, client.post(f"/admin/signin/{model}/{row}/change/").status_code) == (
        403,
        403,
    )


@pytest.mark.parametrize(
    ("steps", "status"),
    [
        pytest.param([59], 200, id="was here an hour ago"),
        pytest.param([61], 302, id="was away too long"),
        pytest.param([50] * 14, 200, id="has been here all the time"),
        pytest.param([50] * 15, 302, id="signed in too long ago"),
    ],
)
def test_session_ends_after_absence_and_at_its_age(client, admin, settings, steps, status):
    settings.SESSION_IDLE, settings.SESSION_AGE = timedelta(minutes=60), timedelta(hours=12)
    with time_machine.travel(NOW, tick=False) as clock:
        client.force_login(admin)
        for minutes in steps:
            clock.shift(timedelta(minutes=minutes))
            answer = client.get("/admin/")
    assert answer.status_code == status


def test_session_without_a_beginning_is_ended(client, admin):
    client.force_login(admin)
    session = client.session
    del session["signed_in_at"], session["seen_at"]
    session.save()
    assert client.get("/admin/").status_code == 302


def test_log_says_who_came_and_went_without_what_was_typed(client, admin, events):
    try_in(client, "wrong", "hunter2 typed into the wrong box")
    try_in(client, "wrong")
    try_in(client, PASSWORD)
    client.post("/admin/logout/")
    who = {"user": "admin", "id": admin.pk}
    assert events()[-4:] == [
        ("sign_in_failed", {"user": "?"}),
        ("sign_in_failed", {"user": "admin"}),
        ("signed_in", {**who, "method": "password"}),
        ("signed_out", who),
    ]


def test_log_says_that_somebody_was_locked_out(client, admin, events):
    lock(client)
    assert [facts for event, facts in events() if event == "locked_out"] == [{"user": "admin"}]


def test_log_says_whose_rights_changed_and_by_whom(client, admin, events):
    user, group = User.objects.create_user("sato"), Group.objects.create(name="閲覧")
    client.force_login(admin)
    form = {"username": "sato", "is_active": "on", "is_staff": "on", "groups": [group.pk]}
    form |= {"date_joined_0": "2026-11-26", "date_joined_1": "10:00:00"}
    client.post(f"/admin/auth/user/{user.pk}/change/", form)
    assert events()[-2:] == [
        ("user_changed", {"user": "sato", "id": user.pk, "by": "admin", "is_staff": True}),
        ("rights_changed", {"of": "user:sato", "change": "added", "what": ["group:閲覧"], "by": "admin"}),
    ]


def test_log_says_that_a_group_lost_a_permission(db, events):
    group, permission = Group.objects.create(name="閲覧"), Permission.objects.get(codename="view_user")
    group.permissions.add(permission)
    group.permissions.clear()
    assert [(facts["change"], facts["what"]) for _, facts in events()] == [
        ("added", ["permission:view_user"]),
        ("cleared", []),
    ]
