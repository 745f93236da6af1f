"""An endpoint that will go says so in its answers and in the OpenAPI document, long before it does.

In the headers `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and `Link`, where to find what to use instead.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.http import http_date
from drf_spectacular.openapi import AutoSchema


@dataclass(frozen=True)
class Deprecation:
    """Since when one had better use another, until when it answers, and what to use instead (an address)."""

    since: datetime
    until: datetime
    successor: str

    def headers(self) -> Mapping[str, str]:
        """As programs read it."""
        return {
            "Deprecation": f"@{int(self.since.timestamp())}",
            "Sunset": http_date(self.until.timestamp()),
            "Link": f'<{self.successor}>; rel="successor-version"',
        }


class Schema(AutoSchema):
    """Operations of views that have a `deprecation` are marked."""

    def is_deprecated(self) -> bool:
        """True for one that will go."""
        return getattr(self.view, "deprecation", None) is not None
