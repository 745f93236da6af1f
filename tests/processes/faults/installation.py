"""The product as it runs on servers: every part a process that may be killed and started again."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psycopg

from tests.processes.clock import SHIFT, clock_env
from tests.processes.conftest import ROOT
from tests.processes.faults.smtp import read_journal
from tests.servers import (
    POSTGRES_SETTINGS,
    create_database,
    free_port,
    postgres_command,
    servers_folder,
    urls,
    valkey_command,
)

PATIENCE_SECONDS = 60
CELERY = [sys.executable, "-m", "celery", "-A", "gss_tracker"]
BEAT = [*CELERY, "beat", "--scheduler", "tests.processes.faults.beat:EverySecond", "--loglevel", "WARNING"]
WORKER = [*CELERY, "worker", "--concurrency", "2", "--loglevel", "WARNING"]
FILL = """
from django.core.management import call_command
from tests.processes.due_reminders import make_due_reminders
call_command("migrate", verbosity=0)
call_command("seed")
"""
CLOCKED = ("worker", "beat", "second beat", "smtp")
"""What tells the time: these go down and come up together when time passes."""

# A killed server must keep what it has committed; only a machine that loses power needs more than this.
COMMITTED = POSTGRES_SETTINGS | {"synchronous_commit": "on"}


class Process:
    """One part. Its command and environment are asked for at every start."""

    def __init__(self, name, command, *, env, folder, account):
        self.name, self._command, self._env = name, command, env
        self._cwd, self._account = folder if account else ROOT, account
        self.log = folder / f"{name.replace(' ', '-')}.log"
        self._process = None

    def start(self):
        """Start in a session of its own, unless it runs."""
        if self.runs():
            return
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command(),
                cwd=self._cwd,
                env=self._env(),
                stdout=output,
                stderr=output,
                start_new_session=True,
                **self._account,
            )

    def runs(self):
        return self._process is not None and self._process.poll() is None

    def end(self, how=signal.SIGKILL):
        """End it and what it started; by default at once and without a word."""
        if self.runs():
            os.killpg(self._process.pid, how)
            self._process.wait()


class Installation:
    """PostgreSQL, Valkey, SMTP server, worker and two beats, and the clock that the last four go by."""

    def __init__(self, folder, account, seed, delay):
        self._folder, self._seed, self._delay = folder, seed, delay
        self.shift, self.faults, self.kills = SHIFT, 0.0, Counter()
        self._ports = {"valkey": free_port(), "smtp": free_port()}
        self._worker_since = self.now()
        self._secret = secrets.token_hex(32)
        postgres = postgres_command(folder, account, COMMITTED)
        valkey = valkey_command(folder, account, self._ports["valkey"])
        (folder / "product").mkdir()
        product = {"env": self.env, "folder": folder / "product", "account": {}}
        server = {"env": lambda: None, "folder": folder, "account": account}
        self.parts = {
            "postgres": Process("postgres", lambda: postgres, **server),
            "valkey": Process("valkey", lambda: valkey, **server),
            "smtp": Process("smtp", self._smtp, **product),
            "worker": Process("worker", lambda: WORKER, **product),
            "beat": Process("beat", lambda: BEAT, **product),
            "second beat": Process("second beat", lambda: BEAT, **product),
        }

    def env(self):
        """The environment of the product's processes; nothing in it holds mail back."""
        limits = {"MAILS_PER_HOUR": "1000000", "MAILS_PER_ADDRESS_AND_HOUR": "1000"}
        where = urls(self._folder, self._ports["valkey"])
        where["EMAIL_URL"] = f"smtp://127.0.0.1:{self._ports['smtp']}"
        return os.environ | where | limits | clock_env(self.shift) | {"SECRET_KEY": self._secret}

    def _smtp(self):
        arguments = [self._ports["smtp"], self.journal_path, self._seed, self._delay, self.faults]
        self._seed += 1  # another server, other whims
        return [sys.executable, "-m", "tests.processes.faults.smtp", *map(str, arguments)]

    @property
    def journal_path(self):
        return self._folder / "product" / "journal"

    def journal(self):
        """What the SMTP server did, in order."""
        return read_journal(self.journal_path)

    def manage(self, *arguments):
        """Run a management command by the installation's clock; returns what it printed."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.env(), capture_output=True, text=True, check=False, timeout=300
        )
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)
        return done.stdout

    def fill(self, count):
        """Let an empty database owe so many reminders."""
        self.parts["valkey"].start()
        self._persist(lambda: create_database(self._folder))
        self.manage("shell", "-c", FILL + f"make_due_reminders({count})")

    def start(self, *names):
        """Start these parts, or all."""
        for name in names or self.parts:
            if name == "worker" and not self.parts[name].runs():
                self._worker_since = self.now()
            self.parts[name].start()
        self._persist(lambda: self._fetch("select 1"))

    def now(self):
        """The moment by the installation's clock."""
        return datetime.now(UTC) + self.shift

    def has_ticked(self):
        """Whether the worker has done anything since it started, which takes seconds."""
        [[ticked_at]] = self._persist(lambda: self._fetch("select ticked_at from rollout_planversion"))
        return ticked_at is not None and ticked_at > self._worker_since

    def kill(self, *names):
        """kill -9 of these parts."""
        for name in names:
            self.kills[name] += self.parts[name].runs()
            self.parts[name].end()

    def let_pass(self, minutes, *names):
        """Everything that tells the time is killed, and (if named) comes back so many minutes later."""
        self.kill(*CLOCKED)
        self.shift += timedelta(minutes=minutes)
        if names:
            self.start(*names)

    def rows(self):
        """The ledger by address, which each have one row: state, Message-ID."""
        query = "select address, state, message_id from rollout_reminder"
        return {address: (state, key) for address, state, key in self._persist(lambda: self._fetch(query))}

    def ready(self):
        """How many reminders could be sent by now."""
        query = (
            "select count(*) from rollout_reminder where state = 'due' and coalesce(retry_at, due_at) <= %s"
        )
        [[number]] = self._persist(lambda: self._fetch(query, self.now()))
        return number

    def _fetch(self, query, *parameters):
        with psycopg.connect(self.env()["DATABASE_URL"]) as connection:
            return connection.execute(query, parameters).fetchall()

    def _persist(self, ask):
        """Ask PostgreSQL until it is there: one that was killed cannot start before its children are gone."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            self.parts["postgres"].start()
            try:
                return ask()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.1)

    def logs(self):
        """The end of what every part wrote."""
        return "\n".join(f"== {part.name}\n{part.log.read_text()[-3000:]}" for part in self.parts.values())


@contextmanager
def installation(seed, delay):
    """An installation in a folder of its own; nothing of it is left afterwards."""
    with servers_folder() as (folder, account):
        found = Installation(folder, account, seed, delay)
        try:
            yield found
        finally:
            for part in reversed(found.parts.values()):
                part.end(signal.SIGQUIT if part.name == "postgres" else signal.SIGKILL)
