"""Promises of the whole project."""

import os
import re
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.core.management import call_command

from gss_tracker.celery import app
from rollout.checks import check_one_embedded_process

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
    code = [*ROOT.glob("gss_tracker/*.py"), *ROOT.glob("rollout/**/*.py")]
    reads = re.compile(r"""(?:env\.\w+\(|environ\.get\(|environ\[)\s*"([A-Z_]+)\"""")
    used = {name for path in code for name in reads.findall(path.read_text(encoding="utf-8"))}
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", read("docs/operations.md"), re.MULTILINE))
    assert used - {"DJANGO_SETTINGS_MODULE"} == documented


def test_every_command_is_documented():
    commands = {path.stem for path in ROOT.glob("rollout/management/commands/*.py")} - {"__init__"}
    assert set(re.findall(r"^\| `manage.py (\w+)` \|", read("docs/operations.md"), re.MULTILINE)) == commands


def test_readme_links_lead_somewhere():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", read("README.md") + read("CONTRIBUTING.md"))
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize(
    ("workers", "redis_url", "errors"),
    [
        pytest.param("1", "", [], id="one process"),
        pytest.param("2", "", ["rollout.E001"], id="two processes would lose messages"),
        pytest.param("2", "redis://127.0.0.1/0", [], id="two processes with a broker"),
    ],
)
def test_in_memory_broker_allows_one_web_worker(settings, monkeypatch, workers, redis_url, errors):
    settings.REDIS_URL = redis_url
    monkeypatch.setitem(os.environ, "WEB_CONCURRENCY", workers)
    assert [error.id for error in check_one_embedded_process()] == errors
