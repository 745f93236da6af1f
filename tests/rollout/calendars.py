"""Calendars as two independent programs read them."""

import vobject
from icalendar import Calendar

from rollout import actions


def event(text):
    """The one event of a calendar, as vobject reads it."""
    (found,) = vobject.readOne(text).vevent_list
    return found


def events(text):
    """The events of a calendar by the number in their UID, as icalendar reads them."""
    return {
        int(found["UID"].split("@")[0].removeprefix("wave-")): found
        for found in Calendar.from_ical(text).events
    }


def edit(wave, **values):
    """Change a wave as people do."""
    for name, value in values.items():
        setattr(wave, name, value)
    actions.save_row(row=wave, actor=None, reason="変更")
    return wave
