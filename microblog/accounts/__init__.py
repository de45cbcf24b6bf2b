"""Sign up, log in and out, sessions, passwords, and the settings of one's account."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.accounts.resources import Account
    from microblog.accounts.sessions import LogIns, hold_identity, load_identity
    from microblog.accounts.settings import REGISTRATION, SETTINGS
    from microblog.submissions.interfaces import ILogIns

    config.declare_settings(*SETTINGS)
    config.add_template_setting("registration_open", REGISTRATION)
    config.add_branch("account", Account)
    config.add_identity_loader("session", load_identity)
    config.registry.checks_before_writing.append(hold_identity)
    config.include("microblog.accounts.tasks")
    config.registry.registerUtility(LogIns(), ILogIns)
