"""Drawings are kept: making one takes longer than all the rest of a page."""

import hashlib
import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from django.core.cache import cache
from django.utils.translation import get_language
from redis.exceptions import RedisError

from rollout import charts
from rollout.models import Observation, Projection

logger = logging.getLogger(__name__)

KEPT_SECONDS = 3600

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


def s_curve(projection: Projection, observed: Sequence[charts.Observed], size: charts.Size) -> str:
    """The curve as an SVG element, drawn once for each plan and day."""
    key = s_curve_key(projection, observed, size)
    return made_once(key, lambda: charts.s_curve_svg(projection.curve, observed, size))


def s_curve_key(projection: Projection, observed: Sequence[charts.Observed], size: charts.Size) -> str:
    """Published figures may be newer than a stale projection, so they count too."""
    seen = hashlib.sha256(repr(observed).encode()).hexdigest()[:16]
    computed = projection.computed_at.timestamp()
    return f"s-curve:{size.name}:{projection.basis}:{computed}:{projection.stale}:{seen}"
