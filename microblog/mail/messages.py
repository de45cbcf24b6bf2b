"""Mails as they leave: headers that cannot be forged, and texts that every mail program shows."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import getaddresses, make_msgid, parseaddr
from urllib.parse import urlsplit

from microblog.addresses import parse_mail_address
from microblog.mail.interfaces import MailError
from microblog.mail.settings import SENDER
from microblog.security.settings import PUBLIC_URL
from microblog.settings import Settings

LONGEST_SUBJECT = 200  # characters
LONGEST_LINE = 500  # of a header; RFC 5322 allows 998
CONTROL = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029]")


def plain_message(settings: Settings, to: str, subject: str, text: str) -> EmailMessage:
    """A mail of text to one address. Whatever is no letter in the subject becomes a blank.

    :raises ValueError: when `to` is no address.
    """
    name, sender = get_sender(settings)
    message = EmailMessage(policy=SMTP)
    message["From"] = header(sender, name)
    message["To"] = header(parse_mail_address(to))
    message["Subject"] = one_line(subject, LONGEST_SUBJECT)
    message["Date"] = datetime.now(UTC)
    # The domain is given, since it would be asked of the name server.
    message["Message-ID"] = make_msgid(domain=get_domain(sender))
    # So that nobody's "I am on holiday" answers it.
    message["Auto-Submitted"] = "auto-generated"
    # Lines of any length, and servers that know only ASCII.
    message.set_content(text, cte="quoted-printable")
    return message


def get_sender(settings: Settings) -> tuple[str, str]:
    """(name, address) that was set, else microblog at the host of the site."""
    chosen = settings[SENDER]
    if chosen is not None:
        name, email = parseaddr(chosen)
        return name, parse_mail_address(email)
    host = urlsplit(settings[PUBLIC_URL] or "http://localhost").hostname
    try:
        return "", parse_mail_address(f"microblog@{host}")
    except ValueError:  # it is reached by a number
        return "", "microblog@localhost"


def header(email: str, name: str = "") -> Address:
    local, _, domain = email.rpartition("@")
    return Address(name, local, domain)


def get_domain(email: str) -> str:
    """What is behind the @."""
    return email.rpartition("@")[2]


def one_line(text: str, most: int) -> str:
    """The text without line breaks and other control characters, cut."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def addresses_in(message: EmailMessage, name: str) -> list[str]:
    """The bare addresses of a header: `From` or `To`."""
    return [email for _, email in getaddresses(message.get_all(name, []))]


def needs_utf8(message: EmailMessage) -> bool:
    """Has one of the addresses a name that ASCII cannot write? Only some servers take such mail."""
    return not "".join(addresses_in(message, "From") + addresses_in(message, "To")).isascii()


def check_headers(message: EmailMessage) -> None:
    """:raises MailError: when a header has a line break, by which somebody could add headers of their own."""
    for name, value in message.items():
        if CONTROL.search(f"{name}{value}"):
            raise MailError(
                f"The header {one_line(name, 50)} of the mail has a line break in it: it was not sent.",
                temporary=False,
            )


def as_bytes(message: EmailMessage) -> bytes:
    """The mail as it travels.

    :raises MailError: as `check_headers`.
    """
    check_headers(message)
    # A subject that has to be encoded is, in words of at most 75 characters; any other stays in one piece.
    is_plain = all(str(value).isascii() for value in message.values())
    longest = LONGEST_LINE if is_plain else SMTP.max_line_length
    return message.as_bytes(policy=SMTP.clone(utf8=needs_utf8(message), max_line_length=longest))
