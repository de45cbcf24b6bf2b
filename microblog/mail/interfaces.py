"""The interface of mail transports."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from typing import TYPE_CHECKING

from sqlalchemy import orm
from zope.interface import Attribute, Interface

if TYPE_CHECKING:
    from microblog.request import Registry

from microblog.errors import OperatorError


class MailError(OperatorError):
    """The mail was not sent. The message is a sentence or two: what happened, and what to do.

    `temporary`: the same mail may be sent when it is tried again later. `is_about_mail`: this mail, or its
    address, is the reason; another one may be sent now.
    """

    def __init__(self, sentence: str, *, temporary: bool, is_about_mail: bool = False) -> None:
        super().__init__(sentence)
        self.temporary = temporary
        self.is_about_mail = is_about_mail


class IMailTransport(Interface):
    """Sends mail. The application makes one; several threads may use it at once.

    Its constructor connects to nothing and writes nothing.
    """

    name = Attribute("Its name in the ini file.")

    def send(message: EmailMessage) -> str:
        """Send the mail to the addresses of its `To`; returns a sentence that says where it is.

        `message` comes from `microblog.mail.messages.make_message`; its date and Message-ID are not changed,
        so that a retried mail is the same mail. Waits for the server, so it is never called in a transaction
        or while a person waits.

        :raises MailError: when it was not sent to all of them, or a header has a line break.
        """

    def check() -> str:
        """Test whether mail can be sent, without sending any; returns a sentence about it.

        :raises MailError: when it cannot.
        """


def get_transport(registry: Registry) -> IMailTransport:
    transport: IMailTransport = registry.getUtility(IMailTransport)
    return transport


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person as mails need to know them; `language` is the tag that they have chosen, or empty."""

    user_id: int
    nickname: str
    display_name: str
    email: str | None
    is_confirmed: bool
    language: str


class IRecipients(Interface):
    """`microblog.accounts` registers it as a utility."""

    def find_recipient(session: orm.Session, user_id: int) -> Recipient | None:
        """The person; None when there is no such person. One statement."""

    def find_recipients(session: orm.Session, user_ids: Collection[int]) -> Mapping[int, Recipient]:
        """These people by their ids, without those that there are not. One statement."""


def get_recipients(registry: Registry) -> IRecipients:
    found: IRecipients = registry.getUtility(IRecipients)
    return found
