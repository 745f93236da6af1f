"""What a mail says, and how it is made."""

import re
from datetime import date
from email import message_from_bytes
from email.policy import SMTP as SMTP_POLICY

import pytest
import time_machine
from django.core.mail import EmailMessage
from hypothesis import given
from hypothesis import strategies as st

from ministries.models import Contact
from rollout import outbox, recompute, tasks
from rollout.domain.dates import parse
from rollout.domain.letters import request_text
from rollout.domain.reminders import Kind, State
from rollout.models import PlanVersion, Projection, Reminder, ReminderRule, Wave
from rollout.outbox.mail import message_of, octets_of
from tests.factories import ContactFactory, ReminderRuleFactory, WaveFactory
from tests.rollout.ledger import DUE, START, A, B, C, change, everything_due, ledger, make_wave, owe

pytestmark = pytest.mark.django_db

SENT, WAITING, FAILED, UNKNOWN = State.SENT, State.DUE, State.FAILED, State.UNKNOWN


def test_mail_has_the_message_id_of_its_row(post):
    with everything_due():
        outbox.deliver()
    row, mail = Reminder.objects.get(), post.mail()
    assert (mail["Message-ID"], mail["To"], mail["From"]) == (row.message_id, A, "gss-tracker@example.go.jp")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert row.message_id.endswith("@example.go.jp>")


TEXT = "{宛名}|{案件}|{府省庁}|{範囲}|{切替予定}|{切替予定の読み}|{残り日数}|{人数}|{お願い}"


def test_mail_says_in_japanese_what_moves_when_and_what_to_do(post):
    with everything_due(cutover="R9.1.15", users=68_600):
        ReminderRule.objects.update(subject="【GSS】{案件} 切替のお知らせ（{切替予定}）", body=TEXT)
        outbox.deliver()
    row = Reminder.objects.get()
    assert post.subject() == "【GSS】国税庁（地方拠点） 切替のお知らせ（R9.1.15）"
    assert post.text().split("|") == [
        *("担当者", "国税庁（地方拠点）", "国税庁", "地方拠点", "R9.1.15", "令和9年1月15日"),
        *("切替予定日まであと30日です", "68,600人（公表・確認）"),
        request_text(Kind.OFFSET, parse("R9.1.15"), date(2026, 12, 16)),
    ]
    assert (row.subject, row.body) == (post.subject(), post.text())


def test_mail_says_unknown_where_nobody_has_counted(post):
    with everything_due():
        ReminderRule.objects.update(body="{人数}")
        Projection.objects.all().delete()
        outbox.deliver()
    assert post.text() == "不明"


def test_mail_addresses_the_contact_who_is_concerned(post):
    ContactFactory(email=A, name="別の府省の担当者")
    with everything_due():
        ReminderRule.objects.update(body="{宛名} 様")
        outbox.deliver()
    assert post.text() == "担当者 様"


def without_boundaries(octets):
    return re.sub(rb"=_[0-9a-f]{32}|={15}\d+==", b"", octets)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])), st.text(), st.emails(), st.booleans())
def test_octets_are_those_of_the_stock_message(subject, body, reply_to, has_calendar):
    calendar = "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n" if has_calendar else ""
    row = Reminder(subject=subject, body=body, address=A, reply_to=reply_to, calendar=calendar)
    with time_machine.travel(DUE, tick=False):
        message = message_of(row)
        stock = message.message().as_bytes(linesep="\r\n")
        assert without_boundaries(octets_of(message)) == without_boundaries(stock)


def test_octets_of_a_message_of_one_part_are_its_own():
    assert octets_of(EmailMessage("件名", "本文", "a@example.com", [A])).endswith(
        b"\r\n\r\n" + "本文".encode()
    )


INJECTIONS = {
    "in a name": {"name": "担当\r\nBcc: evil@example.com"},
    "in Japanese": {"name": "担当者\nBcc: evil@example.com"},
}


@pytest.mark.parametrize("values", INJECTIONS.values(), ids=INJECTIONS)
def test_mail_headers_cannot_be_injected_by_a_value(post, values):
    with everything_due():
        ReminderRule.objects.update(subject="{宛名} 様\r\nCc: evil@example.com")
        Contact.objects.update(**values)
        outbox.deliver()
    mail = post.mail()
    assert (mail["Cc"], mail["Bcc"], post.addresses()) == (None, None, [A])
    assert post.subject() == " ".join(f"{values['name']} 様 Cc: evil@example.com".split())


def test_address_with_a_line_break_is_never_sent(post, due):
    address = f"{B}\nbcc: evil@example.com"
    Contact.objects.filter(email=B).update(email=address)
    Reminder.objects.filter(address=B).update(address=address)
    assert outbox.deliver() == 2
    assert post.addresses() == [A, C]
    assert ledger("state")[1] == FAILED


def test_long_subject_is_cut_to_what_the_ledger_holds(post):
    with everything_due():
        Contact.objects.update(name="長" * 100)
        ReminderRule.objects.update(subject="{宛名}" * 4)
        assert outbox.deliver() == 1
    assert post.subject() == "長" * 300


def test_mail_says_the_same_in_text_and_in_simple_html(post):
    with everything_due():
        ReminderRule.objects.update(body="{宛名} 様\n\n<b>確認</b> {確認ページ}\n以上")
        outbox.deliver()
    link = re.search(r"\S+/reminders/\S+", post.text())[0]
    assert post.html().count("<p>") == 2
    assert f'&lt;b&gt;確認&lt;/b&gt; <a href="{link}" rel="nofollow">{link}</a><br>以上' in post.html()
    assert [part.get_content_type() for part in post.mail().walk()] == [
        *("multipart/alternative", "text/plain", "text/html", "text/calendar")
    ]


def test_mail_is_answered_to_the_pmo_and_names_nobody_else(post):
    ContactFactory(email="pmo@example.go.jp", role="pmo")
    with everything_due((A, B)):
        ReminderRule.objects.update(to_pmo=False)
        PlanVersion.objects.raise_number()
        outbox.deliver()
    mails = [message_from_bytes(content, policy=SMTP_POLICY) for _, content in post.mails]
    assert [(mail["To"], mail["Reply-To"], mail["Cc"]) for mail in mails] == [
        (A, "pmo@example.go.jp", None),
        (B, "pmo@example.go.jp", None),
    ]
    said = ["".join(part.get_content() for part in mail.walk() if not part.is_multipart()) for mail in mails]
    assert [(A in text, B in text) for text in said] == [(True, False), (False, True)]


def test_invitation_is_taken_back_from_who_had_it(post):
    with everything_due() as clock:
        ReminderRuleFactory(kind="change", body="{変更の内容}")
        outbox.deliver()
        change(Wave.objects.get(), status="cancelled")
        clock.shift(600)
        outbox.settle()
        outbox.deliver()
    methods = [
        part["Content-Type"].params["method"]
        for _, content in post.mails
        for part in message_from_bytes(content, policy=SMTP_POLICY).walk()
        if part.get_content_type() == "text/calendar"
    ]
    assert methods == ["REQUEST", "CANCEL"]
    assert [text.partition("METHOD:")[2].split()[0] for text in ledger("calendar")] == methods


def test_reminder_after_the_cutover_invites_nobody(post):
    with time_machine.travel(START, tick=False) as clock:
        owe(make_wave("R8.12.11"), (A,), days=())
        ReminderRuleFactory(count=3, unit="business_days", direction="after")
        clock.move_to(DUE)
        tasks.tick()
    assert (post.addresses(), ledger("calendar")) == ([A], [""])


def test_digest_shows_the_curve_inside_the_mail(post):
    with time_machine.travel(START, tick=False):
        ContactFactory(email=A, role="pmo")
        ReminderRuleFactory(kind="digest", count=1, unit="weeks", subject="まとめ", body="{まとめ}")
        WaveFactory(users=100)
        recompute.recompute()
        tasks.tick()
    [image] = [part for part in post.mail().walk() if part.get_content_type() == "image/png"]
    row = Reminder.objects.get(state=SENT)
    assert (image["Content-ID"], image.get_content()) == ("<mikomi>", bytes(row.picture))
    assert 'src="cid:mikomi"' in post.html()
    assert post.text().startswith("GSS導入計画のまとめです")
