"""Why a rule owes an address nothing."""

from datetime import date, datetime, time
from itertools import product

import pytest

from rollout.domain.absence import Absence, Cause, find_absences, parties_of, too_early
from rollout.domain.audience import Party, Recipient, Recipients, Role
from rollout.domain.dates import Precision, parse
from rollout.domain.reminders import TOKYO, Direction, Kind, NotifiedWave, Rule, Unit, owed

LEAD, COVERED, STRANGER = 1, 2, 3
LONG_AGO, TODAY = date(2026, 1, 5), date(2026, 11, 24)
DUE, DAY_AFTER = date(2026, 12, 16), date(2026, 12, 17)


def wave(cutover="R9.1.15", *, since=LONG_AGO, status="planned", confirmed=None):
    since_at = datetime.combine(since, time(0), TOKYO)
    return NotifiedWave(7, parse(cutover), 3, since_at, LEAD, frozenset({COVERED}), status, confirmed)


def rule(kind=Kind.OFFSET, count=30, *, precision=None, since=LONG_AGO, parties=(Party.LEAD,)):
    statuses = frozenset({"planned", "preparing"})
    return Rule(5, kind, count, Unit.DAYS, Direction.BEFORE, precision, statuses, frozenset(parties), since)


def recipients(since=LONG_AGO):
    return Recipients(
        [
            Recipient("lead@x", LEAD, Role.LEAD, since),
            Recipient("watcher@x", LEAD, Role.WATCHER, since),
            Recipient("covered@x", COVERED, Role.DEPUTY, since),
            Recipient("stranger@x", STRANGER, Role.LEAD, since),
            Recipient("pmo@x", STRANGER, Role.PMO, since),
            Recipient("both@x", LEAD, Role.WATCHER, since),
            Recipient("both@x", COVERED, Role.LEAD, since),
        ]
    )


PARTIES = {
    "lead@x": {Party.LEAD},
    "watcher@x": {Party.WATCHERS},
    "covered@x": {Party.COVERED},
    "pmo@x": {Party.PMO},
    "both@x": {Party.WATCHERS, Party.COVERED},
    "stranger@x": set(),
    "nobody@x": set(),
}


@pytest.mark.parametrize(("address", "parties"), PARTIES.items(), ids=list(PARTIES))
def test_parties_of_says_as_what_an_address_hears_of_a_wave(address, parties):
    assert parties_of(wave(), recipients(), address) == parties


FOUND = {
    "owed": (wave(), rule(), "lead@x", []),
    "a status that is not the rule's": (wave(status="migrating"), rule(), "lead@x", [Cause.STATUS]),
    "settled": (wave(status="cancelled"), rule(), "lead@x", [Cause.STATUS]),
    "another ministry's contact": (wave(), rule(), "stranger@x", [Cause.STRANGER]),
    "another role": (wave(), rule(), "watcher@x", [Cause.PARTY]),
    "undecided": (wave("検討中"), rule(), "lead@x", [Cause.UNDECIDED]),
    "quarter": (wave("R8年度第4四半期"), rule(), "lead@x", [Cause.COARSE]),
    "no last day": (wave("R9.1以降"), rule(), "lead@x", [Cause.ENDLESS]),
    "month where a day is wanted": (
        wave("R9.1"),
        rule(precision=Precision.DAY),
        "lead@x",
        [Cause.PRECISION],
    ),
    "overdue: undecided": (wave("検討中"), rule(Kind.OVERDUE, 7), "lead@x", [Cause.UNDECIDED]),
    "overdue: no last day": (wave("R9.1以降"), rule(Kind.OVERDUE, 7), "lead@x", [Cause.ENDLESS]),
    "overdue: not yet": (wave("R10.1"), rule(Kind.OVERDUE, 7), "lead@x", []),
    "unconfirmed: undecided": (wave("検討中"), rule(Kind.UNCONFIRMED, 90), "lead@x", [Cause.UNDECIDED]),
    "unconfirmed: over before": (
        wave(confirmed=TODAY),
        rule(Kind.UNCONFIRMED, 90),
        "lead@x",
        [Cause.OVER],
    ),
    "unconfirmed: no last day": (wave("R9.1以降"), rule(Kind.UNCONFIRMED, 90), "lead@x", []),
    "several at once": (
        wave("R8年度", status="cancelled"),
        rule(),
        "pmo@x",
        [Cause.PARTY, Cause.STATUS, Cause.COARSE],
    ),
    "change: whoever hears of it": (wave(status="cancelled"), rule(Kind.CHANGE), "pmo@x", []),
    "change: a stranger": (wave(), rule(Kind.CHANGE), "stranger@x", [Cause.STRANGER]),
    "escalation: dates are not its own": (wave("R8年度"), rule(Kind.ESCALATION), "lead@x", []),
    "escalation: another role": (wave(), rule(Kind.ESCALATION), "pmo@x", [Cause.PARTY]),
}


@pytest.mark.parametrize(("about", "by", "address", "causes"), FOUND.values(), ids=FOUND)
def test_find_absences_names_every_cause(about, by, address, causes):
    found = find_absences(about, by, recipients(), address, TODAY)
    assert [absence.cause for absence in found] == causes


SINCE = {
    "everything on the day itself": (DUE, DUE, DUE, False),
    "rule made the day after": (DAY_AFTER, LONG_AGO, LONG_AGO, True),
    "cutover moved the day after": (LONG_AGO, DAY_AFTER, LONG_AGO, True),
    "address told from the day after": (LONG_AGO, LONG_AGO, DAY_AFTER, True),
}


@pytest.mark.parametrize(("of_rule", "of_wave", "of_address", "early"), SINCE.values(), ids=SINCE)
def test_find_absences_says_which_day_lay_too_early(of_rule, of_wave, of_address, early):
    found = find_absences(
        wave(since=of_wave), rule(since=of_rule), recipients(of_address), "lead@x", DAY_AFTER
    )
    assert found == [Absence(Cause.TOO_EARLY, DUE, of_address)] * early


def test_too_early_of_an_address_that_is_told_nothing_looks_at_rule_and_cutover():
    late = rule(since=DAY_AFTER)
    assert too_early(wave(), late, recipients(), "nobody@x", DUE) == [Absence(Cause.TOO_EARLY, DUE, None)]


CUTOVERS = ("R9.1.15", "R9.1", "R8.12.1", "R8.6", "R8年度", "R9.1以降", "検討中")
KINDS = ((Kind.OFFSET, 30), (Kind.OVERDUE, 7), (Kind.UNCONFIRMED, 90))


@pytest.mark.parametrize("cutover", CUTOVERS)
@pytest.mark.parametrize(("kind", "count"), KINDS)
def test_nothing_is_owed_exactly_where_a_cause_is_found(cutover, kind, count):
    asked = product(
        ("planned", "in_use"),
        (LONG_AGO, DAY_AFTER),
        (LONG_AGO, DAY_AFTER),
        (None, TODAY),
        (None, Precision.MONTH),
        PARTIES,
    )
    for status, since, reachable, confirmed, precision, address in asked:
        about = wave(cutover, since=since, status=status, confirmed=confirmed)
        by = rule(kind, count, precision=precision, parties=(Party.LEAD, Party.COVERED))
        told = recipients(reachable)
        addresses = {entry.address for entry in owed([about], [by], told, DAY_AFTER)}
        assert (address in addresses) == (find_absences(about, by, told, address, DAY_AFTER) == [])
