"""The interface of alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zope.interface import Interface

if TYPE_CHECKING:
    from microblog.request import Registry


class IAlerts(Interface):
    """Mails the admins about faults, grouped, so that the same fault is not mailed again and again."""

    def report(kind: str, group: str, subject: str, body: str) -> None:
        """Report a fault; the first alert of a group is mailed at once, the others are counted.

        `kind` is "error", "slow query", …; alerts of the same `group` are about the same fault. Never raises
        and never waits: it may be called during a request or a COMMIT.
        """

    def work() -> None:
        """Send what waits, and return when that has succeeded or failed. For commands, which end then."""

    def start() -> None:
        """For a server or worker: also mail, when it is due, what was counted before it started."""

    def close(seconds: float = 5.0) -> None:
        """Send what waits, and stop; takes at most so many seconds."""


def get_alerts(registry: Registry) -> IAlerts:
    """For code that starts and ends a process; all other code notifies `microblog.events.AlertRaised`."""
    alerts: IAlerts = registry.getUtility(IAlerts)
    return alerts
