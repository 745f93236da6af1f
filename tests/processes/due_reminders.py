"""Rows that owe mail right now, whatever the day: run inside the product by `manage.py shell`."""

from datetime import timedelta

from django.utils import timezone

from ministries.models import Contact
from rollout.models import ReminderRule, Wave
from rollout.models.reminders import AUDIENCE_FIELDS
from rollout.tasks import follow_change

LONG_AGO = timezone.now() - timedelta(days=30)


def make_due_reminders(count):
    """Let the wave of 公正取引委員会 owe `count` contacts a reminder that was due at latest yesterday."""
    wave = Wave.objects.get(code="jftc-1")
    wave.cutover = (timezone.localdate() + timedelta(days=2)).isoformat()
    wave.save()
    Wave.objects.filter(pk=wave.pk).update(cutover_since=LONG_AGO)
    ReminderRule.objects.update(active=False)
    rule = ReminderRule(code="three-days-before", label="3日前", kind="offset", count=3, unit="days")
    rule.direction, rule.grace_business_days = "before", 60
    for party in AUDIENCE_FIELDS:
        setattr(rule, party, True)
    rule.subject, rule.body = "{案件} 切替のお知らせ", "{宛名} 様 {範囲} {切替予定} {人数} {お願い}"
    rule.in_force_since = LONG_AGO
    rule.save()
    Contact.objects.update(active=False)
    for number in range(count):
        Contact.objects.create(
            ministry=wave.rollout.lead_ministry,
            name=f"担当{number}",
            email=f"contact{number}@example.go.jp",
            reachable_since=LONG_AGO,
        )
    follow_change()
