"""Settings of this package."""

from microblog.settings import Setting, boolean, whole_number

REGISTRATION = Setting(
    "microblog.registration",
    boolean,
    True,
    "May anybody sign up? Otherwise accounts are made with `microblog user add`.",
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
# The names of limits.
LOG_IN, SIGN_UP, RESET, CONFIRMATIONS = "login", "sign_up", "password_reset", "confirmations"
ADDRESS_CHANGES = "address_changes"
SETTINGS = (REGISTRATION, SESSION_HOURS, REMEMBERED_DAYS)
