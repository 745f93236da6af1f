"""Moments of the past, as parameters: a day in Tokyo, or a time with its offset."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import OperationalError
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import APIException, NotFound, ValidationError

from rollout import history
from rollout.recompute import settled_moment

AS_OF_HELP = (
    "The plan as it was known then: a day (`2026-11-22`, its end in Tokyo; today answers as of now) or a "
    "moment (`2026-11-22T09:00:00+09:00`). The same moment gives the same answer for ever."
)
LONGEST_CHANGE = timedelta(minutes=5)
"""No transaction that writes the plan takes longer."""

FORMS = _("「2026-11-22」（その日の終わり）か「2026-11-22T09:00:00+09:00」のように指定してください。")


class Busy(APIException):
    """A change of the plan is being written and takes its time. Becomes a 503."""

    status_code = 503
    default_detail = _("計画の変更を書き込んでいるところです。少し待ってからやり直してください。")
    default_code = "busy"
    wait = 5


@extend_schema_field(OpenApiTypes.STR)
class MomentParameter(serializers.Field):  # type: ignore[type-arg]
    """A moment that has passed and that the plan's history reaches back to."""

    def to_internal_value(self, data: Any) -> datetime:
        """The exact moment. Raises ValidationError for the future and NotFound before the history."""
        return known(_read(str(data)))

    def to_representation(self, value: datetime) -> str:
        """ISO 8601 in Tokyo."""
        return timezone.localtime(value).isoformat()


def known(moment: datetime) -> datetime:
    """The moment, if the plan of then is known. Raises NotFound before the history."""
    since = history.complete_since()
    if since is None:
        raise NotFound(gettext("計画の履歴がまだありません。計画が登録されてから指定してください。"))
    if moment < since:
        begin = f"{timezone.localtime(since):%Y-%m-%d %H:%M:%S}"
        raise NotFound(
            gettext("計画の履歴がそこまで遡れません。履歴の始まりは {begin} です。").format(begin=begin)
        )
    return moment


def _read(text: str) -> datetime:
    """The moment that a text names; the end of a day that is over, now for today. Raises Busy."""
    now = timezone.now()
    try:
        day, moment = parse_date(text), parse_datetime(text.replace(" ", "+"))  # a bare + arrives as a space
    except ValueError:
        day = moment = None
    if day is not None:
        return _settled(_end_of(day, now), now)
    if moment is None or timezone.is_naive(moment):
        raise ValidationError(gettext("「{text}」は読めません。{forms}").format(text=text[:50], forms=FORMS))
    if moment > now:
        raise ValidationError(gettext("未来の時点です。{forms}").format(forms=FORMS))
    return _settled(moment, now)


def _settled(moment: datetime, now: datetime) -> datetime:
    """The moment, once nothing dated before it can still be committed; only a recent one has to wait."""
    if now - moment < LONGEST_CHANGE:
        current_moment()
    return moment


def current_moment() -> datetime:
    """Now, when no change is under way. Raises Busy where one takes its time."""
    try:
        return settled_moment()
    except OperationalError as error:
        raise Busy from error


def _end_of(day: date, now: datetime) -> datetime:
    today = timezone.localdate(now)
    if day > today:
        raise ValidationError(gettext("未来の日です。{forms}").format(forms=FORMS))
    if day == today:
        return now
    midnight = datetime.combine(day + timedelta(days=1), time(), timezone.get_current_timezone())
    return midnight - timedelta(microseconds=1)
