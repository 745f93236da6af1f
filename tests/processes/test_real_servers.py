"""Worker and beat as processes of their own, on PostgreSQL and Valkey, with mail over SMTP."""

import os

import pytest
from django.db import connection

from rollout import actions, recompute
from rollout.domain.plan import Basis
from rollout.importing import decisions
from rollout.models import PlanImport, Projection, Reminder, Wave
from rollout.seed import seed
from tests.processes.clock import clock_env, travel
from tests.processes.conftest import ROOT, wait_until
from tests.processes.due_reminders import make_due_reminders

pytestmark = [pytest.mark.servers, pytest.mark.django_db(transaction=True)]

CHANGED = "コード,備考\nisa-1,照会済\n"


def planned_at_end_of_fy2026():
    row = Projection.objects.get(basis=Basis.CUMULATIVE)
    return row.curve.at(2027 * 12 + 2).cumulative


@pytest.fixture(autouse=True)
def _open_day():
    """The test lives on the same open day as its processes."""
    with travel():
        yield


@pytest.fixture
def celery(start, tmp_path, mail_sink):
    """Start Celery processes on the test database."""
    name = connection.settings_dict["NAME"]
    url = os.environ["DATABASE_URL"].replace("/gss?", f"/{name}?")
    env = os.environ | {"DATABASE_URL": url, "EMAIL_URL": mail_sink.url} | clock_env()

    def start_celery(*arguments):
        log = tmp_path / f"{arguments[0]}.log"
        return start(["-m", "celery", "-A", "gss_tracker", *arguments], cwd=ROOT, env=env, log=log)

    return start_celery


def test_worker_and_beat_follow_an_edit_and_deliver_a_mail(celery, mail_sink, tmp_path):
    seed()
    recompute.recompute()
    make_due_reminders(1)
    assert planned_at_end_of_fy2026() == 152_000
    celery("worker", "--concurrency", "1", "--loglevel", "WARNING")
    celery("beat", "--loglevel", "WARNING")
    wave = Wave.objects.get(code="nta-1")
    wave.cutover = "R9.6"
    actions.save_row(row=wave, actor=None, reason="工程の見直し")
    logs = lambda: [log.read_text() for log in tmp_path.glob("*.log")]  # noqa: E731
    wait_until(lambda: planned_at_end_of_fy2026() == 152_000 - 68_600, logs)
    wait_until(lambda: mail_sink.messages, logs, seconds=90)
    wait_until(lambda: Reminder.objects.filter(state="sent").count() == 1, logs)
    [(message_id, recipients, message)] = mail_sink.messages
    assert recipients == ["contact0@example.go.jp"]
    assert message_id == Reminder.objects.get(state="sent").message_id
    assert message["Subject"].strip() == "公正取引委員会 切替のお知らせ"


def test_worker_takes_up_an_import(celery, tmp_path):
    seed()
    celery("worker", "--concurrency", "1", "--loglevel", "WARNING")
    key = decisions.receive(kind="wave", file_name="a.csv", data=CHANGED.encode(), actor=None).pk
    log = lambda: (tmp_path / "worker.log").read_text()  # noqa: E731
    wait_until(lambda: PlanImport.objects.get(pk=key).state == PlanImport.State.CHECKED, log)
