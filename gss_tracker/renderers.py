"""JSON as bytes, in UTF-8: Japanese stays readable, times keep their offset."""

from collections.abc import Mapping
from typing import Any

import orjson
from rest_framework.renderers import BaseRenderer
from rest_framework.utils.encoders import JSONEncoder


class ORJSONRenderer(BaseRenderer):
    """`application/json` by orjson; DRF's encoder reads what orjson does not know (lazy texts, Decimal)."""

    media_type = "application/json"
    format = "json"
    charset = None  # JSON is UTF-8 by definition (RFC 8259)

    def render(
        self,
        data: Any,
        _accepted_media_type: str | None = None,
        _renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """The bytes of `data`; nothing at all for None, as an answer without a body has it."""
        return b"" if data is None else orjson.dumps(data, default=JSONEncoder().default)


class ProblemRenderer(ORJSONRenderer):
    """The same bytes as `application/problem+json` (RFC 9457)."""

    media_type = "application/problem+json"
    format = "problem"
