"""`/metrics` for Prometheus: numbers of the ledger and of the tick, read from the rows at every scrape.

So any process gives the same answer, however many there are. No personal data, and no label but the state.
"""

import math
from collections.abc import Iterator
from datetime import datetime

from django.db import DatabaseError
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from rollout.domain.plan import Basis
from rollout.domain.reminders import State
from rollout.models import PlanVersion, Projection, Reminder
from rollout.watch import watch


class RowCollector(Collector):
    """Reads everything at one moment."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Each metric with its values."""
        yield _reminders()
        seen = watch(self._now)
        yield GaugeMetricFamily(
            "gss_oldest_due_reminder_seconds",
            "How long the oldest mail has waited that may go out now; 0 where none does.",
            value=seen.mail_age.total_seconds(),
        )
        tick_age = (self._now - seen.ticked_at).total_seconds() if seen.ticked_at else math.inf
        yield GaugeMetricFamily(
            "gss_tick_age_seconds", "Seconds since the last tick; +Inf before the first.", value=tick_age
        )
        number = PlanVersion.objects.current().number
        current = Projection.objects.filter(data_version=number, today=timezone.localdate(self._now))
        yield GaugeMetricFamily(
            "gss_projection_stale",
            "1 while a stored projection does not follow the newest plan and day.",
            value=current.count() < len(Basis),
        )
        yield GaugeMetricFamily("gss_data_version", "How often the plan has changed.", value=number)


def _reminders() -> Metric:
    """Rows of the ledger by state, also by those that no row is in."""
    family = GaugeMetricFamily("gss_reminders", "Rows of the reminder ledger by state.", labels=["state"])
    counts = dict(Reminder.objects.order_by().values_list("state").annotate(Count("id")))
    for state in State:
        family.add_metric([state.value], counts.get(state.value, 0))
    return family


@require_safe
@never_cache
def metrics(_request: HttpRequest) -> HttpResponse:
    """The text that Prometheus reads; 503 without a database."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(RowCollector(timezone.now()))
    try:
        body = generate_latest(registry)
    except DatabaseError:
        return HttpResponse("database\n", status=503, content_type="text/plain; charset=utf-8")
    return HttpResponse(body, content_type=CONTENT_TYPE_LATEST)
