"""The page takes the same number of queries for one wave of a kind and for many."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rollout.recompute import recompute
from tests.factories import (
    CohortFactory,
    ObservationFactory,
    RolloutFactory,
    TargetFactory,
    WaveFactory,
)


def add_plan(cohort, copies):
    """Overdue, coming, dateless and uncounted waves, `copies` of each."""
    for cutover in ("R8.6", "R9.1", "検討中"):
        WaveFactory.create_batch(copies, rollout__cohort=cohort, cutover=cutover, rollout__users=10)
    for rollout in RolloutFactory.create_batch(copies, cohort=cohort):
        WaveFactory.create_batch(copies, rollout=rollout, cutover="R9.3")
    for month in range(1, copies + 1):
        ObservationFactory(as_of=f"2024-0{month}")


def queries_of_page(client):
    recompute()
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/").status_code == 200
    return len(queries)


@pytest.mark.django_db
def test_page_queries_do_not_grow_with_the_plan(client, settings, time_machine):
    settings.PUBLIC_READ = True
    time_machine.move_to("2026-11-24T07:00:00Z")
    cohort = CohortFactory(published_users=None)
    TargetFactory()
    add_plan(cohort, 1)
    few = queries_of_page(client)
    add_plan(cohort, 5)
    assert queries_of_page(client) == few
    assert few <= 80
