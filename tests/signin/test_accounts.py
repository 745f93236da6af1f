"""Who looks after people gives roles, and no more than that."""

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead(client, django_user_model):
    """A client with the role that looks after people."""
    import_module("rollout.migrations.0007_roles").make_roles(apps, None)
    user = django_user_model.objects.create_user("lead", is_staff=True)
    user.groups.add(Group.objects.get(name="PMO責任者"))
    client.force_login(user)
    return client


def page(user, name="change"):
    return reverse(f"admin:auth_user_{name}", args=[user.pk])


def test_lead_gives_a_role_and_makes_nobody_superuser(lead, django_user_model):
    user = django_user_model.objects.create_user("new")
    role = Group.objects.get(name="閲覧者")
    sent = {"username": "new", "is_active": "on", "is_staff": "on", "groups": [role.pk]}
    dates = {"date_joined_0": "2026-11-23", "date_joined_1": "16:00:00"}
    more = {"is_superuser": "on", "user_permissions": ["1"]}
    assert lead.post(page(user), {**sent, **dates, **more}).status_code == 302
    user.refresh_from_db()
    assert (list(user.groups.all()), user.is_superuser, user.user_permissions.count()) == ([role], False, 0)


@pytest.mark.parametrize("name", ["change", "delete"])
def test_lead_touches_no_superuser(lead, django_user_model, name):
    boss = django_user_model.objects.create_superuser("boss")
    assert lead.post(page(boss, name), {"username": "x", "post": "yes"}).status_code == 403
    assert django_user_model.objects.filter(username="boss").exists()


def test_lead_sets_no_password_of_a_superuser(lead, django_user_model):
    boss = django_user_model.objects.create_superuser("boss", password="correct horse battery")
    address = reverse("admin:auth_user_password_change", args=[boss.pk])
    words = {"password1": "another horse battery", "password2": "another horse battery"}
    assert lead.post(address, words).status_code == 403
    boss.refresh_from_db()
    assert boss.check_password("correct horse battery")


def test_rights_that_a_role_s_form_does_not_offer_stay(client, django_user_model):
    client.force_login(django_user_model.objects.create_superuser("boss"))
    role = Group.objects.create(name="役割")
    hidden = Permission.objects.get(codename="view_historicalwave")
    taken, given = (Permission.objects.get(codename=name) for name in ("view_rollout", "view_wave"))
    role.permissions.set([hidden, taken])
    address = reverse("admin:auth_group_change", args=[role.pk])
    assert client.post(address, {"name": "役割", "permissions": [given.pk]}).status_code == 302
    assert set(role.permissions.all()) == {hidden, given}
