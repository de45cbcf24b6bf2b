"""What people recognize a browser by: its name, its system, and a part of its address.

The names are those that people know. The library for all of them, ua-parser, has a thousand patterns, most of
robots and devices, for a page that tells two or three browsers of one person apart.
"""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

from microblog.accounts.models import BROWSER_CHARACTERS
from microblog.i18n import Message, _

# The first that is found is it: most browsers also say that they are Chrome or Safari.
BROWSERS = (
    ("Edge", r"\bEdgA?/|\bEdgiOS/"),
    ("Opera", r"\bOPR/|\bOpera\b"),
    ("Samsung Internet", r"\bSamsungBrowser/"),
    ("Vivaldi", r"\bVivaldi/"),
    ("Firefox", r"\bFirefox/|\bFxiOS/"),
    ("Chrome", r"\b(?:Headless)?Chrom(?:e|ium)/|\bCriOS/"),
    ("Safari", r"\bVersion/[\d.]+.*\bSafari/"),
    ("w3m", r"\bw3m/"),
    ("Lynx", r"\bLynx/"),
    ("curl", r"\bcurl/"),
)
SYSTEMS = (
    ("iPhone", r"\biPhone\b"),
    ("iPad", r"\biPad\b"),
    ("Android", r"\bAndroid\b"),
    ("ChromeOS", r"\bCrOS\b"),
    ("Windows", r"\bWindows\b"),
    ("macOS", r"\bMac OS X\b|\bMacintosh\b"),
    ("Linux", r"\bLinux\b|\bX11\b"),
)


class Patterns:
    def __init__(self, names: tuple[tuple[str, str], ...]) -> None:
        self._patterns = [(name, re.compile(pattern)) for name, pattern in names]

    def find(self, text: str) -> str | None:
        return next((name for name, pattern in self._patterns if pattern.search(text)), None)


KNOWN_BROWSERS, KNOWN_SYSTEMS = Patterns(BROWSERS), Patterns(SYSTEMS)


class Origin(NamedTuple):
    """Where a request comes from, as it is kept with a session."""

    browser: str | None = None
    address: str | None = None


NOWHERE = Origin()


def make_origin(user_agent: str | None, address: str | None) -> Origin:
    """What is kept: the `User-Agent`, cut off where it is too long, and the address, shortened."""
    browser = "".join(c for c in user_agent or "" if c.isprintable())[:BROWSER_CHARACTERS]
    return Origin(browser or None, shorten_address(address))


def shorten_address(address: str | None) -> str | None:
    """The network of an address, which says enough to recognize it and too little to find somebody:
    24 bits of IPv4, 48 of IPv6. None when it is no address.
    """
    try:
        known = ipaddress.ip_address(address or "")
    except ValueError:
        return None
    if isinstance(known, ipaddress.IPv6Address) and known.ipv4_mapped is not None:
        known = known.ipv4_mapped
    bits = 24 if known.version == 4 else 48
    return str(ipaddress.ip_network(f"{known}/{bits}", strict=False))


def describe_browser(user_agent: str | None) -> Message:
    """ "Firefox on Linux", as far as it is known."""
    browser, system = KNOWN_BROWSERS.find(user_agent or ""), KNOWN_SYSTEMS.find(user_agent or "")
    if browser is None and system is None:
        return _("Unknown browser")
    if browser is None:
        return _("Unknown browser on %(system)s", system=system)
    if system is None:
        return _("%(browser)s on an unknown system", browser=browser)
    return _("%(browser)s on %(system)s", browser=browser, system=system)
