"""Small plans written as sketches, random ones, and a slow reading of DESIGN to compare the rules with.

The reference knows rows, dicts and fractions only, and was written from the text of "Projection, exactly".
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from statistics import median

import numpy as np
from hypothesis import strategies as st

from rollout.domain.dates import parse
from rollout.domain.plan import NONE, Basis, Cohort, Plan, Reading, Rollouts, Status, Target, Waves

TODAY = date(2026, 11, 23)


@dataclass(frozen=True)
class WaveSketch:
    """A wave: the cutover as a document writes it."""

    cutover: str = "R8.6"
    users: int | None = None
    status: Status = Status.PLANNED

    @property
    def alive(self):
        return self.status is not Status.CANCELLED

    @property
    def latest(self):
        return parse(self.cutover).latest

    @property
    def earliest(self):
        return parse(self.cutover).earliest


@dataclass(frozen=True)
class RolloutSketch:
    """A rollout with its waves, whose codes are the rollout's with 1, 2, 3."""

    code: str
    cohort: str
    waves: tuple[WaveSketch, ...] = (WaveSketch(),)
    users: int | None = None
    weight: int | None = None

    @property
    def coded_waves(self):
        return [(f"{self.code}-{number}", wave) for number, wave in enumerate(self.waves, 1)]

    @property
    def stated_users(self):
        return sum(wave.users or 0 for wave in self.waves) if self.users is None else self.users

    @property
    def shares(self):
        blank = any(wave.users is None for wave in self.waves) or not self.waves
        return self.users is None and blank


@dataclass(frozen=True)
class Sketch:
    """A plan as a person would write it down, in any order."""

    cohorts: tuple[Cohort, ...] = ()
    rollouts: tuple[RolloutSketch, ...] = ()
    target: Target | None = None

    @property
    def plan(self) -> Plan:
        rollouts = sorted(self.rollouts, key=lambda rollout: rollout.code)
        cohort_index = {cohort.code: index for index, cohort in enumerate(self.cohorts)}
        coded = [(row, *pair) for row, rollout in enumerate(rollouts) for pair in rollout.coded_waves]
        waves = [wave for _, _, wave in coded]
        return Plan(
            cohorts=self.cohorts,
            rollouts=Rollouts(
                codes=[rollout.code for rollout in rollouts],
                cohort=column(cohort_index[rollout.cohort] for rollout in rollouts),
                users=column(rollout.users for rollout in rollouts),
                weight=column(rollout.weight for rollout in rollouts),
            ),
            waves=Waves(
                codes=[code for _, code, _ in coded],
                rollout=column(row for row, _, _ in coded),
                users=column(wave.users for wave in waves),
                earliest_month=column(number_of_month(wave.earliest) for wave in waves),
                latest_month=column(number_of_month(wave.latest) for wave in waves),
                latest_day=column(wave.latest and wave.latest.toordinal() for wave in waves),
                in_use=np.array([wave.status is Status.IN_USE for wave in waves], dtype=np.bool_),
                cancelled=np.array([not wave.alive for wave in waves], dtype=np.bool_),
            ),
            target=self.target,
        )


def column(values):
    return np.array([NONE if value is None else value for value in values], dtype=np.int64)


def number_of_month(day):
    return day and day.year * 12 + day.month - 1


def cohort(code="c", published_users=None, order=1, **values):
    return Cohort(code=code, order=order, published_users=published_users, **values)


def rollout(code, *waves, in_cohort="c", **values):
    return RolloutSketch(code, in_cohort, waves or (WaveSketch(),), **values)


def rollout_without_waves(code, users=None):
    return RolloutSketch(code, "c", (), users)


def wave(cutover="R8.6", users=None, status=Status.PLANNED):
    return WaveSketch(cutover, users, status)


def one_cohort(published_users, *rollouts, target=None, **values):
    return Sketch((cohort(published_users=published_users, **values),), rollouts, target)


@dataclass
class Reference:
    """What DESIGN asks for, by code: users per wave, and what each cohort adds, shares and leaves over."""

    sketch: Sketch
    basis: Basis
    users: dict = field(default_factory=dict)
    leftovers: dict = field(default_factory=lambda: defaultdict(int))
    conflicts: set = field(default_factory=set)
    shared_waves: set = field(default_factory=set)

    def __post_init__(self):
        self.by_code = {cohort.code: cohort for cohort in self.sketch.cohorts}
        amounts = {entry.code: entry.users for entry in self.sketch.rollouts if entry.users is not None}
        for cohort_ in self.sketch.cohorts:
            shares = self.shares_of(cohort_)
            amounts |= {code: share + self.rollout(code).stated_users for code, share in shares.items()}
            self.shared_waves |= {code for name in shares for code, _ in self.rollout(name).coded_waves}
        for entry in self.sketch.rollouts:
            self.fill_waves(entry, amounts.get(entry.code))

    def rollout(self, code):
        return next(entry for entry in self.sketch.rollouts if entry.code == code)

    def members(self, code):
        return [entry for entry in self.sketch.rollouts if entry.cohort == code]

    def increment(self, code):
        """Rule 1."""
        cohort_ = self.by_code[code]
        if cohort_.published_users is None:
            return sum(entry.stated_users for entry in self.members(code)) + self.inner_increments(code)
        running = cohort_.reading is Reading.RUNNING_TOTAL or (
            cohort_.reading is Reading.AMBIGUOUS and self.basis is Basis.CUMULATIVE
        )
        if cohort_.inside is not None or not running:
            return cohort_.published_users
        tops = [other for other in self.sketch.cohorts if other.inside is None]
        earlier = [other.code for other in tops if other.order < cohort_.order]
        return cohort_.published_users - sum(self.increment(other) for other in earlier)

    def inner_increments(self, code):
        return sum(self.increment(inner.code) for inner in self.sketch.cohorts if inner.inside == code)

    def remainder(self, code):
        """Rule 2, third sentence."""
        stated = sum(entry.stated_users for entry in self.members(code))
        return self.increment(code) - stated - self.inner_increments(code)

    def shares_of(self, cohort_):
        """Rules 2 to 4: what each uncounted member gets of the remainder; records what is not shared."""
        if cohort_.published_users is None:
            return {}
        remainder = self.remainder(cohort_.code)
        sharers = [entry for entry in self.members(cohort_.code) if entry.shares]
        if remainder < 0:
            self.conflicts.add(("negative_remainder", cohort_.code, None, remainder))
        homeless = remainder > 0 and (cohort_.undecided_note or not sharers)
        if homeless:
            self.leftovers[cohort_.code] += remainder
        if homeless and not cohort_.undecided_note:
            self.conflicts.add(("nobody_to_share", cohort_.code, None, remainder))
        if cohort_.undecided_note:
            return {}
        known = [Fraction(entry.weight) for entry in sharers if entry.weight is not None]
        missing = median(known) if known else Fraction(1)
        return divided(
            max(remainder, 0),
            {entry.code: missing if entry.weight is None else Fraction(entry.weight) for entry in sharers},
        )

    def fill_waves(self, entry, amount):
        """Rules 2 and 3 over the waves of one rollout."""
        blank = {code: Fraction(1) for code, wave_ in entry.coded_waves if wave_.users is None}
        self.users |= {code: wave_.users for code, wave_ in entry.coded_waves}
        if amount is None:
            return
        rest = amount - sum(wave_.users or 0 for wave_ in entry.waves)
        if rest < 0:
            self.conflicts.add(("negative_remainder", entry.cohort, entry.code, rest))
        if rest > 0 and not blank:
            self.conflicts.add(("nobody_to_share", entry.cohort, entry.code, rest))
            self.leftovers[entry.cohort] += rest
        self.users |= divided(max(rest, 0), blank)


def divided(total, weights):
    """Largest remainder, ties by code: every share is the quota, rounded down, and one more for some."""
    if not weights:
        return {}
    quotas = {code: total * weight / sum(weights.values()) for code, weight in weights.items()}
    shares = {code: quota.__floor__() for code, quota in quotas.items()}
    by_fraction = sorted(quotas, key=lambda code: (shares[code] - quotas[code], code))
    for code in by_fraction[: total - sum(shares.values())]:
        shares[code] += 1
    return shares


def reference_points(reference, today):
    """Rules 5 to 7, month by month: {(year, month): (planned, low, high, confirmed)}."""
    sketch = reference.sketch
    rows = [
        (code, entry.cohort, wave_)
        for entry in sketch.rollouts
        for code, wave_ in entry.coded_waves
        if wave_.alive and wave_.latest
    ]
    counted = [row for row in rows if reference.users[row[0]] is not None]
    points = {}
    for month in months_between(*reference_range(rows, today)):
        by_latest = [row for row in counted if month_of(row[2].latest) <= month]
        by_earliest = [row for row in counted if month_of(row[2].earliest) <= month]
        certain = [row for row in counted if latest_at_worst(row[2], today) <= month]
        in_use = [row for row in by_latest if row[2].status is Status.IN_USE]
        low = max(0, (total_of(reference, certain) - widening(reference, certain)).__floor__())
        high = (total_of(reference, by_earliest) + widening(reference, by_earliest)).__ceil__()
        points[month] = (total_of(reference, by_latest), low, high, total_of(reference, in_use))
    return points


def total_of(reference, rows):
    return sum(reference.users[code] for code, _, _ in rows)


def widening(reference, rows):
    """Rule 5: half the unit, times shared users counted so far, over the remainder; summed over cohorts."""
    width = Fraction(0)
    for cohort_ in reference.sketch.cohorts:
        own = [row for row in rows if row[1] == cohort_.code and row[0] in reference.shared_waves]
        blank = [row for row in own if row[2].users is None]
        users = total_of(reference, blank)
        if cohort_.approximate and users:
            width += Fraction(cohort_.rounding_unit, 2) * users / reference.remainder(cohort_.code)
    return width


def month_of(day):
    return day.year, day.month


def next_month(month):
    year, number = month
    return (year + 1, 1) if number == 12 else (year, number + 1)


def latest_at_worst(wave_, today):
    overdue = wave_.latest < today and wave_.status is not Status.IN_USE
    return next_month(month_of(today)) if overdue else month_of(wave_.latest)


def months_between(first, last):
    while first <= last:
        yield first
        first = next_month(first)


def march_after(month):
    """The last month of the fiscal year of a month."""
    year, number = month
    return (year, 3) if number <= 3 else (year + 1, 3)


def reference_range(rows, today):
    """Rule 7: the first and the last month."""
    last = march_after(month_of(today))
    if not rows:
        return (last[0] - 1, 4), last
    latest = max(month_of(wave_.latest) for _, _, wave_ in rows)
    return min(month_of(wave_.earliest) for _, _, wave_ in rows), max(last, march_after(latest))


CUTOVERS = [
    *("検討中", "R9年度以降", "R8.6以降", "R3", "R3~", "R7.5", "R8.2", "R8.3.31", "R8.6", "R8.6~"),
    *("R8.11.22", "R8.11.23", "R8年度上期", "R8年度第4四半期", "R8年度", "R9.1", "R9.3", "R9.6"),
]
COUNTS = st.none() | st.integers(0, 60)


@st.composite
def waves(draw):
    cutover = draw(st.sampled_from(CUTOVERS))
    statuses = [status for status in Status if status is not Status.IN_USE or parse(cutover).latest]
    return WaveSketch(cutover, draw(COUNTS), draw(st.sampled_from(statuses)))


@st.composite
def sketches(draw, units=(1, 2, 5, 10, 100)):
    """Plans that fit together now and then: small figures, every reading, nesting, holes."""
    size = draw(st.integers(1, 4))
    orders = draw(st.permutations(range(1, size + 1)))
    cohorts = []
    for index in range(size):
        inside = draw(st.sampled_from([None, *(cohort_.code for cohort_ in cohorts)]))
        cohorts.append(
            Cohort(
                code=f"c{index}",
                order=orders[index],
                published_users=draw(st.none() | st.integers(0, 400)),
                reading=Reading.GROUP if inside else draw(st.sampled_from(Reading)),
                approximate=draw(st.booleans()),
                rounding_unit=draw(st.sampled_from(units)),
                inside=inside,
                undecided_note=draw(st.sampled_from(["", "", "検討中"])),
            )
        )
    members = st.builds(
        RolloutSketch,
        code=st.text("abcdefgh", min_size=1, max_size=2),
        cohort=st.sampled_from([cohort_.code for cohort_ in cohorts]),
        waves=st.lists(waves(), max_size=3).map(tuple),
        users=COUNTS,
        weight=st.none() | st.integers(1, 9),
    )
    rollouts = draw(st.lists(members, max_size=7, unique_by=lambda entry: entry.code))
    return Sketch(tuple(draw(st.permutations(cohorts))), tuple(rollouts))
