"""The small form of `make soak`: the whole product is killed at random, and the ledger stays right."""

import secrets
import sys

from tests.processes.faults.trial import run


def test_reminders_survive_what_is_killed_and_dropped_at_random(capsys):
    seed = secrets.randbelow(10**6)
    trial = run(80, outages=2, seconds=60, seed=seed, delay=0.3)
    with capsys.disabled():
        sys.stdout.write(f"\nseed {seed}\n{trial.report()}\n")
