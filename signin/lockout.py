"""Too many wrong passwords for one name from one address: who counts, and what the page says."""

from datetime import timedelta
from typing import Any

from axes.helpers import get_client_username
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from signin.models import FailedSignIn
from signin.pages import page


def client_address(request: HttpRequest) -> str:
    """The address that the first of our own PROXY_COUNT proxies saw, whatever the client claims."""
    count = settings.PROXY_COUNT
    seen = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
    if count and len(seen) >= count and seen[-count]:
        return seen[-count]
    return str(request.META.get("REMOTE_ADDR", ""))


def is_provider_answer(request: HttpRequest, _credentials: Any = None) -> bool:
    """No password is guessed there; an office behind one address must not lock itself out."""
    return request.path == reverse("oidc_authentication_callback")


def answer(request: Any, _response: Any, credentials: Any) -> HttpResponse:
    """429 with a page that says when to try again, the same whether there is such a user or not."""
    username = get_client_username(request, credentials)
    tries = FailedSignIn.objects.filter(username=username, ip_address=request.axes_ip_address)
    last = tries.order_by("-attempt_time").values_list("attempt_time", flat=True).first()
    now = timezone.now()
    until = (last or now) + settings.AXES_COOLOFF_TIME
    wait = max(1, int((until - now).total_seconds()) + 1)
    response = page(
        request,
        "locked_out",
        gettext("しばらくログインできません"),
        status=429,
        until=until + timedelta(minutes=1),
        failures=settings.AXES_FAILURE_LIMIT,
    )
    response["Retry-After"] = str(wait)
    return response
