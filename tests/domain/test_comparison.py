"""Two states of the plan side by side: a table of slips, and random plans against a slow reading."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.allocation import allocate
from rollout.domain.comparison import Slip, YearEnd, slips, total_user_months, year_ends
from rollout.domain.dates import fiscal_year_of
from rollout.domain.plan import Basis, Reading, Status, Target
from rollout.domain.projection import project
from tests.domain.plans import (
    TODAY,
    Sketch,
    cohort,
    month_of,
    number_of_month,
    one_cohort,
    rollout,
    sketches,
    wave,
)

CANCELLED, IN_USE = Status.CANCELLED, Status.IN_USE


def found(before, after):
    return slips(before.plan, after.plan, allocate(after.plan, Basis.CUMULATIVE).users)


def curve(sketch, today=TODAY, basis=Basis.CUMULATIVE):
    return project(sketch.plan, basis=basis, today=today)[0]


def one_wave(cutover, users=100, status=Status.PLANNED):
    return one_cohort(None, rollout("a", wave(cutover, users, status)))


def slip_of(before, after):
    (slip,) = found(before, after)
    return slip.moved, slip.months, slip.low, slip.high, slip.user_months


def published(nta):
    """The published plan with 国税庁 at another time; what is in use is one member here."""
    cohorts = (
        cohort("in-use", 47_000, order=1),
        cohort("fy2025", 25_000, order=2, approximate=True, rounding_unit=1_000),
        cohort("onward", 272_000, order=3, reading=Reading.AMBIGUOUS, undecided_note="その他省庁は検討中"),
        cohort("fy2026", 80_000, order=4, inside="onward", fiscal_year=2026),
    )
    members = (
        rollout("in-use", wave("R7.5", status=IN_USE), in_cohort="in-use"),
        rollout("moj", wave("R7.10~"), in_cohort="fy2025", users=18_700),
        rollout("jma", wave("R8.2~"), in_cohort="fy2025", weight=5_035),
        rollout("nta", wave(nta), in_cohort="fy2026", users=68_600),
        rollout("isa", wave("R8.12~"), in_cohort="fy2026", weight=6_499),
        rollout("mof", wave("R9.6~"), in_cohort="onward"),
    )
    return Sketch(cohorts, members, Target(272_000, Reading.AMBIGUOUS))


# One wave


SLIPS = {
    "three months later": ("R8.6", "R8.9", (True, 3, 3, 3, 300)),
    "earlier": ("R8.9", "R8.6", (True, -3, -3, -3, -300)),
    "over the end of a year": ("R8.12", "R9.1", (True, 1, 1, 1, 100)),
    "a day of the same month": ("R8.6", "R8.6.30", (False, 0, 0, 0, 0)),
    "from a year to a month in it": ("R8年度", "R8.6", (True, -9, -9, 2, -900)),
    "from a month to the year": ("R8.6", "R8年度", (True, 9, -2, 9, 900)),
    "a longer period with the same end": ("R8年度第4四半期", "R8年度", (True, 0, -11, 2, 0)),
    "one year to the next": ("R8年度", "R9年度", (True, 12, 1, 23, 1_200)),
    "the same long period": ("R8年度", "令和8年度", (False, 0, 0, 0, 0)),
    "a date taken away": ("R8.6", "検討中", (True, None, None, None, None)),
    "a date given": ("検討中", "R8.6", (True, None, None, None, None)),
    "no date in either": ("検討中", "未定", (False, None, None, None, None)),
    "no last day before": ("R8.6以降", "R8.9", (True, None, None, None, None)),
    "no last day in either": ("R8.6以降", "R8.9以降", (True, None, None, None, None)),
}


@pytest.mark.parametrize(("before", "after", "slip"), SLIPS.values(), ids=SLIPS)
def test_slip_is_counted_from_the_last_month_and_bounded(before, after, slip):
    assert slip_of(one_wave(before), one_wave(after)) == slip


@pytest.mark.parametrize(
    ("before", "after"), [(CANCELLED, Status.PLANNED), (Status.PLANNED, CANCELLED), (CANCELLED, CANCELLED)]
)
def test_cancelled_wave_has_no_slip(before, after):
    states = one_wave("R8.6", status=before), one_wave("R8.9", status=after)
    assert slip_of(*states) == (False, None, None, None, None)


def test_cost_takes_the_users_of_the_later_state():
    assert slip_of(one_wave("R8.6", 100), one_wave("R8.8", 70)) == (True, 2, 2, 2, 140)


@pytest.mark.parametrize(("after", "cost"), [("R8.9", None), ("R8.6", 0)])
def test_cost_of_unknown_users_is_unknown_but_for_no_slip(after, cost):
    before, moved = (one_wave(cutover, None) for cutover in ("R8.6", after))
    assert slip_of(before, moved)[-1] == cost


def test_wave_that_only_one_state_has_has_no_slip():
    before = one_cohort(None, rollout("a", wave("R8.6", 1)), rollout("c", wave("R8.6", 1)))
    after = one_cohort(None, rollout("b", wave("R9.6", 1)), rollout("c", wave("R8.6", 1), wave("R8.7", 1)))
    assert found(before, after) == [
        Slip("a", "a-1", 0, None),
        Slip("b", "b-1", None, 0),
        Slip("c", "c-1", 1, 1, moved=False, months=0, low=0, high=0, user_months=0),
        Slip("c", "c-2", None, 2),
    ]


def test_wave_that_changed_its_rollout_is_removed_and_added():
    plan = one_wave("R8.6").plan
    renamed = replace(plan, rollouts=replace(plan.rollouts, codes=["b"]))
    assert slips(plan, renamed, np.array([100])) == [Slip("a", "a-1", 0, None), Slip("b", "a-1", None, 0)]


def test_total_leaves_out_what_is_not_known():
    costs = [None, 205_800, -3, None]
    assert total_user_months(Slip("a", "a-1", 0, 0, user_months=cost) for cost in costs) == 205_797
    assert total_user_months([]) == 0


# The published plan


@pytest.mark.parametrize(
    ("nta", "months", "user_months", "year_end"),
    [("R8.6~", 0, 0, 152_000), ("R8.9~", 3, 205_800, 152_000), ("R9.6~", 12, 823_200, 83_400)],
)
def test_worked_example(nta, months, user_months, year_end):
    before, after = published("R8.6~"), published(nta)
    slip = next(slip for slip in found(before, after) if slip.rollout == "nta")
    assert (slip.months, slip.user_months) == (months, user_months)
    assert total_user_months(found(before, after)) == user_months
    ends = {end.fiscal_year: end for end in year_ends(curve(before), curve(after))}
    assert ends[2026] == YearEnd(2026, 152_000, year_end)
    assert ends[2026].difference == year_end - 152_000
    assert (ends[2025].difference, ends[2027].difference) == (0, 0)


# Fiscal years


def test_year_ends_reach_from_the_first_of_both_to_the_last_of_both():
    early, late = one_wave("R6.6", 10), one_wave("R10.6", 30)
    assert year_ends(curve(late), curve(early)) == [
        *(YearEnd(year, 0, 10) for year in (2024, 2025, 2026, 2027)),
        YearEnd(2028, 30, 10),
    ]


def test_year_ends_of_empty_plans_are_those_of_today():
    assert year_ends(curve(Sketch()), curve(Sketch(), date(2027, 4, 1))) == [
        YearEnd(2026, 0, 0),
        YearEnd(2027, 0, 0),
    ]


# Random plans

PAIRS = st.tuples(sketches(), sketches())


def slow_slips(before, after, users):
    """What the module's docstring asks for, wave by wave, in plain Python; `users` by wave code."""

    def by_key(sketch):
        return {(entry.code, code): each for entry in sketch.rollouts for code, each in entry.coded_waves}

    was, now = by_key(before), by_key(after)
    return [(*key, *slow_slip(was.get(key), now.get(key), users.get(key[1]))) for key in sorted({*was, *now})]


def slow_slip(was, now, users):
    """Whether it is in each state, months, low, high and cost of one wave."""
    here = was is not None, now is not None
    if not (was and now and was.alive and now.alive and was.latest and now.latest):
        return (*here, None, None, None, None)

    def between(first, last):
        (year, month), (other_year, other_month) = month_of(first), month_of(last)
        return 12 * (other_year - year) + other_month - month

    months = between(was.latest, now.latest)
    low, high = between(was.latest, now.earliest), between(was.earliest, now.latest)
    if (month_of(was.earliest), month_of(was.latest)) == (month_of(now.earliest), month_of(now.latest)):
        low = high = 0
    cost = 0 if months == 0 else None if users is None else users * months
    return (*here, months, low, high, cost)


@given(PAIRS)
def test_slips_are_those_of_a_slow_reading(pair):
    before, after = pair
    plan = after.plan
    users = allocate(plan, Basis.CUMULATIVE).users
    known = {code: None if count < 0 else count for code, count in zip(plan.waves.codes, users, strict=True)}
    told = [
        (
            slip.rollout,
            slip.wave,
            slip.row_before is not None,
            slip.row_after is not None,
            slip.months,
            slip.low,
            slip.high,
            slip.user_months,
        )
        for slip in slips(before.plan, plan, users)
    ]
    assert told == slow_slips(before, after, known)


@given(PAIRS)
def test_rows_lead_to_the_wave_in_both_states(pair):
    before, after = (sketch.plan for sketch in pair)
    for slip in found(*pair):
        for plan, row in ((before, slip.row_before), (after, slip.row_after)):
            if row is not None:
                code = plan.rollouts.codes[plan.waves.rollout[row]], plan.waves.codes[row]
                assert code == (slip.rollout, slip.wave)


@given(PAIRS)
def test_every_wave_of_either_state_appears_once(pair):
    told = found(*pair)
    rows = [[slip.row_before for slip in told], [slip.row_after for slip in told]]
    for sketch, its_rows in zip(pair, rows, strict=True):
        expected = list(range(len(sketch.plan.waves.codes)))
        assert sorted(row for row in its_rows if row is not None) == expected


@given(sketches(), st.sampled_from(Basis))
def test_plan_beside_itself_does_not_slip(sketch, basis):
    told = found(sketch, sketch)
    assert {(slip.moved, slip.months, slip.low, slip.high, slip.user_months) for slip in told} <= {
        (False, 0, 0, 0, 0),
        (False, None, None, None, None),
    }
    itself = curve(sketch, basis=basis)
    assert {end.difference for end in year_ends(itself, itself)} == {0}


@given(PAIRS)
def test_turned_round_a_slip_has_the_other_sign(pair):
    there, back = found(*pair), found(*reversed(pair))
    for slip, returned in zip(there, back, strict=True):
        assert (slip.row_before, slip.row_after) == (returned.row_after, returned.row_before)
        assert slip.moved == returned.moved
        if slip.months is None:
            assert returned.months is None
        else:
            assert (slip.months, slip.low, slip.high) == (-returned.months, -returned.high, -returned.low)


@given(PAIRS)
def test_slip_lies_within_its_bounds(pair):
    for slip in found(*pair):
        if slip.months is not None:
            assert slip.low <= slip.months <= slip.high
            assert slip.moved or (slip.low, slip.high) == (0, 0)


@given(PAIRS, st.sampled_from(Basis), st.sampled_from([TODAY, date(2024, 3, 31), date(2031, 4, 1)]))
def test_year_ends_agree_with_both_curves(pair, basis, today):
    before, after = curve(pair[0], basis=basis), curve(pair[1], today, basis)
    ends = year_ends(before, after)
    years = [end.fiscal_year for end in ends]
    last_months = [
        max(number_of_month(each.today), each.first_month + len(each.planned) - 1) for each in (before, after)
    ]
    first = min(each.first_month for each in (before, after))
    assert years == list(range(fiscal_year_at(first), fiscal_year_at(max(last_months)) + 1))
    for end in ends:
        march = number_of_month(date(end.fiscal_year + 1, 3, 31))
        assert (end.before, end.after) == (before.at(march).cumulative, after.at(march).cumulative)
        assert end.difference == end.after - end.before


def fiscal_year_at(month):
    return fiscal_year_of(date(month // 12, month % 12 + 1, 1))
