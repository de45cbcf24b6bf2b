"""What the worker does about the outbox: the admins are told what waits too long, or was refused for good."""

from __future__ import annotations

import logging
from typing import Any

from microblog.events import AlertRaised
from microblog.outbox import queries

log = logging.getLogger(__name__)

SECONDS_BETWEEN_LOOKS = 60
# The admins are told when the oldest entry has waited for longer than the other side takes to start again.
STUCK_SECONDS = 600
WHERE_TO_LOOK = "The log says why; `microblog doctor` tells what to do. It is tried again until it succeeds."


class OutboxWatch:
    """Remembers which kinds were stuck, so that it is told when they no longer are."""

    def __init__(self, registry: Any) -> None:
        self._registry = registry
        self._stuck: set[str] = set()

    def look(self) -> None:
        with self._registry.database.read() as session:
            depths = queries.depths(session)
        for kind, depth in depths.items():
            if depth.lag_seconds > STUCK_SECONDS:
                log.warning(
                    "%d entries “%s” of the outbox wait, the oldest for %d seconds.",
                    depth.waiting,
                    kind,
                    depth.lag_seconds,
                )
                self._alert(f"stuck {kind}", f"Deliveries “{kind}” are stuck: {depth.waiting} wait")
                self._stuck.add(kind)
            if depth.set_aside:
                refused = f"{depth.set_aside} deliveries “{kind}” were refused for good"
                self._alert(f"set aside {kind}", refused)
        for kind in sorted(self._stuck):
            if kind not in depths or depths[kind].lag_seconds <= STUCK_SECONDS:
                self._stuck.remove(kind)
                log.warning("The deliveries “%s” of the outbox are no longer stuck.", kind)
                self._alert(f"no longer stuck {kind}", f"Deliveries “{kind}” work again", "")

    def _alert(self, group: str, subject: str, advice: str = WHERE_TO_LOOK) -> None:
        body = f"{subject}.\n\n{advice}".rstrip()
        self._registry.notify(AlertRaised(self._registry, "outbox", group, subject, body))


def includeme(config: Any) -> None:
    watch = OutboxWatch(config.registry)
    config.add_worker_task("outbox", lambda registry: watch.look(), every=SECONDS_BETWEEN_LOOKS, order=1)
