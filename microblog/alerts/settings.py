"""Settings of this package."""

from __future__ import annotations

from microblog.settings import Setting, optional_path, whole_number

ALERTS_EVERY = Setting(
    "microblog.alerts.every",
    whole_number(1, 7 * 86_400),
    3600,
    "Seconds in which the admins get one mail at most about the same fault, with how often it happened.",
)
ALERTS_STATE = Setting(
    "microblog.alerts.state",
    optional_path,
    None,
    "The file by which several processes know which alerts were sent; without it each process sends its own.",
)

SETTINGS = (
    ALERTS_EVERY,
    ALERTS_STATE,
)
