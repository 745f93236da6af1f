"""How long a session lasts, how it began, and whether it still owes a second factor."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY
from django_otp.plugins.otp_totp.models import TOTPDevice

PROVIDER_BACKEND = "signin.oidc.ProviderBackend"
SIGNED_IN_AT, SEEN_AT, OWES = "signed_in_at", "seen_at", "owes_second_factor"
SEEN_SHARE = 20
"""Somebody's presence is written once in this part of the idle time: every 3 minutes of 60."""


def begin(request: Any, user: Any, now: datetime) -> None:
    """Note when a session began, and that a user who has a second factor owes it."""
    request.session[SIGNED_IN_AT] = request.session[SEEN_AT] = now.timestamp()
    request.session[OWES] = has_second_factor(user)


def is_over(session: Any, now: datetime) -> bool:
    """Too long since the sign-in, or since anybody was there; also where nobody noted it."""
    since_start, since_seen = (now.timestamp() - session.get(key, 0) for key in (SIGNED_IN_AT, SEEN_AT))
    return bool(
        since_start > settings.SESSION_AGE.total_seconds()
        or since_seen > settings.SESSION_IDLE.total_seconds()
    )


def note_presence(session: Any, now: datetime) -> None:
    """Not at every request, since each would be a write."""
    if now.timestamp() - session[SEEN_AT] >= settings.SESSION_IDLE.total_seconds() / SEEN_SHARE:
        session[SEEN_AT] = now.timestamp()


def is_by_provider(request: Any) -> bool:
    """The provider has asked for whatever it asks for: no second factor of ours."""
    return bool(request.session.get(BACKEND_SESSION_KEY) == PROVIDER_BACKEND)


def has_second_factor(user: Any) -> bool:
    """Somebody has confirmed an authenticator for this user."""
    return bool(TOTPDevice.objects.filter(user=user, confirmed=True).exists())


def owes_second_factor(request: Any) -> bool:
    """Signed in by password alone, where more is demanded of all, or of this user."""
    if not request.user.is_authenticated or is_by_provider(request) or request.user.is_verified():
        return False
    return bool(settings.REQUIRE_TOTP or request.session.get(OWES))
