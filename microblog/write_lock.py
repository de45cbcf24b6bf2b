"""Waiting for the write lock of SQLite, which one connection has at a time.

SQLite keeps no queue. By itself it tries again after 1, 3, 8, 18, 33, 53 and 78 ms, and then every 50 or 100:
who meets a transaction of 4 ms waits for 8, and who comes again and again overtakes those who wait. So it
does not wait at all here. In a process the first who came is the only one who tries, and does so often
(ADR 0039).
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from microblog.outages import SQLITE_BUSY, SQLITE_LOCKED

IS_CALL_SITE = False  # microblog/call_sites.py

BEGIN_IMMEDIATE = "BEGIN IMMEDIATE"
# Other statements wait where SQLite itself has to, for example while another process repairs the WAL.
SQLITE_BUSY_SECONDS = 5.0
SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.0003, 0.02
PAUSE = 0.05  # as a share of the time waited


class Turns:
    """First come, first served, in this process. Who has waited for long enough goes on without a turn."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._queue: deque[threading.Event] = deque()

    def __len__(self) -> int:
        """How many have a turn or wait for one."""
        return len(self._queue)

    @contextmanager
    def take(self, seconds: float) -> Iterator[None]:
        turn = threading.Event()
        with self._mutex:
            self._queue.append(turn)
            self._queue[0].set()
        try:
            turn.wait(seconds)
            yield
        finally:
            with self._mutex:
                self._queue.remove(turn)
                if self._queue:
                    self._queue[0].set()


class WaitingCursor(sqlite3.Cursor):
    """A cursor whose `BEGIN IMMEDIATE` waits for as long as its connection says."""

    connection: WaitingConnection

    def execute(self, sql: str, *parameters: Any) -> WaitingCursor:
        if sql != BEGIN_IMMEDIATE:
            return super().execute(sql, *parameters)
        began = time.monotonic()
        with self.connection.turns.take(self.connection.seconds_for_the_lock):
            self.connection.set_busy_seconds(0)
            try:
                return self._begin(began)
            finally:
                self.connection.set_busy_seconds(SQLITE_BUSY_SECONDS)

    def _begin(self, began: float) -> WaitingCursor:
        while True:
            try:
                return super().execute(BEGIN_IMMEDIATE)
            except sqlite3.OperationalError as error:
                waited = time.monotonic() - began
                if not is_busy(error) or waited >= self.connection.seconds_for_the_lock:
                    raise
            time.sleep(min(SHORTEST_PAUSE_SECONDS + waited * PAUSE, LONGEST_PAUSE_SECONDS))


class WaitingConnection(sqlite3.Connection):
    """`turns` and `seconds_for_the_lock` are set by who makes the connection, and before each BEGIN."""

    cursor_class: type[sqlite3.Cursor] = WaitingCursor
    turns: Turns
    seconds_for_the_lock: float

    def cursor(self, factory: Any = None) -> Any:
        return super().cursor(factory or self.cursor_class)

    def set_busy_seconds(self, seconds: float) -> None:
        """For how long SQLite itself waits."""
        sqlite3.Cursor(self).execute(f"PRAGMA busy_timeout={int(seconds * 1000)}").close()


def is_busy(error: BaseException) -> bool:
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in (SQLITE_BUSY, SQLITE_LOCKED)
