"""The calendar that one contact subscribes to. Calendar programs sign in with the secret token of its URL."""

from hashlib import sha256
from typing import Any

from django.conf import settings
from django.http import HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response, patch_cache_control
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from rollout.api.files import MEDIA_TYPES, FileView
from rollout.api.views import KnownParameters
from rollout.models import PlanVersion
from rollout.outbox.subscriptions import calendar_of, read_subscription

MEDIA_TYPE = MEDIA_TYPES["ics"]
FORM = 1
"""Raise it when the same rows are to be told otherwise, so that nobody keeps what was told before."""

NOT_OPEN = "購読用のURLが正しくないか、使えなくなっています。PMOに新しいURLを求めてください。"
EXAMPLE = "\r\n".join(
    (
        *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//GSS//gss_tracker//JA", "CALSCALE:GREGORIAN"),
        *("METHOD:PUBLISH", "X-WR-CALNAME:GSS切替予定（国税庁）", "BEGIN:VEVENT", "SUMMARY:GSS切替 国税庁"),
        *("DTSTART;VALUE=DATE:20270115", "DTEND;VALUE=DATE:20270116", "DTSTAMP:20261120T003000Z"),
        *("UID:wave-18@gss.example.go.jp", "SEQUENCE:1", "STATUS:CONFIRMED", "TRANSP:TRANSPARENT"),
        *("END:VEVENT", "END:VCALENDAR", ""),
    )
)


class CalendarQuery(serializers.Serializer[Any]):
    """Parameters of the calendar."""

    token = serializers.CharField(help_text="The secret of the URL, which the PMO hands out and can revoke.")


class CalendarView(FileView, KnownParameters):
    """A contact's calendar, for who knows its URL; nobody signs in, whatever PUBLIC_READ says."""

    follows_plan = False
    authentication_classes = ()
    permission_classes = ()
    ending = "ics"

    def known_parameters(self) -> tuple[str, ...]:
        """The token."""
        return ("token",)

    @extend_schema(
        operation_id="calendar_retrieve",
        parameters=[CalendarQuery],
        responses={(200, MEDIA_TYPE): OpenApiTypes.STR},
        examples=[
            OpenApiExample(
                "国税庁, without the time zone", value=EXAMPLE, media_type=MEDIA_TYPE, response_only=True
            )
        ],
        tags=["calendar"],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Cutovers as a calendar to subscribe to (iCalendar, RFC 5545).

        The waves that the contact's ministry leads or moves along in, all of them for a PMO contact, as far
        as their cutover is known to the day or to the month; cancelled ones as `STATUS:CANCELLED`. The UID of
        a wave never changes and its SEQUENCE rises. Nobody's name or address is in it. A 404, always the same
        one, for a token that is missing, wrong or revoked, and for a contact that is switched off.
        """
        contact = read_subscription(request.query_params.get("token", ""))
        if contact is None:
            raise NotFound(NOT_OPEN)
        version = PlanVersion.objects.current()
        seen = (FORM, settings.SITE_URL, contact.pk, version.number, version.history_missing)
        etag = f'"{sha256(repr(seen).encode()).hexdigest()[:32]}"'
        answer = get_conditional_response(request._request, etag=etag) or HttpResponse(
            calendar_of(contact), content_type=f"{MEDIA_TYPE}; charset=utf-8"
        )
        answer.headers["ETag"] = etag
        patch_cache_control(answer, private=True, no_cache=True)
        return answer
