"""Waves from a table: matched by code, changed in the columns that people write."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext

from rollout.actions import check_change
from rollout.domain.dates import FuzzyDate, parse
from rollout.domain.plan import Basis
from rollout.exports import WAVE_HEADINGS, wave_row
from rollout.importing.files import Line, Value
from rollout.importing.sheets import Sheet, clean
from rollout.merging import STATUS_IS_ELSEWHERE, named
from rollout.models import Projection, Wave
from rollout.models.labels import in_japanese
from rollout.models.reading import read_status, read_users
from rollout.tables import Cell

KEY = "コード"


class WaveSheet(Sheet):
    """The export of waves, sent back."""

    title = in_japanese(Wave._meta.verbose_name_plural)
    headings = WAVE_HEADINGS
    needed = found_by = (KEY,)
    identity = ("府省庁", "範囲", "導入案件", "導入区分")
    editable = {"名称": "name", "切替": "cutover", "人数": "users", "状態": "status", "備考": "note"}
    clears = {"名称": "", "切替": parse(""), "人数": None, "備考": ""}

    def __init__(self) -> None:
        super().__init__()
        self._projection = Projection.objects.current(Basis.CUMULATIVE, timezone.localdate())
        self._waves: dict[str, Wave] = {}

    def prepare(self, lines: Sequence[Line]) -> None:
        """These waves, in one query."""
        rows = Wave.objects.select_related("rollout__lead_ministry", "rollout__cohort", "merged_into")
        self._waves = rows.in_bulk([self.text(line, KEY) for line in lines], field_name="code")

    def find(self, line: Line) -> Wave | None:
        """The wave of this code, which must be there."""
        code = self.text(line, KEY)
        if not code:
            self.mistake(
                line, KEY, gettext("コードがありません。書き出したファイルのコードを入れてください。")
            )
        elif code not in self._waves:
            self.mistake(
                line,
                KEY,
                gettext(
                    "「{code}」という移行単位はありません。コードを確かめてください。"
                    "新しい移行単位は「導入案件」の画面で追加します。"
                ).format(code=code),
            )
        elif self.is_first(line, code, KEY):
            return self._waves[code]
        return None

    def exported(self, row: Wave) -> Mapping[str, Cell]:
        """Under the headings of the export."""
        return dict(zip(WAVE_HEADINGS, wave_row(row, self._projection), strict=True))

    def value(self, heading: str, value: Value) -> Any:
        """A period, a count, a status or words."""
        if heading == "切替":
            return _cutover(value)
        if heading == "人数":
            return read_users(str(value))
        if heading == "状態":
            return read_status(str(value))
        return str(value)

    def check(self, row: Wave, before: Mapping[str, Any]) -> None:
        """As the page of the wave does."""
        if row.merged_into_id is not None and "status" in before:
            raise ValidationError({"status": STATUS_IS_ELSEWHERE})
        clean(row, before)
        check_change(row, before.get("status", row.status))

    def label(self, row: Wave) -> str:
        """With its code."""
        return named(row)


def _cutover(value: Value) -> FuzzyDate:
    return parse(value.isoformat() if isinstance(value, date) else str(value))
