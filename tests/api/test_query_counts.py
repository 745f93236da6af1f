"""The number of queries does not grow with the rows."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rollout import recompute
from rollout.models import Citation, RolloutCoverage
from tests.factories import (
    CohortFactory,
    MinistryFactory,
    ObservationFactory,
    RolloutFactory,
    SlipAssumptionFactory,
    SourceFactory,
    TargetFactory,
    WaveFactory,
)

pytestmark = pytest.mark.django_db


def add_everything(number):
    """One row of everything, related in every way that an answer shows."""
    ministry = MinistryFactory(parent=MinistryFactory())
    cohort = CohortFactory(inside=CohortFactory(), published_users=100)
    rollout = RolloutFactory(cohort=cohort, lead_ministry=ministry)
    WaveFactory.create_batch(2, rollout=rollout, cutover="R8.6")
    RolloutCoverage.objects.create(rollout=rollout, ministry=MinistryFactory(parent=ministry))
    for source, adopted in ((SourceFactory(), True), (SourceFactory(), False)):
        Citation.objects.create(
            rollout=rollout, source=source, subject="users", text="約5人", says_users=5, adopted=adopted
        )
    said = {"rollout": rollout, "subject": "cutover"}
    for cutover in ("R8.6", "R8.9"):
        Citation.objects.create(**said, source=SourceFactory(), text=cutover, says_cutover=cutover)
    ObservationFactory()
    TargetFactory(by=f"2027-03-{number + 1:02d}")


QUERIES = {
    "ministries/": 7,
    "ministries/?search=省": 7,
    "cohorts/": 5,
    "cohorts/?expand=source": 6,
    "sources/": 2,
    "targets/": 3,
    "observations/": 3,
    "rollouts/": 12,
    "rollouts/?search=省&status=planned&fiscal_year=R8&unconfirmed=true&ordering=cutover": 12,
    "rollouts/?expand=ministry,also_covers": 23,
    "waves/": 10,
    "waves/?search=省&status=planned&fiscal_year=R8&unconfirmed=true&ordering=status": 10,
    "waves/?expand=ministry": 15,
    "projection/": 4,
    "projection/?risk=true": 14,
    "reconciliation/": 16,
}
"""Of an answer that is made anew, to nobody in particular; its 304 costs one, as a kept projection does."""


@pytest.mark.parametrize(("path", "stated"), QUERIES.items())
def test_queries_do_not_grow_with_the_rows(get, path, stated):
    SlipAssumptionFactory()
    counts = []
    for numbers in ([0], range(1, 6)):
        for number in numbers:
            add_everything(number)
        recompute.recompute()
        with CaptureQueriesContext(connection) as queries:
            answer = get(path)
        counts.append((len(queries), len(answer.get("results", answer.get("figures", [None, None])))))
    (few_queries, few_rows), (many_queries, many_rows) = counts
    assert many_queries == few_queries == stated
    assert many_rows > few_rows or path.startswith("projection/")
