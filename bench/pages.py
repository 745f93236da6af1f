"""The front page for anonymous readers: how long it takes, kept or made anew, and how much of it there is.

In process, through the whole of the middleware; the floor is `/healthz`, which does nothing in the same way.
"""

import gzip
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.cache import cache
from django.test import Client

from bench.plans import build_plan
from bench.timing import Ratio, ratio, take_turns
from rollout.dashboard import pages, recent
from rollout.domain.plan import Basis
from rollout.drawing import draw_ahead
from rollout.models import PlanVersion
from rollout.recompute import recompute

STATIC = ("design-tokens-1.1.9/tokens.css", "dashboard.css", "front.css", "dark.css", "live.js", "icon.svg")
"""All that the page links to, for a reader in the dark."""


@dataclass(frozen=True)
class Page:
    """Seconds of a page that is kept, made anew with its charts drawn, and with nothing drawn; bytes.

    `size` is the page's, `whole_size` with all that it links to; both compressed.
    """

    kept_seconds: float
    made_seconds: float
    drawn_seconds: float
    kept: Ratio
    not_modified: Ratio
    size: int
    whole_size: int


def measure(waves: int, turns: int) -> Page:
    """At one size."""
    settings.PUBLIC_READ, settings.ALLOWED_HOSTS = True, ["*"]
    build_plan(waves)
    PlanVersion.objects.raise_number(history_missing=True)
    recompute()
    draw_ahead(["ja"], [Basis.CUMULATIVE])
    client = Client(headers={"accept-encoding": "gzip"})
    first = client.get("/")
    names = count()
    few = take_turns({"made": partial(_anew, client, names), "drawn": partial(_undrawn, client)}, 3)
    many = take_turns(
        {
            "kept": lambda: client.get("/"),
            "304": lambda: client.get("/", headers={"if-none-match": first["ETag"]}),
            "bare": lambda: client.get("/healthz"),
        },
        turns,
    )
    size = len(client.get("/").content)
    return Page(
        kept_seconds=min(many["kept"]),
        made_seconds=min(few["made"]),
        drawn_seconds=min(few["drawn"]),
        kept=ratio(many, "kept", "bare"),
        not_modified=ratio(many, "304", "kept"),
        size=size,
        whole_size=size + sum(map(_static_size, STATIC)),
    )


def _anew(client: Client, names: "count[int]") -> None:
    """As the first reader after a change has it, when the workers have drawn its charts."""
    pages.KEPT_AS, recent.KEPT_AS = (f"{name}-{next(names)}" for name in ("page", "recent"))
    client.get("/")


def _undrawn(client: Client) -> None:
    """As the first reader has it where nothing is kept at all."""
    cache.clear()
    client.get("/")


def _static_size(name: str) -> int:
    found = finders.find(f"rollout/{name}")
    return len(gzip.compress(Path(str(found)).read_bytes(), 6, mtime=0))
