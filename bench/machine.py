"""The machine that a table was measured on, in one line."""

import os
import platform
from pathlib import Path

import django
import numpy as np

CPU_INFO = Path("/proc/cpuinfo")
GIBIBYTE = 1024**3


def describe_machine() -> str:
    """CPU model, cores, memory, and the versions of what computes."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIBIBYTE
    return (
        f"{_cpu()}, {os.cpu_count()} cores, {memory:.0f} GiB; {platform.system()} {platform.machine()}; "
        f"Python {platform.python_version()}, Django {django.get_version()}, numpy {np.__version__}"
    )


def _cpu() -> str:
    lines = CPU_INFO.read_text().splitlines() if CPU_INFO.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or "unknown CPU"
