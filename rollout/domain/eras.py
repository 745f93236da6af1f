"""The eras that dates are written in, each from a day on (改元の政令); 令和 as far as two digits go."""

from datetime import date
from typing import NamedTuple

Period = tuple[date, date]
"""The first and the last day, both inclusive."""


class Era(NamedTuple):
    """An era by its letter and name, from its first to its last day."""

    letter: str
    name: str
    first_day: date
    last_day: date

    def overlaps(self, period: Period) -> bool:
        """True where it and the period have a day in common."""
        return self.first_day <= period[1] and period[0] <= self.last_day

    def clip(self, period: Period) -> Period:
        """What of the period lies in it."""
        return max(period[0], self.first_day), min(period[1], self.last_day)


ERAS = (
    Era("R", "令和", date(2019, 5, 1), date(2117, 3, 31)),
    Era("H", "平成", date(1989, 1, 8), date(2019, 4, 30)),
    Era("S", "昭和", date(1926, 12, 25), date(1989, 1, 7)),
    Era("T", "大正", date(1912, 7, 30), date(1926, 12, 24)),
)
ERA_BY_NAME = {name: era for era in ERAS for name in (era.letter, era.name)}
FIRST_DAY, LAST_DAY = ERAS[-1].first_day, ERAS[0].last_day
"""Days that can be said."""
