"""Settings of this package, and the parsers of what all services need."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from microblog.settings import Setting, Settings, number, text, whole_number

TRANSLATOR = Setting(
    "microblog.translator",
    text,
    "none",
    "Who translates posts: none, libretranslate, deepl, microsoft, or the dotted name of one of your own.",
)
AT_ONCE = Setting(
    "microblog.translator.at_once",
    whole_number(1, 100),
    2,
    "Requests of a process that may wait for a translation at once; fewer than the threads of the server.",
)
# People wait for it, each in a thread of the server.
SECONDS = 8.0
parse_timeout = number(0.1, 60)
VISIBLE_ASCII = re.compile(r"[!-~]+")


def service_url(value: str) -> str:
    """`https://translate.example.org/api`, without a slash at its end."""
    try:
        parts = urlsplit(value)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        port_is_valid, parts = False, urlsplit("")
    is_plain = not (parts.query or parts.fragment or parts.username or parts.password)
    is_address = parts.scheme in ("http", "https") and parts.hostname and port_is_valid and is_plain
    if not is_address or not VISIBLE_ASCII.fullmatch(value):
        raise ValueError("must be an address such as https://translate.example.org")
    return value.rstrip("/")


def secret_key(value: str) -> str | None:
    """It goes into a header, or into JSON."""
    if value and not VISIBLE_ASCII.fullmatch(value):
        raise ValueError("must be a key as the service gives it, without spaces")
    return value or None


def require_key(settings: Settings, setting: Setting[str | None]) -> str:
    """:raises ValueError: when there is none."""
    key = settings[setting]
    if not key:
        raise ValueError(f"needs {setting.key}")
    return key


def require_safe_url(url: str) -> None:
    """:raises ValueError: when a key would be sent over a network for everybody to read."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise ValueError(f"needs an address that begins with https://, and not {url}")


def is_loopback(host: str) -> bool:
    """Is it this machine?"""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
