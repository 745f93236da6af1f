"""A clock for the product's processes: mail goes out on open days from 09:00 on, tests run at any hour.

Every process of one run is as far ahead of the machine's clock as any other, and so is one that starts again.
"""

import os
from datetime import date, datetime, timedelta
from pathlib import Path

import time_machine

from rollout.domain.reminders import TOKYO, due_moment
from rollout.domain.workdays import next_open_day

FOLDER = Path(__file__).parent / "shifted"


def to_next_open_day(now: datetime) -> timedelta:
    """How far it is from `now` to 10:00 in Tokyo on the next open day, which is not today."""
    tomorrow: date = now.astimezone(TOKYO).date() + timedelta(days=1)
    return due_moment(next_open_day(tomorrow)) + timedelta(hours=1) - now


SHIFT = to_next_open_day(datetime.now(TOKYO))


def clock_env(shift=SHIFT):
    """The environment of a Python process whose wall clock is so far ahead."""
    paths = [str(FOLDER), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(paths), "CLOCK_SHIFT_SECONDS": str(shift.total_seconds())}


def travel(shift=SHIFT):
    """Bring the clock of the test itself as far ahead, in a `with` statement."""
    return time_machine.travel(shift)
