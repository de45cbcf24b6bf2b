"""The worker: a loop over small tasks, as a thread of the server or as a process of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from microblog.accounts.queries import delete_expired_sessions
from microblog.outbox.settings import WORKER

log = logging.getLogger(__name__)

SECONDS_BETWEEN_ROUNDS = 0.5
SECONDS_BETWEEN_CLEANINGS = 600
POSTS_IN_A_ROUND = 500


class Worker:
    """One round after another until `stop`; a task that fails is logged and tried again.

    The server's thread always writes what GETs left behind, since they wait in its memory; the
    other tasks are its own only when the worker is `inline`.
    """

    def __init__(self, registry: Any) -> None:
        self._registry = registry
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._failing: set[str] = set()
        self._cleaned: float | None = None

    def start(self) -> None:
        """Run as a thread of the server; harmless when it runs already."""
        with self._lock:
            if self._thread is None:
                inline = self._registry.microblog[WORKER] == "inline"
                self._thread = threading.Thread(
                    target=self.run, kwargs={"everything": inline}, name="microblog-worker", daemon=True
                )
                self._thread.start()

    def stop(self) -> None:
        """End the loop, and wait for its last round."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def run(self, *, everything: bool = True) -> None:
        """Rounds until `stop`."""
        while not self._stop.is_set():
            self.round(everything=everything)
            self._stop.wait(SECONDS_BETWEEN_ROUNDS)
        self.round(everything=False)  # what the last requests left behind

    def round(self, *, everything: bool = True) -> None:
        """Every task once."""
        self._try("deferred writes", self._registry.deferred.flush)
        if everything:
            self._try("search index", self.index)
            self._try("expired sessions", self.clean)

    def _try(self, name: str, task: Callable[[], object]) -> None:
        try:
            task()
            self._failing.discard(name)
        except Exception:
            if name not in self._failing:  # told once, not once a round
                log.exception("The worker's task “%s” failed; it will be tried again.", name)
            self._failing.add(name)

    def index(self) -> int:
        """Bring to the search index what waits; how much that was."""
        return int(self._registry.search.catch_up(self._registry.database, POSTS_IN_A_ROUND))

    def clean(self) -> int:
        """Delete expired sessions, every ten minutes; how many there were."""
        now = time.monotonic()
        if self._cleaned is not None and now - self._cleaned < SECONDS_BETWEEN_CLEANINGS:
            return 0
        self._cleaned = now
        with self._registry.database.write() as session:
            return delete_expired_sessions(session)
