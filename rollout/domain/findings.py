"""What published figures say when they are laid side by side, found by rule.

- **A thin remainder**: what stated counts leave of a cohort's total is less than the authorised headcount of
  those who share it, as far as that is known.
- **Mixed weight scopes**: a cohort's remainder is shared out by weights that do not measure the same thing:
  one body's own headcount, another's with its outer agencies, a total split in two. A scope that
  nobody recorded is none.
- **Sources disagree**: two sources, or a source and the plan, give one rollout (or one wave) cutovers whose
  periods have no day in common, or users further apart than their rounding allows. 2020年度 and R3~
  have January to March 2021 in common and do not disagree. A source that speaks of a whole rollout
  disagrees with the plan only where it fits none of its waves. The plan is named beside the sources where
  no adopted one says exactly the same.
- **An ambiguous reading**: a total that may be a group's size or everybody so far, and what both come to.
- **Observations that come close**: counts from sources that gave no total to the plan, and how far from
  them the curve passes.

Example, on the published plan: 国税庁's 68,600 leave 11,400 of 約80,000 to four, three of whom have a known
headcount of 15,657; report-2023 has 人事院 one month earlier (2022-08) than the plan's R4.9~; 272,000 so far
would be 344,000 as a group; the curve passes 26,300, 34,000 and 35,000 within 1.6 %.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import combinations, groupby
from typing import ClassVar

import numpy as np

from rollout.domain.allocation import Allocation, ConflictKind, Counts
from rollout.domain.plan import NONE, IntArray, Plan, Reading, month_number
from rollout.domain.reconciliation import (
    Cited,
    Figure,
    FigureKind,
    Observed,
    half_unit,
    half_unit_of,
    published_before,
)


class FindingKind(StrEnum):
    """What kind of thing was found."""

    THIN_REMAINDER = "thin_remainder"
    MIXED_WEIGHT_SCOPES = "mixed_weight_scopes"
    SOURCES_DISAGREE = "sources_disagree"
    AMBIGUOUS_READING = "ambiguous_reading"
    OBSERVATIONS_CLOSE = "observations_close"


@dataclass(frozen=True)
class ThinRemainder:
    """Too few users are left of a cohort's total (`adds`, in users) for those who share the rest.

    `stated` pairs rollouts with their stated users, `inner_users` is taken by cohorts inside, `tolerance` is
    how far rounding may have moved the total. `known_weight` is the headcount of the `weighted` sharers
    together; of the `unweighted` nobody knows it.
    """

    kind: ClassVar = FindingKind.THIN_REMAINDER
    cohort: str
    adds: int
    tolerance: int
    stated: tuple[tuple[str, int], ...]
    inner_users: int
    remainder: int
    known_weight: int
    weighted: tuple[str, ...]
    unweighted: tuple[str, ...]


@dataclass(frozen=True)
class MixedWeightScopes:
    """The sharers of a cohort by the scope of their weight, in order of the scopes' names; two or more."""

    kind: ClassVar = FindingKind.MIXED_WEIGHT_SCOPES
    cohort: str
    scopes: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class SourcesDisagree:
    """Who says what of a rollout (`wave` None) or of one of its waves; the adopted first, the plan last.

    Of cutovers, `apart` is the months between the two that lie furthest apart, 0 within one month; of counts,
    the users.
    """

    kind: ClassVar = FindingKind.SOURCES_DISAGREE
    rollout: str
    wave: str | None
    said: tuple[Cited, ...]
    apart: int

    @property
    def is_about_users(self) -> bool:
        """True when they disagree about a count, False about a cutover."""
        return self.said[0].users is not None


@dataclass(frozen=True)
class AmbiguousReading:
    """A cohort's published total, and everybody so far if it is the group's size alone."""

    kind: ClassVar = FindingKind.AMBIGUOUS_READING
    cohort: str
    running_total: int
    group_total: int


@dataclass(frozen=True)
class ObservationsClose:
    """The independent observations in order, of which `close` lie within CLOSE_PERCENT of the curve."""

    kind: ClassVar = FindingKind.OBSERVATIONS_CLOSE
    figures: tuple[Figure, ...]

    @property
    def close(self) -> tuple[Figure, ...]:
        """Those that the curve passes within CLOSE_PERCENT."""
        return tuple(figure for figure in self.figures if figure.is_close)

    @property
    def largest(self) -> Figure:
        """The close one that the curve misses by most, in percent."""
        return max(self.close, key=lambda figure: abs(figure.difference_percent or 0))


Finding = ThinRemainder | MixedWeightScopes | SourcesDisagree | AmbiguousReading | ObservationsClose


def find(
    plan: Plan,
    allocation: Allocation,
    figures: Iterable[Figure],
    *,
    weight_scopes: Mapping[str, str],
    observed: Iterable[Observed] = (),
    cited: Iterable[Cited] = (),
    planned: Iterable[Cited] = (),
) -> list[Finding]:
    """Everything found, in order of kind, and within it of the cohorts and of the rollouts' codes.

    `allocation` and `figures` are those of `plan` on one basis. `weight_scopes` names the scope of a
    rollout's weight by its code where one is recorded. `planned` holds the cutovers of the plan's waves.
    """
    counts = Counts.of(plan)
    sharers = _sharers(plan, counts)
    found: list[Finding | None] = [
        *(_thin_remainder(plan, allocation, counts, index, rows) for index, rows in sharers),
        *(_mixed_weight_scopes(plan, index, rows, weight_scopes) for index, rows in sharers),
        *_disagreements(cited, planned),
        *_ambiguous_readings(plan, allocation),
        _observations_close(figures, observed),
    ]
    return [finding for finding in found if finding is not None]


def _sharers(plan: Plan, counts: Counts) -> list[tuple[int, IntArray]]:
    """Every cohort whose remainder is shared out, and the rows of the rollouts that share it."""
    shared = [
        (index, np.flatnonzero(counts.sharing & (plan.rollouts.cohort == index)))
        for index, cohort in enumerate(plan.cohorts)
        if cohort.published_users is not None and not cohort.is_open
    ]
    return [(index, rows) for index, rows in shared if len(rows)]


def _thin_remainder(
    plan: Plan, allocation: Allocation, counts: Counts, index: int, rows: IntArray
) -> ThinRemainder | None:
    """None also where the parts exceed the whole: that is a conflict, and known as one."""
    cohort, weights = plan.cohorts[index], plan.rollouts.weight[rows]
    known = weights != NONE
    remainder, known_weight = int(allocation.remainders[index]), int(weights[known].sum())
    exceeded = (ConflictKind.NEGATIVE_REMAINDER, cohort.code, None)
    if remainder >= known_weight or exceeded in _places(allocation):
        return None
    stated = _stated_in(plan, counts, index)
    adds = int(allocation.increments[index])
    return ThinRemainder(
        cohort=cohort.code,
        adds=adds,
        tolerance=half_unit_of(cohort),
        stated=stated,
        inner_users=adds - remainder - sum(users for _, users in stated),
        remainder=remainder,
        known_weight=known_weight,
        weighted=_codes(plan, rows[known]),
        unweighted=_codes(plan, rows[~known]),
    )


def _places(allocation: Allocation) -> set[tuple[ConflictKind, str, str | None]]:
    return {(conflict.kind, conflict.cohort, conflict.rollout) for conflict in allocation.conflicts}


def _stated_in(plan: Plan, counts: Counts, index: int) -> tuple[tuple[str, int], ...]:
    rows = np.flatnonzero((plan.rollouts.cohort == index) & (counts.users > 0)).tolist()
    return tuple((plan.rollouts.codes[row], int(counts.users[row])) for row in rows)


def _codes(plan: Plan, rows: IntArray) -> tuple[str, ...]:
    return tuple(plan.rollouts.codes[row] for row in rows.tolist())


def _mixed_weight_scopes(
    plan: Plan, index: int, rows: IntArray, weight_scopes: Mapping[str, str]
) -> MixedWeightScopes | None:
    by_scope: dict[str, list[str]] = {}
    for code in _codes(plan, rows[plan.rollouts.weight[rows] != NONE]):
        if code in weight_scopes:
            by_scope.setdefault(weight_scopes[code], []).append(code)
    if len(by_scope) < 2:
        return None
    scopes = tuple((scope, tuple(codes)) for scope, codes in sorted(by_scope.items()))
    return MixedWeightScopes(plan.cohorts[index].code, scopes)


def _disagreements(cited: Iterable[Cited], planned: Iterable[Cited]) -> list[SourcesDisagree]:
    cutovers: dict[str, list[Cited]] = {}
    for entry in planned:
        cutovers.setdefault(entry.rollout, []).append(entry)
    found = []
    for (rollout, wave), group in groupby(sorted(cited, key=_subject), key=_subject):
        said = list(group)
        own = [entry for entry in cutovers.get(rollout, []) if wave in ("", entry.wave)]
        found += [_disagree_on_cutover(said, own), _disagree_on_users(said)]
    return [finding for finding in found if finding is not None]


def _subject(entry: Cited) -> tuple[str, str]:
    return entry.rollout, entry.wave or ""


def _disagree_on_cutover(said: Sequence[Cited], planned: Sequence[Cited]) -> SourcesDisagree | None:
    sources = _adopted_first(entry for entry in said if _period(entry) is not None)
    own = [entry for entry in planned if _period(entry) is not None]
    gaps = {(a, b): _months_apart(a, b) for a, b in combinations(sources, 2)}
    if not any(entry.adopted and all(entry.cutover == plan.cutover for plan in own) for entry in sources):
        gaps |= _gaps_to_plan(sources, own)
    return _disagreement([*sources, *own], gaps)


def _gaps_to_plan(sources: Sequence[Cited], own: Sequence[Cited]) -> dict[tuple[Cited, Cited], int | None]:
    """From each source to the nearest of the plan's cutovers, unless one of them fits."""
    gaps: dict[tuple[Cited, Cited], int | None] = {}
    for source in sources if own else ():
        distances = {entry: _months_apart(source, entry) for entry in own}
        if None not in distances.values():
            nearest = min(distances, key=lambda entry: distances[entry] or 0)
            gaps[source, nearest] = distances[nearest]
    return gaps


def _disagree_on_users(said: Sequence[Cited]) -> SourcesDisagree | None:
    sources = _adopted_first(entry for entry in said if entry.users is not None)
    gaps = {(a, b): _users_apart(a, b) for a, b in combinations(sources, 2)}
    return _disagreement(sources, gaps)


def _adopted_first(said: Iterable[Cited]) -> list[Cited]:
    return sorted(said, key=lambda entry: not entry.adopted)


def _disagreement(
    said: Sequence[Cited], gaps: Mapping[tuple[Cited, Cited], int | None]
) -> SourcesDisagree | None:
    """Those that stand apart from another; None where nobody does."""
    apart = {pair: gap for pair, gap in gaps.items() if gap is not None}
    if not apart:
        return None
    disputed = {entry for pair in apart for entry in pair}
    first, *others = (entry for entry in said if entry in disputed)
    return SourcesDisagree(first.rollout, first.wave, (first, *others), max(apart.values()))


def _period(entry: Cited) -> tuple[date, date] | None:
    """The first and the last day that the cutover may be; None where none is said."""
    if entry.cutover is None or entry.cutover.earliest is None:
        return None
    return entry.cutover.earliest, entry.cutover.latest or date.max


def _months_apart(one: Cited, other: Cited) -> int | None:
    """Months between two cutovers, 0 within one month; None where they have a day in common."""
    (_, end), (start, _) = sorted(period for entry in (one, other) if (period := _period(entry)))
    return None if start <= end else month_number(start) - month_number(end)


def _users_apart(one: Cited, other: Cited) -> int | None:
    """Users between two counts; None where rounding explains it."""
    gap = abs((one.users or 0) - (other.users or 0))
    rounding = sum(half_unit(entry.users or 0, approximate=entry.approximate) for entry in (one, other))
    return gap if gap > rounding else None


def _ambiguous_readings(plan: Plan, allocation: Allocation) -> list[AmbiguousReading]:
    """Earlier totals count as they are read on the basis of `allocation`."""
    found = []
    for index, cohort in enumerate(plan.cohorts):
        if cohort.reading is Reading.AMBIGUOUS and cohort.published_users is not None:
            earlier = int(allocation.increments[published_before(plan.cohorts, index)].sum())
            total = cohort.published_users
            found.append(AmbiguousReading(cohort.code, total, earlier + total))
    return found


def _observations_close(figures: Iterable[Figure], observed: Iterable[Observed]) -> ObservationsClose | None:
    independent = {entry.key for entry in observed if entry.independent}
    seen = [
        figure for figure in figures if figure.kind is FigureKind.OBSERVATION and figure.key in independent
    ]
    found = ObservationsClose(tuple(seen))
    return found if found.close else None
