"""The API against bare views, turn by turn, through one gunicorn on PostgreSQL and Redis.

Everybody asks with a token, so that authentication is the same on both sides; reading is wrk's, one request
after another. A ratio is times as long as the floor.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from time import perf_counter
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.cache import cache

from bench import bare
from bench.plans import build_plan
from bench.service import ask, seconds_each, service
from bench.timing import Ratio, ratio
from rollout.models import PlanVersion, Wave
from rollout.recompute import recompute
from signin.models import ServiceToken

Headers = Mapping[str, str]
PROJECTION = "/api/v1/projection/"
PAGE = "/api/v1/waves/?status=planned&cutover_after=2000-01-01&page_size=100"
TABLE = "/api/v1/export/waves.csv?headers=en&bom=false"


@dataclass(frozen=True)
class Answers:
    """What was measured at one size; times as long as the floor that each name says."""

    waves: int
    page_seconds: float
    csv_seconds: float
    first_piece_seconds: float
    projection: Ratio
    not_modified: Ratio
    page: Ratio
    numbered_page: Ratio
    far_page: Ratio
    csv: Ratio
    patch: Ratio


def measure(waves: int, turns: int) -> Answers:
    """All of it at one size."""
    build_plan(waves)
    PlanVersion.objects.raise_number(history_missing=True)
    recompute()
    headers = {"Authorization": f"Token {_token()}", "Content-Type": "application/json"}
    with service() as bind:
        read = partial(_read, bind, headers)
        answer = ask(bind, PROJECTION, headers)
        cache.set(bare.BYTES, answer.read(), None)
        known = {**headers, "If-None-Match": str(answer.headers["ETag"])}
        far = _far_page(bind, headers, waves)
        code = Wave.objects.filter(status="planned").values_list("code", flat=True)[0]
        asked = partial(seconds_each, bind, headers=headers)
        times = _take_turns(
            {
                "projection": partial(asked, PROJECTION),
                "bytes": partial(asked, "/bare/bytes/"),
                "304": partial(seconds_each, bind, PROJECTION, known),
                "page": partial(asked, PAGE),
                "far page": partial(asked, far),
                "bare page": partial(asked, "/bare/page/"),
                "numbered page": partial(asked, "/bare/waves/"),
                "csv": partial(_seconds, partial(read, TABLE)),
                "bare csv": partial(_seconds, partial(read, "/bare/waves.csv")),
                "first piece": partial(_first_piece, bind, headers),
            },
            turns,
        )
        edits = {
            "patch": partial(_seconds, _patching(bind, headers, f"/api/v1/waves/{code}/")),
            "bare patch": partial(_seconds, _patching(bind, headers, f"/bare/waves/{code}/")),
        }
        edit_times = _take_turns(edits, turns * 4)  # last, since they make every answer new
    return Answers(
        waves=waves,
        page_seconds=min(times["page"]),
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


def _token() -> str:
    account: Any = get_user_model()._default_manager.create_user("bench")
    account.user_permissions.add(Permission.objects.get(codename="change_wave"))
    _, token = ServiceToken.objects.create(account, name="bench", expiry=timedelta(days=1), writes=True)
    return str(token)


def _take_turns(things: Mapping[str, Callable[[], float]], turns: int) -> dict[str, list[float]]:
    """The seconds that each thing says it took, one entry a turn; the first turn is not counted."""
    taken = [{name: measured() for name, measured in things.items()} for _ in range(turns + 1)][1:]
    return {name: [turn[name] for turn in taken] for name in things}


def _seconds(run: Callable[[], object]) -> float:
    start = perf_counter()
    run()
    return perf_counter() - start


def _read(bind: str, headers: Headers, path: str) -> bytes:
    return ask(bind, path, headers).read()


def _first_piece(bind: str, headers: Headers) -> float:
    """Until the first rows are there; nobody waits for the rest."""
    start = perf_counter()
    ask(bind, TABLE, headers).read(1000)
    return perf_counter() - start


def _far_page(bind: str, headers: Headers, waves: int) -> str:
    """The path of a page nine tenths into the list."""
    step = PAGE.replace("page_size=100", "page_size=1000")
    for _ in range(max(1, waves * 6 // 10 // 1000)):
        following = json.loads(_read(bind, headers, step))["next"]
        step = following.partition(bind)[2] if following else step
    return step.replace("page_size=1000", "page_size=100")


def _patching(bind: str, headers: Headers, path: str) -> Callable[[], None]:
    """Change a wave's note, each time to another one."""
    number = 0

    def patch() -> None:
        nonlocal number
        number += 1
        body: dict[str, Any] = {"note": f"{path[:5]} {number}"}
        known: Headers = {}
        if path.startswith("/api/"):
            version = Wave.history.filter(code=path.split("/")[-2]).latest("history_id").history_id
            body["reason"], known = "bench", {"If-Match": f'"{version}"'}
        ask(bind, path, {**headers, **known}, "PATCH", json.dumps(body).encode()).read()

    return patch
