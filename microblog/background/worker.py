"""The worker: a loop over small tasks, as a thread of the server or as a process of its own."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from typing import Any

from pyramid_retry import IRetryableError

from microblog.accounts.queries import delete_expired_sessions
from microblog.background import heartbeats
from microblog.background.settings import WORKER
from microblog.events import TaskFailed
from microblog.observing import observed
from microblog.outages import DatabaseUnavailable
from microblog.outbox import queries
from microblog.submissions.queries import delete_old

log = logging.getLogger(__name__)

SECONDS_BETWEEN_ROUNDS = 0.5
SECONDS_BETWEEN_CLEANINGS = 600
SECONDS_BETWEEN_LOOKS = 60
SECONDS_BETWEEN_BEATS = 20
# The admins are told when the oldest entry has waited for longer than the other side takes to start again.
STUCK_SECONDS = 600
POSTS_IN_A_ROUND = 500
FORMS_IN_A_ROUND = 1000
WHERE_TO_LOOK = "The log says why; `microblog doctor` tells what to do. It is tried again until it succeeds."


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
        self._held_up: set[str] = set()
        self._last: dict[str, float] = {}
        self._stuck: set[str] = set()
        self._name = heartbeats.own_name()
        self.began_round = time.monotonic()  # the last one

    def start(self) -> None:
        """Run as a thread of the server; harmless when it runs already, and begun anew when it has ended."""
        with self._lock:
            has_ended = self._thread is not None and not self._thread.is_alive()
            if has_ended and not self._stop.is_set():
                log.error("The worker's thread has ended, which it never should; it is started again.")
                self._thread = None
            if self._thread is None:
                inline = self._registry.microblog[WORKER] == "inline"
                self._thread = threading.Thread(
                    target=self.run, kwargs={"everything": inline}, name="microblog-worker", daemon=True
                )
                self._thread.start()

    @property
    def is_started(self) -> bool:
        """As a thread of this server."""
        return self._thread is not None

    def stop(self) -> None:
        """End the loop, and wait for its last round."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def run(self, *, everything: bool = True) -> None:
        """Rounds until `stop`."""
        while not self._stop.is_set():
            self.began_round = time.monotonic()
            self._whatever_happens(self.beat if everything else self.watch, everything=everything)
            self._stop.wait(SECONDS_BETWEEN_ROUNDS)
        # What the last requests left behind.
        self._whatever_happens(self.leave if everything else self.watch, everything=False)

    def _whatever_happens(self, first: Callable[[], object], *, everything: bool) -> None:
        """A task of this worker alone, and a round; what fails beside the tasks must not end the thread."""
        try:
            self._try("heartbeat", first)
            self.round(everything=everything)
        except Exception as error:
            self._failed("round", error)

    def round(self, *, everything: bool = True) -> None:
        """Every task once."""
        self._registry.numbers.count("worker_rounds")
        self._try("deferred writes", self._registry.deferred.flush)
        if everything:
            self._try("search index", self.index)
            self._try("expired sessions", self.clean)
            self._try("outbox", self.look_after)

    def _try(self, name: str, task: Callable[[], object]) -> None:
        with observed(self._registry, name):
            try:
                task()
                self._failing.discard(name)
                self._held_up.discard(name)
            except DatabaseUnavailable:
                # Told by whoever met it first (outages.py); nothing is lost.
                self._registry.numbers.count("worker_failures", task=name)
            except Exception as error:
                if IRetryableError.providedBy(error) and name not in self._held_up:
                    # Two writers met; a fault only if it happens in the next round, too.
                    self._held_up.add(name)
                    log.info("The worker's task “%s” was held up by others; it is tried again.", name)
                    return
                self._registry.numbers.count("worker_failures", task=name)
                self._failed(name, error)

    def _failed(self, name: str, error: Exception) -> None:
        if name not in self._failing:  # told once, not once a round
            log.error("The worker's task “%s” failed; it will be tried again.", name, exc_info=error)
        self._registry.notify(TaskFailed(self._registry, name, error))
        self._failing.add(name)

    def _alert(self, group: str, subject: str, advice: str = WHERE_TO_LOOK) -> None:
        self._registry.alerts.report("outbox", group, subject, f"{subject}.\n\n{advice}".rstrip())

    def beat(self) -> None:
        """Leave word every twenty seconds that this worker is there, for whoever would miss it."""
        if time.monotonic() - self._last.get("heartbeat", -math.inf) < SECONDS_BETWEEN_BEATS:
            return
        with self._registry.database.write() as session:
            heartbeats.beat(session, self._name)
        self._last["heartbeat"] = time.monotonic()

    def leave(self) -> None:
        with self._registry.database.write() as session:
            heartbeats.leave(session, self._name)

    def watch(self) -> None:
        """The server's part, when the worker is a process of its own: is it there?"""
        if self._is_time("watch", SECONDS_BETWEEN_BEATS):
            self._registry.watch.look()

    def index(self) -> int:
        """Bring to the search index what waits; how much that was."""
        return int(self._registry.search.catch_up(self._registry.database, POSTS_IN_A_ROUND))

    def clean(self) -> int:
        """Delete expired sessions, and old forms, every ten minutes; how many sessions there were."""
        if not self._is_time("clean", SECONDS_BETWEEN_CLEANINGS):
            return 0
        with self._registry.database.write() as session:
            is_all = delete_old(session, FORMS_IN_A_ROUND)
            sessions = delete_expired_sessions(session)
        if not is_all:
            del self._last["clean"]  # the others in the next round
        return sessions

    def look_after(self) -> None:
        """Tell the admins, looking once a minute, what waits too long and what was refused for good."""
        if not self._is_time("look after", SECONDS_BETWEEN_LOOKS):
            return
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

    def _is_time(self, name: str, seconds: float) -> bool:
        now = time.monotonic()
        if name in self._last and now - self._last[name] < seconds:
            return False
        self._last[name] = now
        return True
