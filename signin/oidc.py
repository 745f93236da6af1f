"""Signing in by an OpenID provider: what the library leaves unchecked, and which roles somebody gets.

mozilla-django-oidc 5 checks state, nonce, algorithm and signature. It leaves `aud`, `iss` and missing claims,
and lets an expired token fall through as a server error. Here a token must be for us, from the issuer, in
time and of the asked nonce, else the sign-in is refused. Nobody gets in without a group that OIDC_ROLES maps.
"""

from typing import Any

import jwt
import requests
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import SuspiciousOperation
from django.db import transaction
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from signin.models import ProviderAccount
from signin.security_log import record

LEEWAY = 60
"""Seconds by which the provider's clock may differ."""


class Refused(SuspiciousOperation):
    """The provider's answer is in order, but gives no access; `reason` names the paragraph of the page."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ProviderBackend(OIDCAuthenticationBackend):  # type: ignore[misc]
    """The user behind an ID token, or None with `request.oidc_refusal` saying why."""

    def authenticate(self, request: Any, nonce: str | None = None, **kwargs: Any) -> Any:
        """Only for the callback, which has checked the state and knows the nonce."""
        if request is None or not nonce:
            return None
        try:
            return super().authenticate(request, nonce=nonce, **kwargs)
        except (
            SuspiciousOperation,
            jwt.PyJWTError,
            requests.RequestException,
            KeyError,
            ValueError,
        ) as error:
            request.oidc_refusal = getattr(error, "reason", "invalid")
            record("oidc_refused", reason=request.oidc_refusal, error=type(error).__name__)
            return None

    def get_payload_data(self, token: str, key: Any) -> dict[str, Any]:
        """The claims of a token that is signed, in time, for us and from the issuer."""
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[settings.OIDC_RP_SIGN_ALGO],
            audience=settings.OIDC_RP_CLIENT_ID,
            issuer=settings.OIDC_ISSUER,
            leeway=LEEWAY,
            options={"require": ["exp", "iat", "aud", "iss", "sub"]},
        )
        if claims.get("azp", settings.OIDC_RP_CLIENT_ID) != settings.OIDC_RP_CLIENT_ID:
            raise jwt.InvalidAudienceError("azp")
        return claims

    def get_or_create_user(self, access_token: str, id_token: str, payload: dict[str, Any]) -> Any:
        """The user with the roles of today, kept in step with the provider's groups.

        The library turns whatever is suspicious here into None, so that the reason is kept first.
        """
        try:
            return sign_in_as(payload)
        except Refused as refusal:
            self.request.oidc_refusal = refusal.reason
            record("oidc_refused", reason=refusal.reason)
            return None


def sign_in_as(claims: dict[str, Any]) -> Any:
    """The user of these claims with the roles that they give.

    Raises Refused without any role, for an account that is switched off, or where the name is another user's.
    """
    roles = _roles(claims)
    account = ProviderAccount.objects.filter(issuer=claims["iss"], subject=claims["sub"]).first()
    if account is not None:
        set_roles(account.user, roles)
    if not roles:
        raise Refused("no_role")
    if account is None:
        return _make_user(claims, roles)
    if not account.user.is_active:
        raise Refused("inactive")
    return account.user


@transaction.atomic
def set_roles(user: Any, roles: set[Group]) -> None:
    """Give these roles and take away the other mapped ones; groups that OIDC_ROLES does not name stay."""
    mapped = set(Group.objects.filter(name__in=_mapped_names()))
    held = set(user.groups.all())
    user.groups.remove(*(mapped & held) - roles)
    user.groups.add(*roles - held)
    if user.is_staff != bool(roles):
        user.is_staff = bool(roles)
        user.save(update_fields=["is_staff"])


@transaction.atomic
def _make_user(claims: dict[str, Any], roles: set[Group]) -> Any:
    users = get_user_model()._default_manager
    name = str(claims.get(settings.OIDC_USERNAME_CLAIM) or "")
    if not name or len(name) > 150:
        raise Refused("no_name")
    if users.filter(username__iexact=name).exists():
        raise Refused("name_taken")
    user = users.create_user(name)
    ProviderAccount.objects.create(user=user, issuer=claims["iss"], subject=claims["sub"])
    set_roles(user, roles)
    return user


def _roles(claims: dict[str, Any]) -> set[Group]:
    claimed = claims.get(settings.OIDC_GROUPS_CLAIM) or []
    groups = [claimed] if isinstance(claimed, str) else claimed
    names = {role for group in groups for role in settings.OIDC_ROLES.get(group, ())}
    return set(Group.objects.filter(name__in=names))


def _mapped_names() -> set[str]:
    return {role for roles in settings.OIDC_ROLES.values() for role in roles}
