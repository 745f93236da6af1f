"""What published figures say side by side, as pure rules: each where it is there, and where it is not."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.dates import parse
from rollout.domain.findings import (
    AmbiguousReading,
    MixedWeightScopes,
    SourcesDisagree,
    ThinRemainder,
    find,
)
from rollout.domain.plan import Basis, Reading, Status
from rollout.domain.projection import project
from rollout.domain.reconciliation import Cited, Observed, reconcile
from tests.domain.plans import (
    CUTOVERS,
    TODAY,
    Reference,
    Sketch,
    cohort,
    one_cohort,
    rollout,
    sketches,
    wave,
)

MAY_2026 = 2026 * 12 + 4


def findings(sketch, *, basis=Basis.CUMULATIVE, scopes=(), observed=(), **published):
    curve, allocation = project(sketch.plan, basis=basis, today=TODAY)
    figures = reconcile(sketch.plan, allocation, allocation.users, curve, observed=observed)
    return find(sketch.plan, allocation, figures, weight_scopes=dict(scopes), observed=observed, **published)


def test_nothing_published_lets_nothing_be_found():
    assert findings(one_cohort(None, rollout("a", weight=9))) == []


# A thin remainder


@pytest.fixture
def fy2026():
    """The R8年度 cohort as published: 68,600 of 80,000 stated, three of four weights known."""
    return one_cohort(
        80_000,
        rollout("nta", users=68_600, weight=56_018),
        rollout("nra", weight=1_145),
        rollout("meti", weight=8_013),
        rollout("isa", weight=6_499),
        rollout("local-finance-bureaus"),
        approximate=True,
        rounding_unit=10_000,
    )


def test_remainder_below_the_known_headcount_is_thin(fy2026):
    assert findings(fy2026) == [
        ThinRemainder(
            cohort="c",
            adds=80_000,
            tolerance=5_000,
            stated=(("nta", 68_600),),
            inner_users=0,
            remainder=11_400,
            known_weight=15_657,
            weighted=("isa", "meti", "nra"),
            unweighted=("local-finance-bureaus",),
        )
    ]


@pytest.mark.parametrize("more", [4_256, 4_257])
def test_remainder_is_thin_up_to_the_last_user(fy2026, more):
    larger = replace(fy2026, cohorts=(replace(fy2026.cohorts[0], published_users=80_000 + more),))
    assert len(findings(larger)) == (1 if more < 4_257 else 0)


@pytest.mark.parametrize(
    "sketch",
    [
        pytest.param(one_cohort(10, rollout("a")), id="no weight known"),
        pytest.param(one_cohort(10, rollout("a", wave(users=10), weight=99)), id="nobody shares"),
        pytest.param(one_cohort(10, rollout("a", weight=99), undecided_note="検討中"), id="open"),
        pytest.param(
            one_cohort(10, rollout("a", wave(users=11)), rollout("b", weight=9)), id="parts exceed the whole"
        ),
    ],
)
def test_remainder_that_is_not_shared_by_headcount_is_not_thin(sketch):
    assert findings(sketch) == []


def test_parts_of_one_rollout_that_exceed_it_leave_the_cohorts_remainder_thin():
    members = (rollout("a", wave(users=9), users=8), rollout("b", weight=9))
    (found,) = findings(one_cohort(10, *members))
    assert (found.remainder, found.stated) == (2, (("a", 8),))


def test_thin_remainder_is_what_inner_cohorts_and_earlier_totals_leave():
    sketch = Sketch(
        (
            cohort("first", 100),
            cohort("all", 300, order=2, reading=Reading.RUNNING_TOTAL),
            cohort("inner", 50, order=3, inside="all"),
        ),
        (
            rollout("a", in_cohort="all", weight=151),
            rollout("b", in_cohort="inner", weight=50),
            rollout("c", wave(users=1), wave(users=2), in_cohort="first"),
        ),
    )
    (found,) = findings(sketch)
    assert (found.cohort, found.adds, found.inner_users, found.remainder) == ("all", 200, 50, 150)


@given(sketches(), st.sampled_from(Basis))
def test_thin_remainders_are_those_of_the_slow_reading(sketch, basis):
    reference = Reference(sketch, basis)
    expected = []
    for entry in sketch.cohorts:
        sharers = [member for member in reference.members(entry.code) if member.shares]
        weight = sum(member.weight or 0 for member in sharers)
        shares = entry.published_users is not None and not entry.undecided_note
        if shares and 0 <= (remainder := reference.remainder(entry.code)) < weight:
            expected.append((entry.code, remainder, weight, len(sharers)))
    found = [entry for entry in findings(sketch, basis=basis) if isinstance(entry, ThinRemainder)]
    assert [
        (f.cohort, f.remainder, f.known_weight, len(f.weighted + f.unweighted)) for f in found
    ] == expected


# Mixed weight scopes


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        pytest.param({"a": "body", "b": "body"}, None, id="one scope"),
        pytest.param({"a": "body", "b": "with_outer"}, {"body": ("a",), "with_outer": ("b",)}, id="two"),
        pytest.param(
            {"a": "proper", "b": "body", "c": "body"}, {"body": ("b", "c"), "proper": ("a",)}, id="by scope"
        ),
        pytest.param({"a": "body"}, None, id="the other not recorded"),
        pytest.param({"a": "body", "unweighted": "split"}, None, id="the other without a weight"),
        pytest.param({"a": "body", "stated": "split"}, None, id="the other does not share"),
        pytest.param({"a": "body", "elsewhere": "split"}, None, id="the other shares another total"),
    ],
)
def test_scopes_are_mixed_where_sharers_of_one_cohort_have_several(scopes, expected):
    members = [rollout(code, weight=1) for code in "abc"]
    others = [rollout("stated", users=5, weight=1), rollout("unweighted")]
    elsewhere = rollout("elsewhere", in_cohort="d", weight=1)
    sketch = Sketch((cohort("c", 1000), cohort("d", 1000, order=2)), (*members, *others, elsewhere))
    expected = [MixedWeightScopes("c", tuple(expected.items()))] if expected else []
    assert findings(sketch, scopes=scopes) == expected


def test_scopes_do_not_matter_where_nothing_is_shared():
    members = (rollout("a", weight=1), rollout("b", weight=1))
    sketch = one_cohort(1000, *members, undecided_note="検討中")
    assert findings(sketch, scopes={"a": "body", "b": "split"}) == []


# Sources that disagree


def dated(key, text, *, rollout="a", wave=None, adopted=False):
    return Cited(key, rollout, wave, f"source-{key}", adopted, cutover=parse(text))


def counted(key, users, *, adopted=False, approximate=False):
    return Cited(key, "a", None, f"source-{key}", adopted, approximate, users=users)


def planned(*texts):
    return [Cited(f"a-{n}", "a", f"a-{n}", None, cutover=parse(text)) for n, text in enumerate(texts, 1)]


def disagreements(cited, plan=()):
    found = findings(one_cohort(None, rollout("a")), cited=cited, planned=plan)
    return [([entry.key for entry in finding.said], finding.apart) for finding in found]


@pytest.mark.parametrize(
    ("one", "other", "months"),
    [
        pytest.param("R4.9~", "2022-08", 1, id="one month"),
        pytest.param("R5.12~", "2024-01", 1, id="one month across the year"),
        pytest.param("R3~", "2020年度", None, id="calendar and fiscal year overlap"),
        pytest.param("R4.10~", "2022-10", None, id="the same month"),
        pytest.param("R8.6.1", "R8.6", None, id="a day of the month"),
        pytest.param("R8.6.1", "R8.6.30", 0, id="two days of one month"),
        pytest.param("R8年度上期", "R8年度下期", 1, id="next to one another"),
        pytest.param("R8.6以降", "R9年度", None, id="at any time after"),
        pytest.param("R8.6以降", "R8.3", 3, id="before any time after"),
        pytest.param("検討中", "R8.3", None, id="one says nothing"),
    ],
)
def test_sources_disagree_where_their_periods_have_no_day_in_common(one, other, months):
    expected = [] if months is None else [(["1", "2"], months)]
    assert disagreements([dated("1", one), dated("2", other)]) == expected
    assert disagreements([dated("1", other), dated("2", one)]) == expected


@given(st.sampled_from(CUTOVERS), st.sampled_from(CUTOVERS))
def test_source_and_plan_disagree_as_two_sources_do(one, other):
    assert bool(disagreements([dated("1", one)], planned(other))) == bool(
        disagreements([dated("1", one), dated("2", other)])
    )


def test_disagreement_names_those_who_stand_apart_the_adopted_first():
    cited = [dated("early", "R8.1"), dated("coarse", "R8"), dated("late", "R8.6", adopted=True)]
    (finding,) = findings(one_cohort(None, rollout("a")), cited=cited)
    assert finding == SourcesDisagree("a", None, (cited[2], cited[0]), 5)
    assert not finding.is_about_users


def test_disagreements_are_of_one_rollout_and_one_wave_each():
    cited = [
        dated("1", "R8.1"),
        dated("2", "R8.6", rollout="b"),
        dated("3", "R8.9", wave="a-1"),
        dated("4", "R8.6", rollout="b", wave="b-1"),
        dated("5", "R8.7", rollout="b", wave="b-1"),
    ]
    assert disagreements(cited) == [(["4", "5"], 1)]


@pytest.mark.parametrize(
    ("cited", "plan", "expected"),
    [
        pytest.param([dated("1", "R8.6~")], ["R8.9"], [(["1", "a-1"], 3)], id="the plan has moved on"),
        pytest.param([dated("1", "R8.6~")], ["R8.9", "R8.6"], [], id="one wave fits"),
        pytest.param([dated("1", "R8.6.1")], ["R8.6.30", "R8.6.1"], [], id="one fits, one of that month"),
        pytest.param([dated("1", "R8.6")], ["R9.1", "R8.9"], [(["1", "a-2"], 3)], id="the nearest wave"),
        pytest.param([dated("1", "R8.6")], ["検討中"], [], id="the plan has no date"),
        pytest.param([dated("1", "R8.6")], [], [], id="the plan has no waves"),
        pytest.param(
            [dated("1", "R8.9", adopted=True), dated("2", "R8.6")],
            ["R8.9"],
            [(["1", "2"], 3)],
            id="an adopted source speaks for the plan",
        ),
        pytest.param(
            [dated("1", "R8", adopted=True), dated("2", "R8.6")],
            ["R8.9"],
            [(["2", "a-1"], 3)],
            id="a coarse one does not",
        ),
        pytest.param(
            [dated("1", "R8.6", wave="a-2")], ["R8.6", "R8.7"], [(["1", "a-2"], 1)], id="of that wave alone"
        ),
    ],
)
def test_source_disagrees_with_the_plan_where_it_fits_none_of_its_waves(cited, plan, expected):
    assert disagreements(cited, planned(*plan)) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param([counted("1", 68_600)], [], id="one alone"),
        pytest.param([counted("1", 68_600), counted("2", 68_600)], [], id="the same"),
        pytest.param([counted("1", 68_600), counted("2", 68_601)], [(["1", "2"], 1)], id="one more"),
        pytest.param(
            [counted("1", 68_600, approximate=True), counted("2", 68_650)], [], id="within the rounding"
        ),
        pytest.param(
            [counted("1", 68_600, approximate=True), counted("2", 68_651, adopted=True)],
            [(["2", "1"], 51)],
            id="outside",
        ),
        pytest.param(
            [counted("1", 69_000, approximate=True), counted("2", 68_500, approximate=True)],
            [],
            id="both rounded",
        ),
    ],
)
def test_sources_disagree_about_users_beyond_their_rounding(said, expected):
    assert disagreements(said) == expected


def test_disagreement_about_users_says_so():
    (finding,) = findings(
        one_cohort(None, rollout("a")), cited=[dated("0", "R8"), counted("1", 5), counted("2", 6)]
    )
    assert finding.is_about_users


# An ambiguous reading


@pytest.mark.parametrize("basis", Basis)
def test_ambiguous_reading_gives_what_both_come_to(basis):
    sketch = Sketch(
        (
            cohort("in-use", 47_000, order=1),
            cohort("fy2025", 25_000, order=2),
            cohort("rest", 272_000, order=3, reading=Reading.AMBIGUOUS, undecided_note="検討中"),
            cohort("unpublished", None, order=4, reading=Reading.AMBIGUOUS),
            cohort("later", 9, order=5),
        ),
        tuple(rollout(code, in_cohort=code) for code in ("in-use", "fy2025", "later")),
    )
    assert findings(sketch, basis=basis) == [AmbiguousReading("rest", 272_000, 344_000)]


# Observations that come close


def observed(key, users, *, independent=True):
    return Observed(key, users, MAY_2026, independent=independent)


def test_close_observations_are_those_of_sources_that_gave_no_total():
    sketch = one_cohort(None, rollout("a", wave("R8.5", 1000)))
    seen = [
        observed("a", 1010),
        observed("b", 985),
        observed("far", 900),
        observed("own", 1000, independent=False),
    ]
    (found,) = findings(sketch, observed=seen)
    assert [(figure.key, figure.difference) for figure in found.figures] == [
        ("a", -10),
        ("b", 15),
        ("far", 100),
    ]
    assert ([figure.key for figure in found.close], found.largest.key) == (["a", "b"], "b")


@pytest.mark.parametrize(
    "seen",
    [[], [observed("far", 900)], [observed("own", 1000, independent=False)]],
    ids=["none", "none close", "none independent"],
)
def test_nothing_close_is_nothing_found(seen):
    assert findings(one_cohort(None, rollout("a", wave("R8.5", 1000))), observed=seen) == []


def test_nobody_observed_where_nobody_is_planned_is_close():
    (found,) = findings(
        one_cohort(None, rollout("a", wave("R8.6", 5, Status.PLANNED))), observed=[observed("a", 0)]
    )
    assert found.largest.difference_percent is None
