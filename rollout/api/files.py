"""Answers that are files: tables and pictures. Their addresses say the form, whatever `Accept` says."""

from typing import Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from gss_tracker.renderers import ORJSONRenderer
from rollout.api.conditional import ConditionalView

MEDIA_TYPES = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "jsonl": "application/jsonl",
    "pbids": "application/json",
    "svg": "image/svg+xml",
    "png": "image/png",
    "vl.json": "application/json",
    "ics": "text/calendar",
}
"""The media type of each form, by the end of the address."""


class WhateverIsAccepted(BaseContentNegotiation):
    """Programs that fetch files ask for all sorts of media types; they get the one there is."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The only one."""
        return renderers[0], renderers[0].media_type


class FileView(ConditionalView):
    """A view whose answers are ready bytes in the form that `ending` names."""

    ending = ""
    content_negotiation_class = WhateverIsAccepted

    def get_renderers(self) -> list[Any]:
        """One that says the media type in the OpenAPI document, and renders what else is said, as JSON."""
        renderer = ORJSONRenderer()
        renderer.media_type = self.media_type
        renderer.format = self.ending
        return [renderer]

    @property
    def media_type(self) -> str:
        """Of what is answered."""
        return MEDIA_TYPES[self.ending]
