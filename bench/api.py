"""The API against bare views behind the same middleware, in one process, turn by turn.

Requests go through the whole of Django by its test client, those that write with a token. What a server and a
network add is the same for both sides, and left out. A ratio is times as long as the floor.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.test import Client, override_settings

from bench import bare
from bench.plans import build_plan
from bench.timing import Ratio, ratio, take_turns
from rollout.models import PlanVersion, Wave
from rollout.recompute import recompute
from signin.models import ServiceToken


@dataclass(frozen=True)
class Answers:
    """What was measured at one size; times as long as the floor that each name says."""

    waves: int
    page_seconds: float
    far_page_seconds: float
    csv_seconds: float
    first_piece_seconds: float
    projection: Ratio
    not_modified: Ratio
    page: Ratio
    numbered_page: Ratio
    far_page: Ratio
    csv: Ratio
    patch: Ratio


@override_settings(
    ROOT_URLCONF="bench.bare", PUBLIC_READ=True, ALLOWED_HOSTS=["testserver"], API_REQUESTS_PER_MINUTE=10**9
)
def measure(waves: int, turns: int) -> Answers:
    """All of it at one size."""
    build_plan(waves)
    PlanVersion.objects.raise_number(history_missing=True)
    recompute()
    reader = Client()
    account: Any = get_user_model()._default_manager.create_user("bench")
    account.user_permissions.add(Permission.objects.get(codename="change_wave"))
    _, token = ServiceToken.objects.create(account, name="bench", expiry=timedelta(days=1), writes=True)
    editor = Client(HTTP_AUTHORIZATION=f"Token {token}")
    answer = reader.get("/api/v1/projection/")
    cache.set(bare.BYTES, answer.content, None)
    tag = answer.headers["ETag"]
    page = "/api/v1/waves/?status=planned&cutover_after=2000-01-01&page_size=100"
    far, after = _far_page(reader, page, waves)
    code = Wave.objects.filter(status="planned").values_list("code", flat=True)[0]
    times = take_turns(
        {
            "projection": partial(_get, reader, "/api/v1/projection/"),
            "bytes": partial(_get, reader, "/bare/bytes/"),
            "304": partial(_get, reader, "/api/v1/projection/", 304, HTTP_IF_NONE_MATCH=tag),
            "page": partial(_get, reader, page),
            "far page": partial(_get, reader, far),
            "bare page": partial(_get, reader, "/bare/page/"),
            "bare far page": partial(_get, reader, f"/bare/page/?after={after}"),
            "numbered page": partial(_get, editor, "/bare/waves/"),
            "csv": partial(_read, reader, "/api/v1/export/waves.csv?headers=en"),
            "bare csv": partial(_read, reader, "/bare/waves.csv"),
            "first piece": partial(_read, reader, "/api/v1/export/waves.csv?headers=en", pieces=2),
        },
        turns,
    )
    edits = {
        "patch": _patching(editor, f"/api/v1/waves/{code}/"),
        "bare patch": _patching(editor, f"/bare/waves/{code}/"),
    }
    edit_times = take_turns(edits, turns)  # last, since they make every answer new
    return Answers(
        waves=waves,
        page_seconds=min(times["page"]),
        far_page_seconds=min(times["far page"]),
        csv_seconds=min(times["csv"]),
        first_piece_seconds=min(times["first piece"]),
        projection=ratio(times, "projection", "bytes"),
        not_modified=ratio(times, "304", "projection"),
        page=ratio(times, "page", "bare page"),
        numbered_page=ratio(times, "page", "numbered page"),
        far_page=ratio(times, "far page", "page"),
        csv=ratio(times, "csv", "bare csv"),
        patch=ratio(edit_times, "patch", "bare patch"),
    )


def _far_page(client: Client, page: str, waves: int) -> tuple[str, str]:
    """The address of a page nine tenths into the list, and the day that it begins with."""
    step = page.replace("page_size=100", "page_size=1000")
    for _ in range(max(1, waves * 6 // 10 // 1000)):
        body = client.get(step).json()
        step = body["next"] or step
    day = body["results"][-1]["cutover"]["latest"]
    return step.replace("page_size=1000", "page_size=100"), day


def _get(client: Client, path: str, status: int = 200, **headers: Any) -> None:
    answer = client.get(path, **headers)
    if answer.status_code != status:
        raise RuntimeError(f"{path}: {answer.status_code}")


def _read(client: Client, path: str, pieces: int | None = None) -> None:
    answer: Any = client.get(path)
    for number, _ in enumerate(answer.streaming_content, 1):
        if number == pieces:
            break
    answer.close()


def _patching(client: Client, path: str) -> Callable[[], None]:
    """Change a wave's note, each time to another one."""
    number = 0

    def patch() -> None:
        nonlocal number
        number += 1
        body: dict[str, Any] = {"note": f"{path[:5]} {number}"}
        headers: dict[str, str] = {}
        if path.startswith("/api/"):
            version = Wave.history.filter(code=path.split("/")[-2]).latest("history_id").history_id
            body["reason"], headers = "bench", {"If-Match": f'"{version}"'}
        answer = client.patch(path, json.dumps(body), "application/json", headers=headers)
        if answer.status_code != 200:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.content[:300]!r}")

    return patch
