"""What no view has to look at."""

from collections.abc import Callable
from http import HTTPStatus
from typing import cast

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.middleware.gzip import GZipMiddleware
from django.middleware.locale import LocaleMiddleware
from django.utils import translation
from django.utils.cache import patch_vary_headers

View = Callable[[HttpRequest], HttpResponseBase]

CHOICE = "lang"
COMPRESSED = "-gzip"


def refuse_nul(get_response: View) -> View:
    """Answer 400 to a NUL character in a page's query: PostgreSQL cannot compare it, nobody types it.

    The API says by itself which parameter is wrong.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if "%00" in request.META.get("QUERY_STRING", "") and not request.path.startswith("/api/"):
            raise SuspiciousOperation("NUL in the query string")
        return get_response(request)

    return middleware


class Compression(GZipMiddleware):
    """The usual one, but an ETag stays strong: compressed bytes have one of their own, `"…-gzip"`.

    A weak one would be no key to change a row with (`If-Match`). Where it comes back it is read as the plain.
    """

    def __init__(self, get_response: View) -> None:
        super().__init__(get_response)
        self._exact = _ExactCompression(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, with both the tags that come in and that which goes out read and written so."""
        known = request.META.get("HTTP_IF_NONE_MATCH", "")
        for name in ("HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH"):
            if name in request.META:
                request.META[name] = request.META[name].replace(f'{COMPRESSED}"', '"')
        response = cast("HttpResponseBase", self.get_response(request))
        plain = response.headers.get("ETag", "")
        if not plain.startswith('"'):
            return super().process_response(request, response)
        answer = self._exact.process_response(request, response)
        patch_vary_headers(answer, ("Accept-Encoding",))
        is_kept = answer.status_code == HTTPStatus.NOT_MODIFIED and COMPRESSED in known
        if is_kept or answer.headers["ETag"] != plain:
            answer.headers["ETag"] = f'{plain[:-1]}{COMPRESSED}"'
        return answer


class _ExactCompression(GZipMiddleware):
    """Without the random bytes that hide a secret in a page: the same bytes under the same tag."""

    max_random_bytes = 0


class ChosenLanguage(LocaleMiddleware):
    """The usual one, by cookie and `Accept-Language`; but `?lang=en` on a page comes first.

    That is kept in the cookie. Pages of the admin are opened again without it: they take it for a filter.
    """

    def process_request(self, request: HttpRequest) -> HttpResponseBase | None:  # type: ignore[override]
        """Activate it."""
        super().process_request(request)
        language = _asked(request)
        if language and request.path.startswith("/admin/"):
            query = request.GET.copy()
            del query[CHOICE]
            page = HttpResponseRedirect(f"{request.path}?{query.urlencode()}".removesuffix("?"))
            return _keep(page, language)
        if language:
            translation.activate(language)
            request.LANGUAGE_CODE = language
        return None

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Say and keep it."""
        language = _asked(request)
        answer = super().process_response(request, response)
        return _keep(answer, language) if language else answer


def _asked(request: HttpRequest) -> str:
    language = request.GET.get(CHOICE, "")
    is_page = not request.path.startswith("/api/")
    return language if is_page and request.method == "GET" and language in dict(settings.LANGUAGES) else ""


def _keep(response: HttpResponseBase, language: str) -> HttpResponseBase:
    response.set_cookie(settings.LANGUAGE_COOKIE_NAME, language, samesite="Lax", httponly=True)
    return response
