"""A reminder rule owes nothing for days before it said what it says."""

import pytest
import time_machine

from rollout.models import Reminder, ReminderRule
from tests.factories import ReminderRuleFactory
from tests.rollout.ledger import START, at, change, due_days, ledger, owe

pytestmark = pytest.mark.django_db

CHANGES = {
    "another offset": ({}, {"count": 45}, True),
    "another unit": ({}, {"unit": "weeks"}, True),
    "another audience": ({}, {"to_lead": False}, True),
    "other statuses": ({}, {"statuses": ["planned"]}, True),
    "switched on again": ({"active": False}, {"active": True}, True),
    "switched off": ({}, {"active": False}, False),
    "another text": ({}, {"subject": "別の件名"}, False),
    "saved as it is": ({}, {}, False),
}


@pytest.mark.parametrize(("before", "after", "anew"), CHANGES.values(), ids=CHANGES)
def test_rule_is_in_force_since_it_owes_what_it_owes(before, after, anew):
    later = at("2026-12-01 10:00")
    with time_machine.travel(START, tick=False) as clock:
        rule = ReminderRuleFactory(**before)
        clock.move_to(later)
        for name, value in after.items():
            setattr(rule, name, value)
        rule.save()
    assert ReminderRule.objects.get().in_force_since == (later if anew else START)


@pytest.mark.parametrize("given_up", ["missed", "skipped"])
def test_rule_with_a_later_day_owes_again_what_was_given_up(given_up):
    with time_machine.travel(START, tick=False) as clock:
        owe()
        Reminder.objects.update(state=given_up)
        clock.move_to(at("2026-12-28 10:00"))
        change(ReminderRule.objects.get(), count=10)
        assert (ledger("state"), due_days()) == (["planned"], ["2027-01-05"])


def test_rule_with_a_later_day_does_not_repeat_what_was_sent():
    with time_machine.travel(START, tick=False) as clock:
        owe()
        Reminder.objects.update(state="sent", sent_at=START)
        clock.move_to(at("2026-12-28 10:00"))
        change(ReminderRule.objects.get(), count=10)
        assert ledger("state") == ["sent"]
