"""Is the process alive (`/healthz`), and does everything behind it keep up (`/readyz`)?"""

from datetime import datetime, timedelta

from django.db import DatabaseError
from django.db.models import Q
from django.http import HttpRequest, JsonResponse
from django.utils import timezone

from rollout.domain.reminders import State
from rollout.models import PlanVersion, Projection, Reminder

TICK_AGE_LIMIT = timedelta(minutes=3)
DUE_AGE_LIMIT = timedelta(minutes=15)


def healthz(_request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers."""
    return JsonResponse({"status": "ok"})


def readyz(_request: HttpRequest) -> JsonResponse:
    """200 when database, heartbeat and ledger are in order, otherwise 503 with what is not."""
    try:
        problems = find_problems(timezone.now())
    except DatabaseError:
        problems = ["database"]
    status = 503 if problems else 200
    return JsonResponse({"status": "unready" if problems else "ok", "problems": problems}, status=status)


def find_problems(now: datetime) -> list[str]:
    """What lags: `projection` (none), `heartbeat` (no tick for 3 minutes), `ledger` (due for 15 minutes)."""
    version = PlanVersion.objects.current()
    limit = now - DUE_AGE_LIMIT
    untried_or_overdue = Q(attempts=0) | Q(retry_at__lt=limit)  # one full mailbox is nobody's outage
    late = Reminder.objects.filter(untried_or_overdue, state=State.DUE, due_at__lt=limit)
    checks = {
        "projection": not Projection.objects.exists(),
        "heartbeat": version.ticked_at is None or now - version.ticked_at > TICK_AGE_LIMIT,
        "ledger": late.exists(),
    }
    return [name for name, failed in checks.items() if failed]
