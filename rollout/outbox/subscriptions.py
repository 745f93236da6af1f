"""Calendars to subscribe to: one secret URL a contact, and the waves that it shows.

The URL holds a signed pair of the contact's number and its `calendar_serial`. It never expires; raising the
serial makes every earlier one void. No table: what is signed is all there is to know.
"""

from urllib.parse import urlencode

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.db.models import Q

from ministries.models import Contact
from rollout.domain.reminders import DATED_PRECISIONS
from rollout.models import RolloutCoverage, Wave
from rollout.models.labels import always_japanese
from rollout.models.plan import WaveQuerySet
from rollout.outbox.invitations import entry_of, revisions, subscription_text

PATH = "/api/v1/calendar.ics"
CALENDAR_NAME = "GSS切替予定"
SALT = "rollout.outbox.subscriptions"


def subscription_url(contact: Contact) -> str:
    """Where the contact's calendar is to be read, by who knows the URL: absolute, the same until revoked."""
    token = Signer(salt=SALT).sign_object([contact.pk, contact.calendar_serial])
    return f"{settings.SITE_URL.rstrip('/')}{PATH}?{urlencode({'token': token})}"


def read_subscription(token: str) -> Contact | None:
    """Whose calendar a token opens; None when it is wrong or revoked, or the contact is off or gone."""
    try:
        key, serial = Signer(salt=SALT).unsign_object(token)
    except BadSignature:
        return None
    return Contact.objects.active().select_related("ministry").filter(pk=key, calendar_serial=serial).first()


@always_japanese
def calendar_of(contact: Contact) -> str:
    """The contact's calendar as iCalendar, in two queries. Nothing in it speaks of any contact."""
    waves = subscribed_waves(contact)
    found = revisions(waves.order_by().values("pk"))
    entries = [
        entry_of(wave, found[wave.pk], stamped_at=found[wave.pk].changed_at)
        for wave in waves
        if wave.pk in found
    ]
    name = CALENDAR_NAME if contact.role == Contact.Role.PMO else f"{CALENDAR_NAME}（{contact.ministry}）"
    return subscription_text(name, [entry for entry in entries if entry is not None])


def subscribed_waves(contact: Contact) -> WaveQuerySet:
    """What a contact's calendar shows: waves with a period that its ministry leads or moves along in.

    PMO contacts see those of all ministries. Cancelled ones stay, so that subscribers see them go.
    """
    waves = Wave.objects.select_related("rollout__lead_ministry").order_by("cutover_latest", "code")
    waves = waves.filter(cutover_precision__in=DATED_PRECISIONS, cutover_latest__isnull=False)
    if contact.role == Contact.Role.PMO:
        return waves
    covering = RolloutCoverage.objects.filter(ministry=contact.ministry_id).order_by().values("rollout_id")
    return waves.filter(Q(rollout__lead_ministry=contact.ministry_id) | Q(rollout_id__in=covering))
