"""The product behind gunicorn, on the bench's own database, and who asks it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPConnection, HTTPResponse
from time import sleep
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection as database

from tests.servers import free_port

WRK = shutil.which("wrk")
SECONDS = 1
"""How long wrk asks for one thing in one turn."""
START_SECONDS = 30


@contextmanager
def service() -> Iterator[str]:
    """One worker; yields its host and port."""
    bind = f"127.0.0.1:{free_port()}"
    url = urlsplit(settings.DATABASE_URL)._replace(path=f"/{database.settings_dict['NAME']}")
    environment = {
        **os.environ,
        "DATABASE_URL": url.geturl(),
        "BIND": bind,
        "ALLOWED_HOSTS": "127.0.0.1",
        "PUBLIC_READ": "on",
        "API_REQUESTS_PER_MINUTE": str(10**9),
    }
    command = [sys.executable, "-m", "gunicorn", "-c", "python:gss_tracker.server", "bench.wsgi"]
    process = subprocess.Popen(command, env=environment)  # noqa: S603 (our own)
    try:
        _wait(bind, process)
        yield bind
    finally:
        process.terminate()
        process.wait()


def seconds_each(bind: str, path: str, headers: Mapping[str, str]) -> float:
    """How long one request takes, of as many as wrk gets answered one after another."""
    told = [part for name, value in headers.items() for part in ("--header", f"{name}: {value}")]
    asking = ["--threads", "1", "--connections", "1", "--duration", f"{SECONDS}s", *told]
    command = [str(WRK), *asking, f"http://{bind}{path}"]
    report = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 (our own)
    rate = re.search(r"Requests/sec: +([\d.]+)", report)
    if rate is None or "Non-2xx" in report:
        raise RuntimeError(f"{path}: {report}")
    return 1 / float(rate[1])


def ask(
    bind: str, path: str, headers: Mapping[str, str], method: str = "GET", body: bytes | None = None
) -> HTTPResponse:
    """The answer to one request, whose body is to be read. Raises RuntimeError for one that is not 200."""
    connection = HTTPConnection(bind)
    connection.request(method, path, body, dict(headers))
    answer = connection.getresponse()
    if answer.status != HTTPStatus.OK:
        raise RuntimeError(f"{path}: {answer.status} {answer.read()[:300]!r}")
    return answer


def _wait(bind: str, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(START_SECONDS * 10):
        sleep(0.1)
        try:
            ask(bind, "/healthz", {}).read()
        except OSError:
            if process.poll() is not None:
                break
        else:
            return
    raise RuntimeError("gunicorn does not answer")
