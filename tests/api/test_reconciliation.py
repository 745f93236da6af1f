"""Published figures beside the plan, in JSON."""

import pytest

from rollout import recompute
from tests.factories import CohortFactory, ObservationFactory, TargetFactory, WaveFactory

pytestmark = pytest.mark.django_db


def figures(get, query=""):
    return {
        (figure["kind"], figure["code"]): (figure["published"], figure["computed"], figure["difference"])
        for figure in get(f"reconciliation/{query}")["figures"]
    }


def test_basis_that_cannot_be_meant_is_refused(get):
    errors = get("reconciliation/?basis=x", 400)["errors"]
    assert errors == {"basis": ["「x」は選べません。使えるのは cumulative、group です。"]}


def test_granularity_is_no_parameter_of_it(get):
    errors = get("reconciliation/?granularity=month", 400)["errors"]
    assert errors == {"granularity": ["「granularity」というパラメータはありません。使えるのは basis です。"]}


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize(
    ("query", "third_group"),
    [("", (272000, 152000, -120000)), ("?basis=group", (272000, 80000, -192000))],
)
def test_every_published_figure_stands_beside_the_plan(get, query, third_group):
    assert figures(get, query) == {
        ("cohort", "in-use"): (47000, 47000, 0),
        ("cohort", "fy2025"): (25000, 25000, 0),
        ("cohort", "fy2026-onward"): third_group,
        ("cohort", "fy2026"): (80000, 80000, 0),
        ("fiscal_year", "fy2026"): (80000, 80000, 0),
        ("observation", "report-2023"): (26300, 26703, 403),
        ("observation", "press-2024"): (34000, 34396, 396),
        ("observation", "review-2024"): (35000, 34607, -393),
        ("observation", "budget-r8"): (47000, 47000, 0),
        ("target", "fy2026-end"): (152000, 152000, 0),
        ("target", "gss-total"): third_group,
    }


@pytest.mark.usefixtures("seeded")
def test_answer_says_what_it_was_computed_from(get):
    answer = get("reconciliation/")
    assert list(answer) == ["basis", "computed_at", "data_version", "stale", "figures"]
    assert (answer["basis"], answer["stale"]) == ("cumulative", False)


@pytest.mark.usefixtures("seeded")
def test_figure_says_who_published_it_and_in_which_words(get):
    increase = next(f for f in get("reconciliation/")["figures"] if f["kind"] == "fiscal_year")
    assert increase == {
        "kind": "fiscal_year",
        "reading": "group",
        "published": 80000,
        "computed": 80000,
        "difference": 0,
        "code": "fy2026",
        "label": "R8年度の増加",
        "period": "2026",
        "approximate": True,
        "source": {"code": "budget-r8", "title": "令和8年度予算概算要求及び機構定員要求の概要"},
        "text": "ユーザー数は倍増 (約8万の増加) を見込む",
    }


@pytest.mark.usefixtures("seeded")
def test_observation_is_named_by_its_day(get):
    observed = [f for f in get("reconciliation/")["figures"] if f["kind"] == "observation"]
    assert [(f["label"], f["period"]) for f in observed] == [
        ("令和5年8月の利用者数", "2023-08"),
        ("令和6年3月の利用者数", "2024-03"),
        ("令和6年6月19日の利用者数", "2024-06-19"),
        ("令和7年8月の利用者数", "2025-08"),
    ]


def test_checkpoint_is_compared_at_its_deadline(get):
    WaveFactory(users=10, cutover="R9.3", rollout__cohort=CohortFactory(code="c"))
    WaveFactory(users=20, cutover="R9.4", rollout__cohort=CohortFactory(code="d"))
    ObservationFactory(users=4, as_of="R9.3.31", source__code="s")
    TargetFactory(code="half", users=15, by="2027-03-31")
    TargetFactory(code="final", users=30)
    recompute.recompute()
    assert figures(get) == {
        ("observation", "s"): (4, 10, 6),
        ("target", "half"): (15, 10, -5),
        ("target", "final"): (30, 30, 0),
    }
    assert [f["period"] for f in get("reconciliation/")["figures"]] == ["2027-03-31", "2027-03-31", None]
