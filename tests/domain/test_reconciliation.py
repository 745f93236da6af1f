"""Published figures beside the plan, as pure rules."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rollout.domain.allocation import ConflictKind
from rollout.domain.plan import NONE, Basis, Reading, Status, Target
from rollout.domain.projection import project
from rollout.domain.reconciliation import Cited, Figure, FigureKind, Goal, Observed, half_unit, reconcile
from tests.domain.plans import (
    TODAY,
    Sketch,
    cohort,
    one_cohort,
    rollout,
    rollout_without_waves,
    sketches,
    wave,
)

MARCH_2027 = 2027 * 12 + 2


def figures(sketch, *, basis=Basis.CUMULATIVE, **published):
    curve, allocation = project(sketch.plan, basis=basis, today=TODAY)
    return reconcile(sketch.plan, allocation, allocation.users, curve, **published)


def compared(sketch, **values):
    return [(f.kind.value, f.key, f.published, f.computed) for f in figures(sketch, **values)]


def test_nothing_published_leaves_nothing_to_compare():
    assert figures(one_cohort(None, rollout("a", wave(users=5)))) == []


@pytest.mark.parametrize(
    ("waves", "computed"),
    [
        pytest.param([wave(users=40), wave(users=60)], 100, id="fits"),
        pytest.param([wave(users=40)], 40, id="too few stated"),
        pytest.param([wave(users=140)], 140, id="too many stated"),
        pytest.param([wave("検討中", users=40)], 40, id="without a date"),
        pytest.param([wave(users=40), wave(users=60, status=Status.CANCELLED)], 40, id="cancelled"),
        pytest.param([wave()], 100, id="shared"),
    ],
)
def test_cohort_total_stands_beside_its_members(waves, computed):
    assert compared(one_cohort(100, rollout("a", *waves))) == [("cohort", "c", 100, computed)]


def test_member_that_nobody_counted_adds_nothing():
    sketch = one_cohort(100, rollout("a", wave(users=30)), rollout("b"), undecided_note="検討中")
    (figure,) = figures(sketch)
    assert (figure.computed, figure.difference) == (30, -70)


def test_users_may_be_unknown_to_the_caller():
    sketch = one_cohort(100, rollout("a", wave(users=30)))
    curve, allocation = project(sketch.plan, basis=Basis.GROUP, today=TODAY)
    (figure,) = reconcile(sketch.plan, allocation, np.array([NONE]), curve)
    assert figure.computed == 0


@pytest.fixture
def nested():
    """Two groups, the second ambiguous, with a group inside it and one inside that."""
    return Sketch(
        cohorts=(
            cohort("deepest", 5, order=4, inside="inner"),
            cohort("inner", 30, order=3, inside="third"),
            cohort("third", 200, order=2, reading=Reading.AMBIGUOUS, undecided_note="検討中"),
            cohort("first", 100, order=1),
        ),
        rollouts=(
            rollout("a", in_cohort="first"),
            rollout("b", wave("R9.1"), in_cohort="inner"),
            rollout("c", wave("R9.6"), in_cohort="deepest"),
        ),
        target=Target(200, Reading.AMBIGUOUS),
    )


@pytest.mark.parametrize(
    ("basis", "third", "reading", "undated"),
    [(Basis.CUMULATIVE, 130, Reading.RUNNING_TOTAL, 70), (Basis.GROUP, 30, Reading.GROUP, 170)],
)
def test_inner_groups_count_in_the_outer_and_earlier_ones_in_a_running_total(
    nested, basis, third, reading, undated
):
    assert figures(nested, basis=basis) == [
        Figure(FigureKind.COHORT, "deepest", 5, 5, Reading.GROUP),
        Figure(FigureKind.COHORT, "inner", 30, 30, Reading.GROUP),
        Figure(FigureKind.COHORT, "third", 200, third, reading, undated=undated),
        Figure(FigureKind.COHORT, "first", 100, 100, Reading.GROUP),
    ]


def test_stated_running_total_is_one_on_either_basis():
    sketch = Sketch(
        (cohort("a", 10, order=1), cohort("b", 30, order=2, reading=Reading.RUNNING_TOTAL)),
        (rollout("a", in_cohort="a"), rollout("b", in_cohort="b")),
    )
    assert [compared(sketch, basis=basis)[1] for basis in Basis] == [("cohort", "b", 30, 30)] * 2


def test_increase_of_a_fiscal_year_stands_beside_what_the_plan_adds_in_it():
    members = (rollout("a", wave("R8.3", 7), wave("R8.4", 10), wave("R9.3", 20), wave("R9.4", 40)),)
    sketch = one_cohort(25, *members, fiscal_year=2026)
    assert compared(sketch)[1:] == [("fiscal_year", "c", 25, 30)]
    assert figures(sketch)[1].fiscal_year == 2026


def test_increase_that_nobody_published_is_not_compared():
    assert compared(one_cohort(None, rollout("a"), fiscal_year=2026)) == []


@pytest.mark.parametrize(
    ("month", "computed"),
    [
        pytest.param(MARCH_2027 - 120, 0, id="before the first cutover"),
        pytest.param(MARCH_2027 - 10, 10, id="in between"),
        pytest.param(MARCH_2027 + 120, 30, id="after the last"),
    ],
)
def test_observation_stands_beside_the_plan_at_the_end_of_its_month(month, computed):
    sketch = one_cohort(None, rollout("a", wave("R8.5", 10), wave("R9.3", 20)))
    figure = Figure(FigureKind.OBSERVATION, "o", 12, computed, Reading.RUNNING_TOTAL)
    assert figures(sketch, observed=[Observed("o", 12, month)]) == [figure]


@pytest.mark.parametrize(("month", "computed"), [(None, 70), (MARCH_2027, 30)])
def test_target_stands_beside_the_dated_users_at_its_deadline(month, computed):
    sketch = one_cohort(None, rollout("a", wave("R9.3", 30), wave("R9.4", 40), wave("検討中", 5)))
    goal = Goal("t", 100, Reading.GROUP, month)
    assert figures(sketch, goals=[goal]) == [
        Figure(FigureKind.TARGET, "t", 100, computed, Reading.RUNNING_TOTAL, undated=5)
    ]


@pytest.mark.parametrize(
    ("basis", "figure"),
    [
        (Basis.CUMULATIVE, Figure(FigureKind.TARGET, "t", 200, 130, Reading.RUNNING_TOTAL, undated=70)),
        (Basis.GROUP, Figure(FigureKind.TARGET, "t", 200, 30, Reading.GROUP, undated=170)),
    ],
)
def test_ambiguous_target_leaves_out_the_earlier_groups_where_it_is_one_groups_size(nested, basis, figure):
    assert figures(nested, basis=basis, goals=[Goal("t", 200, Reading.AMBIGUOUS)])[-1] == figure


def test_ambiguous_checkpoint_never_falls_below_nobody(nested):
    checkpoint = Goal("t", 200, Reading.AMBIGUOUS, MARCH_2027 - 120)
    assert figures(nested, basis=Basis.GROUP, goals=[checkpoint])[-1].computed == 0


def test_ambiguous_checkpoint_without_a_final_target_leaves_nothing_out():
    sketch = one_cohort(None, rollout("a", wave("R8.5", 10)))
    checkpoint = Goal("t", 20, Reading.AMBIGUOUS, MARCH_2027)
    assert figures(sketch, basis=Basis.GROUP, goals=[checkpoint])[0].computed == 10


@pytest.mark.parametrize(
    ("published", "waves", "ratio", "verdict"),
    [
        pytest.param(
            2, [wave("R8.3", 72), wave("R9.3", 80)], 152 / 72, "agrees", id="a little more than twice"
        ),
        pytest.param(2, [wave("R8.3", 72), wave("R9.3", 36)], 1.5, "agrees", id="rounds to twice"),
        pytest.param(2, [wave("R8.3", 72), wave("R9.3", 35)], 107 / 72, "differs", id="rounds to once"),
        pytest.param(3, [wave("R8.3", 2), wave("R9.3", 1)], 1.5, "differs", id="far below"),
        pytest.param(2, [wave("R9.3", 35)], None, "differs", id="nobody the year before"),
    ],
)
def test_multiple_stands_beside_the_end_of_the_year_in_users(published, waves, ratio, verdict):
    sketch = one_cohort(None, rollout("a", *waves), fiscal_year=2026, published_multiple=published)
    (figure,) = figures(sketch)
    before = sum(entry.users for entry in waves if entry.cutover == "R8.3")
    assert (figure.kind, figure.key, figure.fiscal_year) == (FigureKind.MULTIPLE, "c", 2026)
    assert (figure.published, figure.tolerance) == (published * before, before // 2)
    assert (figure.ratio, figure.verdict.value) == (ratio, verdict)


def test_figure_other_than_a_multiple_has_no_ratio():
    (figure,) = figures(one_cohort(100, rollout("a")))
    assert figure.ratio is None


def test_year_without_a_multiple_has_no_such_figure():
    kinds = [figure.kind.value for figure in figures(one_cohort(9, rollout("a"), fiscal_year=2026))]
    assert kinds == ["cohort", "fiscal_year"]


@pytest.mark.parametrize(
    ("undecided_note", "undated"), [("検討中", 100), ("", 0)], ids=["nobody named yet", "all come later"]
)
def test_increase_may_wait_for_what_its_own_cohort_leaves_undated(undecided_note, undated):
    """Another cohort's 90 undated users are none of its business; those inside it are."""
    sketch = Sketch(
        (
            cohort("c", 100, fiscal_year=2026, published_multiple=5),
            cohort("inner", 100, order=2, inside="c", undecided_note=undecided_note),
            cohort("other", 110, order=3, undecided_note="検討中"),
        ),
        (rollout("a", wave("R9.6"), in_cohort="inner"), rollout("b", wave("R8.3", 20), in_cohort="other")),
    )
    compared = {entry.kind.value: entry for entry in figures(sketch) if entry.key == "c"}
    verdict = "undated" if undated else "differs"
    assert (compared["fiscal_year"].undated, compared["fiscal_year"].verdict.value) == (undated, verdict)
    assert (compared["multiple"].undated, compared["multiple"].verdict.value) == (undated, verdict)


# Stated counts


def said(users, *, rollout="a", wave=None, approximate=False):
    return Cited("k", rollout, wave, "s", approximate=approximate, users=users)


@pytest.mark.parametrize(
    ("entry", "waves", "expected"),
    [
        pytest.param(said(60), [wave(users=60)], (60, 0, "agrees"), id="the same"),
        pytest.param(said(600, approximate=True), [wave(users=550)], (550, 50, "agrees"), id="rounded"),
        pytest.param(said(600), [wave(users=550)], (550, 0, "differs"), id="not rounded"),
        pytest.param(said(60), [wave(users=20), wave("検討中", 40)], (60, 0, "agrees"), id="all its waves"),
        pytest.param(said(60), [wave(users=20), wave()], (20, 0, "undated"), id="one not counted"),
        pytest.param(said(60), [wave(users=80), wave()], (80, 0, "differs"), id="too many already"),
        pytest.param(said(60, wave="a-2"), [wave(users=1), wave(users=60)], (60, 0, "agrees"), id="a wave"),
        pytest.param(said(60), [wave(users=60, status=Status.CANCELLED)], (0, 0, "differs"), id="cancelled"),
    ],
)
def test_stated_count_stands_beside_the_plans(entry, waves, expected):
    sketch = one_cohort(None, rollout("a", *waves), rollout("b", wave(users=7)))
    (figure,) = figures(sketch, cited=[entry])
    assert (figure.kind, figure.key, figure.published) == (FigureKind.STATED_COUNT, "k", entry.users)
    assert (figure.computed, figure.tolerance, figure.verdict.value) == expected


@pytest.mark.parametrize(
    "entry",
    [said(None), said(5, rollout="x"), said(5, wave="x"), said(5, rollout="empty")],
    ids=["no users", "no such rollout", "no such wave", "no waves"],
)
def test_citation_that_nothing_stands_beside_is_left_out(entry):
    sketch = one_cohort(None, rollout("a", wave(users=60)), rollout_without_waves("empty"))
    assert figures(sketch, cited=[entry]) == []


# Tolerance


@pytest.mark.parametrize(
    ("users", "half"),
    [
        (0, 0),
        (7, 0),
        (26_303, 0),
        (26_310, 5),
        (26_300, 50),
        (34_000, 500),
        (80_000, 5_000),
        (1_000_000, 500_000),
    ],
)
def test_rounding_is_to_the_largest_power_of_ten(users, half):
    assert half_unit(users, approximate=True) == half
    assert half_unit(users, approximate=False) == 0


def test_cohorts_tolerance_is_half_the_unit_on_record():
    about = {"approximate": True, "rounding_unit": 10}
    assert [
        figure.tolerance for figure in figures(one_cohort(100, rollout("a"), fiscal_year=2026, **about))
    ] == [5, 5]
    assert figures(one_cohort(100, rollout("a"), rounding_unit=10))[0].tolerance == 0


@pytest.mark.parametrize(
    ("earlier", "inner", "tolerance"),
    [
        pytest.param(
            rollout("a", in_cohort="a"), rollout("b", in_cohort="b"), 5 + 50 + 500, id="both shared out"
        ),
        pytest.param(
            rollout("a", wave(users=9), in_cohort="a"), rollout("b", in_cohort="b"), 505, id="one counted"
        ),
        pytest.param(
            rollout("a", in_cohort="a", users=9), rollout("b", in_cohort="b", users=9), 5, id="both counted"
        ),
    ],
)
def test_running_total_is_no_better_known_than_what_was_shared_out_within_it(earlier, inner, tolerance):
    def about(unit):
        return {"approximate": True, "rounding_unit": unit}

    sketch = Sketch(
        (
            cohort("a", 100, order=1, **about(100)),
            cohort("t", 900, order=2, reading=Reading.RUNNING_TOTAL, undecided_note="検討中", **about(10)),
            cohort("b", 30, order=3, inside="t", **about(1000)),
            cohort("later", 40, order=4, **about(10_000)),
        ),
        (earlier, inner, rollout("z", in_cohort="later")),
    )
    assert {figure.key: figure.tolerance for figure in figures(sketch)}["t"] == tolerance


# Verdicts


def figure(published, computed, **values):
    return Figure(FigureKind.COHORT, "c", published, computed, Reading.GROUP, **values)


@pytest.mark.parametrize(
    ("compared", "verdict"),
    [
        pytest.param(figure(1000, 1000), "agrees", id="the same"),
        pytest.param(figure(1000, 1050, tolerance=50), "agrees", id="just within rounding"),
        pytest.param(figure(1000, 949, tolerance=50), "differs", id="just outside"),
        pytest.param(figure(1000, 980), "close", id="2 % less"),
        pytest.param(figure(1000, 1020), "close", id="2 % more"),
        pytest.param(figure(1000, 1021), "differs", id="above 2 %"),
        pytest.param(figure(1000, 979, undated=21), "undated", id="short by what is undated"),
        pytest.param(figure(1000, 979, undated=20), "differs", id="short by one more"),
        pytest.param(figure(1000, 1021, undated=500), "differs", id="undated excuses no surplus"),
        pytest.param(figure(0, 0), "agrees", id="nothing"),
        pytest.param(figure(0, 1), "differs", id="nothing published"),
    ],
)
def test_verdict_is_the_first_that_holds(compared, verdict):
    assert compared.verdict.value == verdict


@pytest.mark.parametrize(
    ("published", "computed", "percent"), [(200, 203, 1.5), (200, 197, -1.5), (0, 5, None)]
)
def test_difference_is_also_given_in_percent(published, computed, percent):
    assert figure(published, computed).difference_percent == percent


def test_observation_is_not_excused_by_what_is_undated():
    sketch = one_cohort(100, rollout("a", wave("R8.5", 10)), undecided_note="検討中")
    seen = figures(sketch, observed=[Observed("o", 60, MARCH_2027, approximate=True)])[-1]
    assert (seen.tolerance, seen.undated, seen.verdict.value) == (5, 0, "differs")


def with_room(sketch):
    """The same with nothing cancelled, and with totals so large that hardly any parts exceed the whole."""
    depths = {None: -1}
    for entry in sorted(sketch.cohorts, key=lambda entry: entry.code):
        depths[entry.code] = depths[entry.inside] + 1
    sizes = {entry.code: (10 ** (entry.order + 5), 20_000, 5_000, 1_000) for entry in sketch.cohorts}
    return Sketch(
        tuple(replace(c, published_users=sizes[c.code][depths[c.code]]) for c in sketch.cohorts),
        tuple(
            replace(r, waves=tuple(replace(entry, status=Status.PLANNED) for entry in r.waves))
            for r in sketch.rollouts
        ),
    )


@given(sketches().map(with_room), st.sampled_from(Basis))
def test_computed_and_undated_users_make_up_what_was_published(sketch, basis):
    """Whatever is not in the plan's side of a cohort is accounted for, unless the parts exceed the whole."""
    curve, allocation = project(sketch.plan, basis=basis, today=TODAY)
    assume(all(conflict.kind is not ConflictKind.NEGATIVE_REMAINDER for conflict in curve.conflicts))
    for compared in reconcile(sketch.plan, allocation, allocation.users, curve):
        assert compared.computed + compared.undated == compared.published
        assert compared.verdict.value in ("agrees", "close", "undated")
