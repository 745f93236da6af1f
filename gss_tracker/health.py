"""Is the process alive (`/healthz`), and does everything behind it keep up (`/readyz`)?"""

from datetime import datetime

from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.utils import timezone

from rollout.models import Projection
from rollout.watch import watch


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
    """What lags: `projection` (none), `heartbeat` and `ledger` (rollout.watch)."""
    seen = watch(now)
    checks = {
        "projection": not Projection.objects.exists(),
        "heartbeat": seen.tick_is_late,
        "ledger": seen.mail_is_late,
    }
    return [name for name, failed in checks.items() if failed]
