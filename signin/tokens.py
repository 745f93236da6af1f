"""Programs sign in to the API with a token (`Authorization: Token …`): for how much, and how often.

django-rest-knox makes and finds them by digest. Ours have scopes, stay when they are over, and are counted:
each may ask `API_REQUESTS_PER_MINUTE` times in a minute of the clock, told in the headers `RateLimit-Policy`
and `RateLimit` (draft-ietf-httpapi-ratelimit-headers). Where the cache is away nobody is counted or refused.
"""

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.cache import cache
from django.db.models import Q
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from knox.auth import TokenAuthentication
from redis.exceptions import RedisError
from rest_framework.exceptions import AuthenticationFailed, Throttled

from signin.models import ServiceToken

if TYPE_CHECKING:
    from rest_framework.request import Request

USE_IS_NOTED = timedelta(minutes=1)
MINUTE = 60
logger = logging.getLogger(__name__)


class ServiceTokenAuthentication(TokenAuthentication):  # type: ignore[misc]
    """A valid token of an account that is active."""

    def authenticate_credentials(self, token: bytes) -> tuple[Any, ServiceToken]:
        """The account and its token, whose use is noted. Raises AuthenticationFailed."""
        if not token.isascii():
            raise AuthenticationFailed
        user, found = super().authenticate_credentials(token)
        if user.is_staff or user.is_superuser:  # since it was given: whoever uses the admin signs in
            raise AuthenticationFailed
        _note_use(found, timezone.now())
        return user, found

    def authenticate(self, request: "Request") -> tuple[Any, ServiceToken] | None:
        """The account and its token, counted. Raises Throttled for one request too many in this minute."""
        found: tuple[Any, ServiceToken] | None = super().authenticate(request)
        if found is not None:
            _count_request(request, found[1])
        return found

    def _cleanup_token(self, auth_token: ServiceToken) -> bool:
        """True for one that is no longer valid; the library would delete it."""
        return not auth_token.is_valid(timezone.now())


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How it stands in the OpenAPI document."""

    target_class = "signin.tokens.ServiceTokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """A header."""
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Token` and a space, then a token that was given in the admin.",
        }


def _count_request(request: "Request", token: ServiceToken) -> None:
    """Tell how many are left (`rate_limit`, which gss_tracker.requests puts into the headers)."""
    minute, second = divmod(int(timezone.now().timestamp()), MINUTE)
    wait, limit = MINUTE - second, settings.API_REQUESTS_PER_MINUTE
    count = _count(f"api-requests-{token.pk}-{minute}")
    request._request.rate_limit = {  # type: ignore[attr-defined]
        "RateLimit-Policy": f'"token";q={limit};w={MINUTE}',
        "RateLimit": f'"token";r={max(limit - count, 0)};t={wait}',
    }
    if count > limit:
        raise Throttled(wait=wait)


def _note_use(token: ServiceToken, now: datetime) -> None:
    is_old = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_IS_NOTED)
    if token.last_used_at is None or now - token.last_used_at > USE_IS_NOTED:
        ServiceToken.objects.filter(is_old, pk=token.pk).update(last_used_at=now)


def _count(key: str) -> int:
    """How often it was counted, this time too."""
    try:
        cache.add(key, 0, timeout=2 * MINUTE)
        return cache.incr(key)
    except (RedisError, ValueError):  # away, or emptied in between
        logger.warning("requests of a token are not counted: the cache is away")
        return 0
