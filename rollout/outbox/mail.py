"""One mail: made of its row, and handed to the mail server step by step.

The steps matter. Until the text of a mail is handed over nothing can have arrived, so that whatever goes
wrong may be tried again; from there until the server's answer nobody knows, and the row becomes `unknown`.
"""

import secrets
import smtplib
from contextlib import suppress
from email.generator import BytesGenerator
from email.mime.image import MIMEImage
from email.policy import Compat32
from functools import cache, lru_cache
from io import BytesIO
from typing import Any, NamedTuple

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend
from django.core.mail.message import sanitize_address
from django.template.loader import get_template
from django.utils.html import linebreaks, urlize
from django.utils.safestring import mark_safe

from rollout.domain.reminders import State
from rollout.models import Reminder
from rollout.outbox.invitations import method_of

ACCEPTED = "受け付けられました"
PICTURE_ID = "mikomi"
TEXT_PLACE = "{text}"
SHORT = 76


class Outcome(NamedTuple):
    """What became of a mail: `due` is to be tried again. `is_cut`: the connection is of no more use."""

    state: State
    answer: str
    is_cut: bool = False


class Mail(NamedTuple):
    """A mail that is ready to go: its message, and what an SMTP server is given of it."""

    message: EmailMultiAlternatives
    sender: str
    recipient: str
    text: bytes


def mail_of(row: Reminder) -> Mail:
    """The mail of a row with a letter. Raises ValueError for an address or a header that cannot be sent."""
    message = message_of(row)
    charset = str(message.encoding or settings.DEFAULT_CHARSET)
    sender, recipient = (_envelope(each, charset) for each in (message.from_email, message.to[0]))
    return Mail(message, sender, recipient, octets_of(message))


def octets_of(message: EmailMessage) -> bytes:
    """A message as SMTP takes it. Raises ValueError for a header that cannot be sent."""
    parts: Any = message.message()
    if parts.is_multipart():
        # Else a pattern is compiled for every mail, by which its own boundary is looked for in it.
        parts.set_boundary(f"=_{secrets.token_hex(16)}")
    text = BytesIO()
    BytesGenerator(text, mangle_from_=False, policy=AS_IT_IS).flatten(parts)
    return text.getvalue()


class PlainHeaders(Compat32):
    """Writes short plain headers as they are, which is what folding makes of most of them, at length."""

    def fold_binary(self, name: str, value: str) -> bytes:
        """One header."""
        line = f"{name}: {value}"
        if len(line) < SHORT and line.isascii() and line.isprintable():
            return f"{line}{self.linesep}".encode()
        return super().fold_binary(name, value)


AS_IT_IS = PlainHeaders(linesep="\r\n")


def message_of(row: Reminder) -> EmailMultiAlternatives:
    """The message of a row: its text, the same in HTML, and what goes along."""
    message = EmailMultiAlternatives(
        row.subject,
        row.body,
        to=[row.address],
        reply_to=[row.reply_to] if row.reply_to else [],
        headers={
            "Message-ID": row.message_id,
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
        },
    )
    before, after = _frame(PICTURE_ID if row.picture else "")
    message.attach_alternative(before + html_of(row.body) + after, "text/html")
    if row.calendar:
        message.attach_alternative(row.calendar, f"text/calendar; method={method_of(row.calendar)}")
    if row.picture:
        message.mixed_subtype = "related"  # type: ignore[attr-defined]
        message.attach(_inline(bytes(row.picture)))
    return message


def _inline(picture: bytes) -> MIMEImage:
    image = MIMEImage(picture, "png")
    image.add_header("Content-ID", f"<{PICTURE_ID}>")
    image.add_header("Content-Disposition", "inline", filename="gss-mikomi.png")
    return image


def html_of(body: str) -> str:
    """A text as simple HTML: its paragraphs, its lines, and links where it has addresses."""
    return mark_safe(linebreaks(urlize(body, nofollow=True, autoescape=True)))  # noqa: S308 (urlize escapes)


@cache
def _frame(picture_id: str) -> tuple[str, str]:
    """What stands before and after the text in HTML; the same for all, and dear to render."""
    page = get_template("rollout/mail/reminder.html").render({"text": TEXT_PLACE, "picture_id": picture_id})
    before, _, after = page.partition(TEXT_PLACE)
    return before, after


_envelope = lru_cache(sanitize_address)


class Post:
    """The way to the mail server: one connection for as many mails as it lasts."""

    def __init__(self) -> None:
        self._connection: BaseEmailBackend | None = None

    def open(self) -> None:
        """Connect, unless connected. Raises what smtplib, the network and wrong settings raise."""
        if self._connection is None:
            connection = get_connection()
            connection.open()
            self._connection = connection

    def close(self) -> None:
        """Say goodbye, and do not mind who is not there any more."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(OSError, smtplib.SMTPException):
                connection.close()

    def send(self, mail: Mail) -> Outcome:
        """Hand the mail of a claimed row over; the connection is open."""
        if self._connection is None:
            raise RuntimeError("open the way first")
        outcome = _hand_over(mail, self._connection)
        if outcome.is_cut:
            self.close()
        return outcome


def _hand_over(mail: Mail, connection: BaseEmailBackend) -> Outcome:
    if isinstance(connection, EmailBackend) and connection.connection is not None:
        return converse(connection.connection, mail)
    try:
        connection.send_messages([mail.message])
    except OSError as error:
        return Outcome(State.UNKNOWN, f"書き出しの途中で失敗しました: {error}", is_cut=True)
    return Outcome(State.SENT, ACCEPTED)


def converse(smtp: smtplib.SMTP, mail: Mail) -> Outcome:
    """Hand one mail to an SMTP server."""
    try:
        smtp.ehlo_or_helo_if_needed()
        code, answer = smtp.mail(mail.sender)
        if code == 250:
            code, answer = smtp.rcpt(mail.recipient)
    except OSError as error:
        return Outcome(State.DUE, f"本文を渡す前に接続が切れました: {error}", is_cut=True)
    if code not in (250, 251):
        return _refusal(smtp, code, answer)
    try:
        code, answer = smtp.data(mail.text)
    except smtplib.SMTPDataError as error:
        return _refusal(smtp, error.smtp_code, error.smtp_error)
    except OSError as error:
        return Outcome(State.UNKNOWN, f"送信中に接続が切れました: {error}", is_cut=True)
    if 200 <= code < 300:
        return Outcome(State.SENT, _words(code, answer))
    if 400 <= code < 600:
        return _refusal(smtp, code, answer)
    return Outcome(State.UNKNOWN, f"応答を読み取れません: {_words(code, answer)}", is_cut=True)


def _words(code: int, answer: bytes | str) -> str:
    return f"{code} {answer.decode(errors='replace') if isinstance(answer, bytes) else answer}"


def _refusal(smtp: smtplib.SMTP, code: int, answer: bytes | str) -> Outcome:
    """A server's no: for now where its code is below 500, else for good."""
    is_cut = code in (421, -1)
    if not is_cut:
        try:
            smtp.rset()
        except OSError:
            is_cut = True
    for_now = code < 500
    return Outcome(State.DUE if for_now else State.FAILED, _words(code, answer), is_cut)
