"""Settings of this package."""

from __future__ import annotations

from microblog.settings import Setting, optional_path, whole_number

ALERTS_EVERY = Setting(
    "microblog.alerts.every",
    whole_number(1, 7 * 86_400),
    3600,
    "Seconds between two mails to the admins about the same fault; the later ones say how often it happened.",
)
ALERTS_STATE = Setting(
    "microblog.alerts.state",
    optional_path,
    None,
    "The file in which several processes share which alerts were sent; without it each sends its own.",
)

SETTINGS = (
    ALERTS_EVERY,
    ALERTS_STATE,
)
