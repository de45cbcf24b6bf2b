"""Settings of this package."""

from microblog.settings import Setting, boolean, whole_number

OPEN, APPROVAL, INVITE, CLOSED = MODES = ("open", "approval", "invite", "closed")


def registration(value: str) -> str:
    """Who may sign up. In the versions before it was true or false."""
    if value in MODES:
        return value
    try:
        return OPEN if boolean(value) else CLOSED
    except ValueError:
        raise ValueError(f"must be one of {', '.join(MODES)}") from None


REGISTRATION = Setting(
    "microblog.registration",
    registration,
    OPEN,
    "Who may sign up. open: everybody. approval: everybody, and an admin approves each. invite: who has a "
    "link of an admin. closed: nobody; accounts are made with `microblog user add`.",
)
SESSION_HOURS = Setting(
    "microblog.sessions.hours",
    whole_number(1, 24 * 365),
    12,
    "Hours without a request after which a session ends.",
)
REMEMBERED_DAYS = Setting(
    "microblog.sessions.remembered_days",
    whole_number(1, 365),
    30,
    "Days without a request after which a session ends whose person asked to be remembered.",
)
DELETION_DAYS = Setting(
    "microblog.accounts.deletion_days",
    whole_number(0, 365),
    14,
    "Days for which somebody who deletes their account can still change their mind, by logging in.",
)


class Domains(tuple[str, ...]):
    """Domains in lower case."""

    __slots__ = ()

    def __str__(self) -> str:
        return " ".join(self)


def domains(value: str) -> Domains:
    """Domains, separated by spaces, commas or lines: `example.com example.org`."""
    return Domains(dict.fromkeys(value.lower().replace(",", " ").split()))


REFUSED_DOMAINS = Setting(
    "microblog.accounts.refused_mail_domains",
    domains,
    Domains(),
    "Domains whose e-mail addresses nobody may sign up with, nor change to, separated by spaces. Those below "
    "them are refused, too.",
)
# The names of limits.
LOG_IN, SIGN_UP, RESET, CONFIRMATIONS = "login", "sign_up", "password_reset", "confirmations"
ADDRESS_CHANGES = "address_changes"
SETTINGS = (REGISTRATION, SESSION_HOURS, REMEMBERED_DAYS, DELETION_DAYS, REFUSED_DOMAINS)
