"""What no view has to look at."""

from collections.abc import Callable

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponseBase

View = Callable[[HttpRequest], HttpResponseBase]


def refuse_nul(get_response: View) -> View:
    """Answer 400 to a NUL character in a page's query: PostgreSQL cannot compare it, nobody types it.

    The API says by itself which parameter is wrong.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if "%00" in request.META.get("QUERY_STRING", "") and not request.path.startswith("/api/"):
            raise SuspiciousOperation("NUL in the query string")
        return get_response(request)

    return middleware
