"""A transport that keeps mails in the memory of the process: the example of docs/architecture.md."""

from __future__ import annotations

from email.message import EmailMessage

from zope.interface import implementer

from microblog.mail.interfaces import IMailTransport, MailError
from microblog.mail.messages import check_headers
from microblog.settings import Setting, Settings, whole_number

MOST = Setting("microblog.mail.keeping.most", whole_number(1, 1000), 100, "Mails that are kept.")


@implementer(IMailTransport)
class Keeping:
    """`microblog.mail = tests.contract.keeping.Keeping`"""

    name = "keeping"
    SETTINGS = (MOST,)

    def __init__(self, settings: Settings) -> None:
        self._most = settings[MOST]
        self.kept: list[EmailMessage] = []

    def send(self, message: EmailMessage) -> str:
        check_headers(message)
        if len(self.kept) == self._most:
            raise MailError("There is no more room for mails: read some of them.", temporary=True)
        self.kept.append(message)
        return "The mail is kept."

    def check(self) -> str:
        return f"There is room for {self._most - len(self.kept)} mails."
