"""A mail that has gone out, whose recipient may answer."""

from datetime import datetime
from zoneinfo import ZoneInfo

from rollout.models import Reminder, ReminderRule, Wave
from tests.factories import MinistryFactory, RolloutFactory

TOKYO = ZoneInfo("Asia/Tokyo")


def at(text):
    """A moment in Tokyo."""
    return datetime.fromisoformat(text).replace(tzinfo=TOKYO)


NOW = at("2026-12-16 10:00")
"""30 days before 2027-01-15, a Wednesday."""


def make_rule(**values):
    """A rule 30 days before."""
    number = ReminderRule.objects.count()
    plain = {"code": f"rule-{number}", "label": "30日前", "kind": "offset", "count": 30}
    texts = {"subject": "{案件} 切替のお知らせ", "body": "{お願い} {確認ページ}"}
    return ReminderRule.objects.create(**plain | texts | values)


def make_reminder(wave=None, address="a@example.go.jp", **values):
    """A row of the ledger as delivery leaves it."""
    plain = {"cutover_version": wave.cutover_version if wave else 0, "due_at": NOW}
    rule = values.pop("rule", None) or make_rule()
    return Reminder.objects.create(wave=wave, rule=rule, address=address, **plain | values)


def make_wave(cutover, **values):
    """A wave of 国税庁 in its regional offices."""
    ministry = MinistryFactory(name="国税庁")
    rollout = RolloutFactory(lead_ministry=ministry, scope="地方拠点")
    return Wave.objects.create(
        rollout=rollout,
        code="nta-regional",
        cutover=cutover,
        status=values.pop("status", "planned"),
        **values,
    )


def sent_reminder(about, **values):
    """A mail about a wave, or about one with this cutover, that has gone out."""
    wave = make_wave(about) if isinstance(about, str) else about
    told = {"told_cutover": wave.cutover.text, "told_status": wave.status}
    return make_reminder(wave, **{"state": "sent", "sent_at": NOW, **told, **values})
