"""Checks regularly for entries that wait too long and for dead letters."""

from __future__ import annotations

import logging
import math
import time

from microblog.events import AlertRaised
from microblog.outbox import queries
from microblog.request import Registry

log = logging.getLogger(__name__)

STUCK_SECONDS = 600
SECONDS_BETWEEN_CHECKS = 60
WHERE_TO_LOOK = (
    "The log and `microblog outbox list` say why; `microblog doctor` says what to do. "
    "Delivery is retried until it succeeds."
)
WHAT_TO_DO = (
    "`microblog outbox list` says why. When the cause is removed, `microblog outbox retry` delivers them; "
    "`microblog outbox drop` gives them up."
)


class LagWatch:
    """Notifies `AlertRaised` when a kind is stuck or has dead letters, and when it is no longer stuck."""

    def __init__(self, registry: Registry, *, seconds_between_checks: float = SECONDS_BETWEEN_CHECKS) -> None:
        self._registry = registry
        self._seconds_between_checks = seconds_between_checks
        self._last = -math.inf
        self._stuck: set[str] = set()

    def check(self) -> None:
        """Check, if the last check is long enough ago."""
        now = time.monotonic()
        if now - self._last < self._seconds_between_checks:
            return
        self._last = now
        with self._registry.database.read() as session:
            depths = queries.measure_depths(session)
        for kind, depth in depths.items():
            if depth.lag_seconds > STUCK_SECONDS:
                log.warning(
                    "%d entries “%s” of the outbox wait, the oldest for %d seconds.",
                    depth.waiting,
                    kind,
                    depth.lag_seconds,
                )
                subject = f"Deliveries “{kind}” are stuck: {depth.waiting} wait"
                self._alert(kind, f"stuck {kind}", subject, WHERE_TO_LOOK)
                self._stuck.add(kind)
            if depth.dead_letters:
                subject = f"{depth.dead_letters} deliveries “{kind}” were refused for good"
                self._alert(kind, f"dead letters {kind}", subject, WHAT_TO_DO)
        for kind in sorted(self._stuck):
            if kind not in depths or depths[kind].lag_seconds <= STUCK_SECONDS:
                self._stuck.remove(kind)
                log.warning("The deliveries “%s” of the outbox are no longer stuck.", kind)
                self._alert(kind, f"no longer stuck {kind}", f"Deliveries “{kind}” work again")

    def _alert(self, kind: str, group: str, subject: str, advice: str = "") -> None:
        registered = self._registry.outbox.kinds.get(kind)
        if registered is not None and not registered.is_mailed:
            if advice:
                log.error("%s. %s", subject, advice)
            return
        body = f"{subject}.\n\n{advice}".rstrip()
        self._registry.notify(AlertRaised(self._registry, "outbox", group, subject, body))
