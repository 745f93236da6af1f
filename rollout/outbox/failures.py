"""Mail that did not arrive: what was lost since a moment, and addresses that refuse again and again."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max, Q
from django.db.models.functions import Lower
from django.utils import timezone

from ministries.models import Contact
from rollout.domain.reminders import State, due_moment
from rollout.domain.workdays import add_business_days
from rollout.models import Reminder, ReminderRule
from rollout.models.reminders import ReminderQuerySet

LOST_STATES = (State.MISSED, State.FAILED, State.UNKNOWN)
FAILURES_IN_A_ROW = 2


@dataclass(frozen=True)
class FailingAddress:
    """An address in use, its ministries, and how often in a row mail to it was refused for good.

    `answer` is what the mail server said the last time.
    """

    address: str
    ministries: Sequence[str]
    failures: int
    failed_at: datetime
    answer: str


def lost_since(moment: datetime) -> ReminderQuerySet:
    """What went past its grace or failed after `moment`, and whatever is still unknown."""
    missed = Q(state=State.MISSED) & _missed_since(moment)
    failed = Q(state=State.FAILED) & (Q(claimed_at__gte=moment) | Q(due_at__gte=moment))
    rows = Reminder.objects.filter(state__in=LOST_STATES)
    return rows.filter(missed | failed | Q(state=State.UNKNOWN))


def _missed_since(moment: datetime) -> Q:
    """The grace, counted in the days of the row's rule, went on to that day at least."""
    rules: dict[int, list[int]] = defaultdict(list)
    for rule, grace in ReminderRule.objects.order_by("pk").values_list("pk", "grace_business_days"):
        rules[grace].append(rule)
    day = timezone.localdate(moment)
    found = Q(pk__in=[])
    for grace, keys in rules.items():
        found |= Q(rule__in=keys, due_at__gte=due_moment(add_business_days(day, -grace)))
    return found


def failing_addresses() -> list[FailingAddress]:
    """Addresses whose last mails, two or more, the mail server refused for good; the most refusals first.

    An address that nobody is reached at any more, since its contact was changed or switched off, is left out.
    """
    contacts = Contact.objects.active().annotate(address=Lower("email"))
    in_use = Reminder.objects.filter(address__in=contacts.values("address"))
    in_a_row = {
        address: refusals
        for address, refusals in _refusals_in_a_row(in_use).items()
        if len(refusals) >= FAILURES_IN_A_ROW
    }
    ministries: dict[str, list[str]] = defaultdict(list)
    for address, name in contacts.filter(address__in=in_a_row).values_list("address", "ministry__name"):
        ministries[address].append(name)
    found = [
        FailingAddress(address, ministries[address], len(refusals), *refusals[-1])
        for address, refusals in in_a_row.items()
    ]
    return sorted(found, key=lambda each: (-each.failures, each.address))


def _refusals_in_a_row(rows: ReminderQuerySet) -> dict[str, list[tuple[datetime, str]]]:
    """When each address refused, and in which words, since it last took a mail; the oldest first."""
    refused = rows.filter(state=State.FAILED, claimed_at__isnull=False, server_answer__startswith="5")
    answers: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for address, at, answer in refused.order_by("claimed_at", "id").values_list(
        "address", "claimed_at", "server_answer"
    ):
        if at is not None:
            answers[address].append((at, answer))
    accepted = Reminder.objects.filter(state=State.SENT, address__in=answers).order_by()
    last = dict(accepted.values_list("address").annotate(Max("sent_at")))
    return {
        address: [refusal for refusal in said if address not in last or refusal[0] > last[address]]
        for address, said in answers.items()
    }
