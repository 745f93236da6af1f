"""What a session must still be and have before any view trusts it."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from signin.sessions import is_over, note_presence, owes_second_factor

View = Callable[[HttpRequest], HttpResponseBase]


def end_old_sessions(get_response: View) -> View:
    """Sign out whoever signed in too long ago, or has not been here for too long."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if _has_session(request) and request.user.is_authenticated:
            now = timezone.now()
            if is_over(request.session, now):
                logout(request)
            else:
                note_presence(request.session, now)
        return get_response(request)

    return middleware


def ask_for_second_factor(get_response: View) -> View:
    """A password alone opens nothing: the admin asks for the second factor, all else sees nobody."""

    def middleware(request: Any) -> HttpResponseBase:
        if _has_session(request) and not _is_way_through(request.path) and owes_second_factor(request):
            if request.path.startswith(reverse("admin:index")):
                query = urlencode({"next": request.get_full_path()})
                return redirect(f"{reverse('signin:second_factor')}?{query}")
            request.user = AnonymousUser()
        return get_response(request)

    return middleware


def _has_session(request: HttpRequest) -> bool:
    """Anonymous requests touch no session, so that their answers stay the same for all."""
    return settings.SESSION_COOKIE_NAME in request.COOKIES


def _is_way_through(path: str) -> bool:
    return path.startswith("/signin/") or path == reverse("admin:logout")
