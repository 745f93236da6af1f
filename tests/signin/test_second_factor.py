"""The second factor of local accounts: what is shut without it, setting it up, recovery, a lost device."""

import re
from base64 import b32decode

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.urls import reverse
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from signin.second_factor import replace_second_factor

PASSWORD = "correct horse battery"
KEY = "00112233445566778899aabbccddeeff00112233"
ASK, ENROL = "/signin/second-factor/", "/signin/second-factor/new/"
CODE = re.compile(r"<li><code>([a-z2-7]{8})</code>")


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel("2026-11-26 10:00+09:00", tick=False):
        yield


@pytest.fixture
def admin(db, settings):
    settings.REQUIRE_TOTP = True
    return User.objects.create_superuser("admin", password=PASSWORD)


@pytest.fixture
def enrolled(admin):
    """The recovery codes of a user with a device."""
    return replace_second_factor(user=admin, key=KEY, used_step=0)[1]


def current():
    return f"{totp(bytes.fromhex(KEY)):06d}"


def sign_in(client):
    return client.post("/admin/login/?next=/admin/", {"username": "admin", "password": PASSWORD})


def is_open(client):
    return client.get("/admin/").status_code == 200


def test_password_alone_opens_nothing(client, enrolled, settings):
    settings.PUBLIC_READ = False
    sign_in(client)
    admin, api = client.get("/admin/auth/user/"), client.get("/api/v1/rollouts/")
    assert admin.headers["Location"] == f"{ASK}?next=%2Fadmin%2Fauth%2Fuser%2F"
    assert api.status_code in (401, 403)


def test_pages_of_the_second_factor_need_the_password(client, enrolled):
    answers = [client.get(url).headers["Location"] for url in (ASK, ENROL)]
    assert answers == [f"/admin/login/?next={url}" for url in (ASK, ENROL)]


def test_who_has_a_device_cannot_set_up_another_without_it(client, enrolled):
    sign_in(client)
    assert client.get(ENROL).headers["Location"] == ASK
    assert client.post(ENROL, {"code": "000000"}).headers["Location"] == ASK


@pytest.mark.parametrize("code", ["000000", "", "abcdefgh", "１２", "9" * 30])
def test_wrong_code_is_refused(client, enrolled, code):
    sign_in(client)
    answer = client.post(ASK, {"code": code})
    assert (answer.status_code, "errorlist" in answer.content.decode(), is_open(client)) == (200, True, False)


def test_code_of_somebody_else_is_refused(client, enrolled):
    other = User.objects.create_superuser("other", password=PASSWORD)
    codes = replace_second_factor(user=other, key=KEY[::-1], used_step=0)[1]
    sign_in(client)
    client.post(ASK, {"code": codes[0]})
    assert is_open(client) is False


def test_code_counts_once(client, enrolled):
    for expected in (True, False):
        sign_in(client)
        client.post(ASK, {"code": current()})
        assert is_open(client) is expected
        client.post(reverse("admin:logout"))


def test_right_code_soon_after_a_wrong_one_must_wait(client, enrolled):
    sign_in(client)
    client.post(ASK, {"code": "000000"})
    answer = client.post(ASK, {"code": current()})
    assert ("少し待ってから" in answer.content.decode(), is_open(client)) == (True, False)


@pytest.mark.parametrize("wide", [False, True], ids=["half width", "full width with a space"])
def test_code_opens_the_page_that_was_asked_for(client, enrolled, wide):
    sign_in(client)
    code = current()
    typed = "".join(chr(ord(digit) + 0xFEE0) for digit in code[:3]) + "　" + code[3:] if wide else code
    answer = client.post(ASK, {"code": typed, "next": "/admin/auth/user/"})
    assert (answer.headers["Location"], is_open(client)) == ("/admin/auth/user/", True)


def test_next_page_of_another_site_is_not_followed(client, enrolled):
    sign_in(client)
    answer = client.post(ASK, {"code": current(), "next": "https://evil.example.com/"})
    assert answer.headers["Location"] == "/admin/"


def test_recovery_code_opens_once(client, enrolled):
    for expected in (True, False):
        sign_in(client)
        client.post(ASK, {"code": enrolled[0].upper()})
        assert is_open(client) is expected
        client.post(reverse("admin:logout"))
    assert StaticToken.objects.count() == 9


def test_set_up_needs_a_code_of_the_shown_key(client, admin):
    sign_in(client)
    client.get(ENROL)
    answer = client.post(ENROL, {"code": "000000"})
    assert ("コードが違います" in answer.content.decode(), TOTPDevice.objects.count()) == (True, 0)


def test_set_up_shows_the_key_and_then_recovery_codes_once(client, admin, events):
    sign_in(client)
    assert client.get("/admin/", follow=True).redirect_chain[-1][0] == ENROL
    page = client.get(ENROL).content.decode()
    key = b32decode(re.search(r'secret-url">([A-Z2-7 ]+)<', page)[1].replace(" ", ""))
    shown = client.post(ENROL, {"code": f"{totp(key):06d}"})
    assert (len(CODE.findall(shown.content.decode())), is_open(client)) == (10, True)
    assert shown.headers["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    assert CODE.findall(client.get(ENROL).content.decode()) == []
    assert ("second_factor_enrolled", {"user": "admin", "id": admin.pk}) in events()


def test_second_factor_is_asked_of_who_has_one_even_where_nobody_must(client, enrolled, settings):
    settings.REQUIRE_TOTP = False
    sign_in(client)
    assert is_open(client) is False


def test_nobody_must_where_the_setting_is_off(client, admin, settings):
    settings.REQUIRE_TOTP = False
    sign_in(client)
    assert is_open(client) is True


def test_administrator_resets_the_device_of_another(client, enrolled, admin, settings, events):
    settings.REQUIRE_TOTP = False
    client.force_login(User.objects.create_superuser("boss"))
    client.post("/admin/auth/user/", {"action": "reset_second_factor", "_selected_action": [admin.pk]})
    assert (TOTPDevice.objects.count(), StaticToken.objects.count()) == (0, 0)
    assert events()[-1] == ("second_factor_reset", {"user": "admin", "id": admin.pk, "by": "boss"})


def test_only_a_superuser_resets_the_device_of_a_superuser(client, enrolled, admin, settings):
    settings.REQUIRE_TOTP = False
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(*admin_permissions())
    client.force_login(clerk)
    client.post("/admin/auth/user/", {"action": "reset_second_factor", "_selected_action": [admin.pk]})
    assert TOTPDevice.objects.count() == 1


def admin_permissions():
    from django.contrib.auth.models import Permission

    return Permission.objects.filter(codename__in=["change_user", "view_user"])


def test_command_resets_the_last_administrator(enrolled):
    with pytest.raises(CommandError, match="nobody というユーザーはいません"):
        call_command("reset_second_factor", "nobody")
    call_command("reset_second_factor", "admin")
    assert TOTPDevice.objects.count() == 0
