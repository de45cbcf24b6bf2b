"""What the reader of a page prefers, for the packages that make it."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote
from zoneinfo import ZoneInfo, available_timezones

from microblog.request import Request
from microblog.security.cookies import get_cookie_name

MOST_LANGUAGES = 20


class GuessedZone(NamedTuple):
    """The zone of the page, and the name of the cookie that keeps that of the device."""

    name: str
    cookie: str


# Set by app.js, which knows the zone of the device; a choice of the reader counts more.
TIME_ZONE_COOKIE = "time_zone"


def get_time_zone(request: Request) -> ZoneInfo:
    """`request.time_zone`: the chosen one, else that of the device, else UTC."""
    name = request.preferences.get("time_zone", "")
    if name not in list_known_zones():
        name = unquote(request.cookies.get(get_cookie_name(request, TIME_ZONE_COOKIE), ""))
    return ZoneInfo(name if name in list_known_zones() else "UTC")


@lru_cache(maxsize=1)
def list_known_zones() -> frozenset[str]:
    """All names: devices know zones that nobody would choose, such as Etc/GMT-3."""
    return frozenset(available_timezones())


def get_guessed_zone(request: Request) -> GuessedZone | None:
    """For app.js; None when the reader has chosen a zone."""
    if request.preferences.get("time_zone", "") in list_known_zones():
        return None
    return GuessedZone(request.time_zone.key, get_cookie_name(request, TIME_ZONE_COOKIE))


def get_read_languages(request: Request) -> tuple[str, ...]:
    """`request.read_languages`: the codes of the language of the pages, and of those that were chosen."""
    known = request.registry.languages_to_read
    chosen = [code for code in request.preferences.get("read", "").split() if code in known]
    return tuple(dict.fromkeys([request.locale.language, *chosen[:MOST_LANGUAGES]]))
