"""What every way in which mail leaves promises."""

from __future__ import annotations

from email.message import EmailMessage
from typing import TYPE_CHECKING

from zope.interface import Attribute, Interface

if TYPE_CHECKING:
    from microblog.request import Registry

from microblog.errors import OperatorError


class MailError(OperatorError):
    """The mail did not leave. The message is a sentence or two: what happened, and what to do.

    `temporary`: the same mail may leave when it is tried again later.
    """

    def __init__(self, sentence: str, *, temporary: bool) -> None:
        super().__init__(sentence)
        self.temporary = temporary


class IMailTransport(Interface):
    """Lets mail leave. One is made for the application; several threads may use it at once.

    Making it connects to nothing and writes nothing.
    """

    name = Attribute("Its name in the ini file.")

    def send(message: EmailMessage) -> str:
        """Hand the mail over to whoever its `To` names; what became of it, as a sentence.

        `message` is one of `microblog.mail.messages.plain_message`, with its date and Message-ID, which stay
        as they are: a mail that is tried again is the same mail. Waits for the other side, so it never
        runs in a transaction or while a person waits.

        :raises MailError: when it was not handed over to all of them, or a header has a line break.
        """

    def check() -> str:
        """Could a mail leave now? None is sent. What was tried, as a sentence.

        :raises MailError: when none could.
        """


def get_transport(registry: Registry) -> IMailTransport:
    transport: IMailTransport = registry.getUtility(IMailTransport)
    return transport
