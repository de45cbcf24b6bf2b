"""Settings of this package."""

from __future__ import annotations

from microblog.settings import Networks, Setting, networks

HEALTH_ALLOW = Setting(
    "microblog.health.allow",
    networks,
    Networks(),
    "Addresses or networks that may ask /health/…, separated by spaces; empty: everybody.",
)

SETTINGS = (HEALTH_ALLOW,)
