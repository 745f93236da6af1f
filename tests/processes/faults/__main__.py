"""The full form, `make soak`: `python -m tests.processes.faults [SEED]`."""

import secrets
import sys
import time

from tests.processes.faults.trial import run

REMINDERS = 2_000
SECONDS = 600
DELAY_SECONDS = 0.2

if __name__ == "__main__":
    seed = int(sys.argv[1]) if sys.argv[1:] else secrets.randbelow(10**6)
    sys.stdout.write(f"seed {seed}\n")
    sys.stdout.flush()
    count, seconds = int(sys.argv[2]) if sys.argv[2:] else REMINDERS, int(sys.argv[3]) if sys.argv[3:] else SECONDS
    begin = time.monotonic()
    sys.stdout.write(f"{run(count, seconds, seed, DELAY_SECONDS).report()}\n")
    sys.stdout.write(f"as promised, in {time.monotonic() - begin:.0f} s\n")
