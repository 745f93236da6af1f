"""The table: one row a size of plan."""

import sys

from bench.databases import database_version, throw_away_database
from bench.machine import describe_machine
from bench.plans import build_plan
from bench.recompute import Recompute, measure

SIZES = (25, 2_500, 100_000)
MEBIBYTE = 1024**2
PARTS = ("fetch", "order, columns", "allocate", "project", "store")
HEADINGS = ("waves", "fetch, ms", "recompute, ms", "recompute ÷ fetch", *PARTS, "memory, MiB")


def print_table(sizes: list[int]) -> None:
    """One row a size."""
    write(f"### {database_version()}", "", describe_machine(), "")
    write(_row(HEADINGS), _row(["---:"] * len(HEADINGS)))
    for waves in sizes:
        with throw_away_database():
            build_plan(waves)
            write(_row(_cells(waves, measure(turns=8 if waves > 10_000 else 30))))
    write("", "Ratios: best by best (lowest and highest turn). Parts are shares of the recompute.")


def write(*lines: str) -> None:
    """Lines of the report, as soon as they are known."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def _cells(waves: int, found: Recompute) -> list[str]:
    return [
        f"{waves:,}",
        f"{found.fetch_seconds * 1000:,.1f}",
        f"{found.recompute_seconds * 1000:,.1f}",
        str(found.ratio),
        *(f"{found.parts[name]:.0%}" for name in PARTS),
        f"{found.growth_bytes / MEBIBYTE:.0f}",
    ]


def _row(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"
