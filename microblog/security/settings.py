"""Settings of this package."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from microblog.settings import TOOLBAR, Setting, boolean

if TYPE_CHECKING:
    from microblog.request import Registry

DEVELOPMENT_SECRET = "not-a-secret"  # noqa: S105  # the beginning of the secret in development.ini
SECRET_CHARACTERS = 32


def secret(value: str) -> str:
    if len(value) < SECRET_CHARACTERS:
        raise ValueError(f"must have {SECRET_CHARACTERS} characters or more")
    return value


DEVELOPMENT = Setting(
    "microblog.development", boolean, False, "For developers: lets the debug toolbar in. Never in production."
)
SECRET = Setting(
    "microblog.secret",
    secret,
    "",
    "Signs CSRF tokens and messages; 32 random characters or more, kept to yourself. Required.",
    secret=True,
)
SECURE_COOKIES = Setting(
    "microblog.cookies.secure", boolean, True, "Cookies travel over https only; false for plain http."
)


def web_address(value: str) -> str | None:
    parts = urlsplit(value)
    if value and (parts.scheme not in ("http", "https") or not parts.netloc or parts.path not in ("", "/")):
        raise ValueError("must be like https://example.org, without a path")
    return value or None


PUBLIC_URL = Setting(
    "microblog.url",
    web_address,
    None,
    "The address under which people see the site, such as https://example.org, "
    "when a proxy in front ends TLS or changes the Host header.",
)
SETTINGS = (DEVELOPMENT, SECRET, SECURE_COOKIES, PUBLIC_URL)


def check_settings(registry: Registry) -> None:
    """Add a fault for every insecure setting."""
    settings = registry.microblog
    if not settings[SECRET] and settings.get_source(SECRET) == "default":
        settings.add_fault(f"{SECRET.key} is missing: set it, or {SECRET.variable}, to 32 random characters.")
    if settings[SECRET].startswith(DEVELOPMENT_SECRET) and not settings[DEVELOPMENT]:
        settings.add_fault(
            f"{SECRET.key} is the one of development.ini, which everybody knows: set one of your own."
        )
    if TOOLBAR in str(registry.settings.get("pyramid.includes", "")) and not settings[DEVELOPMENT]:
        settings.add_fault(
            f"{TOOLBAR} can run code for everybody who can reach it: remove it from pyramid.includes, "
            f"or set {DEVELOPMENT.key} = true on a machine of your own."
        )
