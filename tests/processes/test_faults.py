"""The small form of what `make soak` does: the whole product is killed at random, and the ledger stays right."""

import secrets
import sys

from tests.processes.faults.trial import run

REMINDERS = 80
SECONDS = 25
DELAY_SECONDS = 0.4


def test_reminders_survive_what_is_killed_and_dropped_at_random(capsys):
    seed = secrets.randbelow(10**6)
    trial = run(REMINDERS, SECONDS, seed, DELAY_SECONDS)
    with capsys.disabled():
        sys.stdout.write(f"\nseed {seed}\n{trial.report()}\n")
