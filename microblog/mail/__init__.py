"""Mail: sent to a server, a folder or the console."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.mail.interfaces import IMailTransport
    from microblog.mail.settings import FOR_ALL_MAIL, FOR_SMTP, MAIL, check_together
    from microblog.mail.transports import choose_transport

    config.declare_settings(*FOR_ALL_MAIL)
    config.declare_settings(*FOR_SMTP, in_use=config.registry.microblog[MAIL] == "smtp")
    check_together(config.registry.microblog)
    config.include("microblog.mail.checks")
    config.registry.registerUtility(choose_transport(config.registry.microblog), IMailTransport)
    config.add_command("mail", "microblog.mail.commands.mail", order=90)
