"""Alerts about outages of the database: one when it begins, and one when it is over."""

from __future__ import annotations

from typing import Any

from microblog.events import AlertRaised
from microblog.outages import Outage


def includeme(config: Any) -> None:
    registry = config.registry

    def alert(outage: Outage, reason: str, is_over: bool) -> None:
        if is_over:
            subject = "The database works again"
            body = f"{subject}. This outage is over: {outage.title} ({reason})."
            registry.notify(AlertRaised(registry, "database", f"{outage.name}, over", subject, body))
        else:
            body = f"{outage.title} ({reason}).\n\n{outage.advice}"
            registry.notify(AlertRaised(registry, "database", outage.name, outage.title, body))

    registry.database.outages.observers.append(alert)
