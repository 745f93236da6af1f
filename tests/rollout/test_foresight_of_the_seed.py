"""The 90 days after 2026-11-23 of the published plan, with one contact a lead ministry and the PMO."""

from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from rollout import outbox
from rollout.management.commands.up import make_example_contacts
from rollout.outbox.foresight import foresee

BY_CUTOVER = [
    ("11-24", "isa-1", "before-7", "isa"),
    ("11-24", "isa-1", "before-7", "pmo"),
    ("11-30", "isa-1", "before-1", "isa"),
    ("11-30", "isa-1", "before-1", "pmo"),
    ("12-01", "isa-1", "on-the-day", "isa"),
    ("12-01", "isa-1", "on-the-day", "pmo"),
    ("12-01", "mof-1", "before-6m", "mof"),
    ("12-02", "local-finance-bureaus-1", "before-30", "local-finance-bureaus"),
    ("12-02", "local-finance-bureaus-1", "before-30", "pmo"),
    ("12-18", "local-finance-bureaus-1", "before-14", "local-finance-bureaus"),
    ("12-25", "local-finance-bureaus-1", "before-7", "local-finance-bureaus"),
    ("12-25", "local-finance-bureaus-1", "before-7", "pmo"),
    ("12-28", "local-finance-bureaus-1", "before-1", "local-finance-bureaus"),
    ("12-28", "local-finance-bureaus-1", "before-1", "pmo"),
    ("01-04", "local-finance-bureaus-1", "on-the-day", "local-finance-bureaus"),
    ("01-04", "local-finance-bureaus-1", "on-the-day", "pmo"),
    ("01-06", "isa-1", "after-3", "isa"),
    ("01-06", "isa-1", "after-3", "pmo"),
    ("02-03", "local-finance-bureaus-1", "after-3", "local-finance-bureaus"),
    ("02-03", "local-finance-bureaus-1", "after-3", "pmo"),
]
OVERDUE = {"moj-1": 26, "jftc-1": 26, "nra-1": 26, "nta-1": 26, "jma-1": 26, "meti-1": 26, "isa-1": 14}
MONDAYS = ["11-24", "11-30", "12-07", "12-14", "12-21", "12-28"]
MONDAYS += ["01-04", "01-12", "01-18", "01-25", "02-01", "02-08", "02-15"]


@pytest.fixture
def mails(seeded):
    make_example_contacts()
    outbox.plan_reminders()
    now = timezone.now()
    return list(foresee(now, timezone.localdate(now) + timedelta(days=90)))


def test_foresee_of_the_seed_has_exactly_these_keys(mails):
    keys = [
        (f"{mail.goes_at:%m-%d}", mail.wave.code, mail.rule.code, mail.address.partition("@")[0])
        for mail in mails
        if mail.rule.kind == "offset"
    ]
    overdue = Counter(mail.wave.code for mail in mails if mail.rule.code == "overdue-weekly")
    digests = [f"{mail.goes_at:%m-%d}" for mail in mails if mail.rule.code == "digest-weekly"]
    assert keys == BY_CUTOVER
    assert overdue == OVERDUE | {"local-finance-bureaus-1": 4}
    assert digests == MONDAYS
    assert len(mails) == len(keys) + overdue.total() + len(digests)


def test_foresee_of_the_seed_says_how_many_days_are_left_when_a_mail_goes_out(mails):
    texts = {mail.rule.code: mail.body for mail in mails if mail.address.startswith("local-finance-bureaus")}
    lines = {code: [line for line in body.splitlines() if "期間の" in line] for code, body in texts.items()}
    assert lines == {
        "before-30": ["切替予定期間の初日まであと30日です。"],
        "before-14": ["切替予定期間の初日まであと14日です。"],
        "before-7": ["切替予定期間の初日まであと7日です。"],
        "before-1": ["切替予定期間の初日まであと4日です。"],
        "on-the-day": ["切替予定期間の初日から3日たっています。"],
        "after-3": ["切替予定期間の最終日から3日たっています。"],
        "overdue-weekly": ["切替予定期間の最終日から15日たっています。"],
    }
