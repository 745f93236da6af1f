"""Who may use the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.permissions import SAFE_METHODS, BasePermission

if TYPE_CHECKING:  # DRF's views read the settings that name this module
    from rest_framework.request import Request
    from rest_framework.views import APIView


class ReadIfPublic(BasePermission):
    """Anybody may read where PUBLIC_READ is on; otherwise, and for anything but reading, one signs in."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """True when this request may go on; settings are read now, not at import."""
        if settings.PUBLIC_READ and request.method in SAFE_METHODS:
            return True
        return bool(request.user and request.user.is_authenticated)
