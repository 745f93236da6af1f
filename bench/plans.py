"""Made-up plans of any size, the same every time.

Most counts are blank and most periods are months, as in the published plan. Waves are written in
order of their codes, as a file is loaded, but for a tenth that comes last, as if added by hand.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random
from typing import Any

from ministries.models import Ministry
from rollout.domain.dates import FuzzyDate, parse
from rollout.domain.plan import Reading, Status
from rollout.models import Cohort, Rollout, Source, Target, Wave

BODIES = 1_788
"""Bodies in Japan's municipal standardisation; a larger plan has more waves a rollout, not more of these."""

ROLLOUTS_A_COHORT = 50
USERS_A_ROLLOUT = 1_000
BATCH_SIZE = 5_000

PERIODS = [parse(f"{year}-{month:02d}") for year in (2024, 2025, 2026, 2027, 2028) for month in range(1, 13)]
DAYS = [
    parse(f"{year}-{month:02d}-{day}") for year in (2025, 2027) for month in range(1, 13) for day in (10, 20)
]
COARSE = [parse(text) for text in ("R8年度", "R9年度", "令和9年度上期", "令和9年度下期", "R9.6~")]
UNDECIDED = parse("検討中")


def build_plan(waves: int) -> None:
    """Fill an empty database with a plan of so many waves."""
    random = Random(waves)  # noqa: S311 (a plan, not a secret)
    source = Source.objects.create(code="s", title="s", publisher="s", published_on="R7.8", kind="primary")
    bodies = min(waves, BODIES)
    cohorts = _cohorts(bodies, source)
    rollouts = _rollouts(bodies, cohorts, random)
    Target.objects.create(code="t", label="t", users=bodies * USERS_A_ROLLOUT, source=source)
    rows = [_wave(number, rollouts[number % bodies], random) for number in range(waves)]
    rows.sort(key=lambda row: row.code)
    rows.sort(key=lambda _: random.random() < 0.1)
    Wave.objects.bulk_create(rows, BATCH_SIZE)


def build_history(versions: int, now: datetime) -> datetime:
    """Give every row so many versions, a day apart up to `now`; returns the moment in their middle."""
    for age in range(versions, 0, -1):
        for model in (Ministry, Source, Cohort, Rollout, Wave, Target):
            rows: Any = model._default_manager.all()
            model.history.bulk_history_create(
                list(rows),
                batch_size=BATCH_SIZE,
                default_date=now - timedelta(days=age),
                update=age < versions,
            )
    return now - timedelta(days=versions / 2)


def _cohorts(bodies: int, source: Source) -> Sequence[Cohort]:
    """Published groups; the last total may be read in two ways, and one group has undecided members."""
    count = -(-bodies // ROLLOUTS_A_COHORT)
    sizes = [len(range(start, bodies, count)) * USERS_A_ROLLOUT for start in range(count)]
    rows = [
        Cohort(
            code=f"c{order:02d}",
            label="c",
            order=order,
            published_users=users,
            approximate=order % 2 == 0,
            rounding_unit=1_000 if order % 2 == 0 else 1,
            undecided_note="検討中" if order == 1 else "",
            source=source,
        )
        for order, users in enumerate(sizes)
    ]
    rows[-1].reading = Reading.AMBIGUOUS.value
    rows[-1].published_users = list(accumulate(sizes))[-1]
    return Cohort.objects.bulk_create(rows)


def _rollouts(bodies: int, cohorts: Sequence[Cohort], random: Random) -> Sequence[Rollout]:
    ministry = Ministry.objects.create(code="m", name="m", kind="ministry", order=1)
    rows = [
        Rollout(
            code=f"r{number:04d}",
            cohort=cohorts[number % len(cohorts)],
            lead_ministry=ministry,
            users=USERS_A_ROLLOUT if random.random() < 0.1 else None,
            weight=random.randrange(100, 9_000) if random.random() < 0.8 else None,
        )
        for number in range(bodies)
    ]
    return Rollout.objects.bulk_create(rows, BATCH_SIZE)


def _wave(number: int, rollout: Rollout, random: Random) -> Wave:
    cutover = _cutover(random)
    return Wave(  # type: ignore[misc] # the field takes the period that it holds
        rollout=rollout,
        code=f"{rollout.code}-w{number // BODIES:04d}",
        cutover=cutover,
        users=random.randrange(20) if random.random() < 0.1 else None,
        status=_status(cutover, random),
    )


def _cutover(random: Random) -> FuzzyDate:
    kind = random.random()
    if kind < 0.05:
        return UNDECIDED
    return random.choice(PERIODS if kind < 0.7 else DAYS if kind < 0.9 else COARSE)


def _status(cutover: FuzzyDate, random: Random) -> str:
    if random.random() < 0.02:
        return Status.CANCELLED.value
    moved = cutover.latest is not None and cutover.latest.year < 2026
    return Status.IN_USE.value if moved else Status.PLANNED.value
