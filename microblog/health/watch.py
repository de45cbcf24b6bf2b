"""Is there a worker? Asked by the server: a worker that is dead cannot tell anybody.

A worker in a process of its own leaves a heartbeat in the database every twenty seconds. It is missed when
none has come for two minutes. By the clock of the server alone: those of two machines may differ. A thread of
the server is missed when it has begun no round for that time, whatever holds it up.
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
# How often requests look after the thread.
SECONDS_BETWEEN_LOOKS = 10.0
WHAT_WAITS = (
    "Mails, the search index and what else leaves the process wait in the outbox; nothing of it is lost. "
    "The log of the worker says why."
)


@implementer(IWatch)
class Watch:
    """`now` gives seconds that only grow."""

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
        self._since = now()  # whoever has just started misses nobody
        self._looked = now()
        self._is_told = False

    @property
    def is_needed(self) -> bool:
        return bool(self._registry.microblog[WORKER] != "off")

    def look(self) -> None:
        """Ask the database, and tell when the worker is missed, or is there again."""
        try:
            with self._registry.database.read() as session:
                self.note(queries.get_newest_heartbeat(session))
        except DatabaseUnavailable:
            self.note_outage()
            raise
        self.tell()

    def note(self, newest: int | None) -> None:
        """The newest heartbeat that is in the database."""
        if self._registry.database.outage is not None:
            self.note_outage()
        elif newest != self._newest:
            self._newest, self._since = newest, self._now()

    def note_outage(self) -> None:
        """Nobody can write: nobody is missed for that."""
        self._since = self._now()

    def glance(self) -> None:
        """What costs a request nothing: does the server's own thread live?"""
        if self._now() - self._looked > SECONDS_BETWEEN_LOOKS:
            self._looked = self._now()
            self.tell()

    def problem(self) -> str | None:
        """What is wrong with the worker, for `/health/ready` and the admins."""
        stands = self._now() - self._registry.worker.began_round
        if self._registry.worker.is_started and stands > self._seconds:
            return f"its thread in this process has begun no round for {stands:,.0f} seconds"
        if self._registry.microblog[WORKER] != "separate" or self._now() - self._since <= self._seconds:
            return None
        if self._newest is None:
            return "none has been seen: look whether `microblog worker` runs"
        seen = datetime.fromtimestamp(self._newest / 1000, UTC)
        return f"last seen at {seen:%Y-%m-%d %H:%M:%S} UTC: look whether `microblog worker` runs"

    def tell(self) -> None:
        """Once for each change."""
        problem = self.problem()
        with self._lock:
            is_news = (problem is not None) != self._is_told
            self._is_told = problem is not None
        if not is_news:
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
        config.add_subscriber(lambda event: get_watch(event.request.registry).glance(), NewRequest)
        # First: it is reported even when the tasks after it hang.
        config.add_worker_task(
            "watch",
            lambda registry: get_watch(registry).look(),
            every=SECONDS_BETWEEN_HEARTBEATS,
            where=SERVER,
            order=-2,
        )
