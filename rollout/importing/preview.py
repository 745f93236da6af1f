"""What a table would do to the plan, before anybody confirms it. Worked out in memory: nothing is written."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext

from rollout.calendar_warnings import planned_users
from rollout.consequences import foreseen
from rollout.domain.plan import NONE, Plan, Status
from rollout.domain.scenario import Change, apply
from rollout.impact import Impact
from rollout.importing.sheets import Found
from rollout.models import Wave
from rollout.reader import read_plan

MOST_MISTAKES = 500
MOST_LOOKED_AT = 1_000
"""So many changed waves are held against the calendar and the mails; of more only the figures are told."""


@dataclass
class Preview:
    """What checking a table has found, as its page shows it."""

    lines: int = 0
    changed: int = 0
    new: int = 0
    mistakes: list[dict[str, Any]] = field(default_factory=list)
    more_mistakes: int = 0
    differences: list[dict[str, Any]] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    impact: dict[str, Any] | None = None
    warnings: list[str] = field(default_factory=list)
    mails: list[dict[str, Any]] | None = None

    @classmethod
    def of(cls, found: Found) -> "Preview":
        """Put what was found into words; where nothing is wrong, with what it does to the figures."""
        mistakes = [asdict(mistake) for mistake in found.mistakes]
        preview = cls(
            lines=found.lines,
            changed=len(found.rows) - found.new,
            new=found.new,
            mistakes=mistakes[:MOST_MISTAKES],
            more_mistakes=len(mistakes[MOST_MISTAKES:]),
            differences=[] if mistakes else [asdict(difference) for difference in found.differences],
            ignored=[
                gettext("{column}（{count:,}か所）").format(column=column, count=count)
                for column, count in found.ignored.items()
            ],
        )
        waves = [row for row in found.rows if isinstance(row, Wave)]
        if waves and not mistakes:
            preview.foresee(waves)
        return preview

    def foresee(self, waves: Sequence[Wave]) -> None:
        """Figures, calendar and mails with these waves as they are to be."""
        before, wave_ids = read_plan()
        after = _with(before, waves)
        self.impact = asdict(Impact.of(before, after, timezone.localdate()))
        if len(waves) > MOST_LOOKED_AT:
            return
        found, mails = foreseen(waves, planned_users(after, wave_ids), with_addresses=False)
        self.warnings = [
            gettext("{label}　{wave}（切替 {cutover}）：{text}").format(
                label=shown.label, wave=shown.wave, cutover=shown.wave.cutover.text, text=shown.text
            )
            for shown in found
        ]
        self.mails = [{**asdict(rows), "more": rows.more} for rows in mails]

    def stored(self) -> dict[str, Any]:
        """As `PlanImport.found` keeps it."""
        return vars(self)


def _with(plan: Plan, waves: Sequence[Wave]) -> Plan:
    """The plan with these waves as they are to be."""
    changes = [
        Change(
            rollout=wave.rollout.code,
            wave=wave.code,
            cutover=wave.cutover,
            users=NONE if wave.users is None else wave.users,
            status=Status(wave.status),
        )
        for wave in waves
    ]
    return apply(plan, changes)
