"""What the parts of this room expect of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zope.interface import Interface

if TYPE_CHECKING:
    from microblog.request import Registry


class IAlerts(Interface):
    """Tells the admins of what goes wrong, and does not tell them the same thing again and again."""

    def report(kind: str, group: str, subject: str, body: str) -> None:
        """Note that it happened; the first of a group goes out at once, the others are counted.

        `kind` is "error", "slow query", …; what has the same `group` is the same fault. Never raises,
        never waits: it may be called in the middle of a request or of a COMMIT.
        """

    def work() -> None:
        """Do now what waits; returns when it is sent, or was not. For commands, which end then."""

    def start() -> None:
        """For a server or worker: what was counted before it started is told in its time."""

    def close(seconds: float = 5.0) -> None:
        """Send what waits, and stop; it takes so many seconds at most."""


def get_alerts(registry: Registry) -> IAlerts:
    """For whoever starts and ends a process; others notify `microblog.events.AlertRaised`."""
    alerts: IAlerts = registry.getUtility(IAlerts)
    return alerts
