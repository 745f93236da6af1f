"""An uploaded file from arrival to end. Every step is a state of its row: dying half-way does nothing.

waiting → checked → confirmed → applied
waiting → refused (wrong), waiting or checked → discarded, confirmed → waiting (the plan has moved on since)

What people decide is in `rollout.importing.decisions`; this is the worker's part.
"""

import logging
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from rollout import actions
from rollout.importing.contacts import ContactSheet
from rollout.importing.files import UnreadableFileError, read_table
from rollout.importing.preview import Preview
from rollout.importing.sheets import Found, Progress, Sheet
from rollout.importing.waves import WaveSheet
from rollout.models import PlanImport, PlanVersion

State = PlanImport.State
OPEN = (State.WAITING, State.CHECKED, State.CONFIRMED)
STALLED = timedelta(minutes=5)
"""Who has not said anything for so long is taken for dead. Two at one import do no harm."""
MOST_ATTEMPTS = 3
"""Workers that one file may be the end of."""
KEPT = timedelta(days=7)
"""How long a file waits for anybody, and mistakes for somebody to read them."""

SHEETS: dict[str, type[Sheet]] = {PlanImport.Kind.WAVE: WaveSheet, PlanImport.Kind.CONTACT: ContactSheet}
FAILED = _("取り込みの途中で失敗しました。計画は変わっていません。もう一度取り込んでください。")
GIVEN_UP = format_lazy(
    _(
        "作業が{most_attempts}回、途中で止まりました。計画は変わっていません。"
        "ファイルを分けて取り込むか、システムの担当者に連絡してください。"
    ),
    most_attempts=MOST_ATTEMPTS,
)

logger = logging.getLogger(__name__)


def follow(key: int) -> None:
    """Check or apply one import, whichever is next, unless somebody is at it."""
    row = _taken(key)
    while row is not None:
        try:
            if row.attempts > MOST_ATTEMPTS:
                _refuse(row, [str(GIVEN_UP)])
            elif row.state == State.WAITING:
                _check(row)
            else:
                _apply(row)
        except UnreadableFileError as error:
            _refuse(row, error.messages)
        except Exception as error:
            # Its words may hold personal data.
            logger.error("import %s failed: %s", row.pk, type(error).__name__)  # noqa: TRY400
            _refuse(row, [str(FAILED)])
        row = _taken(key)  # what has moved on meanwhile is checked again


def waiting() -> list[int]:
    """The imports that a worker has something to do with, and none has."""
    return list(PlanImport.objects.filter(_is_free()).order_by("pk").values_list("pk", flat=True))


def forget() -> None:
    """Let go of files that nobody has done anything with, and of what was wrong with others."""
    over = Q(since__lt=timezone.now() - KEPT)
    for key in PlanImport.objects.filter(over, state__in=OPEN).values_list("pk", flat=True):
        with transaction.atomic():
            if PlanImport.objects.select_for_update().filter(over, pk=key, state__in=OPEN).exists():
                settle(key, State.DISCARDED)
    PlanImport.objects.filter(over, state=State.REFUSED).exclude(found={}).update(found={})


def settle(key: int, state: str, found: dict[str, Any] | None = None) -> None:
    """End an import; what is not needed any more, and may be personal, goes."""
    kept = {name: locked(key).found.get(name, 0) for name in ("lines", "changed", "new")}
    PlanImport.objects.filter(pk=key).update(**entering(state), file=None, found=found or kept)


def entering(state: str) -> dict[str, Any]:
    """The columns of an import that comes to a state, where nobody is at it yet."""
    return {"state": state, "since": timezone.now(), "touched_at": None, "attempts": 0, "rows_done": 0}


def locked(key: int) -> PlanImport:
    """The import, which nobody else changes until the transaction ends; without its file."""
    return PlanImport.objects.select_for_update().defer("file").get(pk=key)


def _is_free() -> Q:
    nobody = Q(touched_at=None) | Q(touched_at__lt=timezone.now() - STALLED)
    return Q(state__in=[State.WAITING, State.CONFIRMED]) & nobody


def _taken(key: int) -> PlanImport | None:
    """The import, with its file, if it was free and is now ours."""
    taking = {"touched_at": timezone.now(), "attempts": F("attempts") + 1}
    mine = PlanImport.objects.filter(_is_free(), pk=key).update(**taking)
    return PlanImport.objects.get(pk=key) if mine else None


def _check(row: PlanImport) -> None:
    number = PlanVersion.objects.current().number  # first: a change from here on shows on confirming
    preview = Preview.of(_examined(row))
    waits = PlanImport.objects.filter(pk=row.pk, state=State.WAITING)
    if preview.mistakes or not preview.changed + preview.new:
        waits.update(file=None)  # it can only be sent again
    waits.update(**entering(State.CHECKED), seen_version=number, found=preview.stored())


def _apply(row: PlanImport) -> None:
    """Write all of it as one change, if the plan is still the one that was looked at."""
    found = _examined(row)
    with transaction.atomic():
        number = PlanVersion.objects.lock().number
        if locked(row.pk).state != State.CONFIRMED:
            return
        if number != row.seen_version or found.mistakes or not found.rows:  # rules may have changed, too
            PlanImport.objects.filter(pk=row.pk).update(**entering(State.WAITING), moved_on=True)
            return
        actions.save_rows(rows=found.rows, actor=row.created_by, reason=row.reason)
        settle(row.pk, State.APPLIED)


def _examined(row: PlanImport) -> Found:
    sheet = SHEETS[row.kind]()
    table = read_table(row.file_name, bytes(row.file or b""), title=sheet.title, headings=sheet.headings)
    return sheet.examine(table, _reporting(row.pk, len(table.lines)))


def _reporting(key: int, total: int) -> Progress:
    def progress(done: int) -> None:
        now = timezone.now()
        PlanImport.objects.filter(pk=key).update(rows_total=total, rows_done=done, touched_at=now)

    return progress


@transaction.atomic
def _refuse(row: PlanImport, messages: list[str]) -> None:
    """End it, unless somebody has decided otherwise meanwhile."""
    if locked(row.pk).state == row.state:
        settle(row.pk, State.REFUSED, {"messages": messages})
