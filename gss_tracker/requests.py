"""Every request has an id: in the header of its answer, in a problem's body and in each line of the log."""

import logging
import re
from collections.abc import Callable
from contextvars import ContextVar
from uuid import uuid4

from django.http import HttpRequest, HttpResponseBase

HEADER = "X-Request-ID"
_KEPT = re.compile("[-A-Za-z0-9]{8,64}")
_current = ContextVar("request_id", default="")


def request_id() -> str:
    """The id of the request that is being answered; "" where there is none."""
    return _current.get()


def number_requests(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Take over the id that a proxy has given (`X-Request-ID`), or give one."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get(HEADER, "")
        token = _current.set(given if _KEPT.fullmatch(given) else uuid4().hex)
        try:
            response = get_response(request)
            for name, value in getattr(request, "rate_limit", {}).items():
                response.headers[name] = value
            response.headers[HEADER] = request_id()
            return response
        finally:
            _current.reset(token)

    return middleware


class WithRequest(logging.Filter):
    """Gives every record the id of its request, for the formatter."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Lets every record pass."""
        record.request_id = request_id() or "-"
        return True
