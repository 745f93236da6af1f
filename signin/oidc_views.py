"""The way to the provider and back, and out again."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import logout
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST
from mozilla_django_oidc.views import OIDCAuthenticationCallbackView, OIDCAuthenticationRequestView

from signin.pages import page
from signin.security_log import record
from signin.sessions import is_by_provider


class OnlyWhenConfigured:
    """404 where nobody signs in by OIDC."""

    def __init__(self, **kwargs: Any) -> None:
        if not settings.OIDC_ISSUER:
            raise Http404("OIDC is not configured")
        super().__init__(**kwargs)


class Start(OnlyWhenConfigured, OIDCAuthenticationRequestView):  # type: ignore[misc]
    """Leads to the provider, with state, nonce and PKCE."""


class Callback(OnlyWhenConfigured, OIDCAuthenticationCallbackView):  # type: ignore[misc]
    """Where the provider leads back to."""

    def get(self, request: Any) -> HttpResponse:
        """A state that this browser did not start is refused like everything else that is wrong."""
        try:
            return super().get(request)  # type: ignore[no-any-return]
        except SuspiciousOperation:
            record("oidc_refused", reason="state")
            return self.login_failure()

    def login_failure(self) -> HttpResponse:
        """403 with a page that says what to do."""
        reason = getattr(self.request, "oidc_refusal", "invalid")
        return page(self.request, "refused", gettext("ログインできませんでした"), status=403, reason=reason)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session here, and at the provider where the sign-in came from there and it can be told."""
    provider = provider_sign_out(request) if is_by_provider(request) else ""
    logout(request)
    return HttpResponseRedirect(provider or reverse("admin:login"))


def provider_sign_out(request: HttpRequest) -> str:
    """The provider's page that ends its session and leads back here; empty where there is none."""
    if not settings.OIDC_LOGOUT_URL:
        return ""
    query = {
        "client_id": settings.OIDC_RP_CLIENT_ID,
        "id_token_hint": request.session.get("oidc_id_token", ""),
        "post_logout_redirect_uri": request.build_absolute_uri(reverse("admin:login")),
    }
    return f"{settings.OIDC_LOGOUT_URL}?{urlencode(query)}"
