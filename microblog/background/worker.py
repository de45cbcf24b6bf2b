"""The worker: a loop over small tasks, as a thread of the server or as a process of its own.

Packages register its tasks by `config.add_worker_task`.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from functools import partial

from pyramid_retry import IRetryableError

from microblog.background import queries
from microblog.background.settings import WORKER
from microblog.background.tasks import EVERYWHERE, SERVER, Task, get_tasks
from microblog.background.tasks import WORKER as IN_WORKER
from microblog.events import RoundStarted, TaskFailed
from microblog.observing import observe
from microblog.outages import DatabaseUnavailable
from microblog.request import Registry

log = logging.getLogger(__name__)

SECONDS_BETWEEN_ROUNDS = 0.5
SECONDS_BETWEEN_HEARTBEATS = 20


class Worker:
    """Runs one round after another until `stop`; a task that fails is logged and retried.

    The server's thread always runs the deferred writes, which wait in its memory; it runs most other
    tasks only when the worker is `inline`. `now` is a monotonic clock in seconds.
    """

    def __init__(self, registry: Registry, *, now: Callable[[], float] = time.monotonic) -> None:
        self._registry = registry
        self._now = now
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._failing: set[str] = set()
        self._held_up: set[str] = set()
        self._last: dict[str, float] = {}
        self._name = queries.get_own_name()
        self.began_round = time.monotonic()

    def start(self) -> None:
        """Run as a thread of the server; harmless when it runs. A thread that has ended is replaced."""
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
        """Is it a thread of this process, and was that started?"""
        return self._thread is not None

    def stop(self) -> None:
        """End the loop, and wait for its last round."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def run(self, *, everything: bool = True) -> None:
        """Run rounds until `stop`, then once more the tasks of every process."""
        while not self._stop.is_set():
            self.began_round = time.monotonic()
            self._run_round(
                self.record_heartbeat if everything else None, choose_where(everything=everything)
            )
            self._stop.wait(SECONDS_BETWEEN_ROUNDS)
        # The deferred writes of the last requests.
        self._run_round(self._remove_heartbeat if everything else None, (EVERYWHERE,))

    def _run_round(self, heartbeat: Callable[[], None] | None, where: tuple[str, ...]) -> None:
        """Call `heartbeat`, then run a round; a failure outside the tasks must not end the thread."""
        try:
            if heartbeat is not None:
                self._try("heartbeat", heartbeat)
            self._run_tasks(where)
        except Exception as error:
            self._report_failure("round", error)

    def round(self, *, everything: bool = True) -> None:
        """Run every due task once; without `everything`, only those of a server beside a worker process."""
        self._run_tasks(choose_where(everything=everything))

    def _run_tasks(self, where: tuple[str, ...]) -> None:
        self._registry.notify(RoundStarted(self._registry))
        for task in get_tasks(self._registry, *where):
            if self._is_due(task):
                self._try(task.name, partial(self._run, task))

    def _is_due(self, task: Task) -> bool:
        return self._now() - self._last.get(task.name, -math.inf) >= task.every

    def _run(self, task: Task) -> None:
        self._last[task.name] = self._now()
        if task.function(self._registry) is True:
            del self._last[task.name]  # it is due again in the next round

    def _try(self, name: str, function: Callable[[], object]) -> None:
        with observe(self._registry, name):
            try:
                function()
                self._failing.discard(name)
                self._held_up.discard(name)
            except DatabaseUnavailable as error:
                # Reported by `outages.py` when it begins; nothing is lost.
                self._registry.notify(TaskFailed(self._registry, name, error))
            except Exception as error:
                if IRetryableError.providedBy(error) and name not in self._held_up:
                    # Two writers collided; a fault only if it happens in the next round, too.
                    self._held_up.add(name)
                    log.info("The worker's task “%s” was held up by other writers; it will be retried.", name)
                    return
                self._report_failure(name, error)

    def _report_failure(self, name: str, error: Exception) -> None:
        if name not in self._failing:  # logged once, not once a round
            log.error("The worker's task “%s” failed; it will be retried.", name, exc_info=error)
        self._registry.notify(TaskFailed(self._registry, name, error))
        self._failing.add(name)

    def record_heartbeat(self) -> None:
        """Write the heartbeat, if the last one is long enough ago."""
        if self._now() - self._last.get("heartbeat", -math.inf) < SECONDS_BETWEEN_HEARTBEATS:
            return
        with self._registry.database.write() as session:
            queries.record_heartbeat(session, self._name)
        self._last["heartbeat"] = self._now()

    def _remove_heartbeat(self) -> None:
        with self._registry.database.write() as session:
            queries.remove_heartbeat(session, self._name)


def choose_where(*, everything: bool) -> tuple[str, ...]:
    return (EVERYWHERE, IN_WORKER if everything else SERVER)
