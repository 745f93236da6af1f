"""Moments of the past, as people write them: a day in Tokyo, or a time with its offset.

`2026-11-22` is the end of that day, today is now; `2026-11-22T09:00:00+09:00` is what it says.
"""

from datetime import date, datetime, time, timedelta

from django.db import OperationalError
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rollout import history
from rollout.recompute import settled_moment

LONGEST_CHANGE = timedelta(minutes=5)
"""No transaction that writes the plan takes longer."""

FORMS = _("「2026-11-22」（その日の終わり）か「2026-11-22T09:00:00+09:00」のように指定してください。")


class UnreadableMomentError(ValueError):
    """The text names no moment that has passed; it says what would be right."""


class UnknownMomentError(LookupError):
    """The plan of then is not known; the text says since when it is."""


class BusyError(Exception):
    """A change of the plan is being written and takes its time."""


def read_moment(text: str) -> datetime:
    """The moment that a text names, of which the plan is known.

    Raises UnreadableMomentError, UnknownMomentError or BusyError.
    """
    return known(_read(text))


def known(moment: datetime) -> datetime:
    """The moment, if the plan of then is known. Raises UnknownMomentError before the history."""
    since = history.complete_since()
    if since is None:
        raise UnknownMomentError(
            gettext("計画の履歴がまだありません。計画が登録されてから指定してください。")
        )
    if moment < since:
        begin = f"{timezone.localtime(since):%Y-%m-%d %H:%M:%S}"
        raise UnknownMomentError(
            gettext("計画の履歴がそこまで遡れません。履歴の始まりは {begin} です。").format(begin=begin)
        )
    return moment


def current_moment() -> datetime:
    """Now, when no change is under way. Raises BusyError where one takes its time."""
    try:
        return settled_moment()
    except OperationalError as error:
        raise BusyError from error


def _read(text: str) -> datetime:
    now = timezone.now()
    try:
        day, moment = parse_date(text), parse_datetime(text.replace(" ", "+"))  # a bare + arrives as a space
    except ValueError:
        day = moment = None
    if day is not None:
        return _settled(_end_of(day, now), now)
    if moment is None or timezone.is_naive(moment):
        raise UnreadableMomentError(
            gettext("「{text}」は読めません。{forms}").format(text=text[:50], forms=FORMS)
        )
    if moment > now:
        raise UnreadableMomentError(gettext("未来の時点です。{forms}").format(forms=FORMS))
    return _settled(moment, now)


def _settled(moment: datetime, now: datetime) -> datetime:
    """The moment, once nothing dated before it can still be committed; only a recent one has to wait."""
    if now - moment < LONGEST_CHANGE:
        current_moment()
    return moment


def _end_of(day: date, now: datetime) -> datetime:
    today = timezone.localdate(now)
    if day > today:
        raise UnreadableMomentError(gettext("未来の日です。{forms}").format(forms=FORMS))
    if day == today:
        return now
    midnight = datetime.combine(day + timedelta(days=1), time(), timezone.get_current_timezone())
    return midnight - timedelta(microseconds=1)
