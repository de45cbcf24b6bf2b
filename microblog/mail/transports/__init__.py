"""The transport of a site: chosen by its name in the ini file, or set by `config.set_mail_transport`."""

from __future__ import annotations

from typing import Any

from pyramid.config import PHASE0_CONFIG
from zope.interface.verify import verifyClass

from microblog.choosing import choose, resolve_class
from microblog.mail.interfaces import IMailTransport
from microblog.mail.settings import MAIL
from microblog.mail.transports.folder import FolderTransport
from microblog.settings import Settings

TRANSPORTS = {
    "folder": "microblog.mail.transports.folder.FolderTransport",
    "smtp": "microblog.mail.transports.smtp.SMTPTransport",
    "console": "microblog.mail.transports.console.ConsoleTransport",
}


def choose_transport(config: Any) -> None:
    """Set the transport that `microblog.mail` names; a fault of it becomes a fault of the settings.

    A class of one's own gets the settings, those among them that its attribute `SETTINGS` lists.
    """
    settings = config.registry.microblog

    def make(transport_class: Any) -> Any:
        config.declare_settings(*getattr(transport_class, "SETTINGS", ()))
        return transport_class(settings)

    if not choose(config, MAIL, TRANSPORTS, IMailTransport, get_class, config.set_mail_transport, make=make):
        config.set_mail_transport(FolderTransport(settings))


def set_mail_transport(config: Any, transport: Any) -> None:
    """Directive: mail leaves by this object, which provides `IMailTransport`."""
    introspectable = config.introspectable("mail transport", None, type(transport).__name__, "mail transport")
    config.action(
        "mail transport",
        lambda: config.registry.registerUtility(transport, IMailTransport),
        order=PHASE0_CONFIG,
        introspectables=(introspectable,),
    )


def get_class(name: str) -> Any:
    """The class of a transport, built in or not.

    :raises ImportError, AttributeError, ValueError, Invalid: when there is none, or it is no transport.
    """
    transport_class = resolve_class(name, TRANSPORTS)
    verifyClass(IMailTransport, transport_class)
    return transport_class


def make_transport(settings: Settings) -> IMailTransport:
    """The transport that `microblog.mail` names, without an application."""
    transport: IMailTransport = get_class(settings[MAIL])(settings)
    return transport
