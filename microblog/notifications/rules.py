"""Which notifications are of one day, and how many of them are counted."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo, available_timezones

from microblog.ids import get_timestamp

# Up to it people are counted: "susan and more than 99 others". A post that 100,000 people like on one day
# costs what one of a hundred does.
MOST_COUNTED = 100
MOST_UNREAD = 100  # from it on the header says "99+"


def name_cause(cause: object, actor_id: object) -> str:
    """Of the mail about what this actor did (`Letter.cause`)."""
    return f"{cause} of {actor_id}"


def get_day(preferences: str, notification_id: int) -> int:
    """The day of a notification for somebody with these preferences: in the time zone that they have chosen,
    else in UTC."""
    zone = find_zone(preferences)
    return get_timestamp(notification_id).astimezone(zone).toordinal()


@lru_cache(maxsize=1_024)
def find_zone(preferences: str) -> ZoneInfo:
    name = dict(parse_qsl(preferences)).get("time_zone", "")
    return ZoneInfo(name if name in list_zone_names() else "UTC")


@lru_cache(maxsize=1)
def list_zone_names() -> frozenset[str]:
    return frozenset(available_timezones())
