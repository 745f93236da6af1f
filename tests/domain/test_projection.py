"""Waves into cumulative users by month: rules 4 to 7 of "Projection, exactly", one table a rule."""

import json
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.domain.plan import Basis, Reading, Status, Target, month_number, month_parts
from rollout.domain.projection import (
    Granularity,
    Projection,
    current_month,
    fiscal_year_end,
    fiscal_year_in_progress,
    period_label,
    period_text,
    project,
)
from tests.domain.plans import (
    TODAY,
    Reference,
    Sketch,
    cohort,
    one_cohort,
    reference_points,
    rollout,
    rollout_without_waves,
    sketches,
    wave,
)

IN_USE, CANCELLED = Status.IN_USE, Status.CANCELLED
MONTH, QUARTER, FISCAL_YEAR = Granularity


def projected(sketch, today=TODAY, basis=Basis.CUMULATIVE):
    return project(sketch.plan, basis=basis, today=today)[0]


def month(text):
    """The month number of `2026-06`."""
    return month_number(date.fromisoformat(f"{text}-01"))


def month_text(number):
    return "{}-{:02}".format(*month_parts(number))


def steps(projection, curve):
    """The months in which a curve changes, and what it is from then on."""
    found, before = {}, 0
    for point in projection.points(MONTH):
        users = getattr(point, curve)
        if users != before:
            found[period_text(point, MONTH)] = users
        before = users
    return found


def single(cutover, status=Status.PLANNED):
    return one_cohort(None, rollout("a", wave(cutover, 10, status)))


CURVES = {
    "5 a day counts in its month": ("R9.1.15", "2027-01", "2027-01", "2027-01"),
    "5 a month": ("R9.1", "2027-01", "2027-01", "2027-01"),
    "5 a month that goes on": ("R9.1~", "2027-01", "2027-01", "2027-01"),
    "5 a quarter": ("R8年度第4四半期", "2027-03", "2027-03", "2027-01"),
    "5 a half": ("R8年度下期", "2027-03", "2027-03", "2026-10"),
    "5 a fiscal year": ("R9年度", "2028-03", "2028-03", "2027-04"),
    "5 a year": ("R9", "2027-12", "2027-12", "2027-01"),
    "5 overdue, unconfirmed": ("R8.6", "2026-06", "2026-12", "2026-06"),
    "5 overdue since yesterday": ("R8.11.22", "2026-11", "2026-12", "2026-11"),
    "5 not overdue on its last day": ("R8.11.23", "2026-11", "2026-11", "2026-11"),
    "5 this month is not over": ("R8.11", "2026-11", "2026-11", "2026-11"),
}


@pytest.mark.parametrize(("cutover", "planned", "low", "high"), CURVES.values(), ids=CURVES)
def test_project_counts_a_wave_from_its_month(cutover, planned, low, high):
    projection = projected(single(cutover))
    starts = [list(steps(projection, curve)) for curve in ("cumulative", "low", "high", "confirmed")]
    assert starts == [[planned], [low], [high], []]


def test_project_keeps_an_overdue_wave_out_of_low_at_the_end_of_the_fiscal_year():
    projection = projected(single("R8.6"), today=date(2027, 3, 31))
    assert projection.at(month("2027-03")) == projection.points(MONTH)[-1]
    assert (projection.planned[-1], projection.low[-1], projection.high[-1]) == (10, 0, 10)


@pytest.mark.parametrize("cutover", ["R8.6.15", "R8.6", "R8.6~"])
def test_project_confirms_waves_in_use(cutover):
    projection = projected(single(cutover, IN_USE))
    curves = [steps(projection, curve) for curve in ("cumulative", "low", "high", "confirmed")]
    assert curves == [{"2026-06": 10}] * 4


def test_project_counts_a_wave_in_use_of_year_precision_from_december():
    projection = projected(single("R3~", IN_USE))
    curves = [steps(projection, curve) for curve in ("cumulative", "low", "high", "confirmed")]
    assert curves == [{"2021-12": 10}, {"2021-12": 10}, {"2021-01": 10}, {"2021-12": 10}]


NOT_COUNTED = {
    "4 undecided": "検討中",
    "4 from a fiscal year on": "R8年度以降",
    "4 from a month on": "R8.6以降",
}


@pytest.mark.parametrize("cutover", NOT_COUNTED.values(), ids=NOT_COUNTED)
def test_project_has_no_month_for_a_wave_without_latest_day(cutover):
    projection = projected(single(cutover))
    (entry,) = projection.undated
    assert (entry.users, entry.dateless_waves, entry.uncounted_rollouts) == (10, ("a-1",), ())
    assert (projection.dated_users, projection.undated_users, projection.high[-1]) == (0, 10, 0)


UNDATED = {
    "4 open: the members with a date but no count": (
        one_cohort(90, rollout("b"), rollout("a"), rollout("d", users=20), undecided_note="検討中"),
        ("c", 70, ("a", "b"), (), "検討中"),
    ),
    "4 open: a member without date is not one of them": (
        one_cohort(90, rollout("a", wave("検討中")), undecided_note="検討中"),
        ("c", 90, (), ("a-1",), "検討中"),
    ),
    "4 a member is listed once": (
        one_cohort(90, rollout("a", wave(), wave("R9.1")), undecided_note="検討中"),
        ("c", 90, ("a",), (), "検討中"),
    ),
    "4 a cancelled member is not listed": (
        one_cohort(90, rollout("a", wave(status=CANCELLED)), undecided_note="検討中"),
        ("c", 90, (), (), "検討中"),
    ),
    "4 a shared count without a date": (
        one_cohort(90, rollout("a", wave("検討中")), rollout("b")),
        ("c", 45, (), ("a-1",), ""),
    ),
    "2 nobody to share": (one_cohort(90, rollout("a", users=80)), ("c", 10, (), (), "")),
    "2 a rollout without waves": (one_cohort(90, rollout_without_waves("a")), ("c", 90, (), (), "")),
    "no total: nobody knows how many": (one_cohort(None, rollout("a")), ("c", 0, ("a",), (), "")),
}


@pytest.mark.parametrize(("sketch", "expected"), UNDATED.values(), ids=UNDATED)
def test_project_lists_what_has_no_date_or_no_count(sketch, expected):
    (entry,) = projected(sketch).undated
    found = (entry.cohort, entry.users, entry.uncounted_rollouts, entry.dateless_waves, entry.note)
    assert found == expected


def test_project_has_nothing_undated_when_all_is_dated_and_counted():
    assert (
        projected(one_cohort(90, rollout("a"), rollout("b", wave("検討中", status=CANCELLED)))).undated == ()
    )


def test_project_leaves_cancelled_users_out_of_every_total():
    sketch = one_cohort(90, rollout("a", wave(status=CANCELLED)), rollout("b"), rollout("d", wave("検討中")))
    projection = projected(sketch)
    assert (projection.dated_users, projection.undated_users, projection.high[-1]) == (30, 30, 30)


def about(users, unit, *rollouts, **values):
    """One cohort whose total is rounded to `unit`."""
    return one_cohort(users, *rollouts, approximate=True, rounding_unit=unit, **values)


BANDS = {
    "5 stated counts do not widen": (about(90, 10, rollout("a", users=90)), (90, 90)),
    "5 half the unit on either side": (about(90, 10, rollout("a")), (85, 95)),
    "5 half of an odd unit is rounded outward": (about(90, 5, rollout("a")), (87, 93)),
    "5 by the part counted so far": (about(90, 10, rollout("a"), rollout("b", wave("R9.6"))), (42, 48)),
    "5 beside stated counts": (about(90, 10, rollout("a", users=80), rollout("b")), (85, 95)),
    "5 never below zero": (about(3, 10, rollout("a")), (0, 8)),
    "5 cancelled users do not widen": (
        about(90, 10, rollout("a"), rollout("b", wave(status=CANCELLED))),
        (42, 48),
    ),
    "5 open cohorts do not widen": (
        about(90, 10, rollout("a", users=40), rollout("b"), undecided_note="検討中"),
        (40, 40),
    ),
    "5 cohorts add up and are rounded once": (
        Sketch(
            (cohort("c", 10, approximate=True), cohort("d", 10, order=2, approximate=True)),
            (rollout("a"), rollout("b", in_cohort="d")),
        ),
        (19, 21),
    ),
}


@pytest.mark.parametrize(("sketch", "band"), BANDS.values(), ids=BANDS)
def test_project_widens_the_band_of_rounded_totals(sketch, band):
    point = projected(sketch, today=date(2026, 6, 1)).at(month("2026-06"))
    assert (point.low, point.high) == band


def test_project_does_not_widen_exact_totals():
    projection = projected(one_cohort(90, rollout("a", wave("R9.1")), rounding_unit=10))
    assert (projection.low, projection.high) == (projection.planned, projection.planned)


RANGES = {
    "7 from the first cutover to the end of the fiscal year of the last": (
        [wave("R8.6", 1), wave("R9.6", 1)],
        ("2026-06", "2028-03"),
    ),
    "7 a long period begins at its first month": ([wave("R8", 1)], ("2026-01", "2027-03")),
    "7 counted or not": ([wave("R8.6", 1), wave("R10.1")], ("2026-06", "2028-03")),
    "7 to the end of today's fiscal year if later": ([wave("R3.6", 1)], ("2021-06", "2027-03")),
    "7 a first cutover after today's fiscal year": ([wave("R10.2", 1)], ("2028-02", "2028-03")),
    "7 cancelled waves have no place": (
        [wave("R8.6", 1), wave("R9.6", 1, CANCELLED)],
        ("2026-06", "2027-03"),
    ),
    "7 no latest day, no place": ([wave("R3以降", 1), wave("R8.6", 1)], ("2026-06", "2027-03")),
    "7 undecided alone: today's fiscal year": ([wave("検討中", 1)], ("2026-04", "2027-03")),
}


@pytest.mark.parametrize(("waves", "bounds"), RANGES.values(), ids=RANGES)
def test_points_cover_every_month(waves, bounds):
    points = projected(one_cohort(None, rollout("a", *waves))).points(MONTH)
    months = [point.first_month for point in points]
    assert months == list(range(month(bounds[0]), month(bounds[1]) + 1))


@pytest.mark.parametrize(
    ("today", "bounds"),
    [
        pytest.param(date(2027, 3, 31), ("2026-04", "2027-03"), id="31 March"),
        pytest.param(date(2027, 4, 1), ("2027-04", "2028-03"), id="1 April"),
    ],
)
def test_points_of_an_empty_plan_cover_the_fiscal_year_of_today(today, bounds):
    projection = projected(Sketch(), today=today)
    texts = [period_text(point, MONTH) for point in projection.points(MONTH)]
    assert (texts[0], texts[-1], set(projection.planned), projection.undated) == (*bounds, {0}, ())


PLAN = one_cohort(
    None,
    rollout("a", wave("R8.2", 1), wave("R8.4", 2), wave("R8.5", 4), wave("R9.1", 8), wave("R9.3", 16)),
)
PERIODS = {
    MONTH: {"2026-02": (1, 1), "2026-04": (2, 3), "2026-05": (4, 7), "2027-01": (8, 15), "2027-03": (16, 31)},
    QUARTER: {"2025-Q4": (1, 1), "2026-Q1": (6, 7), "2026-Q4": (24, 31)},
    FISCAL_YEAR: {"2025": (1, 1), "2026": (30, 31)},
}


@pytest.mark.parametrize(("granularity", "expected"), PERIODS.items(), ids=list(PERIODS))
def test_points_add_up_by_period(granularity, expected):
    points = projected(PLAN).points(granularity)
    moved = [point for point in points if point.added]
    assert {period_text(point, granularity): (point.added, point.cumulative) for point in moved} == expected


@pytest.mark.parametrize(("text", "year"), [("2026-03", 2025), ("2026-04", 2026), ("2027-03", 2026)])
def test_point_lies_in_a_fiscal_year(text, year):
    assert projected(PLAN).at(month(text)).fiscal_year == year


def test_at_is_zero_before_and_constant_after():
    projection = projected(PLAN)
    before, after = projection.at(month("2020-01")), projection.at(month("2040-01"))
    assert (before.added, before.cumulative, before.high) == (0, 0, 0)
    assert (after.added, after.cumulative, after.low) == (0, 31, 31)


def test_current_month_is_that_of_today():
    projection = projected(PLAN)
    assert (current_month(projection).first_month, fiscal_year_in_progress(projection)) == (
        month("2026-11"),
        2026,
    )


def test_fiscal_year_end_is_march():
    assert month_text(fiscal_year_end(2026)) == "2027-03"


GROUPS = (
    cohort("in-use", 47),
    cohort("fy2025", 25, order=2),
    cohort("onward", 272, order=3, reading=Reading.AMBIGUOUS, undecided_note="検討中"),
    cohort("fy2026", 80, order=4, inside="onward", fiscal_year=2026),
)
TARGETS = {
    "7 cumulative": (GROUPS, Reading.AMBIGUOUS, Basis.CUMULATIVE, 272),
    "7 group": (GROUPS, Reading.AMBIGUOUS, Basis.GROUP, 344),
    "7 a target that is not ambiguous": (GROUPS, Reading.RUNNING_TOTAL, Basis.GROUP, 272),
    "7 no ambiguous cohort": (GROUPS[:2], Reading.AMBIGUOUS, Basis.GROUP, 272),
}


@pytest.mark.parametrize(("cohorts", "reading", "basis", "users"), TARGETS.values(), ids=TARGETS)
def test_target_users_follow_the_basis(cohorts, reading, basis, users):
    assert projected(Sketch(cohorts, (), Target(272, reading)), basis=basis).target_users == users


@pytest.mark.parametrize(
    ("target", "reached"),
    [(1, "2026-02"), (7, "2026-05"), (8, "2027-01"), (31, "2027-03"), (32, None)],
)
def test_reached_in_is_the_first_month_at_or_above_the_target(target, reached):
    projection = projected(Sketch(PLAN.cohorts, PLAN.rollouts, Target(target)))
    assert projection.reached_in == (reached and month(reached))


def test_project_without_target_reaches_nothing():
    projection = projected(PLAN)
    assert (projection.target_users, projection.reached_in) == (None, None)


def test_published_added_names_the_fiscal_years_that_a_figure_speaks_of():
    unpublished = cohort("later", order=5, fiscal_year=2027)
    assert projected(Sketch((*GROUPS, unpublished))).published_added == {2026: 80}


EXAMPLES = settings(max_examples=120)


@pytest.mark.parametrize("basis", Basis)
@given(
    sketch=sketches(), today=st.sampled_from([TODAY, date(2026, 12, 31), date(2027, 3, 31), date(2031, 4, 1)])
)
@EXAMPLES
def test_project_agrees_with_the_reference(basis, sketch, today):
    projection = projected(sketch, today, basis)
    found = {
        month_parts(point.first_month): (point.cumulative, point.low, point.high, point.confirmed)
        for point in projection.points(MONTH)
    }
    assert found == reference_points(Reference(sketch, basis), today)


@pytest.mark.parametrize("basis", Basis)
@given(sketch=sketches())
@EXAMPLES
def test_project_loses_nobody(basis, sketch):
    """Dated, undated and cancelled users are what the cohorts add, and what is stated beyond it."""
    projection, allocation = project(sketch.plan, basis=basis, today=TODAY)
    tops = [index for index, entry in enumerate(sketch.cohorts) if entry.inside is None]
    cancelled = int(allocation.users[sketch.plan.waves.cancelled].clip(0).sum())
    beyond = -sum(entry.users for entry in projection.conflicts if entry.users < 0)
    everyone = projection.dated_users + projection.undated_users + cancelled
    assert everyone == sum(int(allocation.increments[index]) for index in tops) + beyond


@given(sketch=sketches())
@EXAMPLES
def test_project_keeps_the_curves_in_order(sketch):
    projection = projected(sketch)
    for users in (projection.planned, projection.high, projection.confirmed):
        assert list(users) == sorted(users)
    for low, planned, high, confirmed in zip(
        projection.low, projection.planned, projection.high, projection.confirmed, strict=True
    ):
        assert 0 <= low <= planned <= high
        assert confirmed <= planned


@given(sketch=sketches(units=(1, 2)))
@EXAMPLES
def test_project_keeps_low_rising_when_the_unit_is_at_most_twice_what_is_shared(sketch):
    low = projected(sketch).low
    assert list(low) == sorted(low)


@given(sketch=sketches(), random=st.randoms(use_true_random=False))
@EXAMPLES
def test_project_does_not_depend_on_the_order_of_entry(sketch, random):
    rollouts, cohorts = list(sketch.rollouts), list(sketch.cohorts)
    random.shuffle(rollouts)
    shuffled = projected(Sketch(tuple(cohorts), tuple(rollouts)))
    assert shuffled == projected(sketch)
    random.shuffle(cohorts)
    other = projected(Sketch(tuple(cohorts), tuple(rollouts)))
    assert (other.planned, other.low, other.high) == (shuffled.planned, shuffled.low, shuffled.high)


@pytest.mark.parametrize("granularity", [QUARTER, FISCAL_YEAR])
@given(sketch=sketches())
@EXAMPLES
def test_points_of_longer_periods_agree_with_their_months(granularity, sketch):
    projection = projected(sketch)
    for point in projection.points(granularity):
        months = [projection.at(point.first_month + offset) for offset in range(granularity.months)]
        assert point.added == sum(entry.added for entry in months)
        last = (months[-1].cumulative, months[-1].confirmed, months[-1].low, months[-1].high)
        assert (point.cumulative, point.confirmed, point.low, point.high) == last


@pytest.mark.parametrize(
    ("granularity", "label"), [(MONTH, "R9.3"), (QUARTER, "R8年度第4四半期"), (FISCAL_YEAR, "R8年度")]
)
def test_period_is_called_what_documents_call_it(granularity, label):
    last = projected(one_cohort(10, rollout("a", wave("R9.1")))).points(granularity)[-1]
    assert period_label(last, granularity) == label


@given(sketch=sketches())
@EXAMPLES
def test_stored_reads_back_through_json(sketch):
    projection = projected(Sketch(sketch.cohorts, sketch.rollouts, Target(90)))
    assert Projection.from_stored(json.loads(json.dumps(projection.stored()))) == projection


def test_stored_keeps_published_years_and_conflicts():
    sketch = Sketch((cohort("c", 9, fiscal_year=2026),), (rollout("a", users=10),))
    projection = projected(sketch)
    read = Projection.from_stored(json.loads(json.dumps(projection.stored())))
    assert (read.published_added, [entry.users for entry in read.conflicts]) == ({2026: 9}, [-1])


def test_status_is_settled_when_nothing_is_awaited_any_more():
    assert [status for status in Status if status.is_settled] == [IN_USE, CANCELLED]
