"""Mail on standard error, for developers."""

from __future__ import annotations

import sys
from email.message import EmailMessage
from typing import Any

from zope.interface import implementer

from microblog.mail.interfaces import IMailTransport
from microblog.mail.messages import check_headers
from microblog.settings import Settings


@implementer(IMailTransport)
class ConsoleTransport:
    """Prints each mail as its reader would see it."""

    name = "console"

    def __init__(self, settings: Settings) -> None:
        pass

    def send(self, message: EmailMessage) -> str:
        check_headers(message)
        headers = "\n".join(f"{name}: {value}" for name, value in message.items())
        rule = "-" * 60
        text: Any = message.get_body(("plain",)) or message
        # One write, so that two threads do not mix their mails.
        sys.stderr.write(f"{rule}\n{headers}\n\n{text.get_content()}{rule}\n")
        sys.stderr.flush()
        return "The mail is printed."

    def check(self) -> str:
        return "Mail is printed."
