"""An uploaded file from arrival to end. Every step is a state of its row: dying half-way does nothing.

waiting → checked → confirmed → applied
waiting → refused (wrong), checked → discarded, confirmed → waiting (the plan has moved on since)
"""

import logging
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from rollout import actions
from rollout.actions import Actor
from rollout.importing.contacts import ContactSheet
from rollout.importing.files import UnreadableFileError, read_table
from rollout.importing.preview import Preview
from rollout.importing.sheets import Found, Progress, Sheet
from rollout.importing.waves import WaveSheet
from rollout.models import PlanImport, PlanVersion

State = PlanImport.State
STALLED = timedelta(minutes=5)
"""Who has not said anything for so long is taken for dead. Two at one import do no harm."""
KEPT = timedelta(days=7)
"""How long a file waits for a decision, and mistakes for somebody to read them."""

SHEETS: dict[str, type[Sheet]] = {PlanImport.Kind.WAVE: WaveSheet, PlanImport.Kind.CONTACT: ContactSheet}
REASON_NEEDED = "変更する理由を書いてください。"
NOT_OPEN = "この取り込みは、もう「{state}」です。"
FAILED = "取り込みの途中で失敗しました。計画は変わっていません。もう一度取り込んでください。"

logger = logging.getLogger(__name__)


def receive(*, kind: str, file_name: str, data: bytes, actor: Actor) -> PlanImport:
    """Keep an uploaded file for a worker to check."""
    user = {"created_by_id": actor.pk if actor else None}
    return PlanImport.objects.create(kind=kind, file_name=file_name[-200:], file=data, **user)


@transaction.atomic
def confirm(*, key: int, seen_version: int, actor: Actor, reason: str) -> None:
    """Have a checked import put into force, as it was seen. Raises ValidationError without a reason."""
    if not (why := reason.strip()):
        raise ValidationError({"reason": REASON_NEEDED})
    row = _locked(key)
    if row.state != State.CHECKED or row.found["mistakes"] or not (row.found["changed"] + row.found["new"]):
        raise ValidationError(NOT_OPEN.format(state=row.get_state_display()))
    _update(
        key,
        state=State.CONFIRMED if row.seen_version == seen_version else State.WAITING,
        moved_on=row.seen_version != seen_version,
        reason=why,
        created_by_id=actor.pk if actor else None,
        rows_done=0,
    )


@transaction.atomic
def discard(*, key: int) -> None:
    """Drop what is not in force yet. Raises ValidationError when it is settled, or being put into force."""
    row = _locked(key)
    if row.state not in (State.WAITING, State.CHECKED):
        raise ValidationError(NOT_OPEN.format(state=row.get_state_display()))
    _settle(key, State.DISCARDED)


def follow(key: int) -> None:
    """Check or apply one import, whichever is next, unless somebody is at it."""
    row = _taken(key)
    while row is not None:
        try:
            _check(row) if row.state == State.WAITING else _apply(row)
        except UnreadableFileError as error:
            _refuse(row, error.messages)
        except Exception as error:
            # Its words may hold personal data.
            logger.error("import %s failed: %s", row.pk, type(error).__name__)  # noqa: TRY400
            _refuse(row, [FAILED])
        row = _taken(key)  # what has moved on meanwhile is checked again


def waiting() -> list[int]:
    """The imports that a worker has something to do with, and none has."""
    return list(PlanImport.objects.filter(_is_free()).order_by("pk").values_list("pk", flat=True))


def forget() -> None:
    """Let go of files that nobody decides about, and of what was wrong with others."""
    over = PlanImport.objects.filter(created_at__lt=timezone.now() - KEPT)
    for key in over.filter(state=State.CHECKED).values_list("pk", flat=True):
        discard(key=key)
    over.filter(state=State.REFUSED).exclude(found={}).update(found={})


def _is_free() -> Q:
    nobody = Q(touched_at=None) | Q(touched_at__lt=timezone.now() - STALLED)
    return Q(state__in=[State.WAITING, State.CONFIRMED]) & nobody


def _taken(key: int) -> PlanImport | None:
    """The import, with its file, if it was free and is now ours."""
    mine = PlanImport.objects.filter(_is_free(), pk=key).update(touched_at=timezone.now())
    return PlanImport.objects.get(pk=key) if mine else None


def _check(row: PlanImport) -> None:
    number = PlanVersion.objects.current().number  # first: a change from here on shows on confirming
    preview = Preview.of(_examined(row))
    waits = PlanImport.objects.filter(pk=row.pk, state=State.WAITING)
    if preview.mistakes or not preview.changed + preview.new:
        waits.update(file=None)  # it can only be sent again
    waits.update(state=State.CHECKED, seen_version=number, found=preview.stored(), touched_at=None)


def _apply(row: PlanImport) -> None:
    """Write all of it as one change, if the plan is still the one that was looked at."""
    found = _examined(row)
    with transaction.atomic():
        number = PlanVersion.objects.lock().number
        if _locked(row.pk).state != State.CONFIRMED:
            return
        if number != row.seen_version or found.mistakes or not found.rows:  # rules may have changed, too
            _update(row.pk, state=State.WAITING, moved_on=True, rows_done=0)
            return
        actions.save_rows(rows=found.rows, actor=row.created_by, reason=row.reason)
        _settle(row.pk, State.APPLIED)


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
    if _locked(row.pk).state == row.state:
        _settle(row.pk, State.REFUSED, {"messages": messages})


def _settle(key: int, state: str, found: dict[str, Any] | None = None) -> None:
    """End it; what is not needed any more, and may be personal, goes."""
    kept = {name: _locked(key).found.get(name, 0) for name in ("lines", "changed", "new")}
    _update(key, state=state, file=None, found=found or kept)


def _update(key: int, **columns: Any) -> None:
    PlanImport.objects.filter(pk=key).update(**columns, touched_at=None)


def _locked(key: int) -> PlanImport:
    return PlanImport.objects.select_for_update().defer("file").get(pk=key)
