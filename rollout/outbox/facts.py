"""Rows as the rules of reminders see them: rules, recipients and waves."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.utils import timezone

from ministries.models import Contact
from rollout.domain.audience import Recipient, Recipients, Role
from rollout.domain.dates import Precision
from rollout.domain.reminders import Direction, Kind, NotifiedWave, Rule, Unit
from rollout.models import ReminderRule, RolloutCoverage, Wave


def read_rules(rows: Iterable[ReminderRule]) -> list[Rule]:
    """The rules that are in force."""
    return [read_rule(row) for row in rows if row.active]


def read_rule(row: ReminderRule) -> Rule:
    """One rule, in force or not."""
    return Rule(
        key=row.pk,
        kind=Kind(row.kind),
        count=row.count,
        unit=Unit(row.unit),
        direction=Direction(row.direction),
        precision=Precision(row.precision) if row.precision else None,
        statuses=frozenset(row.statuses),
        parties=row.parties,
        since=timezone.localdate(row.in_force_since),
        follows=row.follows_id,
    )


def read_recipients() -> Recipients:
    """Everybody who is told."""
    return Recipients(
        Recipient(
            contact.email.lower(),
            contact.ministry_id,
            Role(contact.role),
            timezone.localdate(contact.reachable_since),
        )
        for contact in Contact.objects.active()
    )


def read_waves(waves: Sequence[Wave]) -> list[NotifiedWave]:
    """These waves, which come with their rollouts, in two queries less one."""
    covered = defaultdict(set)
    rollouts = {wave.rollout_id for wave in waves}
    coverages = RolloutCoverage.objects.filter(rollout__in=rollouts)
    for rollout, ministry in coverages.values_list("rollout_id", "ministry_id"):
        covered[rollout].add(ministry)
    return [
        NotifiedWave(
            key=wave.pk,
            cutover=wave.cutover,
            version=wave.cutover_version,
            since_at=wave.cutover_since,
            lead=wave.rollout.lead_ministry_id,
            covered=frozenset(covered[wave.rollout_id]),
            status=wave.status,
            confirmed=wave.confirmed_on,
        )
        for wave in waves
    ]
