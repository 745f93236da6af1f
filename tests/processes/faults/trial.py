"""One trial: reminders are owed, everything fails at random and heals, and the ledger has to be right."""

import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from random import Random

from tests.processes.faults.installation import CLOCKED, installation
from tests.processes.faults.smtp import (
    CUT,
    FOR_NOW,
    TAKEN,
    Deed,
    is_refused_after_dot,
    is_refused_at_once,
    number_of,
)

FAULTS = 0.3
"""The share of messages with which the SMTP server does something else than to take or refuse them."""

BACK_OFF = timedelta(minutes=1)
"""How long the product lets a server be that refused a mail for now, the first time."""

OUTAGE_MINUTES = 16
DRAINS = 6
DRAIN_MINUTES = 65
"""Twenty outages and all drains end on the evening of the day that began at 10:00."""

SENDERS = 2
"""Mails that one worker may be sending at once, by its concurrency."""

FINAL = ("sent", "failed", "unknown")


@dataclass(frozen=True)
class Trial:
    """What was owed, what the ledger and the SMTP server say became of it, and what was killed how often."""

    count: int
    rows: dict
    journal: list
    kills: Counter

    def report(self):
        """Counts, in lines."""
        states = Counter(state for state, _ in self.rows.values())
        deeds = Counter(str(entry["deed"]) for entry in self.journal)
        unknown_but_taken = sum(self.rows[entry["address"]][0] == "unknown" for entry in self._taken)
        return "\n".join(
            [
                f"{self.count} reminders: {_listed(states)}",
                f"of the unknown {unknown_but_taken} were taken",
                f"SMTP attempts: {_listed(deeds)}",
                f"kill -9: {_listed(self.kills)}",
            ]
        )

    def complaints(self):
        """Everything that is not as promised."""
        return [*self._wrong_rows(), *self._wrong_mails(), *self._hasty_attempts(), *self._excuses()]

    @property
    def _taken(self):
        return [entry for entry in self.journal if entry["deed"] in TAKEN]

    def _wrong_rows(self):
        if len(self.rows) != self.count:
            yield f"{self.count} reminders were owed, the ledger has {len(self.rows)}"
        times = Counter(entry["address"] for entry in self._taken)
        for address, (state, _) in self.rows.items():
            refused = is_refused_at_once(number_of(address)) or is_refused_after_dot(number_of(address))
            allowed = {"sent": (1,), "unknown": (0, 1), "failed": (0,) if refused else ()}
            if times[address] not in allowed.get(state, ()):
                yield f"{address} is {state} and was taken {times[address]} times"

    def _wrong_mails(self):
        for entry in self._taken:
            if self.rows[entry["address"]][1] != entry["id"]:
                yield f"{entry['address']} got {entry['id']}, which is not its row's"

    def _excuses(self):
        """An `unknown` needs a connection cut over the text, or a sender or its server killed."""
        unknown = sum(state == "unknown" for state, _ in self.rows.values())
        cuts = _cuts(self.journal)
        killed = sum(number for name, number in self.kills.items() if "worker" in name or "smtp" in name)
        if unknown > cuts + SENDERS * killed:
            yield f"{unknown} are unknown after {cuts} cuts and {killed} kills"
        if not cuts or not self.kills:
            yield "nothing was cut or killed: this shows nothing"

    def _hasty_attempts(self):
        attempts = {}
        for entry in self.journal:
            attempts.setdefault(entry["address"], []).append(entry)
        attempts.pop(None, None)
        for address, entries in attempts.items():
            for one, next_one in pairwise(entries):
                waited = next_one["at"] - one["at"]
                if one["deed"] in (*FOR_NOW, Deed.DROPPED_BEFORE_DATA) and waited < BACK_OFF:
                    yield f"{address} was tried again {waited} after {one['deed']}"


def run(count, *, outages, seconds, seed, delay):
    """Owe `count` reminders, disturb up to so many outages or seconds, heal, and say how it ended.

    The SMTP server takes up to `delay` seconds over a message. Raises AssertionError, with what went wrong
    and the end of every log.
    """
    with installation(seed, delay) as product:
        product.fill(count)
        product.faults = FAULTS
        product.start()
        disturb(product, Random(seed), outages, seconds)
        heal(product)
        trial = Trial(count, product.rows(), product.journal(), product.kills)
        if trial.complaints():
            raise AssertionError("\n".join([*trial.complaints()[:20], trial.report(), product.logs()]))
    return trial


def disturb(product, random, outages, seconds):
    """Kill and start again, one part or two at a time; then nothing runs for a while, so many times.

    A worker that has not got to work yet is spared: else nothing but starts would be tested. It goes on, up
    to three times as long, until a connection was cut over a mail: on a slow machine few go out in the time.
    """
    begin = time.monotonic()
    while is_unfinished(product):
        is_enough = not outages or time.monotonic() - begin > seconds
        if is_enough and (_cuts(product.journal()) or time.monotonic() - begin > 3 * seconds):
            break
        time.sleep(random.uniform(0.5, 3))
        spared = () if product.has_ticked() else ("worker",)
        if outages and not spared and random.random() < 0.25:
            outages -= 1
            product.let_pass(OUTAGE_MINUTES, *CLOCKED)
            continue
        names = [name for name in product.parts if name not in spared]
        names = random.sample(names, random.choice((1, 1, 2)))
        product.kill(*names)
        time.sleep(random.uniform(0, 1))
        product.start(*names)


def heal(product):
    """Let everything run, and time pass, until the ledger is at rest."""
    product.faults = 0.0
    for _ in range(DRAINS):
        product.let_pass(DRAIN_MINUTES, *CLOCKED)
        product.start()
        wait_until_idle(product)
        if not is_unfinished(product):
            break
    product.let_pass(DRAIN_MINUTES)
    product.manage("tick")


def is_unfinished(product):
    """Whether a reminder waits for anything."""
    return any(state not in FINAL for state, _ in product.rows().values())


def wait_until_idle(product, seconds=300):
    """Wait until nothing is left to send for now, and the ledger has not changed for two seconds."""
    deadline = time.monotonic() + seconds
    before = None
    while time.monotonic() < deadline:
        now = product.rows()
        if product.has_ticked() and product.ready() == 0 and now == before:
            return
        before = now
        time.sleep(2)
    raise AssertionError(f"still busy after {seconds} s\n{product.logs()}")


def _cuts(journal):
    """How many mails a connection was cut over."""
    return sum(entry["deed"] in CUT for entry in journal)


def _listed(counts):
    return ", ".join(f"{number} {name}" for name, number in sorted(counts.items()))
