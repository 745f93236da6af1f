"""Plans that owe reminders: waves known to the day, at ministries that have a few contacts each."""

from datetime import date, datetime, timedelta
from itertools import pairwise

from django.utils import timezone

from bench.plans import BATCH_SIZE
from ministries.models import Contact, Ministry
from rollout.domain.dates import parse
from rollout.domain.reminders import due_moment
from rollout.domain.workdays import next_open_day
from rollout.models import Cohort, PlanVersion, ReminderRule, Rollout, Source, Wave

MINISTRIES = 100
WAVES_A_ROLLOUT = 10
DAYS_BEFORE = (90, 60, 30, 14, 7)
CONTACTS = 2
REMINDERS_A_WAVE = len(DAYS_BEFORE) * CONTACTS
BODY = """{宛名} 様

{案件}（{範囲}）の切替予定は {切替予定} です。{残り日数}。利用者数は {人数} です。

{お願い}

確認: {確認ページ}
"""


def open_day(today: date) -> datetime:
    """An hour after mail may go out, on the next open day."""
    return due_moment(next_open_day(today)) + timedelta(hours=1)


def build_owing_plan(waves: int, now: datetime) -> None:
    """Fill an empty database with a plan and the rules by which every wave owes REMINDERS_A_WAVE."""
    source = Source.objects.create(code="s", title="s", publisher="s", published_on="R7.8", kind="primary")
    cohort = Cohort.objects.create(code="c", label="c", order=1, published_users=1_000_000, source=source)
    ministries = Ministry.objects.bulk_create(
        [Ministry(code=f"m{n:03d}", name=f"第{n}省", kind="ministry", order=n + 1) for n in range(MINISTRIES)]
    )
    Contact.objects.bulk_create(
        [
            Contact(ministry=ministry, name=f"担当{n}", email=f"{ministry.code}-{n}@example.go.jp")
            for ministry in ministries
            for n in range(CONTACTS)
        ]
    )
    bounds = [*range(0, waves, WAVES_A_ROLLOUT), waves]
    rollouts = Rollout.objects.bulk_create(
        [
            Rollout(code=f"r{first:06d}", cohort=cohort, lead_ministry=ministries[n % MINISTRIES])
            for n, first in enumerate(bounds[:-1])
        ],
        BATCH_SIZE,
    )
    today = timezone.localdate(now)
    days = [parse((today + timedelta(days=180 + n)).isoformat()) for n in range(365)]
    rows = [
        Wave(  # type: ignore[misc] # the field takes the period that it holds
            rollout=rollout, code=f"{rollout.code}-{number}", cutover=days[number % 365], status="planned"
        )
        for rollout, (first, end) in zip(rollouts, pairwise(bounds), strict=True)
        for number in range(first, end)
    ]
    Wave.objects.bulk_create(rows, BATCH_SIZE)
    ReminderRule.objects.bulk_create(
        [
            ReminderRule(
                code=f"before-{count}",
                label=f"{count}日前",
                count=count,
                subject="{案件} 切替のお知らせ（{切替予定}）",
                body=BODY,
            )
            for count in DAYS_BEFORE
        ]
    )
    PlanVersion.objects.raise_number(history_missing=True)  # as after `loaddata`
