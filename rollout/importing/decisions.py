"""What people decide about imports: to send a file, to put it into force as it was seen, to drop it."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from rollout.actions import CHANGE_REASON_NEEDED, Actor
from rollout.importing.lifecycle import entering, locked, settle
from rollout.importing.tasks import nudge_on_commit
from rollout.models import PlanImport

NOT_OPEN = _("この取り込みは、もう「{state}」です。")


@transaction.atomic
def receive(*, kind: str, file_name: str, data: bytes, actor: Actor) -> PlanImport:
    """Keep an uploaded file, and have a worker check it."""
    user = {"created_by_id": actor.pk if actor else None}
    row = PlanImport.objects.create(kind=kind, file_name=file_name[-200:], file=data, **user)
    nudge_on_commit(row.pk)
    return row


@transaction.atomic
def confirm(*, key: int, seen_version: int, actor: Actor, reason: str) -> None:
    """Have a checked import put into force, as it was seen. Raises ValidationError without a reason."""
    if not (why := reason.strip()):
        raise ValidationError({"reason": CHANGE_REASON_NEEDED})
    row = locked(key)
    if not row.can_be_confirmed:
        raise ValidationError(NOT_OPEN.format(state=row.get_state_display()))
    is_as_seen = row.seen_version == seen_version
    PlanImport.objects.filter(pk=key).update(
        **entering(PlanImport.State.CONFIRMED if is_as_seen else PlanImport.State.WAITING),
        moved_on=not is_as_seen,
        reason=why,
        created_by_id=actor.pk if actor else None,
    )
    nudge_on_commit(key)


@transaction.atomic
def discard(*, key: int) -> None:
    """Drop what is not in force yet. Raises ValidationError when it is settled, or being put into force."""
    row = locked(key)
    if not row.can_be_discarded:
        raise ValidationError(NOT_OPEN.format(state=row.get_state_display()))
    settle(key, PlanImport.State.DISCARDED)
