"""Tells the admins of what goes wrong, and does not tell them the same thing again and again."""

from __future__ import annotations

import logging
from typing import Any

from zope.interface import implementer

from microblog.monitoring.interfaces import IAlerts

log = logging.getLogger(__name__)


@implementer(IAlerts)
class Alerts:
    """Nobody is told but the log."""

    def report(self, kind: str, group: str, subject: str, body: str) -> None:
        log.info("Alert: %s", subject)

    def close(self) -> None:
        pass


def includeme(config: Any) -> None:
    config.registry.alerts = Alerts()
