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


@pytest.mark.parametrize(
    "path",
    [
        "ministries/",
        "ministries/?search=省",
        "cohorts/",
        "sources/",
        "targets/",
        "observations/",
        "rollouts/",
        "rollouts/?search=省&status=planned&fiscal_year=R8&unconfirmed=true&ordering=cutover",
        "waves/",
        "waves/?search=省&status=planned&fiscal_year=R8&unconfirmed=true&ordering=status",
        "waves/?expand=rollout,ministry",
        "rollouts/?expand=ministry,also_covers",
        "cohorts/?expand=source",
        "projection/",
        "projection/?risk=true",
        "reconciliation/",
    ],
)
def test_queries_do_not_grow_with_the_rows(get, path):
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
    assert many_queries == few_queries
    assert many_rows > few_rows or path.startswith("projection/")
