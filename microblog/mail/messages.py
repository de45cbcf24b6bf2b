"""Mails: headers that cannot be forged, and texts that every mail program shows."""

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


def make_message(
    settings: Settings,
    to: str,
    subject: str,
    text: str,
    *,
    html: str | None = None,
    message_id: str | None = None,
    date: datetime | None = None,
) -> EmailMessage:
    """A mail to one address, as text and, if given, also as HTML. Control characters in the subject become
    spaces. A mail that is written and sent at different times has its Message-ID and date from the first.

    :raises ValueError: when `to` is not an address.
    """
    name, sender = get_sender(settings)
    message = EmailMessage(policy=SMTP)
    message["From"] = make_address(sender, name)
    message["To"] = make_address(parse_mail_address(to))
    message["Subject"] = to_one_line(subject, LONGEST_SUBJECT)
    message["Date"] = date or datetime.now(UTC)
    message["Message-ID"] = message_id or make_message_id(settings)
    # Keeps automatic "I am on holiday" replies away.
    message["Auto-Submitted"] = "auto-generated"
    # For lines of any length, and for servers that accept only ASCII.
    message.set_content(text, cte="quoted-printable")
    if html is not None:
        message.add_alternative(html, subtype="html", cte="quoted-printable")
    return message


def add_unsubscribe_link(message: EmailMessage, url: str) -> None:
    """Mail programs show a button that sends a POST to this address (RFC 8058)."""
    message["List-Unsubscribe"] = f"<{url}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"


def make_message_id(settings: Settings) -> str:
    # The domain is given, as the default would query the name server.
    return make_msgid(domain=get_domain(get_sender(settings)[1]))


def get_sender(settings: Settings) -> tuple[str, str]:
    """(name, address) of the setting, else `microblog@` the host of the site."""
    chosen = settings[SENDER]
    if chosen is not None:
        name, email = parseaddr(chosen)
        return name, parse_mail_address(email)
    host = urlsplit(settings[PUBLIC_URL] or "http://localhost").hostname
    try:
        return "", parse_mail_address(f"microblog@{host}")
    except ValueError:  # the host is an IP address
        return "", "microblog@localhost"


def make_address(email: str, name: str = "") -> Address:
    local, _, domain = email.rpartition("@")
    return Address(name, local, domain)


def get_domain(email: str) -> str:
    """The part after the @."""
    return email.rpartition("@")[2]


def to_one_line(text: str, most: int) -> str:
    """The text with spaces for line breaks and other control characters, cut to `most`."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def get_addresses(message: EmailMessage, name: str) -> list[str]:
    """The bare addresses of a header: `From` or `To`."""
    return [email for _, email in getaddresses(message.get_all(name, []))]


def needs_utf8(message: EmailMessage) -> bool:
    """Has one of the addresses a part that is not ASCII? Only some servers accept such mail."""
    return not "".join(get_addresses(message, "From") + get_addresses(message, "To")).isascii()


def check_headers(message: EmailMessage) -> None:
    """:raises MailError: when a header has a line break, which could add further headers."""
    for name, value in message.items():
        if CONTROL.search(f"{name}{value}"):
            raise MailError(
                f"The header {to_one_line(name, 50)} of the mail has a line break: the mail was not sent.",
                temporary=False,
                is_about_mail=True,
            )


def to_bytes(message: EmailMessage) -> bytes:
    """The mail as it is sent.

    :raises MailError: as `check_headers`.
    """
    check_headers(message)
    # A subject that has to be encoded is split into words of at most 75 characters; any other is not folded.
    is_plain = all(str(value).isascii() for value in message.values())
    longest = LONGEST_LINE if is_plain else SMTP.max_line_length
    return message.as_bytes(policy=SMTP.clone(utf8=needs_utf8(message), max_line_length=longest))
