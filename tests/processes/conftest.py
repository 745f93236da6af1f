"""The product as real processes: a copy of the checkout, a mail server, and ways to start and wait."""

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller

from tests.processes.clock import clock_env
from tests.servers import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
PARTS = ("gss_tracker", "ministries", "rollout", "signin", "fixtures", "manage.py")


class MailSink:
    """An SMTP server on 127.0.0.1 that keeps what it accepts, slowly if asked to."""

    def __init__(self, delay=0.0):
        self.delay = delay
        self.messages = []
        self._lock = threading.Lock()

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 (aiosmtpd's name)
        message = message_from_bytes(envelope.content, policy=policy.default)
        with self._lock:
            self.messages.append((message["Message-ID"], envelope.rcpt_tos, message))
        time.sleep(self.delay)
        return "250 accepted"

    @property
    def message_ids(self):
        return [message_id for message_id, _, _ in self.messages]


@pytest.fixture
def mail_sink():
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    sink = MailSink()
    controller = Controller(sink, hostname="127.0.0.1", port=free_port())
    controller.start()
    sink.url = f"smtp://127.0.0.1:{controller.port}"
    yield sink
    controller.stop()


@pytest.fixture
def checkout(tmp_path):
    """A copy of the product in a folder of its own, so that its `var/` is nobody else's."""
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, tmp_path / part)
    return tmp_path


@pytest.fixture
def start():
    """Start processes of one test in their own group; whatever still runs at the end is killed."""
    started = []

    def start_process(arguments, *, cwd, env, log):
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=cwd,
                env=env,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        started.append(process)
        return process

    yield start_process
    for process in started:
        kill(process)


@pytest.fixture
def server(checkout, start):
    """Start `manage.py up` in the copy; the same call starts it again."""
    bind = f"127.0.0.1:{free_port()}"

    def start_server(**env):
        process = start(
            ["manage.py", "up", "--bind", bind],
            cwd=checkout,
            env=embedded_env(**env),
            log=checkout / "server.log",
        )
        process.url = f"http://{bind}"
        log = (checkout / "server.log").read_text
        wait_until(lambda: fetch(f"{process.url}/healthz") == {"status": "ok"}, log)
        return process

    return start_server


def kill(process):
    """kill -9 of a process that a test started, and of everything that it started in turn."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def embedded_env(**extra):
    """The environment of an embedded installation, on an open day."""
    foreign = ("DATABASE_URL", "REDIS_URL", "EMAIL_URL", "SECRET_KEY", "DJANGO_SETTINGS_MODULE")
    return {key: value for key, value in os.environ.items() if key not in foreign} | clock_env() | extra


def manage(checkout, *arguments, env=None, **options):
    """Run a management command in a copy of the product; returns what it printed."""
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(
        command,
        cwd=checkout,
        env=env or embedded_env(),
        capture_output=True,
        text=True,
        check=False,
        **options,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def wait_until(condition, what, seconds=60):
    """Wait for a condition of another process; fail, saying what did not happen."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(
                f"not within {seconds} s: {what()}" if callable(what) else f"not within {seconds} s: {what}"
            )
        time.sleep(0.1)


def fetch(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 (our own loopback server)
            return json.load(answer)
    except (urllib.error.URLError, ConnectionError):
        return None
