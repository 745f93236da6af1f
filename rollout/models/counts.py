"""How many users a rollout has, from the counts of its waves."""

from collections.abc import Callable, Iterable

from rollout.domain.allocation import CountBasis
from rollout.domain.plan import Status
from rollout.models.plan import Rollout, Wave

Count = tuple[int | None, CountBasis]


def rollout_count(rollout: Rollout, waves: Iterable[Wave], count_of: Callable[[Wave], Count]) -> Count:
    """Users of the waves but for cancelled ones, as sure as the least sure of them.

    A rollout's own stated count stands while none of its waves is cancelled. Merged waves have no users.
    """
    waves = [wave for wave in waves if wave.merged_into_id is None]
    moving = [wave for wave in waves if wave.status != Status.CANCELLED]
    if rollout.users is not None and len(moving) == len(waves):
        return rollout.users, CountBasis.STATED
    counts = [count_of(wave) for wave in moving]
    known = [users for users, _ in counts if users is not None]
    if len(known) < len(counts):
        return None, CountBasis.UNKNOWN
    shared = any(basis is CountBasis.SHARED_OUT for _, basis in counts)
    return sum(known), CountBasis.SHARED_OUT if shared else CountBasis.STATED
