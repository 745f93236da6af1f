"""Charts are kept: drawing one takes longer than all the rest of a page."""

import logging
from collections.abc import Callable

from django.core.cache import cache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

CHART_SECONDS = 3600


def drawn_once(key: str, draw: Callable[[], str]) -> str:
    """What `draw` draws, once for each key. A cache that is away costs time only."""
    try:
        svg: str | None = cache.get(key)
        if svg is None:
            svg = draw()
            cache.set(key, svg, CHART_SECONDS)
    except RedisError:
        logger.warning("cache unreachable; the chart was drawn anew")
        svg = draw()
    return svg
