"""Signing in by the provider: what is refused, who gets which role, and the way out."""

import time
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import Group, User
from django.db import IntegrityError
from django.urls import reverse

from signin.checks import every_role_exists
from signin.models import ProviderAccount
from tests.signin.provider import begin, come_back, make_key


def signed_in(client):
    return "_auth_user_id" in client.session


WRONG_TOKENS = {
    "a nonce of another sign-in": {"nonce": "other"},
    "no nonce": {"nonce": None},
    "for another client": {"aud": "other"},
    "for two, given to the other": {"aud": ["gss-tracker", "other"], "azp": "other"},
    "for nobody": {"aud": None},
    "from another issuer": {"iss": "https://evil.example.com"},
    "from no issuer": {"iss": None},
    "expired": {"exp": int(time.time()) - 120},
    "valid for ever": {"exp": None},
    "not valid yet": {"nbf": int(time.time()) + 3600},
    "about nobody": {"sub": None},
}


@pytest.mark.parametrize("claims", WRONG_TOKENS.values(), ids=WRONG_TOKENS)
def test_wrong_token_is_refused(client, provider, claims):
    answer = provider.sign_in(client, **claims)
    page = answer.content.decode()
    assert (answer.status_code, "認証サービスからの返事を確かめられませんでした" in page) == (403, True)
    assert (signed_in(client), User.objects.count()) == (False, 0)


def test_token_of_another_key_is_refused(client, provider):
    provider.key = make_key()
    assert (provider.sign_in(client).status_code, signed_in(client)) == (403, False)


@pytest.mark.parametrize("started", [True, False], ids=["another state", "never started"])
def test_state_of_another_browser_is_refused(client, provider, started):
    if started:
        begin(client)
    assert (come_back(client, "guessed").status_code, signed_in(client), provider.asked) == (403, False, {})


def test_state_counts_once(client, provider):
    query = begin(client)
    provider.nonce = query["nonce"]
    answers = [come_back(client, query["state"]).status_code for _ in range(2)]
    assert answers == [302, 403]


def test_code_in_the_password_form_asks_the_provider_nothing(client, provider):
    client.post("/admin/login/?code=c&state=s", {"username": "a", "password": "b"})
    assert (signed_in(client), provider.asked) == (False, {})


def test_provider_that_is_away_gives_the_page(client, provider, settings):
    settings.OIDC_OP_TOKEN_ENDPOINT = "http://127.0.0.1:9/token"
    assert provider.sign_in(client).status_code == 403


REFUSALS = {
    "no group": ({"groups": None}, "役割が割り当てられていません"),
    "another group": ({"groups": ["other"]}, "役割が割り当てられていません"),
    "no name": ({"preferred_username": None}, "ユーザー名が届きませんでした"),
    "the name of a local account": ({"preferred_username": "Admin"}, "同じユーザー名の別のアカウント"),
}


@pytest.mark.parametrize(("claims", "words"), REFUSALS.values(), ids=REFUSALS)
def test_account_without_a_place_is_refused_with_what_to_do(client, provider, claims, words):
    User.objects.create_superuser("admin", password="correct horse battery")
    answer = provider.sign_in(client, **claims)
    assert (answer.status_code, words in answer.content.decode()) == (403, True)
    assert (signed_in(client), User.objects.count()) == (False, 1)


def test_account_that_is_switched_off_is_refused(client, provider):
    provider.sign_in(client)
    User.objects.update(is_active=False)
    client.cookies.clear()
    answer = provider.sign_in(client)
    assert (answer.status_code, "使えなくなっています" in answer.content.decode()) == (403, True)


def test_first_sign_in_makes_a_user_of_the_mapped_roles(client, provider, events):
    answer = provider.sign_in(client)
    user = User.objects.get()
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/rollout/wave/")
    assert (user.username, user.is_staff, user.is_superuser, user.has_usable_password()) == (
        "sato",
        True,
        False,
        False,
    )
    assert sorted(group.name for group in user.groups.all()) == ["編集", "閲覧"]
    assert events()[-1] == ("signed_in", {"user": "sato", "id": user.pk, "method": "oidc"})


def test_roles_follow_the_provider_at_every_sign_in(client, provider):
    provider.sign_in(client)
    user = User.objects.get()
    user.groups.add(Group.objects.get(name="手で付けた役割"))
    provider.sign_in(client, groups="gss-audit", preferred_username="renamed")
    assert sorted(group.name for group in User.objects.get().groups.all()) == ["手で付けた役割", "監査"]


def test_who_loses_every_role_loses_the_admin_too(client, provider):
    provider.sign_in(client)
    client.cookies.clear()
    answer = provider.sign_in(client, groups=[])
    user = User.objects.get()
    assert (answer.status_code, user.is_staff, user.groups.count()) == (403, False, 0)


def test_subject_is_one_user_alone(provider):
    users = [User.objects.create_user(name) for name in "ab"]
    ProviderAccount.objects.create(user=users[0], issuer=provider.url, subject="s-1")
    with pytest.raises(IntegrityError):
        ProviderAccount.objects.create(user=users[1], issuer=provider.url, subject="s-1")


def test_same_subject_of_another_issuer_is_somebody_else(provider):
    user = User.objects.create_user("other")
    ProviderAccount.objects.create(user=user, issuer="https://other.example.com", subject="s-1")
    ProviderAccount.objects.create(user=User.objects.create_user("b"), issuer=provider.url, subject="s-1")
    assert ProviderAccount.objects.count() == 2


def test_code_is_exchanged_with_its_verifier(client, provider):
    provider.sign_in(client)
    assert (provider.asked["code"], len(provider.asked["code_verifier"])) == ("c", 64)


def test_sign_out_ends_both_sessions(client, provider):
    provider.sign_in(client)
    answer = client.post(reverse("admin:logout"))
    url = urlsplit(answer.headers["Location"])
    query = parse_qs(url.query)
    assert (f"{url.scheme}://{url.netloc}{url.path}", signed_in(client)) == (f"{provider.url}/logout", False)
    assert query["post_logout_redirect_uri"] == ["http://testserver/admin/login/"]
    assert query["id_token_hint"][0].count(".") == 2


def test_sign_out_stays_here_without_a_page_of_the_provider(client, provider, settings):
    settings.OIDC_LOGOUT_URL = ""
    provider.sign_in(client)
    assert client.post(reverse("admin:logout")).headers["Location"] == "/admin/login/"


def test_provider_pages_are_not_there_unless_configured(client, db):
    names = ("oidc_authentication_init", "oidc_authentication_callback")
    assert [client.get(reverse(name)).status_code for name in names] == [404, 404]


def test_sign_in_page_offers_the_provider_only_when_configured(client, db, settings):
    link = 'href="/signin/oidc/authenticate/?next=%2Fadmin%2F"'
    plain = client.get("/admin/login/?next=/admin/").content.decode()
    settings.OIDC_ISSUER = "https://id.example.go.jp"
    offered = client.get("/admin/login/?next=/admin/").content.decode()
    assert (link in plain, link in offered) == (False, True)


def test_unknown_role_is_said_by_a_check(provider):
    Group.objects.get(name="監査").delete()
    assert [(said.id, "監査" in said.msg) for said in every_role_exists(["default"])] == [
        ("signin.W001", True)
    ]
