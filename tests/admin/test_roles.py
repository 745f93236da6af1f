"""Every page of the admin and every personal endpoint for every role, beside the one table in the docs."""

from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group
from django.urls import reverse

from ministries.liaison import LIAISON
from ministries.models import Ministry
from rollout.models import PlanImport, Scenario
from signin.models import ServiceToken
from tests.admin.test_pages import pages_of
from tests.factories import AssignmentFactory, ContactFactory, UserFactory
from tests.rollout.what_ifs import suppose

pytestmark = pytest.mark.usefixtures("seeded")

ROLES = {
    name: rights
    for number in ("0007_roles", "0009_liaison")
    for name, rights in import_module(f"rollout.migrations.{number}").ROLES.items()
}
TOKENS = import_module("rollout.migrations.0011_token_rights").ROLES
TABLE = Path("docs/roles.md")
NOTHING = "—"
APPS = ("rollout", "ministries", "auth")
OURS = [model for model in admin.site._registry if model._meta.app_label in APPS or model is ServiceToken]
MODELS = sorted(OURS, key=lambda model: model._meta.label)
PAGES = {
    "まとめて変更": lambda: reverse("admin:rollout_wave_bulk"),
    "統合": lambda: reverse("admin:rollout_wave_merge"),
    "移行単位の書き出し": lambda: reverse("admin:rollout_wave_export_csv"),
    "連絡先の書き出し": lambda: reverse("admin:ministries_contact_export_xlsx"),
    "移行単位の取り込み": lambda: reverse("admin:rollout_wave_import"),
    "移行単位の取り込み（1件）": lambda: reverse(
        "admin:rollout_wave_import_one", args=[an_import("wave").pk]
    ),
    "移行単位の様式": lambda: reverse("admin:rollout_wave_import_template"),
    "連絡先の取り込み": lambda: reverse("admin:ministries_contact_import"),
    "連絡先の取り込み（1件）": lambda: reverse(
        "admin:ministries_contact_import_one", args=[an_import("contact").pk]
    ),
    "連絡先の様式": lambda: reverse("admin:ministries_contact_import_template"),
    "新しい資料の反映": lambda: reverse("admin:rollout_cohort_document"),
    "計画の変更履歴": lambda: reverse("admin:rollout_changes"),
    "計画の変更履歴（CSV）": lambda: reverse("admin:rollout_changes_csv"),
    "これから送る通知": lambda: reverse("admin:rollout_reminder_lookahead"),
    "なぜ届いた・届かない？": lambda: reverse("admin:rollout_reminder_why"),
    "試算を計画に反映": lambda: reverse("admin:rollout_scenario_promote", args=[a_scenario().pk]),
    "ほかの人の申請の判断": lambda: reverse("admin:rollout_scenario_promote", args=[a_proposal().pk]),
}
ENDPOINTS = {
    "API `waves/`": "/api/v1/waves/",
    "API `projection/`": "/api/v1/projection/",
    "API `scenarios/`": "/api/v1/scenarios/",
    "API `reminders/`": "/api/v1/reminders/",
    "API `changes/`": "/api/v1/changes/",
}
WRITING = {
    "API `waves/` 書き込み": "/api/v1/waves/",
    "API `rollouts/` 書き込み": "/api/v1/rollouts/",
    "API `sources/` 書き込み": "/api/v1/sources/",
    "API `observations/` 書き込み": "/api/v1/observations/",
    "API `scenarios/` 書き込み": "/api/v1/scenarios/",
}


def a_scenario():
    return Scenario.objects.first() or suppose(("nta", "cutover", "R9.6"))


def a_proposal():
    return Scenario.objects.filter(state="proposed").first() or suppose(
        ("nta", "cutover", "R9.6"), state="proposed"
    )


def an_import(kind):
    return PlanImport.objects.create(kind=kind, file_name="照会.csv")


@pytest.fixture(autouse=True)
def _roles(seeded):
    """The groups, which a test that empties the database takes along."""
    make_groups = import_module("rollout.migrations.0007_roles").make_groups
    make_groups(apps, ROLES)
    make_groups(apps, TOKENS, labels=["signin"])


@pytest.fixture
def as_role(client):
    """Signs the client in with one role and nothing else."""

    def sign_in(role):
        user = UserFactory(is_staff=role != "APIサービス")
        user.groups.add(Group.objects.get(name=role))
        if role == LIAISON:  # of all ministries; what is not theirs is in test_liaison.py
            ContactFactory(ministry=Ministry.objects.first())
            for ministry in Ministry.objects.all():
                AssignmentFactory(user=user, ministry=ministry)
            Scenario.objects.update(created_by=user)
        client.force_login(user)
        return client

    return sign_in


def letters(client, model):
    """見 looks, 追 adds, 変 changes, 削 deletes, as the pages themselves answer."""
    opened = {page: client.get(url) for page, url in pages_of(model).items() if page != "history"}
    may = {page: answer.status_code == 200 for page, answer in opened.items()}
    changes = may["change"] and opened["change"].context["has_change_permission"]
    letter_of = {"見": may["list"], "追": may["add"], "変": changes, "削": may["delete"]}
    assert may["list"] == may["change"]
    return "".join(letter for letter, allowed in letter_of.items() if allowed) or NOTHING


def opens(client, address):
    """Whether a page is there for somebody; one that leads on to its list is."""
    answer = client.get(address)
    if answer.streaming:
        b"".join(answer.streaming_content)  # read to its end, which closes it
    return NOTHING if answer.status_code == 403 or "/login/" in answer.get("Location", "") else "○"


def lists(client, address):
    """Whether an endpoint has anything for somebody."""
    answer = client.get(address)
    return "○" if answer.status_code == 200 and answer.json().get("results", True) else NOTHING


def writes(client, address):
    """Whether an empty body is found wanting, or the one who sends it."""
    status = client.post(address, "{}", "application/json").status_code
    return {400: "○", 403: NOTHING}[status]


def effective(client):
    """What one role may, row by row."""
    rows = {str(model._meta.verbose_name): letters(client, model) for model in MODELS}
    rows |= {name: opens(client, address()) for name, address in PAGES.items()}
    rows |= {name: lists(client, address) for name, address in ENDPOINTS.items()}
    return rows | {name: writes(client, address) for name, address in WRITING.items()}


def documented():
    """The table of the docs by role."""
    lines = [line for line in TABLE.read_text().splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    headings, _, *body = rows
    return {role: {row[0]: row[number] for row in body} for number, role in enumerate(headings[1:], 1)}


@pytest.mark.parametrize("role", ROLES)
def test_role_may_what_the_table_says_and_nothing_else(as_role, role):
    a_scenario()
    assert effective(as_role(role)) == documented()[role]
