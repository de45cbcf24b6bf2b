"""Transports by the name that the ini file gives."""

from __future__ import annotations

from typing import Any

from microblog.mail.settings import MAIL
from microblog.mail.transports.console import ConsoleTransport
from microblog.mail.transports.folder import FolderTransport
from microblog.mail.transports.smtp import SMTPTransport
from microblog.settings import Settings

TRANSPORTS = {transport.name: transport for transport in (FolderTransport, SMTPTransport, ConsoleTransport)}


def choose_transport(settings: Settings) -> Any:
    """The transport of `microblog.mail`."""
    return TRANSPORTS[settings[MAIL]](settings)
