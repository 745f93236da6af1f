"""Empty forms of the tables that an import takes, with choices to pick from."""

from collections.abc import Iterable, Mapping, Sequence
from typing import IO

from ministries.models import Contact, Ministry
from rollout.exports import CONTACT_HEADINGS
from rollout.importing.contacts import ContactSheet
from rollout.importing.files import MOST_ROWS
from rollout.importing.sheets import Sheet
from rollout.importing.waves import WaveSheet
from rollout.models import Wave
from rollout.models.labels import NO, STATUS_LABELS, YES, in_japanese
from rollout.tables import Row, write_workbook

WAVE_COLUMNS = ("コード", "府省庁", "範囲", "名称", "切替", "人数", "状態", "備考")


def write_template(file: IO[bytes], sheet: type[Sheet]) -> None:
    """A workbook to fill in: of waves those that there are, with nothing to change yet; of contacts none."""
    if sheet is WaveSheet:
        write_workbook(
            file,
            sheet.title,
            WAVE_COLUMNS,
            _waves(),
            {"状態": [in_japanese(label) for label in STATUS_LABELS.values()]},
        )
    else:
        write_workbook(file, ContactSheet.title, CONTACT_HEADINGS, (), _contact_choices())


def _waves() -> Iterable[Row]:
    rows = Wave.objects.unmerged().for_display()[:MOST_ROWS]
    for wave in rows:
        ministry = wave.rollout.lead_ministry.name
        yield wave.code, ministry, wave.rollout.scope, wave.name, None, None, None, None


def _contact_choices() -> Mapping[str, Sequence[str]]:
    return {
        "府省庁": [ministry.name for ministry in Ministry.objects.all()],
        "役割": [in_japanese(label) for label in Contact.Role.labels],
        "通知する": [in_japanese(YES), in_japanese(NO)],
    }
