"""The cutovers over time: the timeline, what it says in a sentence, and the same as a table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from rollout.dashboard.differences import slip_text
from rollout.dashboard.listings import WaveRow, wave_row
from rollout.drawing import shown_cutovers, timeline
from rollout.seen import Seen
from rollout.shown import Part, ShownWave
from rollout.states import Comparison
from rollout.timeline import PAGE_SIZES, Beside, lines, timeline_alt


@dataclass(frozen=True)
class CutoverRow:
    """A wave, and what a baseline had of it: a cutover and how far it has slipped since, or nothing."""

    wave: WaveRow
    before: str
    slip: str


@dataclass(frozen=True)
class Cutovers:
    """The picture in both sizes, the sentence, the table, and how many waves have no line."""

    charts: Sequence[tuple[str, str]]
    chart_alt: str
    rows: Sequence[CutoverRow]
    left_off: int


def list_cutovers(seen: Seen, part: Part, compared: Comparison | None) -> Cutovers:
    """Waves by cohort and date, the first where there are many; beside a baseline, if there is one."""
    shown = shown_cutovers(seen, part)
    beside = _beside(shown, compared)
    drawn = lines(shown, beside)
    return Cutovers(
        charts=[(size.name, timeline(drawn, seen.today, size)) for size in PAGE_SIZES if shown],
        chart_alt=timeline_alt(shown, seen.today),
        rows=[_row(wave, seen.today, beside.get(wave.id)) for wave in shown],
        left_off=part.waves().count() - len(shown),
    )


def _beside(shown: Iterable[ShownWave], compared: Comparison | None) -> dict[int, Beside]:
    """What the earlier state had of each wave that moved since, by the wave's id."""
    if compared is None:
        return {}
    moved = {wave.slip.wave: wave for wave in compared.waves() if wave.slip.moved and wave.before}
    return {
        wave.id: Beside(found.before.cutover, slip_text(found.slip))
        for wave in shown
        if (found := moved.get(wave.code)) and found.before
    }


def _row(wave: ShownWave, today: date, beside: Beside | None) -> CutoverRow:
    return CutoverRow(
        wave_row(wave, today),
        beside.cutover.format_short() if beside else "",
        beside.slip if beside else "",
    )
