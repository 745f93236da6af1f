"""Drawings are kept: making one takes longer than all the rest of a page."""

import hashlib
import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from itertools import product
from typing import Any, TypeVar

from django.core.cache import cache
from django.utils.translation import get_language, override
from redis.exceptions import RedisError

from rollout import charts
from rollout.domain.plan import Basis
from rollout.domain.projection import Projection
from rollout.history import column_at
from rollout.models import Observation, Wave
from rollout.seen import Seen, see_now
from rollout.shown import Part, ShownWave, read_shown
from rollout.timeline import PAGE_SIZES as TIMELINE_SIZES
from rollout.timeline import Line, lines, timeline_svg

logger = logging.getLogger(__name__)

KEPT_SECONDS = 3600
MOST_LINES = 60

Made = TypeVar("Made")


def made_once(key: str, make: Callable[[], Made]) -> Made:
    """What `make` makes, once for each key and language. A cache that is away costs time only."""
    key = f"{key}:{get_language()}"
    try:
        made: Made | None = cache.get(key)
        if made is None:
            made = make()
            cache.set(key, made, KEPT_SECONDS)
    except RedisError:
        logger.warning("cache unreachable; what it keeps was made anew")
        made = make()
    return made


def read_observed() -> list[charts.Observed]:
    """The published counts as the chart takes them."""
    rows = Observation.objects.values_list("as_of_earliest", "as_of_latest", "users")
    return [charts.Observed(first, last, users) for first, last, users in rows if first and last]


def s_curve(
    curve: Projection,
    observed: Sequence[charts.Observed],
    size: charts.Size,
    beside: Sequence[charts.Beside] = (),
) -> str:
    """The curve as an SVG element."""
    return drawn_once("s-curve", charts.s_curve_svg, curve, observed, size, tuple(beside))


def timeline(shown: Sequence[Line], today: date, size: charts.Size) -> str:
    """The cutovers over time as an SVG element."""
    return drawn_once("timeline", timeline_svg, shown, today, size)


def shown_cutovers(seen: Seen, part: Part) -> list[ShownWave]:
    """The waves that the timeline has a line for: the first by cohort and date."""
    waves = part.waves()
    by_cohort = column_at(Wave, "rollout__cohort__order", part.moment)
    first = waves.order_by(by_cohort, *waves.query.order_by)[:MOST_LINES]
    return read_shown(first, seen.count_of, part.moment)


def draw_ahead(languages: Iterable[str], bases: Iterable[Basis]) -> None:
    """Draw what most people look at next, so that none of them waits for it: the front page as it opens."""
    for language, basis in product(languages, bases):
        with override(language):
            _draw_front_page(basis)


def _draw_front_page(basis: Basis) -> None:
    seen, observed = see_now(basis), read_observed()
    shown = lines(shown_cutovers(seen, Part()), {})
    for size in charts.PAGE_SIZES:
        s_curve(seen.curve, observed, size)
    for size in TIMELINE_SIZES:
        timeline(shown, seen.today, size)


def drawn_once(kind: str, draw: Callable[..., str], *shown: Any) -> str:
    """What `draw` draws, once for all that it shows."""
    digest = hashlib.sha256(repr(shown).encode()).hexdigest()[:32]
    return made_once(f"{kind}:{digest}", lambda: draw(*shown))
