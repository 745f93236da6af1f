"""The full form, `make soak`: `python -m tests.processes.faults [SEED]`. Ends within twenty minutes."""

import secrets
import sys
import time

from tests.processes.faults.trial import run


def main():
    """Print the seed first, then what came of it."""
    seed = int(sys.argv[1]) if sys.argv[1:] else secrets.randbelow(10**6)
    sys.stdout.write(f"seed {seed}\n")
    sys.stdout.flush()
    begin = time.monotonic()
    trial = run(2_000, outages=20, seconds=800, seed=seed, delay=0.2)
    sys.stdout.write(f"{trial.report()}\nas promised, in {time.monotonic() - begin:.0f} s\n")


if __name__ == "__main__":
    main()
