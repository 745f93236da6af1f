"""The wrapper that lends tests a real PostgreSQL and a real Redis-compatible server."""

import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
import redis

from tests.servers import real_servers

pytestmark = pytest.mark.servers

WRAPPER = [sys.executable, "-m", "tests.servers"]
CHECKOUT = Path(__file__).parent.parent


def test_real_servers_answer_and_are_gone_afterwards():
    with real_servers() as urls:
        with psycopg.connect(urls["DATABASE_URL"]) as connection:
            assert connection.execute("select 1, upper('é令和')").fetchone() == (1, "É令和")
        with redis.from_url(urls["REDIS_URL"]) as client:
            assert client.ping() is True
        folder = Path(parse_qs(urlsplit(urls["DATABASE_URL"]).query)["host"][0])
        assert folder.is_dir()

    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(urls["DATABASE_URL"])
    with redis.from_url(urls["REDIS_URL"]) as client, pytest.raises(redis.ConnectionError):
        client.ping()
    assert not folder.exists()


def test_real_servers_are_gone_after_an_error():
    with pytest.raises(ZeroDivisionError), real_servers() as urls:
        raise ZeroDivisionError
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(urls["DATABASE_URL"])


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["--", "sh", "-c", "exit 7"], 7),
        (["sh", "-c", "kill -9 $$"], 137),
        (["no-such-command"], 127),
        ([], 2),
    ],
    ids=["failure", "killed", "not found", "no command"],
)
def test_wrapper_returns_the_exit_code_of_its_command(command, code):
    assert subprocess.run([*WRAPPER, *command], cwd=CHECKOUT, stderr=subprocess.DEVNULL).returncode == code


def test_wrapper_finds_the_programs_of_its_own_environment():
    command = [*WRAPPER, "python", "-c", "import sys; print(sys.prefix)"]
    assert subprocess.check_output(command, cwd=CHECKOUT, text=True) == f"{sys.prefix}\n"


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_wrapper_stops_everything_when_it_is_stopped(signum):
    command = [*WRAPPER, "sh", "-c", "echo $DATABASE_URL; exec sleep 1"]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as wrapper:
        url = wrapper.stdout.readline().strip()
        wrapper.send_signal(signum)
        assert wrapper.wait(30) == 128 + signum
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
