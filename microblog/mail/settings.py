"""Settings of this package."""

from __future__ import annotations

from email.utils import parseaddr
from pathlib import Path

from microblog.addresses import parse_mail_address
from microblog.security.settings import PUBLIC_URL
from microblog.settings import Setting, Settings, number, one_of, optional_path, text, whole_number

# Connections to these do not leave the machine.
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")


class Addresses(tuple[str, ...]):
    """E-mail addresses."""

    __slots__ = ()

    def __str__(self) -> str:
        return " ".join(self)


def addresses(value: str) -> Addresses:
    """Addresses, separated by spaces or commas."""
    try:
        return Addresses(parse_mail_address(item) for item in value.replace(",", " ").split())
    except ValueError:
        raise ValueError("must be e-mail addresses, such as admin@example.org, separated by spaces") from None


def sender(value: str) -> str | None:
    """An address, or `Name <address>`."""
    if value:
        try:
            parse_mail_address(parseaddr(value)[1])
        except ValueError:
            raise ValueError(
                "must be an e-mail address, such as microblog@example.org, or a name and <address>"
            ) from None
    return value or None


def optional_ascii(value: str) -> str | None:
    """A text in ASCII: smtplib can log in with nothing else."""
    if not value.isascii():
        raise ValueError("must have only ASCII characters")
    return value or None


ADMINS = Setting(
    "microblog.admins",
    addresses,
    Addresses(),
    "The e-mail addresses that get alerts, separated by spaces; empty: alerts are only in the log.",
)
MAIL = Setting(
    "microblog.mail",
    text,
    "folder",
    "smtp: mail goes to a mail server. folder: each mail is a file. console: it is printed (for developers). "
    "Or the dotted name of a transport of your own.",
)
MAIL_FOLDER = Setting("microblog.mail.folder", Path, Path("mail"), "The folder for microblog.mail = folder.")
SENDER = Setting(
    "microblog.mail.sender",
    sender,
    None,
    "The sender of mail: an address, or a name and <address>; without it, microblog at the host of "
    "microblog.url. smtp needs one of the two.",
)
KEEP_DAYS = Setting(
    "microblog.mail.keep_days",
    whole_number(1, 3650),
    30,
    "Days for which it can be seen what became of a mail. Its text is deleted when it is sent.",
)
SMTP_HOST = Setting("microblog.mail.smtp.host", text, "localhost", "The mail server.")
SMTP_PORT = Setting(
    "microblog.mail.smtp.port",
    whole_number(1, 65_535),
    25,
    "Its port: 25, 587 (usual with starttls) or 465 (usual with tls).",
)
SMTP_TLS = Setting(
    "microblog.mail.smtp.tls",
    one_of("none", "starttls", "tls"),
    "none",
    "starttls: the connection is encrypted before anything else is sent. tls: from the start. none: never.",
)
SMTP_CA = Setting(
    "microblog.mail.smtp.ca_certificate",
    optional_path,
    None,
    "A file with the certificate of an authority to trust in addition to those of the system.",
)
SMTP_USER = Setting(
    "microblog.mail.smtp.user", optional_ascii, None, "The user, if the server wants a login."
)
SMTP_PASSWORD = Setting(
    "microblog.mail.smtp.password", optional_ascii, None, "The user's password.", secret=True
)
SMTP_TIMEOUT = Setting(
    "microblog.mail.smtp.timeout",
    number(0.1, 300),
    10.0,
    "Seconds to wait for an answer of the server.",
)

FOR_DEVELOPERS = ("folder", "console")
FOR_ALL_MAIL = (ADMINS, MAIL, MAIL_FOLDER, SENDER, KEEP_DAYS)
FOR_SMTP = (
    SMTP_HOST,
    SMTP_PORT,
    SMTP_TLS,
    SMTP_CA,
    SMTP_USER,
    SMTP_PASSWORD,
    SMTP_TIMEOUT,
)
SETTINGS = (*FOR_ALL_MAIL, *FOR_SMTP)


def leaves_by_server(settings: Settings) -> bool:
    """Does mail reach people? What goes into a folder, or on the console, is for developers."""
    return settings[MAIL] not in FOR_DEVELOPERS


def check_together(settings: Settings) -> None:
    """Remember as faults what is wrong only with one another."""
    if settings[MAIL] != "smtp":
        return
    if (settings[SMTP_USER] is None) != (settings[SMTP_PASSWORD] is None):
        missing = SMTP_USER if settings[SMTP_USER] is None else SMTP_PASSWORD
        settings.add_fault(f"{missing.key} is missing: a login needs a user and a password.")
    if settings[SENDER] is None and settings[PUBLIC_URL] is None:
        settings.add_fault(f"{SENDER.key} is missing: {MAIL.key} = smtp needs a sender's address.")
    is_open = settings[SMTP_TLS] == "none" and settings[SMTP_HOST] not in LOCAL_HOSTS
    if settings[SMTP_PASSWORD] is not None and is_open:
        settings.add_fault(
            f"{SMTP_PASSWORD.key} would be sent to {settings[SMTP_HOST]} for everybody on the way to read: "
            f"set {SMTP_TLS.key} to starttls or tls."
        )
