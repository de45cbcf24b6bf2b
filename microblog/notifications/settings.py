"""The settings of notifications."""

from __future__ import annotations

from microblog.settings import Setting, whole_number

DAYS = Setting(
    "microblog.notifications.days",
    whole_number(0, 36_500),
    90,
    "Days for which notifications are kept, read or not. 0: for ever.",
)
