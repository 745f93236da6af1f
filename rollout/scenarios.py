"""Scenarios beside the plan: which facts of which rows they change, what stands there now, and what stood
there when their authors last looked.

Which waves a change reaches is the domain's rule (`rollout.domain.scenario`), so that what is shown, what is
projected and what is promoted are the same. None reaches a merged wave, which the projection does not know.
The number of queries does not grow with scenarios or changes.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rollout.domain.dates import FuzzyDate
from rollout.domain.plan import Status
from rollout.domain.scenario import reaches
from rollout.history import DELETED
from rollout.models import Rollout, ScenarioChange, Wave
from rollout.models.scenario import ChangeKey

Fact = FuzzyDate | int | str | None
"""A cutover, a count (None: unknown) or a status, as rows hold it."""

StepKey = tuple[int, str, bool, int]
"""Scenario, field, whether of a rollout, and the row's id."""

Rows = Mapping[int, Sequence[Any]]
"""Rows by the id of their rollout: today's, or versions of them."""


@dataclass(frozen=True)
class Step:
    """One fact of one row, a rollout or a wave of today or of a past moment, that a change speaks of."""

    change: ScenarioChange
    row: Any

    @property
    def is_of_whole(self) -> bool:
        """True when it is the count of a rollout, else it is a fact of a wave."""
        return _is_of_whole(self.change)

    @property
    def key(self) -> StepKey:
        """What no other step of the same moment has the same."""
        return self.change.scenario_id, self.change.field, self.is_of_whole, self.row.id

    @property
    def before(self) -> Fact:
        """What the row has."""
        fact: Fact = getattr(self.row, self.change.field)
        return fact

    @property
    def after(self) -> Fact:
        """What the scenario has. Raises ValidationError for a value that cannot be read."""
        return self.change.fact

    @property
    def changes_nothing(self) -> bool:
        """True when the row already agrees, however its date is written."""
        return self.before == self.after


def steps_now(changes: Iterable[ScenarioChange]) -> list[Step]:
    """Every fact that the changes reach in today's plan, once; a wave's own change stands over its rollout's.

    Rollouts and waves come in order of their codes, with what names them.
    """
    changes = list(changes)
    ids = _rollout_ids(changes)
    rollouts = Rollout.objects.filter(pk__in=ids).select_related("lead_ministry").order_by("code")
    waves = (
        Wave.objects.unmerged()
        .filter(rollout__in=ids)
        .select_related("rollout__lead_ministry")
        .order_by("code")
    )
    return _steps(changes, _by_rollout(rollouts, "id"), _by_rollout(waves, "rollout_id"))


def steps_at_start(changes: Iterable[ScenarioChange]) -> list[Step]:
    """The same beside the plan as it was known when each scenario was last looked at."""
    changes = list(changes)
    ids = _rollout_ids(changes)
    rollouts = Rollout.history.filter(id__in=ids).order_by("history_date", "history_id")
    concerned = Wave.history.filter(rollout_id__in=ids).values("id")
    waves = Wave.history.filter(id__in=concerned).order_by("history_date", "history_id")
    versions = list(rollouts), list(waves)
    found = []
    for moment, own in _by_moment(changes).items():
        known_rollouts, known_waves = (_known_at(moment, each) for each in versions)
        found += _steps(own, _by_rollout(known_rollouts, "id"), _by_rollout(known_waves, "rollout_id"))
    return found


def by_change(steps: Iterable[Step]) -> Mapping[ChangeKey, list[Step]]:
    """The steps of each change, by its `key`; a change that reaches nothing has none."""
    found: dict[ChangeKey, list[Step]] = defaultdict(list)
    for step in steps:
        found[step.change.key].append(step)
    return found


def _rollout_ids(changes: Iterable[ScenarioChange]) -> set[int]:
    return {change.rollout_id for change in changes}


def _by_moment(changes: Iterable[ScenarioChange]) -> Mapping[datetime, list[ScenarioChange]]:
    found: dict[datetime, list[ScenarioChange]] = defaultdict(list)
    for change in changes:
        found[change.scenario.based_on].append(change)
    return found


def _by_rollout(rows: Iterable[Any], key: str) -> Rows:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[getattr(row, key)].append(row)
    return found


def _known_at(moment: datetime, versions: Iterable[Any]) -> list[Any]:
    """The last version of each row up to a moment, but for merged waves; `versions` come oldest first."""
    last = {version.id: version for version in versions if version.history_date <= moment}
    known = [version for version in last.values() if version.history_type != DELETED]
    return [version for version in known if getattr(version, "merged_into_id", None) is None]


def _steps(changes: Iterable[ScenarioChange], rollouts: Rows, waves: Rows) -> list[Step]:
    found: dict[StepKey, Step] = {}
    for change in sorted(changes, key=lambda change: change.wave_id is not None):
        of_whole = _is_of_whole(change)
        for row in (rollouts if of_whole else waves).get(change.rollout_id, ()):
            if of_whole or _reaches(change, row):
                step = Step(change, row)
                found[step.key] = step
    return list(found.values())


def _is_of_whole(change: ScenarioChange) -> bool:
    return change.wave_id is None and change.field == ScenarioChange.Field.USERS


def _reaches(change: ScenarioChange, wave: Any) -> bool:
    return reaches(change.wave_id, wave.id, settled=Status(wave.status).is_settled)
