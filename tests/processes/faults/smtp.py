"""An SMTP server that misbehaves: `python -m tests.processes.faults.smtp PORT JOURNAL SEED DELAY FAULTS`.

It accepts, dawdles (DELAY seconds at most), refuses for now, refuses for good, and drops the connection
before DATA, within it and after the final dot, whether or not it took the message in. FAULTS is the share of
messages that meet with a fault, each kind as often; who is refused for good is a matter of the address.

What becomes of each message goes to the JOURNAL, one JSON object a line, which is on disk before the server
answers: whatever a client was told to be accepted stands there, however the server ends.
"""

import asyncio
import json
import os
import sys
from datetime import UTC, datetime
from email import message_from_bytes, policy
from enum import StrEnum
from pathlib import Path
from random import Random

from aiosmtpd.smtp import SMTP


class Deed(StrEnum):
    """What the server did with one attempt."""

    ACCEPTED = "accepted"
    REFUSED_FOR_GOOD = "refused for good"
    HELD_BACK = "held back"  # 421, the server closes
    REFUSED_SENDER = "refused sender"  # 451 to MAIL
    REFUSED_RECIPIENT = "refused recipient"  # 450 to RCPT
    REFUSED_MESSAGE = "refused message"  # 451 after the final dot
    DROPPED_BEFORE_DATA = "dropped before DATA"
    DROPPED_WITHIN_DATA = "dropped within DATA"
    DROPPED_AFTER_DOT = "dropped after the dot"
    DROPPED_ONCE_ACCEPTED = "dropped once accepted"


TAKEN = (Deed.ACCEPTED, Deed.DROPPED_ONCE_ACCEPTED)
"""The message is delivered."""

CUT = (Deed.DROPPED_WITHIN_DATA, Deed.DROPPED_AFTER_DOT, Deed.DROPPED_ONCE_ACCEPTED)
"""The client cannot know whether it is."""

FOR_NOW = (Deed.HELD_BACK, Deed.REFUSED_SENDER, Deed.REFUSED_RECIPIENT, Deed.REFUSED_MESSAGE)
"""The client knows that it is not, and may try again later."""

FAULTS = [deed for deed in Deed if deed not in (Deed.ACCEPTED, Deed.REFUSED_FOR_GOOD)]
AT_MAIL = {Deed.HELD_BACK: "421 going down", Deed.REFUSED_SENDER: "451 try later"}
AT_RCPT = {Deed.REFUSED_RECIPIENT: "450 mailbox busy"}


def is_refused_at_once(number):
    """Whether the recipient of that number is unknown here: 550 to RCPT."""
    return number % 20 == 7


def is_refused_after_dot(number):
    """Whether the message to the recipient of that number is taken for spam: 554 after the final dot."""
    return number % 20 == 13


def number_of(address):
    """The number in `contact7@example.go.jp`."""
    return int(address.partition("@")[0].removeprefix("contact"))


class FaultySMTP(SMTP):
    """The protocol; what it does to a message is decided at its MAIL command."""

    def __init__(self, port, journal, seed, delay, faults):
        super().__init__(self, hostname="localhost", ident=f"port {port}")
        self._journal, self._random, self._delay, self._faults = journal, Random(seed), delay, faults
        self._deed = Deed.ACCEPTED

    async def handle_MAIL(self, _server, _session, envelope, address, options):  # noqa: N802 (aiosmtpd's name)
        self._deed = Deed.ACCEPTED
        if self._random.random() < self._faults:
            self._deed = self._random.choice(FAULTS)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        if self._deed in AT_MAIL:
            self._write(self._deed)
        return AT_MAIL.get(self._deed, "250 OK")

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802
        if is_refused_at_once(number_of(address)):
            self._write(Deed.REFUSED_FOR_GOOD, address)
            return "550 no such user"
        if self._deed in (*AT_RCPT, Deed.DROPPED_BEFORE_DATA):
            self._write(self._deed, address)
        if self._deed is Deed.DROPPED_BEFORE_DATA:
            return self._drop()
        envelope.rcpt_tos.append(address)
        return AT_RCPT.get(self._deed, "250 OK")

    async def smtp_DATA(self, arg):  # noqa: N802
        if self._deed is not Deed.DROPPED_WITHIN_DATA:
            await super().smtp_DATA(arg)
            return
        await self.push("354 go ahead")
        await self._reader.read(100)
        self._write(self._deed, *self.envelope.rcpt_tos)
        self._drop()

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802
        await asyncio.sleep(self._random.uniform(0, self._delay))
        [address] = envelope.rcpt_tos
        message_id = message_from_bytes(envelope.content, policy=policy.default)["Message-ID"]
        if is_refused_after_dot(number_of(address)):
            self._deed = Deed.REFUSED_FOR_GOOD
        self._write(self._deed, address, message_id)
        if self._deed in (Deed.DROPPED_AFTER_DOT, Deed.DROPPED_ONCE_ACCEPTED):
            return self._drop()
        answers = {Deed.REFUSED_FOR_GOOD: "554 looks like spam", Deed.REFUSED_MESSAGE: "451 disk full"}
        return answers.get(self._deed, "250 queued")

    def _drop(self):
        self.transport.abort()
        return "421 never read"

    def _write(self, deed, address=None, message_id=None):
        entry = {"at": datetime.now(UTC).isoformat(), "deed": deed, "address": address, "id": message_id}
        os.write(self._journal, f"{json.dumps(entry)}\n".encode())
        os.fsync(self._journal)


async def serve(port, journal, seed, delay, faults):
    """Listen until the process is killed."""
    random = Random(seed)
    server = await asyncio.get_running_loop().create_server(
        lambda: FaultySMTP(port, journal, random.random(), delay, faults), "127.0.0.1", port
    )
    await server.serve_forever()


def read_journal(path: Path):
    """What the server did, in order."""
    entries = map(json.loads, path.read_text().splitlines() if path.exists() else ())
    return [
        entry | {"at": datetime.fromisoformat(entry["at"]), "deed": Deed(entry["deed"])} for entry in entries
    ]


if __name__ == "__main__":
    descriptor = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    asyncio.run(serve(int(sys.argv[1]), descriptor, sys.argv[3], float(sys.argv[4]), float(sys.argv[5])))
