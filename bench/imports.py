"""A workbook that changes every wave: checked, then put into force; beside openpyxl's bare reading of it."""

from dataclasses import dataclass
from io import BytesIO
from itertools import count

from openpyxl import load_workbook

from bench.plans import build_plan
from bench.timing import Ratio, ratio, take_turns
from rollout import recompute
from rollout.exports import WAVE_HEADINGS, wave_rows
from rollout.importing import decisions, lifecycle
from rollout.models import PlanImport, Wave
from rollout.tables import Row, write_workbook


@dataclass(frozen=True)
class Import:
    """Seconds at best, and what they are of the bare reading."""

    read_seconds: float
    check_seconds: float
    apply_seconds: float
    check: Ratio
    apply: Ratio


class Sent:
    """One workbook a turn, with a note for every wave that none had before."""

    def __init__(self) -> None:
        self._turns = count()
        self.data, self.key = b"", 0

    def prepare(self) -> None:
        """Write and send it."""
        note, file = f"照会 {next(self._turns)}", BytesIO()
        write_workbook(
            file, "移行単位", WAVE_HEADINGS, (_noted(row, note) for row in wave_rows(Wave.objects.all()))
        )
        self.data = file.getvalue()
        self.key = decisions.receive(kind="wave", file_name="a.xlsx", data=self.data, actor=None).pk

    def read(self) -> None:
        """What openpyxl takes alone."""
        [sheet] = load_workbook(BytesIO(self.data), read_only=True).worksheets
        for row in sheet.iter_rows():
            [cell.value for cell in row]

    def check(self) -> None:
        """As a worker does, preview included."""
        lifecycle.follow(self.key)
        self._expect(PlanImport.State.CHECKED)

    def apply(self) -> None:
        """As a worker does, read once more."""
        seen = PlanImport.objects.get(pk=self.key).seen_version or 0
        decisions.confirm(key=self.key, seen_version=seen, actor=None, reason="照会")
        lifecycle.follow(self.key)
        self._expect(PlanImport.State.APPLIED)

    def _expect(self, state: str) -> None:
        found = PlanImport.objects.get(pk=self.key)
        if found.state != state:
            raise RuntimeError(f"{found.state}: {found.found}")


def measure(waves: int, turns: int) -> Import:
    """Take a workbook of so many waves in, in an empty database."""
    build_plan(waves)
    recompute.recompute()
    sent = Sent()
    things = {"prepare": sent.prepare, "read": sent.read, "check": sent.check, "apply": sent.apply}
    times = take_turns(things, turns)
    return Import(
        min(times["read"]),
        min(times["check"]),
        min(times["apply"]),
        ratio(times, "check", to="read"),
        ratio(times, "apply", to="read"),
    )


def _noted(row: Row, note: str) -> Row:
    return [*row[:-1], note]
