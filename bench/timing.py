"""Measuring several things in turns, so that whatever else the machine does meets all of them alike."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter


@dataclass(frozen=True)
class Ratio:
    """How many times as long one thing took as another: best by best, and turn by turn at the extremes."""

    best: float
    lowest: float
    highest: float

    def __str__(self) -> str:
        return f"{self.best:.2f}× ({self.lowest:.2f}–{self.highest:.2f})"


Times = Mapping[str, list[float]]
"""Seconds that each thing took, one entry a turn."""


def take_turns(things: Mapping[str, Callable[[], object]], turns: int) -> Times:
    """Run every thing once a turn; one turn before the first is not counted."""
    times: dict[str, list[float]] = {name: [] for name in things}
    for turn in range(turns + 1):
        for name, run in things.items():
            start = perf_counter()
            run()
            if turn:
                times[name].append(perf_counter() - start)
    return times


def ratio(times: Times, name: str, to: str) -> Ratio:
    """`name` against `to`."""
    by_turn = [one / other for one, other in zip(times[name], times[to], strict=True)]
    return Ratio(min(times[name]) / min(times[to]), min(by_turn), max(by_turn))
