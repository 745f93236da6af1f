"""An SMTP server that accepts everything and keeps nothing: `python -m bench.sink`, which prints its port.

A process of its own, so that what it costs is the same whoever sends, and is not counted among the sender's.
"""

import socket
import socketserver
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

EHLO = b"250-bench\r\n250-8BITMIME\r\n250 SIZE\r\n"
ANSWERS = {b"EHLO": EHLO, b"DATA": b"354 go ahead\r\n", b"QUIT": b"221 bye\r\n"}
ACCEPTED = b"250 ok\r\n"


class Session(socketserver.StreamRequestHandler):
    """One connection."""

    def handle(self) -> None:
        """Answer each command, and each text, until the client leaves."""
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection.sendall(b"220 bench\r\n")
        for line in self.rfile:
            command = line[:4].upper()
            self.connection.sendall(ANSWERS.get(command, ACCEPTED))
            if command == b"DATA":
                while self.rfile.readline() not in (b".\r\n", b""):
                    pass
                self.connection.sendall(ACCEPTED)


@contextmanager
def sink() -> Iterator[int]:
    """The port of a sink that runs meanwhile."""
    command = [sys.executable, "-m", "bench.sink"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            yield int(process.stdout.readline() if process.stdout else "")
        finally:
            process.kill()


if __name__ == "__main__":
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        server.daemon_threads = True
        sys.stdout.write(f"{server.server_address[1]}\n")
        sys.stdout.flush()
        server.serve_forever()
