"""Moments of the past, as parameters: `rollout.moments` with its refusals as answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import APIException, NotFound, ValidationError

from rollout import moments

AS_OF_HELP = (
    "The plan as it was known then: a day (`2026-11-22`, its end in Tokyo; today answers as of now) or a "
    "moment (`2026-11-22T09:00:00+09:00`). The same moment gives the same answer for ever."
)


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
        with _answered():
            return moments.read_moment(str(data))

    def to_representation(self, value: datetime) -> str:
        """ISO 8601 in Tokyo."""
        return timezone.localtime(value).isoformat()


def known(moment: datetime) -> datetime:
    """The moment, if the plan of then is known. Raises NotFound before the history."""
    with _answered():
        return moments.known(moment)


def current_moment() -> datetime:
    """Now, when no change is under way. Raises Busy where one takes its time."""
    with _answered():
        return moments.current_moment()


@contextmanager
def _answered() -> Iterator[None]:
    try:
        yield
    except moments.UnreadableMomentError as error:
        raise ValidationError(str(error)) from error
    except moments.UnknownMomentError as error:
        raise NotFound(str(error)) from error
    except moments.BusyError as error:
        raise Busy from error
