"""What becomes of rows whose time has come: due, skipped, missed; and of those whose sending was cut off.

Of several that are owed to one address about one wave, the one whose day is the latest goes: before a
cutover that is the nearest to it. Repeated rules, digests and notices are compared among themselves.
"""

from collections import defaultdict
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from rollout.domain.reminders import Kind, State, is_past_grace
from rollout.models import PlanVersion, Reminder, ReminderRule
from rollout.outbox.facts import read_rule
from rollout.outbox.rows import batches

TOO_LATE = "期日から猶予の営業日数を過ぎたため送りませんでした。"
STUCK_AFTER = timedelta(minutes=10)


def settle(*, now: datetime | None = None) -> None:
    """Decide about everything whose time has come: due, skipped, missed, and stuck rows unknown."""
    now = now or timezone.now()
    with transaction.atomic():
        PlanVersion.objects.lock()
        _settle_stuck(now)
        Reminder.objects.filter(state=State.PLANNED, due_at__lte=now).update(state=State.DUE)
        _settle_due(now)


def _settle_stuck(now: datetime) -> None:
    # Asked for the time of the claim as well, SQLite would go through all that was ever sent.
    sending = Reminder.objects.filter(state=State.SENDING).order_by().values_list("pk", "claimed_at")
    stuck = [key for key, claimed_at in sending if claimed_at and claimed_at < now - STUCK_AFTER]
    if not stuck:
        return
    since = {"state": State.SENDING, "claimed_at__lt": now - STUCK_AFTER}
    Reminder.objects.filter(pk__in=stuck, **since).update(
        state=State.UNKNOWN, state_note="送信中に処理が途切れました。届いたか確認してください。"
    )
    # Whoever may have got it is told of changes from now on.
    PlanVersion.objects.update(reminders_number=None)


def _settle_due(now: datetime) -> None:
    groups = defaultdict(list)
    given_up: dict[tuple[State, str], list[int]] = defaultdict(list)
    today = timezone.localdate(now)
    due = Reminder.objects.filter(state=State.DUE).select_related("rule")
    for row in due.defer("body", "calendar", "picture"):
        if is_past_grace(timezone.localdate(row.due_at), row.rule.grace_business_days, today):
            given_up[State.MISSED, TOO_LATE].append(row.pk)
        elif row.decided_by_id is None:  # what a person has decided to send takes nobody's place
            groups[group_of(row.wave_id, row.address, row.rule)].append(row)
    for rows in groups.values():
        rows.sort(key=lambda row: (*rank(row.due_at, row.rule), row.pk))
        given_up[State.SKIPPED, skip_note(rows[-1].rule)] += [row.pk for row in rows[:-1]]
    for (state, note), keys in given_up.items():
        for batch in batches(keys):
            Reminder.objects.filter(pk__in=batch, state=State.DUE).update(state=state, state_note=note)


def group_of(wave: int | None, address: str, rule: ReminderRule) -> tuple[int | None, str, int | None]:
    """Whatever is owed at once within one group is one mail."""
    return wave, address, None if rule.kind == Kind.OFFSET else rule.pk


def rank(due_at: datetime, rule: ReminderRule) -> tuple[datetime, float]:
    """The highest of a group is the one that goes."""
    return due_at, read_rule(rule).position


def skip_note(kept: ReminderRule) -> str:
    """Why the others of a group do not go."""
    nearer = "切替により近い" if kept.kind == Kind.OFFSET else "より新しい"
    return f"{nearer}「{kept.label}」を送るため省略しました。"
