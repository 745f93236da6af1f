"""By how much work on a whole plan grows a fresh process: `python -m bench.memory DATABASE WORK`, in bytes.

A process of its own, because memory that Python once had stays with it and would hide the growth.
"""

import resource
import subprocess
import sys
from pathlib import Path

import django
from django.conf import settings

STATUS = Path("/proc/self/status")


def growth(database: str, work: str = "recompute") -> int:
    """Bytes by which the largest resident size rises, in a new process on the database of that name.

    `work` is "recompute" or "plan_reminders".
    """
    command = [sys.executable, "-m", "bench.memory", database, work]
    answer = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)  # noqa: S603
    return int(answer.stdout)


def largest_size() -> int:
    """Largest resident size so far, in bytes. On Linux getrusage counts the parent's in, /proc does not."""
    if STATUS.exists():
        [line] = [line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _measure(database: str, work: str) -> int:
    settings.DATABASES["default"]["NAME"] = database
    django.setup()
    from rollout.models import PlanVersion
    from rollout.outbox import plan_reminders
    from rollout.recompute import recompute

    PlanVersion.objects.raise_number()
    run = {"recompute": recompute, "plan_reminders": plan_reminders}[work]
    before = largest_size()
    run()
    return largest_size() - before


if __name__ == "__main__":
    print(_measure(*sys.argv[1:]))  # noqa: T201 (the answer)
