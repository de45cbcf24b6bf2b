"""One suite for every mail transport."""

from __future__ import annotations

import email
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage, Message
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest
from zope.interface.verify import verifyObject

from microblog.mail.interfaces import IMailTransport, MailError
from microblog.mail.messages import make_message
from microblog.mail.settings import MAIL, SETTINGS
from microblog.mail.transports import TRANSPORTS, get_class, make_transport
from microblog.security.settings import PUBLIC_URL
from microblog.settings import Settings
from tests.contract.keeping import MOST
from tests.sink import Sink

TEXT = "Hello,\n\nthis is a line.\n" + "Zwölf Boxkämpfer 🥊 " * 200 + "\n.\nFrom here on: the end.\n"


@dataclass
class Post:
    """A transport, its settings, and a function that returns what it has delivered."""

    transport: Any
    settings: Settings
    arrived: Callable[[], list[EmailMessage]]

    def message(
        self, to: str = "susan@example.com", subject: str = "Hello", text: str = TEXT
    ) -> EmailMessage:
        return make_message(self.settings, to, subject, text)


def printed(text: str) -> EmailMessage:
    """A mail as the console shows it."""
    head, _, body = text.partition("\n\n")
    message = EmailMessage(policy=SMTP)
    for line in head.splitlines():
        name, _, value = line.partition(": ")
        if name not in ("Content-Type", "Content-Transfer-Encoding", "MIME-Version"):
            message[name] = value
    message.set_content(body)
    return message


OWN = "tests.contract.keeping.Keeping"


@pytest.fixture(params=[*sorted(TRANSPORTS), OWN])
def post(request: Any, tmp_path: Path, capsys: Any) -> Iterator[Post]:
    folder = tmp_path / "new" / "mail"
    with Sink(enable_SMTPUTF8=True) as sink:
        values = {
            **sink.settings,
            "microblog.mail": request.param,
            "microblog.mail.folder": str(folder),
            "microblog.mail.sender": "Microblög <microblog@example.org>",
        }
        settings = Settings(values, {})
        settings.declare(PUBLIC_URL, *SETTINGS, MOST)
        out: list[str] = []

        def from_console() -> list[EmailMessage]:
            out.append(capsys.readouterr().err)
            parts = "".join(out).split(f"{'-' * 60}\n")
            return [printed(part) for part in parts if part.strip()]

        def from_folder() -> list[EmailMessage]:
            files = sorted(folder.iterdir()) if folder.exists() else []
            return [email.message_from_bytes(f.read_bytes(), EmailMessage, policy=SMTP) for f in files]

        arrived = {
            "console": from_console,
            "folder": from_folder,
            "smtp": lambda: [mail.message for mail in sink.mails],
            OWN: lambda: transport.kept,
        }
        transport: Any = make_transport(settings)
        yield Post(transport, settings, arrived[request.param])


def test_a_transport_provides_its_interface(post):
    assert verifyObject(IMailTransport, post.transport)
    assert type(post.transport) is get_class(post.settings[MAIL])


def test_a_mail_arrives_as_it_was_written(post):
    message = post.message(subject="Grüße 🥊 an alle")
    assert post.transport.send(message).endswith(".")
    (arrived,) = post.arrived()
    assert arrived["Subject"] == "Grüße 🥊 an alle"
    assert arrived["To"] == "susan@example.com"
    assert arrived["From"].addresses[0].display_name == "Microblög"
    assert arrived["From"].addresses[0].addr_spec == "microblog@example.org"
    assert arrived["Message-ID"] == message["Message-ID"]
    assert arrived["Message-ID"].endswith("@example.org>")
    assert arrived["Date"] == message["Date"]
    assert arrived.get_content().replace("\r\n", "\n") == TEXT


def test_a_long_subject_stays_in_one_piece(post):
    post.transport.send(post.message(subject="word " * 30))
    (arrived,) = post.arrived()
    assert str(arrived["Subject"]) == ("word " * 30).strip()


def test_an_address_beyond_ascii_is_kept(post):
    post.transport.send(post.message(to="zoë@bücher.example"))
    (arrived,) = post.arrived()
    assert str(arrived["To"]) == "zoë@xn--bcher-kva.example"


def test_two_mails_are_two(post):
    for text in ("one", "two"):
        post.transport.send(post.message(text=text))
    assert [mail.get_content().strip() for mail in post.arrived()] == ["one", "two"]
    assert len({mail["Message-ID"] for mail in post.arrived()}) == 2


@pytest.mark.parametrize(
    "value", ["Hi\r\nBcc: everybody@example.com", "Hi\nX: y", "Hi\rX: y", "Hi\u2028X: y"]
)
def test_a_header_with_a_line_break_is_refused(post, value):
    message: Any = Message()  # the older kind takes what it is given
    message["From"], message["To"], message["Subject"] = "a@example.org", "b@example.org", value
    with pytest.raises(MailError, match="header Subject of the mail has a line break") as refusal:
        post.transport.send(message)
    assert not refusal.value.temporary
    assert post.arrived() == []


def test_a_check_sends_nothing(post):
    assert post.transport.check().endswith(".")
    assert post.arrived() == []
