"""Deferred writes: "last seen" and the like, which a GET causes and one thread writes later, in batches.

A GET itself changes nothing, so these writes wait in a bounded queue outside the request. They are lost
when the queue is full or the process ends: write nothing this way that a person would miss.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from operator import itemgetter
from typing import Any

from sqlalchemy import orm

from microblog.background.tasks import EVERYWHERE
from microblog.db import Database
from microblog.outages import DatabaseUnavailable

log = logging.getLogger(__name__)

QUEUE_LENGTH = 1000
BATCH_SIZE = 100

Write = Callable[[orm.Session], None]


class DeferredWrites:
    """A bounded queue of small writes, each a function of a session.

    `key` names what is written: a write whose key already waits is dropped. A batch is written in the
    order of its keys, which begin with the row's id: rows of several people are always locked in that
    order.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queue: queue.Queue[tuple[str, Write]] = queue.Queue(QUEUE_LENGTH)
        self._waiting: set[str] = set()
        self._lock = threading.Lock()

    def put(self, key: str, write: Write) -> None:
        """Queue a write; never waits and never fails."""
        with self._lock:
            if key in self._waiting:
                return
            try:
                self._queue.put_nowait((key, write))
            except queue.Full:
                return
            self._waiting.add(key)

    def flush(self) -> int:
        """Write everything that waits, one transaction a batch; return how many writes that was.

        :raises DatabaseUnavailable: after putting the batch back.
        """
        count = 0
        while batch := self._take():
            try:
                self._write(batch)
            except DatabaseUnavailable:
                self._put_back(batch)
                raise
            except Exception:
                log.exception("%d deferred writes are lost.", len(batch))
            count += len(batch)
        return count

    def _put_back(self, batch: list[tuple[str, Write]]) -> None:
        """Queue them again until the database can be used; writes queued meanwhile are newer and stay."""
        for key, write in batch:
            self.put(key, write)

    def _write(self, batch: list[tuple[str, Write]]) -> None:
        with self._database.write() as session:
            for _, write in sorted(batch, key=itemgetter(0)):
                write(session)

    def clear(self) -> None:
        """Discard everything that waits."""
        while self._take():
            pass

    def _take(self) -> list[tuple[str, Write]]:
        batch: list[tuple[str, Write]] = []
        with self._lock:
            while len(batch) < BATCH_SIZE and not self._queue.empty():
                key, write = self._queue.get_nowait()
                self._waiting.discard(key)
                batch.append((key, write))
        return batch


def includeme(config: Any) -> None:
    config.registry.deferred = DeferredWrites(config.registry.database)
    # In each process, since the queue is in its memory.
    config.add_worker_task(
        "deferred writes", lambda registry: registry.deferred.flush(), where=EVERYWHERE, order=-1
    )
