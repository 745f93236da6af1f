"""The small form of `make soak`: the whole product is killed at random, and the ledger stays right."""

import sys

from tests.processes.faults.trial import run


def test_reminders_survive_what_is_killed_and_dropped_at_random(capsys):
    trial = run(80, outages=2, seconds=60, seed=4, delay=0.3)
    with capsys.disabled():
        sys.stdout.write(f"\n{trial.report()}\n")
