"""Accounts: signing up, logging in and out, sessions, passwords, and one's profile."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.accounts import queries
    from microblog.accounts.log_in_checks import add_log_in_check
    from microblog.accounts.nicknames import NAMES_OF_THE_SITE
    from microblog.accounts.recipients import Recipients
    from microblog.accounts.resources import Account
    from microblog.accounts.sessions import LogIns, load_identity
    from microblog.accounts.settings import APPROVAL, LOG_IN, OPEN, REGISTRATION, SETTINGS, SIGN_UP
    from microblog.accounts.sign_up_checks import add_sign_up_check
    from microblog.i18n import _
    from microblog.mail.interfaces import IRecipients
    from microblog.submissions.interfaces import ILogIns
    from microblog.web.navigation import is_logged_in, is_visitor

    config.declare_settings(*SETTINGS)
    config.registry.log_in_checks = []
    config.add_directive("add_log_in_check", add_log_in_check)
    config.registry.sign_up_checks = []
    config.add_directive("add_sign_up_check", add_sign_up_check)

    def is_open(request: Any) -> bool:
        return request.microblog[REGISTRATION] in (OPEN, APPROVAL)

    config.add_template_global("registration_open", is_open)
    config.add_branch("account", Account)
    for name in ("register", "login", "logout", "account"):
        config.keep_robots_from(name)
    config.reserve_nicknames(*NAMES_OF_THE_SITE, "register", "login", "logout")
    config.add_identity_loader("session", load_identity, hold=queries.hold_session)
    config.add_nav_item(
        "login", _("Log in"), lambda request: request.link("login"), shown=is_visitor, order=50
    )
    config.add_nav_item(
        "register",
        _("Sign up"),
        lambda request: request.link("register"),
        shown=lambda request: is_visitor(request) and is_open(request),
        order=60,
    )
    config.add_nav_item(
        "logout", template="microblog.accounts:templates/nav_logout.jinja2", shown=is_logged_in, order=70
    )
    config.add_limit(
        LOG_IN,
        what="Wrong passwords",
        refusal=_("There were too many tries to log in with a wrong password."),
        per_account_and_address="10 per 15 minutes",
        per_account="100 per hour",
        per_address="30 per 15 minutes",
        site="1000 per 15 minutes",
    )
    config.add_limit(
        SIGN_UP,
        what="New accounts",
        refusal=_("Too many people have signed up in a short time."),
        per_address="5 per hour",
        site="100 per hour",
    )
    config.add_recovered_fields(
        nickname=_("Nickname"), email=_("E-mail"), display_name=_("Display name"), about_me=_("About me")
    )
    config.add_mail_kind(
        "new_browser",
        folder="microblog.accounts:templates/mails/new_browser",
        label=_("Somebody logs in as you in a new browser"),
    )
    config.include("microblog.accounts.by_mail")
    config.include("microblog.accounts.tasks")
    config.include("microblog.accounts.pages")
    config.include("microblog.accounts.departures")
    config.include("microblog.accounts.checks")
    config.include("microblog.accounts.new_address")
    config.include("microblog.accounts.registrations")
    config.add_account_page(
        "profile",
        _("Profile"),
        _("Your nickname, your display name, and what you say about yourself."),
        order=10,
    )
    config.add_account_page(
        "password", _("Password"), _("Change it, and be logged out everywhere else."), order=20
    )
    config.add_account_page(
        "sessions", _("Sessions"), _("The browsers in which you are logged in."), order=30
    )
    config.add_account_page(
        "delete", _("Delete your account"), _("Leave, and take everything with you."), order=200
    )
    config.add_nav_item(
        "account",
        _("Your account"),
        lambda request: request.link("account", ""),
        shown=is_logged_in,
        slot="footer",
        order=5,
    )
    config.add_metric(
        "logins", "Attempts to log in, by result: done or failed.", labels=("result",), order=10
    )
    config.registry.registerUtility(LogIns(), ILogIns)
    config.registry.registerUtility(Recipients(), IRecipients)
    config.add_models("microblog.accounts.models")
    config.add_command("user", "microblog.accounts.commands.user", order=20)
