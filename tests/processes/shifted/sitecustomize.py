"""Python imports this at its start, if the folder is on PYTHONPATH: its wall clock is shifted from then on.

Monotonic clocks, by which waiting is measured, are not.
"""

import os
import sys
from datetime import timedelta

sys.modules["pytest"] = None  # time_machine looks for it, which takes longer than all else here
import time_machine  # noqa: E402

del sys.modules["pytest"]
time_machine.travel(timedelta(seconds=float(os.environ["CLOCK_SHIFT_SECONDS"]))).start().time_ns()
