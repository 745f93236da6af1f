"""A real mail server, and a ledger that owes a mail right now."""

import threading
from email import message_from_bytes
from email.policy import SMTP as SMTP_POLICY

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from tests.rollout.ledger import A, B, C, everything_due


class Post:
    """Keeps the mails it accepts; what it refuses, and where it drops the line, stands by address."""

    def __init__(self):
        self.mails, self.refusals, self.text_refusals, self.drops = [], {}, {}, {}
        self.lock = threading.Lock()

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):  # noqa: N802 (aiosmtpd's name)
        if self.drops.get(address) == "at the address":
            server.transport.abort()
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 (aiosmtpd's name)
        if envelope.rcpt_tos[0] in self.text_refusals:
            return self.text_refusals[envelope.rcpt_tos[0]]
        with self.lock:
            self.mails.append((envelope.rcpt_tos, envelope.content))
        if self.drops.get(envelope.rcpt_tos[0]) == "after the text":
            server.transport.abort()
        return "250 OK"

    def addresses(self):
        return [address for addresses, _ in self.mails for address in addresses]

    def mail(self):
        [(_, content)] = self.mails
        return message_from_bytes(content, policy=SMTP_POLICY)

    def subject(self):
        """As a reader shows it: without the space at which the header may be folded."""
        return self.mail()["Subject"].lstrip()

    def text(self):
        return self.mail().get_body(("plain",)).get_content().removesuffix("\r\n")

    def html(self):
        return self.mail().get_body(("html",)).get_content()


class HangingUp(SMTP):
    """Hangs up where a client starts to send the text of a mail."""

    async def smtp_DATA(self, arg):  # noqa: N802 (aiosmtpd's name)
        if self.event_handler.drops.get(self.envelope.rcpt_tos[0]) == "before the text":
            await self.push("354 go on")
            self.transport.abort()
            return
        await super().smtp_DATA(arg)


class PostOffice(Controller):
    def factory(self):
        return HangingUp(self.handler)

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def post(settings):
    office = PostOffice(Post(), hostname="127.0.0.1", port=0)
    office.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", office.port
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    yield office.handler
    office.stop()


@pytest.fixture
def due():
    with everything_due((A, B, C)) as clock:
        yield clock
