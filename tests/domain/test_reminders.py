"""Which reminders are owed, to whom and when ("Reminders, exactly")."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.audience import Party, Recipients, Role, party_of
from rollout.domain.plan import Status
from rollout.domain.reminders import TOKYO, Direction, Kind, Owed, Unit
from rollout.domain.workdays import is_closed
from tests.domain.owing import (
    COVERED,
    EVERY_PARTY,
    LEAD,
    LONG_AGO,
    STRANGER,
    due_days,
    owed_list,
    recipient,
    rule,
    wave,
)

TODAY = date(2026, 11, 24)


def test_owed_gives_the_key_the_day_and_the_moment():
    [found] = owed_list([wave()], [rule()])
    day = date(2026, 12, 16)
    assert found == Owed(7, 5, "a@example.go.jp", 3, 0, day, datetime(2026, 12, 16, 9, tzinfo=TOKYO))
    assert found.key == (7, 5, "a@example.go.jp", 3, 0)


SETTLED = {
    "the day before": ("2026-12-15 23:59", "2026-12-16 09:00"),
    "in the morning": ("2026-12-16 08:30", "2026-12-16 09:00"),
    "on its day": ("2026-12-16 10:00", "2026-12-16 10:11"),
    "late at night": ("2026-12-16 23:55", "2026-12-17 09:00"),
}


@pytest.mark.parametrize(("moved_at", "due_at"), SETTLED.values(), ids=SETTLED)
def test_owed_waits_until_a_cutover_has_settled(moved_at, due_at):
    moved_at, due_at = (datetime.fromisoformat(text).replace(tzinfo=TOKYO) for text in (moved_at, due_at))
    moved = replace(wave(), since_at=moved_at)
    assert [entry.due_at for entry in owed_list([moved], [rule()])] == [due_at]


def test_recipients_at_all_times_are_the_same_people():
    late = Recipients([recipient(since=TODAY), recipient("pmo@example.go.jp", STRANGER, "pmo", since=TODAY)])
    found = late.at_all_times.concerned(wave(), EVERY_PARTY)
    assert found == {"a@example.go.jp": date.min, "pmo@example.go.jp": date.min}


def test_owed_has_one_entry_a_wave_and_rule():
    waves, rules = [wave(key=1), wave("R9.2", key=2)], [rule(30, key=1), rule(7, key=2)]
    found = owed_list(iter(waves), iter(rules), iter([recipient()]))
    assert [(entry.wave, entry.rule) for entry in found] == [(1, 1), (1, 2), (2, 1), (2, 2)]


@pytest.mark.parametrize("missing", ["waves", "rules", "recipients"])
def test_owed_is_nothing_when_something_is_missing(missing):
    parts = {"waves": [wave()], "rules": [rule()], "recipients": [recipient()]} | {missing: []}
    assert owed_list(**parts) == []


DUE = date(2026, 12, 16)
DAY_AFTER = date(2026, 12, 17)
SINCE = {
    "everything long before": (LONG_AGO, LONG_AGO, LONG_AGO, True),
    "everything on the day itself": (DUE, DUE, DUE, True),
    "rule made the day after": (DAY_AFTER, LONG_AGO, LONG_AGO, False),
    "contact made the day after": (LONG_AGO, DAY_AFTER, LONG_AGO, False),
    "cutover moved the day after": (LONG_AGO, LONG_AGO, DAY_AFTER, False),
}


@pytest.mark.parametrize(("of_rule", "of_contact", "of_wave", "expected"), SINCE.values(), ids=SINCE)
def test_owed_leaves_out_days_before_all_three_existed(of_rule, of_contact, of_wave, expected):
    found = due_days([wave(since=of_wave)], [rule(since=of_rule)], [recipient(since=of_contact)])
    assert found == [DUE] * expected


def test_owed_asks_for_the_day_that_is_due_not_for_the_one_meant():
    meant, due = date(2026, 6, 20), date(2026, 6, 22)
    found = due_days([wave("R8.6.20", since=due)], [rule(0)], [recipient()])
    assert (is_closed(meant), found) == (True, [due])


@pytest.mark.parametrize("kind", ["offset", "overdue", "unconfirmed"])
@pytest.mark.parametrize("status", Status)
def test_owed_speaks_of_waves_in_the_statuses_of_the_rule(status, kind):
    cutover = "R8.6.15" if kind == "overdue" else "R9.6.15"
    known = {"kind": kind, "statuses": [Status.PREPARING], "since": date(2026, 6, 1)}
    found = owed_list([wave(cutover, status=status.value, since=TODAY)], [rule(7, **known)])
    assert bool(found) == (status is Status.PREPARING)


@pytest.mark.parametrize("kind", ["change", "escalation", "digest", "alert"])
def test_owed_leaves_out_rules_that_count_from_no_date(kind):
    assert owed_list([wave()], [rule(7, kind=kind)]) == []


PRECISIONS = {
    "month rule, month": ("month", "R9.1", True),
    "month rule, month that goes on": ("month", "R9.1~", True),
    "month rule, day": ("month", "R9.1.15", False),
    "day rule, month": ("day", "R9.1", False),
    "day rule, day": ("day", "R9.1.15", True),
    "any rule, month": (None, "R9.1", True),
    "any rule, day": (None, "R9.1.15", True),
}


@pytest.mark.parametrize(("of_rule", "cutover", "expected"), PRECISIONS.values(), ids=PRECISIONS)
@pytest.mark.parametrize("kind", ["offset", "overdue", "unconfirmed"])
def test_owed_speaks_of_cutovers_in_the_precision_of_the_rule(kind, of_rule, cutover, expected):
    known = {"kind": kind, "precision": of_rule, "direction": "after"}
    found = owed_list([wave(cutover, since=TODAY)], [rule(7, **known)], until=date(2027, 1, 1))
    assert bool(found) == expected


EVERYBODY = [
    recipient("lead@x", LEAD, "lead"),
    recipient("deputy@x", LEAD, "deputy"),
    recipient("watcher@x", LEAD, "watcher"),
    recipient("covered@x", COVERED, "lead"),
    recipient("covered-deputy@x", COVERED, "deputy"),
    recipient("covered-watcher@x", COVERED, "watcher"),
    recipient("stranger@x", STRANGER, "lead"),
    recipient("pmo@x", STRANGER, "pmo"),
]
PARTIES = {
    Party.LEAD: ["lead@x"],
    Party.DEPUTY: ["deputy@x"],
    Party.COVERED: ["covered-deputy@x", "covered@x"],
    Party.WATCHERS: ["covered-watcher@x", "watcher@x"],
    Party.PMO: ["pmo@x"],
}


def addresses(recipients, parties=EVERY_PARTY, about=None):
    found = owed_list([about or wave()], [rule(parties=parties)], recipients)
    return sorted(entry.address for entry in found)


@pytest.mark.parametrize(("party", "expected"), PARTIES.items(), ids=list(PARTIES))
def test_owed_goes_to_one_party(party, expected):
    assert addresses(EVERYBODY, [party]) == expected


@pytest.mark.parametrize("missing", Party)
def test_owed_goes_to_every_party_of_the_rule(missing):
    expected = sorted(set().union(*PARTIES.values()) - set(PARTIES[missing]))
    assert addresses(EVERYBODY, EVERY_PARTY - {missing}) == expected


def test_owed_takes_a_lead_ministry_that_is_covered_too_for_the_lead():
    about = wave(lead=COVERED)
    assert addresses(EVERYBODY, [Party.COVERED], about) == []
    assert addresses(EVERYBODY, [Party.LEAD, Party.DEPUTY], about) == ["covered-deputy@x", "covered@x"]


@pytest.mark.parametrize("ministry", [LEAD, COVERED, STRANGER])
def test_owed_goes_to_the_pmo_wherever_it_sits(ministry):
    pmo = [recipient("pmo@x", ministry, "pmo")]
    assert addresses(pmo, [Party.PMO]) == ["pmo@x"]
    assert addresses(pmo, EVERY_PARTY - {Party.PMO}) == []


TWICE = {
    "at two ministries": [recipient(), recipient(ministry=COVERED)],
    "in two roles": [recipient(), recipient(role="watcher")],
    "at a ministry and PMO": [recipient(), recipient(ministry=STRANGER, role="pmo")],
    "PMO twice": [recipient(role="pmo"), recipient(ministry=STRANGER, role="pmo")],
}


@pytest.mark.parametrize("recipients", TWICE.values(), ids=TWICE)
def test_owed_names_an_address_once(recipients):
    assert addresses(recipients) == ["a@example.go.jp"]


@pytest.mark.parametrize("since", [(DUE, DAY_AFTER), (DAY_AFTER, DUE)], ids=["lead first", "covered first"])
def test_owed_counts_an_address_from_the_first_day_that_it_could_be_told(since):
    of_lead, of_covered = since
    recipients = [recipient(since=of_lead), recipient(ministry=COVERED, since=of_covered)]
    assert addresses(recipients) == ["a@example.go.jp"]


def test_owed_counts_an_address_by_the_role_that_the_rule_addresses():
    late_lead_and_early_watcher = [recipient(since=DAY_AFTER), recipient(role="watcher")]
    assert addresses(late_lead_and_early_watcher, [Party.LEAD]) == []


PARTY_OF = {
    "lead's lead": (Role.LEAD, True, Party.LEAD),
    "lead's deputy": (Role.DEPUTY, True, Party.DEPUTY),
    "lead's watcher": (Role.WATCHER, True, Party.WATCHERS),
    "lead's PMO": (Role.PMO, True, Party.PMO),
    "covered lead": (Role.LEAD, False, Party.COVERED),
    "covered deputy": (Role.DEPUTY, False, Party.COVERED),
    "covered watcher": (Role.WATCHER, False, Party.WATCHERS),
    "covered PMO": (Role.PMO, False, Party.PMO),
}


@pytest.mark.parametrize(("role", "is_lead", "party"), PARTY_OF.values(), ids=PARTY_OF)
def test_party_of_a_contact_depends_on_whose_wave_it_is(role, is_lead, party):
    assert party_of(role, is_lead=is_lead) is party


IN_ORDER = [
    rule(6, "months"),
    rule(90),
    rule(4, "weeks"),
    rule(14),
    rule(7, "business_days"),
    rule(7),
    rule(1),
    rule(0),
    rule(1, direction="after"),
    rule(1, "business_days", direction="after"),
    rule(1, "weeks", direction="after"),
    rule(1, "months", direction="after"),
]


def test_position_orders_rules_from_long_before_to_long_after():
    positions = [rule.position for rule in IN_ORDER]
    assert positions == sorted(set(positions))


RULES = st.builds(
    rule,
    st.integers(1, 100),
    st.sampled_from(Unit),
    kind=st.sampled_from(Kind),
    direction=st.sampled_from(Direction),
    precision=st.sampled_from([None, "day", "month"]),
    since=st.dates(date(2025, 1, 1), date(2027, 6, 1)),
)
WAVES = st.builds(
    wave,
    st.sampled_from(["R8.6", "R9.1.15", "R9.6~", "R8年度", "R9.1以降", "検討中"]),
    since=st.dates(date(2025, 1, 1), date(2027, 6, 1)),
    confirmed=st.none() | st.dates(date(2025, 1, 1), date(2027, 6, 1)),
    status=st.sampled_from([status.value for status in Status]),
)
RECIPIENTS = st.builds(
    recipient,
    st.sampled_from(["a@x", "b@x"]),
    st.sampled_from([LEAD, COVERED, STRANGER]),
    st.sampled_from(Role),
    st.dates(date(2025, 1, 1), date(2027, 6, 1)),
)
UNTIL = st.dates(date(2026, 1, 1), date(2027, 12, 31))


@given(WAVES, RULES, st.lists(RECIPIENTS, max_size=4), UNTIL)
def test_owed_keeps_its_promises(wave, rule, recipients, until):
    found = owed_list([wave], [rule], recipients, until)
    keys = [(entry.address, entry.occurrence) for entry in found]
    reachable = {
        one.address: min(r.since for r in recipients if r.address == one.address) for one in recipients
    }
    assert len(set(keys)) == len(keys)
    assert [entry for entry in found if is_closed(entry.due_day)] == []
    assert [
        entry for entry in found if entry.due_day < max(rule.since, wave.since, reachable[entry.address])
    ] == []


@given(WAVES, RULES, UNTIL, st.integers(1, 200))
def test_owed_until_later_is_owed_and_more(wave, rule, until, days):
    sooner, later = (owed_list([wave], [rule], until=day) for day in (until, until + timedelta(days=days)))
    assert later[: len(sooner)] == sooner
    assert [entry for entry in later[len(sooner) :] if entry.due_day <= until] == []


@pytest.mark.parametrize("lead", [LEAD, 7, 15])
def test_lead_ministry_comes_first_whatever_its_number(lead):
    people = Recipients([recipient("b@example.go.jp", COVERED), recipient("a@example.go.jp", lead)])
    found = people.concerned(wave(lead=lead), EVERY_PARTY)
    assert list(found) == ["a@example.go.jp", "b@example.go.jp"]
