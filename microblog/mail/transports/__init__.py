"""Transports by the name that the ini file gives."""

from __future__ import annotations

from microblog.mail.interfaces import IMailTransport
from microblog.mail.settings import MAIL
from microblog.mail.transports.console import ConsoleTransport
from microblog.mail.transports.folder import FolderTransport
from microblog.mail.transports.smtp import SMTPTransport
from microblog.settings import Settings

TRANSPORTS = {transport.name: transport for transport in (FolderTransport, SMTPTransport, ConsoleTransport)}


def choose_transport(settings: Settings) -> IMailTransport:
    """The transport of `microblog.mail`."""
    transport: IMailTransport = TRANSPORTS[settings[MAIL]](settings)
    return transport
