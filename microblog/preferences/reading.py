"""What the reader of a page prefers, for the packages that make it."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from microblog.preferences.fields import list_zone_names
from microblog.request import Request

MOST_LANGUAGES = 20


def get_time_zone(request: Request) -> ZoneInfo:
    """`request.time_zone`: UTC when nobody knows it."""
    name = request.preferences.get("time_zone", "")
    return ZoneInfo(name if name in list_zone_names() else "UTC")


def get_read_languages(request: Request) -> tuple[str, ...]:
    """`request.read_languages`: the codes of the language of the pages, and of those that were chosen."""
    known = request.registry.languages_to_read
    chosen = [code for code in request.preferences.get("read", "").split() if code in known]
    return tuple(dict.fromkeys([request.locale.language, *chosen[:MOST_LANGUAGES]]))
