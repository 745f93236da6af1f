"""How sure the plan is: users by month when waves slip by chance (Monte Carlo).

A slip is a whole number of months, below zero when early, drawn from a distribution that is either
assumed (`triangular`) or learnt from confirmed waves (`empirical`). In each draw every wave that is
dated, counted, not in use and not cancelled slips once, **independently of all others**: a cause that
would hold up several waves together is not in it, and makes the true band wider than this one.

A wave counts from its latest month moved by its slip. What nobody has confirmed has not moved in the
past: a wave counts from the current month at the earliest, an overdue one from the month after (rule 5
of DESIGN, "Projection, exactly"), though its slip is drawn as any other's. Waves in use count from
their own month in every draw. Users a wave are those of the allocation: 「約」 does not widen this band,
and unknown counts add nothing to it.

Chances are kept in 65,536ths (`Slips.steps`), and every wave of every draw takes 16 raw bits of PCG64,
whose stream numpy promises never to change (NEP 19): a seed gives the same draws for ever, in chunks of
whatever size.

Example: 100 users due next month, slips assumed as 0, 0 and 1 month, that is on time twice as likely
as a month late. In two draws out of three they are there next month, in all of them a month later: next
month's 10th, 50th and 90th percentiles are 0, 100 and 100, and the chance of 100 by then is 0.67.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rollout.domain.allocation import largest_remainder
from rollout.domain.plan import NONE, IntArray, Plan, Waves, month_number
from rollout.domain.projection import Projection, fiscal_year_end

SEED = 272_000
STEPS = 1 << 16
"""Equal parts that chances are rounded to: as many as 16 bits can tell apart."""

MOST_DRAWS, FEWEST_DRAWS = 10_000, 1_000
BUDGET = 5_000_000
"""Slips in one answer, about. A plan of more than 500 waves gets fewer draws, never below 1,000."""

CHUNK = 1 << 14
"""Slips drawn at a time: few enough to stay in the processor's cache."""

PERCENTS = (10, 50, 90)

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Slips:
    """A distribution of slips: months in ascending order, each with its weight, a whole number above 0."""

    months: tuple[int, ...]
    weights: tuple[int, ...]

    @property
    def steps(self) -> IntArray:
        """How many of the 65,536 steps each slip has, by largest remainder: off by less than one step."""
        return largest_remainder(STEPS, np.array(self.weights, dtype=np.int64))

    @property
    def chances(self) -> list[tuple[int, float]]:
        """Each slip in months with the chance that it is drawn with."""
        return [(month, step / STEPS) for month, step in zip(self.months, self.steps.tolist(), strict=True)]


def triangular(earliest: int, likely: int, latest: int) -> Slips:
    """Whole months from `earliest` to `latest`: weights rise evenly to `likely`, then fall evenly.

    They would be nothing one month before `earliest` and one month after `latest`. 0, 0, 6 weighs 7, 6, 5,
    4, 3, 2, 1; -1, 0, 1 weighs 1, 2, 1; 0, 0, 0 never slips.
    """
    rise, fall = likely - earliest + 1, latest - likely + 1
    months = tuple(range(earliest, latest + 1))
    weights = (min((month - earliest + 1) * fall, (latest - month + 1) * rise) for month in months)
    return Slips(months, tuple(weights))


def empirical(slips: Iterable[int]) -> Slips:
    """Each learnt slip as often as it was met; at least one."""
    months, weights = zip(*sorted(Counter(slips).items()), strict=True)
    return Slips(months, weights)


@dataclass(frozen=True)
class Drawn:
    """What the draws came to.

    `users[i, d]` are the users, in draw `d`, of waves not yet in use that have come by the end of month
    `i`, counted from the current month; from the last row on nothing more comes.
    """

    curve: Projection
    users: FloatArray

    @property
    def draws(self) -> int:
        """How many there were."""
        return len(self.users[0])

    def percentiles(self, month: int) -> tuple[int, int, int]:
        """Users at the end of a month that 10, 50 and 90 % of the draws do not exceed, by nearest rank."""
        row, settled = self._row(month), self._settled(month)
        low, middle, high = (0, 0, 0) if row < 0 else self._percentiles[row]
        return settled + low, settled + middle, settled + high

    def chance(self, month: int, users: int) -> float:
        """The share of draws with at least `users` at the end of a month."""
        row, missing = self._row(month), users - self._settled(month)
        if row < 0:
            return float(missing <= 0)
        return int(np.count_nonzero(self.users[row] >= missing)) / self.draws

    def chance_added(self, fiscal_year: int, users: int) -> float:
        """The share of draws that end a fiscal year with `users` more than the plan has at its beginning.

        Not more than the draw has then: whoever was due before and is not confirmed comes late, and would
        be taken for an increase of the year.
        """
        planned = self.curve.at(fiscal_year_end(fiscal_year - 1)).cumulative
        return self.chance(fiscal_year_end(fiscal_year), planned + users)

    @cached_property
    def _percentiles(self) -> list[tuple[int, ...]]:
        ranks = [-(-percent * self.draws // 100) - 1 for percent in PERCENTS]
        return [tuple(np.sort(row)[ranks].astype(np.int64).tolist()) for row in self.users]

    def _row(self, month: int) -> int:
        return min(month - month_number(self.curve.today), len(self.users) - 1)

    def _settled(self, month: int) -> int:
        return self.curve.at(month).confirmed


def draw(
    plan: Plan,
    users: IntArray,
    curve: Projection,
    slips: Slips,
    *,
    draws: int | None = None,
    seed: int = SEED,
) -> Drawn:
    """Let the waves of `plan` slip; `curve` and `users` (one entry a wave) are what `project` made of it.

    Without `draws` there are 10,000, or as many as `BUDGET` allows, but 1,000 at least.
    """
    waves, current = plan.waves, month_number(curve.today)
    rows = np.flatnonzero(_may_slip(waves, users))
    due = waves.latest_month[rows] - current
    first = waves.overdue_unconfirmed(curve.today)[rows].astype(np.int64)
    months = int(np.maximum(due + slips.months[-1], first).max(initial=0)) + 1
    count = draws or draws_for(len(rows), months)
    return Drawn(curve, _simulate(due, first, users[rows], slips, (months, count), seed))


def draws_for(waves: int, months: int) -> int:
    """As many draws as the budget allows when so many waves may slip over so many months."""
    return min(MOST_DRAWS, max(FEWEST_DRAWS, BUDGET // max(waves, months)))


def least_added(plan: Plan) -> dict[int, int]:
    """By fiscal year, the smallest increase that rounds to the published one: 75,000 for 約8万."""
    return {
        cohort.fiscal_year: cohort.published_users - (cohort.rounding_unit // 2 if cohort.approximate else 0)
        for cohort in plan.cohorts
        if cohort.fiscal_year is not None and cohort.published_users is not None
    }


def _may_slip(waves: Waves, users: IntArray) -> NDArray[np.bool_]:
    counted: NDArray[np.bool_] = (users > 0) & (waves.latest_month != NONE)
    return counted & ~waves.in_use & ~waves.cancelled


def _simulate(
    due: IntArray, first: IntArray, users: IntArray, slips: Slips, shape: tuple[int, int], seed: int
) -> FloatArray:
    """`Drawn.users` of that shape. Months are counted from the current one; `first` is the earliest allowed.

    A place is a month and a draw of the chunk as one number, with the draw running fastest. The waves are
    filled up to a multiple of four with waves of nobody, because one raw number holds four slips; so no
    number is shared between two draws, and chunks may have any size.
    """
    months, draws = shape
    fill = (0, -len(due) % 4)
    due = np.pad(due, fill, constant_values=-slips.months[-1])  # in the current month at the latest
    first, users = np.pad(first, fill), np.pad(users, fill)
    size = min(draws, max(1, CHUNK // max(len(due), months)))
    table = np.repeat(np.array(slips.months, dtype=np.int16), slips.steps)  # small, to stay in the cache
    own = np.arange(size)[:, np.newaxis]
    due_places, first_places = (due * size + own).ravel(), (first * size + own).ravel()
    weights = np.tile(users.astype(np.float64), size)
    place, total = np.empty_like(due_places), np.empty(shape)
    bits = np.random.PCG64(seed)
    for start in range(0, draws, size):
        raw = bits.random_raw(len(weights) // 4).astype("<u8", copy=False).view("<u2")
        np.multiply(table.take(raw), size, out=place)
        place += due_places
        np.maximum(place, first_places, out=place)
        added = np.bincount(place, weights, months * size).reshape(months, size)
        total[:, start : start + size] = added[:, : draws - start]
    for before, row in pairwise(total):
        row += before
    return total
