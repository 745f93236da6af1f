"""Promises of the whole project."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.core.management import call_command

from gss_tracker.celery import app

ROOT = Path(__file__).parent.parent


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_migrations_are_complete(db):
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_system_checks_are_silent():
    assert run_checks() == []


def test_every_beat_entry_names_a_registered_task():
    app.loader.import_default_modules()
    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert scheduled - set(app.tasks) == set()


def test_every_environment_variable_is_documented_and_exists():
    code = [*ROOT.glob("gss_tracker/*.py"), *ROOT.glob("rollout/**/*.py"), *ROOT.glob("signin/**/*.py")]
    reads = re.compile(r"""(?:env\.\w+\(|_flag\(|_whole_number\(|environ\.get\(|environ\[)\s*"([A-Z_]+)\"""")
    used = {name for path in code for name in reads.findall(path.read_text(encoding="utf-8"))}
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", read("docs/operations.md"), re.MULTILINE))
    assert used - {"DJANGO_SETTINGS_MODULE"} == documented


def test_every_command_is_documented():
    commands = {path.stem for path in ROOT.glob("*/management/commands/*.py")} - {"__init__"}
    assert set(re.findall(r"^\| `manage.py (\w+)` \|", read("docs/operations.md"), re.MULTILINE)) == commands


def test_readme_links_lead_somewhere():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", read("README.md") + read("CONTRIBUTING.md"))
    assert [link for link in links if not (ROOT / link).exists()] == []
    guide = re.findall(r"\]\((?!http)([^)#]+)\)", read("docs/guide.ja.md"))
    assert [link for link in guide if not (ROOT / "docs" / link).exists()] == []


PROVIDER = {
    "OIDC_ISSUER": "https://id.example.go.jp",
    "OIDC_CLIENT_ID": "gss-tracker",
    "OIDC_CLIENT_SECRET": "secret of a test",
    "OIDC_AUTHORIZATION_URL": "https://id.example.go.jp/authorize",
    "OIDC_TOKEN_URL": "https://id.example.go.jp/token",
    "OIDC_JWKS_URL": "https://id.example.go.jp/jwks",
    "OIDC_ROLES": "gss-pmo=PMO編集者",
}
WRONG_VALUES = {
    "two processes without a broker": ({"WEB_CONCURRENCY": "2"}, "set REDIS_URL and run `celery worker`"),
    "a number of processes": (
        {"WEB_CONCURRENCY": "auto"},
        "WEB_CONCURRENCY must be a whole number from 1 on",
    ),
    "a broker that is no URL": ({"REDIS_URL": "foo"}, "REDIS_URL must be a Redis URL"),
    "a database that is no URL": (
        {"DATABASE_URL": "nonsense", "SECRET_KEY": "x"},
        "must be a PostgreSQL URL",
    ),
    "a database of another kind": (
        {"DATABASE_URL": "mysql://h/d", "SECRET_KEY": "x"},
        "must be a PostgreSQL URL",
    ),
    "neither yes nor no": ({"PUBLIC_READ": "ja"}, "PUBLIC_READ must be one of on, true, yes"),
    "half a provider": (
        {"OIDC_ISSUER": "https://id.example.go.jp"},
        "also needs OIDC_CLIENT_ID, OIDC_CLIENT_SECRET, OIDC_AUTHORIZATION_URL, OIDC_TOKEN_URL",
    ),
    "a provider over plain HTTP": (
        PROVIDER | {"OIDC_TOKEN_URL": "http://id.example.go.jp/t"},
        "an https URL",
    ),
    "a group without a role": (PROVIDER | {"OIDC_ROLES": "gss-pmo"}, "OIDC_ROLES must pair groups"),
    "tokens signed with a shared secret": (PROVIDER | {"OIDC_ALGORITHM": "HS256"}, "one of RS256, ES256"),
    "no secret key": ({"DATABASE_URL": "postgres://h/d"}, "Set SECRET_KEY"),
}


@pytest.mark.parametrize(("values", "remedy"), WRONG_VALUES.values(), ids=WRONG_VALUES)
def test_wrong_setting_stops_the_start_with_the_remedy(values, remedy):
    chosen = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "PUBLIC_READ", "WEB_CONCURRENCY")
    env = {name: value for name, value in os.environ.items() if name not in chosen}
    command = [sys.executable, "-c", "import gss_tracker.settings"]
    done = subprocess.run(command, cwd=ROOT, env=env | values, capture_output=True, text=True, check=False)
    assert (done.returncode, remedy in done.stderr) == (1, True), done.stderr
