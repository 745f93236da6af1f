"""What moved the figure, by rollout and cause: a table of causes, and random plans against a slow reading."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.domain.movers import Cause, Movement, Mover, explain
from rollout.domain.plan import Basis, Reading, Status, Target
from rollout.domain.projection import project
from tests.domain.plans import (
    COUNTS,
    TODAY,
    Reference,
    Sketch,
    cohort,
    number_of_month,
    one_cohort,
    rollout,
    rollout_without_waves,
    sketches,
    wave,
    waves,
)

IN_USE, CANCELLED = Status.IN_USE, Status.CANCELLED
MARCH_2027 = 2027 * 12 + 2
MARCH_2028 = MARCH_2027 + 12


def explained(before, after, *, basis=Basis.CUMULATIVE, month=MARCH_2027):
    return explain(before.plan, after.plan, basis=basis, month=month)


def moved(movement):
    return [(mover.rollout, mover.cause.value, mover.users) for mover in movement.movers]


def counted(users, *waves_):
    return one_cohort(None, rollout("a", *waves_, users=users))


def shared(published_users, *rollouts, **values):
    """A group that one stated member and two sharers make up."""
    return one_cohort(published_users, *rollouts, rollout("x"), rollout("y"), **values)


SAME_DATE = {
    "earlier month": ("R8.6", "R8.4"),
    "still after it": ("R9.4", "R9.6"),
    "a month for its last day": ("R9.3", "R9.3.31"),
    "no date, and none again": ("検討中", "R9年度以降"),
}
DATES = {
    "later": ("R8.6", "R9.6", -50),
    "earlier": ("R9.6", "R8.6", 50),
    "out of its last month": ("R9.3", "R9.4", -50),
    "into a period that ends later": ("R9.1", "R9年度上期", -50),
    "date lost": ("R8.6", "検討中", -50),
    "date found": ("検討中", "R8.6", 50),
    "no latest day any more": ("R8.6", "R8.6以降", -50),
}


@pytest.mark.parametrize(("before", "after", "users"), DATES.values(), ids=DATES)
def test_date_moves_a_wave_over_the_month(before, after, users):
    movement = explained(counted(50, wave(before)), counted(50, wave(after)))
    assert moved(movement) == [("a", "date", users)]


@pytest.mark.parametrize(("before", "after"), SAME_DATE.values(), ids=SAME_DATE)
def test_date_on_the_same_side_of_the_month_moves_nothing(before, after):
    assert moved(explained(counted(50, wave(before)), counted(50, wave(after)))) == []


CHANGES = {
    "count of a rollout": (counted(50), counted(70), [("a", "count", 20)]),
    "count of a wave": (
        counted(None, wave(users=50)),
        counted(None, wave(users=30)),
        [("a", "count", -20)],
    ),
    "count becomes known": (counted(None), counted(50), [("a", "count", 50)]),
    "count becomes unknown": (counted(50), counted(None), [("a", "count", -50)]),
    "count of a wave that has not come": (counted(50, wave("R9.6")), counted(70, wave("R9.6")), []),
    "count stated as it was shared": (shared(90, rollout("a")), shared(90, rollout("a", users=30)), []),
    "cancelled": (counted(50), counted(50, wave(status=CANCELLED)), [("a", "status", -50)]),
    "taken up again": (counted(50, wave(status=CANCELLED)), counted(50), [("a", "status", 50)]),
    "in use": (counted(50), counted(50, wave(status=IN_USE)), []),
    "cancelled without a count": (counted(None), counted(None, wave(status=CANCELLED)), []),
    "cancelled and moved": (counted(50), counted(50, wave("R9.6", status=CANCELLED)), [("a", "status", -50)]),
    "taken up again, for later": (counted(50, wave(status=CANCELLED)), counted(50, wave("R9.6")), []),
    "taken up again, for earlier": (
        counted(50, wave("R9.6", status=CANCELLED)),
        counted(50),
        [("a", "status", 50)],
    ),
    "moved in, more than before: the date at the old count": (
        counted(50, wave("R9.6")),
        counted(70),
        [("a", "date", 50), ("a", "count", 20)],
    ),
    "moved out, more than before: the count does not show": (
        counted(50),
        counted(70, wave("R9.6")),
        [("a", "date", -50)],
    ),
    "rollout added": (Sketch((cohort(),)), counted(50), [("a", "added", 50)]),
    "rollout removed": (counted(50), Sketch((cohort(),)), [("a", "removed", -50)]),
    "added after the month": (Sketch((cohort(),)), counted(50, wave("R9.6")), []),
    "removed when cancelled": (counted(50, wave(status=CANCELLED)), Sketch((cohort(),)), []),
    "rollout without waves": (Sketch(), one_cohort(None, rollout_without_waves("a", 50)), []),
    "wave added": (
        counted(None, wave(users=50)),
        counted(None, wave(users=50), wave(users=20)),
        [("a", "added", 20)],
    ),
    "wave split: the second takes from the first": (
        counted(50),
        counted(50, wave(), wave("R9.6")),
        [("a", "sharing", -25)],
    ),
    "stated wave takes from the blank one of its rollout": (
        counted(50, wave(users=10), wave()),
        counted(50, wave("R9.6", users=30), wave()),
        [("a", "sharing", -20), ("a", "date", -10)],
    ),
    "stated count takes from those that share": (
        shared(100, rollout("a", users=50)),
        shared(100, rollout("a", users=60)),
        [("a", "count", 10), ("x", "sharing", -5), ("y", "sharing", -5)],
    ),
    "rollout added takes from those that share": (
        shared(100),
        shared(100, rollout("a", users=40)),
        [("a", "added", 40), ("x", "sharing", -20), ("y", "sharing", -20)],
    ),
    "rollout removed leaves to those that share": (
        shared(100, rollout("a", users=40)),
        shared(100),
        [("a", "removed", -40), ("x", "sharing", 20), ("y", "sharing", 20)],
    ),
    "weight": (
        one_cohort(90, rollout("a", weight=1), rollout("b", weight=1)),
        one_cohort(90, rollout("a", weight=2), rollout("b", weight=1)),
        [("a", "sharing", 15), ("b", "sharing", -15)],
    ),
    "cohort opened": (
        shared(100),
        shared(100, undecided_note="検討中"),
        [("x", "sharing", -50), ("y", "sharing", -50)],
    ),
    "published total": (
        shared(100),
        shared(120),
        [("x", "published_total", 10), ("y", "published_total", 10)],
    ),
    "published total withdrawn": (
        shared(100),
        shared(None),
        [("x", "published_total", -50), ("y", "published_total", -50)],
    ),
    "published total and a stated count: each its part": (
        shared(100, rollout("a", users=50)),
        shared(120, rollout("a", users=56)),
        [
            ("x", "published_total", 10),
            ("y", "published_total", 10),
            ("a", "count", 6),
            ("x", "sharing", -3),
            ("y", "sharing", -3),
        ],
    ),
    "published total, and a count of its own": (
        one_cohort(100, rollout("a")),
        one_cohort(120, rollout("a", users=110)),
        [("a", "count", 10)],
    ),
}


@pytest.mark.parametrize(("before", "after", "movers"), CHANGES.values(), ids=CHANGES)
def test_explain_names_rollout_and_cause(before, after, movers):
    assert moved(explained(before, after)) == movers


def framed(*cohorts, in_cohort="c"):
    return Sketch(cohorts, (rollout("a", in_cohort=in_cohort),))


FRAMES = {
    "reading": (
        framed(cohort("o", 30), cohort("c", 100, order=2)),
        framed(cohort("o", 30), cohort("c", 100, order=2, reading=Reading.RUNNING_TOTAL)),
        [("a", "published_total", -30)],
    ),
    "total of an earlier cohort under a running total": (
        framed(cohort("o", 30), cohort("c", 100, order=2, reading=Reading.RUNNING_TOTAL)),
        framed(cohort("o", 40), cohort("c", 100, order=2, reading=Reading.RUNNING_TOTAL)),
        [("a", "published_total", -10)],
    ),
    "total of an inner cohort": (
        framed(cohort("c", 100), cohort("i", 30, order=2, inside="c")),
        framed(cohort("c", 100), cohort("i", 40, order=2, inside="c")),
        [("a", "published_total", -10)],
    ),
    "total of an enclosing cohort": (
        framed(cohort("o", 300), cohort("c", 100, order=2, inside="o")),
        framed(cohort("o", 400), cohort("c", 100, order=2, inside="o")),
        [],
    ),
    "another cohort": (
        framed(cohort("c", 100), cohort("d", 120, order=2)),
        framed(cohort("c", 100), cohort("d", 120, order=2), in_cohort="d"),
        [("a", "sharing", 20)],
    ),
    "another cohort, and the old one gone": (
        framed(cohort("c", 100)),
        framed(cohort("d", 120), in_cohort="d"),
        [("a", "sharing", 20)],
    ),
    "cohorts in another order of entry": (
        framed(cohort("c", 100), cohort("d", 120, order=2)),
        framed(cohort("d", 120, order=2), cohort("c", 100)),
        [],
    ),
}


@pytest.mark.parametrize(("before", "after", "movers"), FRAMES.values(), ids=FRAMES)
def test_explain_follows_the_published_frame(before, after, movers):
    assert moved(explained(before, after)) == movers


@pytest.mark.parametrize(("basis", "users"), [(Basis.CUMULATIVE, -10), (Basis.GROUP, 0)])
def test_explain_reads_an_ambiguous_total_as_the_basis_says(basis, users):
    before, after = (framed(cohort("o", n), cohort("c", 100, 2, reading=Reading.AMBIGUOUS)) for n in (30, 40))
    assert explained(before, after, basis=basis).difference == users


def test_explain_gives_no_cause_to_the_target():
    with_target = one_cohort(100, rollout("a"), target=Target(300))
    assert moved(explained(one_cohort(100, rollout("a")), with_target)) == []


def test_wave_that_changed_its_rollout_is_removed_and_added():
    before = one_cohort(None, rollout("a", users=50), rollout_without_waves("b", 30)).plan
    after = one_cohort(None, rollout_without_waves("a", 50), rollout("b", users=30)).plan
    after = replace(after, waves=replace(after.waves, codes=before.waves.codes))
    movement = explain(before, after, basis=Basis.GROUP, month=MARCH_2027)
    assert moved(movement) == [("a", "removed", -50), ("b", "added", 30)]


def test_waves_of_a_rollout_count_together():
    before = counted(None, wave(users=50), wave("R9.6", users=20), wave(users=10))
    after = counted(None, wave("R9.6", users=50), wave(users=20), wave(users=14))
    assert moved(explained(before, after)) == [("a", "date", -30), ("a", "count", 4)]


def test_moves_that_cancel_out_within_a_rollout_are_no_mover():
    before = counted(None, wave(users=50), wave("R9.6", users=50))
    after = counted(None, wave("R9.6", users=50), wave(users=50))
    assert explained(before, after) == Movement(MARCH_2027, 50, 50, ())


def test_movers_come_largest_first_then_by_code_then_by_cause():
    before = one_cohort(None, rollout("b", wave(users=5), wave("R9.6", users=5)), rollout("a", users=5))
    after = one_cohort(None, rollout("b", wave(users=10), wave(users=5)), rollout("a", wave("R9.6"), users=5))
    before = replace(before, rollouts=(*before.rollouts, rollout("z", users=9)))
    assert moved(explained(before, after)) == [
        ("z", "removed", -9),
        ("a", "date", -5),
        ("b", "date", 5),
        ("b", "count", 5),
    ]


@pytest.fixture
def fiscal_year_2026():
    """The members of R8年度 on the published plan, with 国税庁's cutover and stated count to choose."""

    def build(cutover, users):
        sharers = (
            rollout("nra", weight=1145),
            rollout("meti", wave("R8.7~"), weight=8013),
            rollout("isa", wave("R8.12~"), weight=6499),
            rollout("local-finance-bureaus", wave("R9.1~")),
        )
        return one_cohort(80_000, rollout("nta", wave(cutover), users=users), *sharers)

    return build


def test_example_of_the_module_moves_the_date_at_the_old_count(fiscal_year_2026):
    before = fiscal_year_2026("R8.6~", 68_600)
    assert explained(before, fiscal_year_2026("R9.6~", 68_600)) == Movement(
        MARCH_2027, 80_000, 11_400, (Mover("nta", Cause.DATE, -68_600),)
    )


SHARERS = [("meti", -506), ("isa", -411), ("local-finance-bureaus", -411), ("nra", -72)]


@pytest.mark.parametrize(
    ("month", "difference", "own"),
    [
        pytest.param(MARCH_2027, -70_000, ("nta", "date", -68_600), id="end of R8年度"),
        pytest.param(MARCH_2028, 0, ("nta", "count", 1_400), id="end of R9年度"),
    ],
)
def test_example_of_the_module_shares_what_the_count_took(fiscal_year_2026, month, difference, own):
    before, after = fiscal_year_2026("R8.6~", 68_600), fiscal_year_2026("R9.6~", 70_000)
    movement = explained(before, after, month=month)
    assert movement.difference == difference
    assert moved(movement) == [own, *((code, "sharing", users) for code, users in SHARERS)]


def slow_movers(before, after, basis, month):
    """The rule of the module once more, wave by wave in whole numbers, from the text."""
    retotalled = Reference(with_totals_of(after, before), basis).users
    old, new = entries(before, basis, month), entries(after, basis, month)
    parts = Counter()
    for code, key in ((code, (name, code)) for name, code in old.keys() | new.keys()):
        if key not in new:
            parts[key[0], Cause.REMOVED] -= value(*old[key][:3])
        elif key not in old:
            parts[key[0], Cause.ADDED] += value(*new[key][:3])
        else:
            for cause, users in slow_parts(old[key], new[key], retotalled[code] or 0):
                parts[key[0], cause] += users
    return {key: users for key, users in parts.items() if users}


def slow_parts(old, new, retotalled):
    (u0, d0, s0, stated0), (u1, d1, s1, stated1) = old, new
    yield Cause.DATE if s0 == s1 else Cause.STATUS, value(u0, d1, s1) - value(u0, d0, s0)
    if stated0 != stated1:
        yield Cause.COUNT, value(u1, d1, s1) - value(u0, d1, s1)
    else:
        yield Cause.PUBLISHED_TOTAL, value(retotalled, d1, s1) - value(u0, d1, s1)
        yield Cause.SHARING, value(u1, d1, s1) - value(retotalled, d1, s1)


def value(users, come, alive):
    return users if come and alive else 0


def entries(sketch, basis, month):
    """By rollout and wave: users, has its month come, is it not cancelled, and what is stated."""
    users = Reference(sketch, basis).users
    return {
        (entry.code, code): (
            users[code] or 0,
            wave_.latest is not None and number_of_month(wave_.latest) <= month,
            wave_.alive,
            (wave_.users, entry.users),
        )
        for entry in sketch.rollouts
        for code, wave_ in entry.coded_waves
    }


def with_totals_of(after, before):
    totals = {c.code: {"published_users": c.published_users, "reading": c.reading} for c in after.cohorts}
    return replace(before, cohorts=tuple(replace(c, **totals.get(c.code, {})) for c in before.cohorts))


def perhaps(draw, old, strategy):
    """The old value, or now and then a new one."""
    return draw(strategy) if draw(st.integers(0, 2)) == 0 else old


@st.composite
def edited(draw, sketch):
    """A later state of a plan: any edits to totals, membership, dates, counts, status, in any number."""
    cohorts = [
        replace(
            c,
            published_users=perhaps(draw, c.published_users, st.none() | st.integers(0, 400)),
            reading=c.reading if c.inside else perhaps(draw, c.reading, st.sampled_from(Reading)),
            undecided_note=perhaps(draw, c.undecided_note, st.sampled_from(["", "検討中"])),
        )
        for c in sketch.cohorts
    ]
    codes = st.sampled_from([c.code for c in cohorts])
    kept = {
        r.code: draw_rollout(draw, r, codes) for r in sketch.rollouts if perhaps(draw, True, st.booleans())
    }
    newcomers = draw(
        st.lists(st.builds(rollout, st.sampled_from("abcx"), waves(), in_cohort=codes), max_size=2)
    )
    rollouts = {entry.code: entry for entry in newcomers} | kept
    return Sketch(tuple(draw(st.permutations(cohorts))), tuple(rollouts.values()))


def draw_rollout(draw, entry, cohort_codes):
    extra = draw(st.lists(waves(), max_size=1))
    kept = entry.waves[: perhaps(draw, len(entry.waves), st.integers(0, 3))]
    return replace(
        entry,
        cohort=perhaps(draw, entry.cohort, cohort_codes),
        users=perhaps(draw, entry.users, COUNTS),
        weight=perhaps(draw, entry.weight, st.integers(1, 9)),
        waves=(*(draw_wave(draw, wave_) for wave_ in kept), *extra),
    )


def draw_wave(draw, wave_):
    other = draw(waves())
    return replace(
        wave_,
        cutover=perhaps(draw, wave_.cutover, st.just(other.cutover)),
        users=perhaps(draw, wave_.users, st.just(other.users)),
        status=perhaps(draw, wave_.status, st.just(other.status)),
    )


PAIRS = sketches().flatmap(lambda sketch: st.tuples(st.just(sketch), edited(sketch) | sketches()))
MONTHS = st.integers(2020 * 12, 2029 * 12)


@given(pair=PAIRS, basis=st.sampled_from(Basis), month=MONTHS)
@settings(max_examples=200)
def test_movers_add_up_to_the_difference_of_the_projections(pair, basis, month):
    before, after = (project(s.plan, basis=basis, today=TODAY)[0].at(month).cumulative for s in pair)
    movement = explained(*pair, basis=basis, month=month)
    assert (movement.before, movement.after) == (before, after)
    assert sum(mover.users for mover in movement.movers) == movement.difference == after - before
    assert 0 not in {mover.users for mover in movement.movers}


@given(pair=PAIRS, basis=st.sampled_from(Basis), month=MONTHS)
@settings(max_examples=200)
def test_explain_agrees_with_a_slow_reading(pair, basis, month):
    movement = explained(*pair, basis=basis, month=month)
    found = {(mover.rollout, mover.cause): mover.users for mover in movement.movers}
    assert found == slow_movers(*pair, basis, month)
    assert len(found) == len(movement.movers)


@given(pair=PAIRS, basis=st.sampled_from(Basis), month=MONTHS)
@settings(max_examples=100)
def test_explain_backwards_has_the_opposite_difference(pair, basis, month):
    there = explained(*pair, basis=basis, month=month)
    back = explained(*reversed(pair), basis=basis, month=month)
    assert (back.before, back.after, back.difference) == (there.after, there.before, -there.difference)


@st.composite
def step_by_step(draw):
    """The states that a plan passes through when its cohorts and each of its rollouts are edited in turn."""
    states = [draw(sketches())]
    last = draw(edited(states[0]))
    codes = sorted({entry.code for entry in (*states[0].rollouts, *last.rollouts)})
    for code in draw(st.permutations([None, *codes])):
        states.append(with_edit(states[-1], code, last))
    return states, last


def with_edit(sketch, code, last):
    """The sketch with one rollout, or the cohorts, as they are in the last state."""
    if code is None:
        return replace(sketch, cohorts=last.cohorts)
    others = [entry for entry in sketch.rollouts if entry.code != code]
    return replace(sketch, rollouts=(*others, *(entry for entry in last.rollouts if entry.code == code)))


@given(way=step_by_step(), basis=st.sampled_from(Basis), month=MONTHS)
@settings(max_examples=100)
def test_movers_add_up_whatever_the_order_of_edits(way, basis, month):
    states, last = way
    whole = explained(states[0], last, basis=basis, month=month)
    steps = [explained(*pair, basis=basis, month=month) for pair in pairwise(states)]
    assert sum(mover.users for step in steps for mover in step.movers) == whole.difference
    assert explained(states[0], states[-1], basis=basis, month=month) == whole


@given(sketch=sketches(), data=st.data(), basis=st.sampled_from(Basis), month=MONTHS)
def test_explain_finds_no_movers_in_the_same_plan_entered_in_another_order(sketch, data, basis, month):
    rollouts, cohorts = (tuple(data.draw(st.permutations(e))) for e in (sketch.rollouts, sketch.cohorts))
    again = replace(sketch, rollouts=rollouts, cohorts=cohorts)
    assert explained(sketch, again, basis=basis, month=month).movers == ()
