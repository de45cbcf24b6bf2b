"""A mail server for tests: takes mail and keeps it, or refuses as a test wants.

with Sink() as sink:
    …  # microblog.mail.smtp.port = sink.port
assert sink.mails[0].message["Subject"] == "Hello"
"""

from __future__ import annotations

import email
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

TAKEN = "250 OK"
LOGIN = (b"susan", b"open sesame")


@dataclass(frozen=True)
class Arrived:
    """What came in, and by the envelope from whom and to whom."""

    sender: str
    to: list[str]
    message: EmailMessage

    @property
    def text(self) -> str:
        return str(self.message.get_content()).replace("\r\n", "\n")


class Sink:
    """`answers` has what is said to an address, or to "DATA", "NOOP" and "QUIT", instead of OK.

    Other options are those of aiosmtpd's SMTP: `ssl_context`, `tls_context`, `auth_required`, …
    """

    def __init__(self, *, answers: dict[str, str] | None = None, **options: Any) -> None:
        self.answers = answers or {}
        self.mails: list[Arrived] = []
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._controller: Any = Controller(self, hostname="127.0.0.1", port=self.port, **options)

    def __enter__(self) -> Sink:
        self._controller.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._controller.stop()

    @property
    def settings(self) -> dict[str, str]:
        """Those that send mail here."""
        return {
            "microblog.mail": "smtp",
            "microblog.mail.sender": "microblog@example.org",
            "microblog.mail.smtp.host": "127.0.0.1",
            "microblog.mail.smtp.port": str(self.port),
        }

    # What aiosmtpd calls

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, to: str, options: Any) -> str:
        answer = self.answers.get(to, TAKEN)
        if answer == TAKEN:
            envelope.rcpt_tos.append(to)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        answer = self.answers.get("DATA", TAKEN)
        if answer == TAKEN:
            message = email.message_from_bytes(envelope.content, EmailMessage, policy=SMTP)
            self.mails.append(Arrived(envelope.mail_from, list(envelope.rcpt_tos), message))
        return answer

    async def handle_NOOP(self, server: Any, session: Any, envelope: Any, argument: Any) -> str:
        return self.answers.get("NOOP", TAKEN)

    async def handle_QUIT(self, server: Any, session: Any, envelope: Any) -> str:
        return self.answers.get("QUIT", "221 Bye")


def authenticator(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    """For `Sink(authenticator=authenticator)`: only `LOGIN` may in."""
    return AuthResult(success=(data.login, data.password) == LOGIN, handled=False)


@contextmanager
def silent_server() -> Iterator[int]:
    """The port of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@contextmanager
def greeting_server(greeting: bytes) -> Iterator[int]:
    """The port of a server that greets every client, and closes the connection at the first command."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def greet() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(greeting)
                connection.recv(100)

        thread = threading.Thread(target=greet)
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


@contextmanager
def breaking_server() -> Iterator[int]:
    """The port of a server that takes everything, and breaks off in the middle of the mail."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection, connection.makefile("rwb", buffering=0) as stream:
                stream.write(b"220 Hello\r\n")
                for line in stream:
                    if line.upper().startswith(b"DATA"):
                        stream.write(b"354 Go on\r\n")
                        stream.readline()
                        return
                    stream.write(b"250 OK\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


@contextmanager
def dripping_server(letter: bytes = b"2", seconds: float = 0.02) -> Iterator[int]:
    """The port of a server that sends a letter now and then, and never an answer."""
    over = threading.Event()

    def drip(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while not over.wait(seconds):
                connection.sendall(letter)

    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                drip(listening.accept()[0])

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        over.set()
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def free_port() -> int:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def make_certificate(openssl: str, folder: Path) -> ssl.SSLContext:
    """A server's side of TLS for 127.0.0.1; `folder / "server.pem"` is whom its clients have to trust."""
    subprocess.run(
        [
            *(
                openssl,
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=127.0.0.1",
            ),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "server.key", "-out", "server.pem"),
            *("-addext", "keyUsage=critical,digitalSignature,keyCertSign"),
        ],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    return context
