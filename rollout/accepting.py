"""Accepting a calendar warning: the action, beside rollout.actions."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from rollout.actions import Actor
from rollout.calendar_warnings import warnings_about
from rollout.models import PlanVersion, WarningAcceptance, Wave

REASON_NEEDED = _("注意を承認する理由を書いてください。")
MOVED = _("切替が変わったか、この注意はもうありません。いまの注意を見て、もう一度承認してください。")
ACCEPTED_ALREADY = _("この注意は、もう承認されています。")


@transaction.atomic
def accept_warning(
    *, wave: Wave, kind: str, subject: str, cutover_version: int, actor: Actor, reason: str
) -> WarningAcceptance:
    """Accept one warning about one version of the wave's cutover; the warning stays, and says so.

    Raises ValidationError without a reason, for a warning that the cutover does not have (any more), and for
    one that is accepted already.
    """
    PlanVersion.objects.lock()
    if not (why := reason.strip()):
        raise ValidationError({"reason": REASON_NEEDED})
    wave = Wave.objects.select_related("rollout__lead_ministry").get(pk=wave.pk)
    wanted = (wave.pk, kind, cutover_version, subject)
    shown = next((each for each in warnings_about([wave]) if each.key == wanted), None)
    if shown is None:
        raise ValidationError(MOVED)
    if shown.acceptance is not None:
        raise ValidationError(ACCEPTED_ALREADY)
    return WarningAcceptance.objects.create(
        wave=wave,
        kind=kind,
        subject=subject,
        cutover_version=cutover_version,
        reason=why,
        accepted_by_id=actor.pk if actor else None,
    )
