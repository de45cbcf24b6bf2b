"""When mails come, and how much a digest says."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from microblog.notifications.rules import find_zone

DIGEST = "digest"  # the kind of mail
AT_ONCE, DAILY, WEEKLY = "at_once", "daily", "weekly"
NEVER = "never"  # who has switched off their digests
HOUR = time(8)  # in the time zone of the person
MONDAY = 0
DAYS_LOOKED_AT = 9
MOST_LINES = 20


def find_next(every: str, preferences: str, now: datetime) -> datetime:
    """When the next digest is due for somebody with these preferences, after `now`: at eight in the morning,
    and of a week on Monday."""
    zone = find_zone(preferences)
    today = now.astimezone(zone).date()
    days = (today + timedelta(days=number) for number in range(DAYS_LOOKED_AT))
    moments = (datetime.combine(day, HOUR, zone) for day in days if every == DAILY or day.weekday() == MONDAY)
    return next(moment for moment in moments if moment > now).astimezone(UTC)
