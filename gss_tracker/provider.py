"""What the environment says of the OpenID provider, as mozilla-django-oidc's settings."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

REQUIRED = (
    "OIDC_ISSUER",
    "OIDC_CLIENT_ID",
    "OIDC_CLIENT_SECRET",
    "OIDC_AUTHORIZATION_URL",
    "OIDC_TOKEN_URL",
    "OIDC_JWKS_URL",
    "OIDC_ROLES",
)
URLS = ("OIDC_ISSUER", "OIDC_AUTHORIZATION_URL", "OIDC_TOKEN_URL", "OIDC_JWKS_URL", "OIDC_LOGOUT_URL")
ALGORITHMS = ("RS256", "ES256")

Roles = dict[str, frozenset[str]]


def read_provider(values: Mapping[str, str]) -> dict[str, Any]:
    """Settings by name; none where no variable of the provider is set.

    Raises ImproperlyConfigured, with the remedy, where only some are set or one is wrong.
    """
    if not any(values[name] for name in (*REQUIRED, "OIDC_LOGOUT_URL")):
        return {}
    if missing := [name for name in REQUIRED if not values[name]]:
        raise ImproperlyConfigured(
            f"Signing in by OIDC also needs {', '.join(missing)}; or unset all OIDC_*."
        )
    for name in URLS:
        _check_url(name, values[name])
    if values["OIDC_ALGORITHM"] not in ALGORITHMS:
        raise ImproperlyConfigured(f"OIDC_ALGORITHM must be one of {', '.join(ALGORITHMS)}.")
    return {
        "OIDC_ISSUER": values["OIDC_ISSUER"],
        "OIDC_ROLES": read_roles(values["OIDC_ROLES"]),
        "OIDC_RP_CLIENT_ID": values["OIDC_CLIENT_ID"],
        "OIDC_RP_CLIENT_SECRET": values["OIDC_CLIENT_SECRET"],
        "OIDC_RP_SIGN_ALGO": values["OIDC_ALGORITHM"],
        "OIDC_OP_AUTHORIZATION_ENDPOINT": values["OIDC_AUTHORIZATION_URL"],
        "OIDC_OP_TOKEN_ENDPOINT": values["OIDC_TOKEN_URL"],
        "OIDC_OP_JWKS_ENDPOINT": values["OIDC_JWKS_URL"],
        "OIDC_LOGOUT_URL": values["OIDC_LOGOUT_URL"],
    }


def read_roles(text: str) -> Roles:
    """`gss-pmo=PMO編集者,gss-audit=監査` as the names of Django's groups by group of the provider."""
    roles: Roles = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        claimed, _, role = (part.strip() for part in pair.partition("="))
        if not claimed or not role:
            raise ImproperlyConfigured(
                f"OIDC_ROLES must pair groups of the provider with roles, gss-pmo=PMO編集者,…; not {pair!r}."
            )
        roles[claimed] = roles.get(claimed, frozenset()) | {role}
    return roles


def origin(url: str) -> str:
    """The part of a URL that a content security policy names."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _check_url(name: str, url: str) -> None:
    parts = urlsplit(url)
    here = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
    if url and not (parts.netloc and (parts.scheme == "https" or here)):
        raise ImproperlyConfigured(f"{name} must be an https URL, not {url!r}.")
