"""The health check of mail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from microblog.checks import FAULT, OK, WARNING, CheckedSite, Finding
from microblog.mail.interfaces import MailError, get_transport
from microblog.mail.settings import ADMINS, MAIL, MAIL_FOLDER, leaves_by_server
from microblog.security.settings import DEVELOPMENT


def describe_mail(site: CheckedSite) -> Iterator[Finding]:
    """Can mail be sent, and does anybody get the alerts?"""
    in_force = site.registry.microblog
    is_production = not in_force[DEVELOPMENT]
    try:
        sentence = get_transport(site.registry).check()
    except MailError as error:
        yield Finding(FAULT, str(error))
    else:
        if leaves_by_server(in_force) or not is_production:
            yield Finding(OK, sentence)
        else:
            yield Finding(WARNING, f"{sentence} Nobody gets it: set {MAIL.key} = smtp.")
    if is_production and not in_force[ADMINS]:
        yield Finding(WARNING, f"Alerts are only in the log: set {ADMINS.key} to where they shall go.")


def includeme(config: Any) -> None:
    settings = config.registry.microblog
    config.add_metric("mails", "Mails, by result: sent or failed.", labels=("result",), order=20)
    config.add_health_check("mail", details=describe_mail, order=-10, needs_database=False)
    config.add_folder("mail", settings[MAIL_FOLDER] if settings[MAIL] == "folder" else None)
