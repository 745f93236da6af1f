"""Lists in pages: `results`, `next` and `previous`, and nothing that a list of another kind could not say."""

from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response


class Pages(PageNumberPagination):
    """Numbered pages of `page_size` rows, 100 unless told, at most 1,000.

    A page size that is no number or out of range is a 400, a page that does not exist a 404.
    """

    page_size = 100
    max_page_size = 1000
    page_size_query_param = "page_size"
    page_query_description = "Page number, from 1."
    page_size_query_description = "Rows per page, 1 to 1000; 100 unless given."
    last_page_strings = ()
    invalid_page_message = _("「{page_number}」ページはありません。")  # type: ignore[assignment]

    def get_page_size(self, request: Request) -> int:
        """The page size asked for. Raises ValidationError where it is no number from 1 to 1000."""
        text = request.query_params.get("page_size")
        if text is None:
            return self.page_size
        is_number = text.isascii() and text.isdigit() and len(text) <= len(str(self.max_page_size))
        if not is_number or not 1 <= int(text) <= self.max_page_size:
            raise ValidationError(
                {
                    "page_size": [
                        gettext("1〜{max_page_size} の整数を指定してください。").format(
                            max_page_size=self.max_page_size
                        )
                    ]
                }
            )
        return int(text)

    def get_paginated_response(self, data: Any) -> Response:
        """The rows with the links to their neighbours; null where there is none."""
        links = {"next": self.get_next_link(), "previous": self.get_previous_link()}
        return Response({"results": data, **links})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """What `get_paginated_response` answers, for OpenAPI."""
        link = {"type": ["string", "null"], "format": "uri", "example": None}
        return {
            "type": "object",
            "required": ["results", "next", "previous"],
            "properties": {
                "results": schema,
                "next": {**link, "description": "The following page; null on the last."},
                "previous": {**link, "description": "The page before; null on the first."},
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """`page` and `page_size` with their bounds, for OpenAPI."""
        return [
            self._parameter(
                "page", self.page_query_description, {"type": "integer", "minimum": 1, "default": 1}
            ),
            self._parameter(
                "page_size",
                self.page_size_query_description,
                {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": self.max_page_size,
                    "default": self.page_size,
                },
            ),
        ]

    @staticmethod
    def _parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
        return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}
