"""Who may use the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework.permissions import SAFE_METHODS, BasePermission

from signin.models import ServiceToken

if TYPE_CHECKING:  # DRF's views read the settings that name this module
    from django_stubs_ext import StrOrPromise
    from rest_framework.request import Request
    from rest_framework.views import APIView


NOT_IN_SCOPE = _("このトークンには、この操作が許されていません。")


def _token_opens(request: Request, view: APIView) -> bool:
    """False where a program's token has not the scope; `view.scope` names that of reading."""
    if not isinstance(request.auth, ServiceToken):
        return True
    scope = getattr(view, "scope", "reads") if request.method in SAFE_METHODS else "writes"
    return bool(getattr(request.auth, scope))


class ReadIfPublic(BasePermission):
    """Anybody may read where PUBLIC_READ is on; otherwise, and for anything but reading, one signs in.

    A token opens what it is for, and nothing else, whatever anybody may read.
    """

    message: StrOrPromise

    def has_permission(self, request: Request, view: APIView) -> bool:
        """True when this request may go on; settings are read now, not at import."""
        if not _token_opens(request, view):
            self.message = NOT_IN_SCOPE
            return False
        if settings.PUBLIC_READ and request.method in SAFE_METHODS:
            return True
        return bool(request.user and request.user.is_authenticated)
