"""The figures that the published plan must give (DESIGN, section 2)."""

import pytest

from rollout.domain.plan import Basis
from rollout.models import Projection
from tests.conftest import SEED_NOW

pytestmark = pytest.mark.usefixtures("seeded")


def curve(basis):
    return Projection.objects.current(basis, SEED_NOW.date()).curve


@pytest.mark.parametrize(
    ("month", "users"),
    [
        pytest.param((2023, 8), 26_703, id="near the 26,300 published for 2023-08"),
        pytest.param((2024, 3), 34_396, id="near the 34,000 published for 2024-03"),
        pytest.param((2024, 6), 34_607, id="near the 35,000 published for 2024-06"),
        pytest.param((2025, 5), 47_000, id="group in use, at R7.5"),
        pytest.param((2026, 3), 72_000, id="end of R7年度"),
        pytest.param((2027, 3), 152_000, id="end of R8年度"),
    ],
)
@pytest.mark.parametrize("basis", Basis)
def test_seed_reaches_the_published_figures(basis, month, users):
    year, number = month
    assert curve(basis).at(year * 12 + number - 1).cumulative == users


@pytest.mark.parametrize(
    ("basis", "undated", "target"), [("cumulative", 120_000, 272_000), ("group", 192_000, 344_000)]
)
def test_seed_leaves_the_rest_undated(basis, undated, target):
    seed = curve(Basis(basis))
    assert (seed.dated_users, seed.undated_users, seed.target_users) == (152_000, undated, target)


def test_seed_lists_who_has_a_date_but_no_count():
    (entry,) = curve(Basis.CUMULATIVE).undated
    assert (entry.cohort, entry.uncounted_rollouts) == ("fy2026-onward", ("mof", "moj-rehabilitation"))
