"""What the sign-in page must know."""

from django import template
from django.conf import settings

register = template.Library()


@register.simple_tag
def provider_name() -> str:
    """What people call their account at the provider; empty where nobody signs in by OIDC."""
    return str(settings.OIDC_NAME) if settings.OIDC_ISSUER else ""
