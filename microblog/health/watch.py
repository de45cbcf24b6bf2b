"""The server watches over the worker, since a dead worker cannot report itself.

A worker in a process of its own writes a heartbeat to the database every twenty seconds. It is missed when
none has come for two minutes, by the server's own clock, since clocks of two machines may differ. A worker
in a thread of the server is missed when it has begun no round for that time, for whatever reason.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from pyramid.events import NewRequest
from zope.interface import implementer

from microblog.background import queries
from microblog.background.settings import WORKER
from microblog.background.tasks import SERVER
from microblog.background.worker import SECONDS_BETWEEN_HEARTBEATS
from microblog.events import AlertRaised
from microblog.health.interfaces import IWatch, get_watch
from microblog.outages import DatabaseUnavailable
from microblog.request import Registry

log = logging.getLogger(__name__)

SECONDS_UNTIL_MISSED = 120.0
# How often requests check the thread.
SECONDS_BETWEEN_CHECKS = 10.0
WHAT_WAITS = (
    "Mails, updates of the search index and everything else that leaves the process wait in the outbox; "
    "nothing is lost. The log of the worker says why."
)


@implementer(IWatch)
class Watch:
    """Knows when the worker was last alive; `now` is a monotonic clock in seconds."""

    def __init__(
        self,
        registry: Registry,
        *,
        seconds: float = SECONDS_UNTIL_MISSED,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry = registry
        self._seconds = seconds
        self._now = now
        self._lock = threading.Lock()
        self._newest: int | None = None
        self._since = now()  # a server that has just started misses no worker yet
        self._checked_at = now()
        self._is_reported = False

    @property
    def is_needed(self) -> bool:
        return bool(self._registry.microblog[WORKER] != "off")

    def check(self) -> None:
        """Read the newest heartbeat, and report when the worker is missed, or is back."""
        try:
            with self._registry.database.read() as session:
                self.note_heartbeat(queries.get_newest_heartbeat(session))
        except DatabaseUnavailable:
            self.note_outage()
            raise
        self.report()

    def note_heartbeat(self, newest: int | None) -> None:
        """Note the newest heartbeat of the database (milliseconds since 1970)."""
        if self._registry.database.outage is not None:
            self.note_outage()
        elif newest != self._newest:
            self._newest, self._since = newest, self._now()

    def note_outage(self) -> None:
        """Start waiting anew: during an outage no worker can write a heartbeat."""
        self._since = self._now()

    def check_thread(self) -> None:
        """Check the server's own thread, which costs a request almost nothing."""
        if self._now() - self._checked_at > SECONDS_BETWEEN_CHECKS:
            self._checked_at = self._now()
            self.report()

    def find_problem(self) -> str | None:
        """What is wrong with the worker, as the end of a sentence; None when all is well."""
        idle = self._now() - self._registry.worker.began_round
        if self._registry.worker.is_started and idle > self._seconds:
            return f"its thread in this process has begun no round for {idle:,.0f} seconds"
        if self._registry.microblog[WORKER] != "separate" or self._now() - self._since <= self._seconds:
            return None
        if self._newest is None:
            return "none has been seen: check whether `microblog worker` runs"
        seen = datetime.fromtimestamp(self._newest / 1000, UTC)
        return f"last seen at {seen:%Y-%m-%d %H:%M:%S} UTC: check whether `microblog worker` runs"

    def report(self) -> None:
        """Log and alert once for each change."""
        problem = self.find_problem()
        with self._lock:
            has_changed = (problem is not None) != self._is_reported
            self._is_reported = problem is not None
        if not has_changed:
            return
        if problem is not None:
            log.error("The worker does not work: %s.", problem)
            self._alert(
                "missed", "The worker does not work", f"The worker does not work: {problem}.\n\n{WHAT_WAITS}"
            )
        else:
            log.warning("The worker works again.")
            self._alert("works again", "The worker works again", "The worker works again.")

    def _alert(self, group: str, subject: str, body: str) -> None:
        self._registry.notify(AlertRaised(self._registry, "worker", group, subject, body))


def includeme(config: Any) -> None:
    watch = Watch(config.registry)
    config.registry.registerUtility(watch, IWatch)
    if watch.is_needed:
        config.add_subscriber(lambda event: get_watch(event.request.registry).check_thread(), NewRequest)
        # First, so that it reports even when the tasks after it hang.
        config.add_worker_task(
            "watch",
            lambda registry: get_watch(registry).check(),
            every=SECONDS_BETWEEN_HEARTBEATS,
            where=SERVER,
            order=-2,
        )
