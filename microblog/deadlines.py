"""Connections to PostgreSQL that do not wait for ever.

A server that hangs (its processes are stopped, its disk does not answer, its machine lost its network) keeps
its connections open, and enforces none of its own limits. So the client checks the clock while it waits.
After the deadline it closes the connection: a rollback would wait for the same server.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import Any

import psycopg
from psycopg.errors import ConnectionTimeout

from microblog.outages import DeadlinePassed

IS_CALL_SITE = False  # microblog/call_sites.py


class PostgreSQLHangs(psycopg.OperationalError, DeadlinePassed):
    """The server has not answered in time; the connection is closed."""


CheckDeadline = Callable[[float], str | None]
"""Called ten times a second with the start of the wait (`time.monotonic`); returns the reason to stop, or
None.
"""


def make_connection_class(check_deadline: CheckDeadline) -> Any:
    """A class of connections that are closed as soon as `check_deadline` gives a reason."""

    class BoundedConnection(psycopg.Connection[Any]):
        hangs = False

        def wait(self, gen: Any, *arguments: Any, **options: Any) -> Any:
            try:
                return super().wait(watch(gen, check_deadline), *arguments, **options)
            except PostgreSQLHangs:
                self.hangs = True
                self.close()
                raise

    return BoundedConnection


def watch(generator: Any, check_deadline: CheckDeadline) -> Generator[Any, Any, Any]:
    """The driver's generator; it is sent 0 whenever a tenth of a second has passed without data."""
    began = time.monotonic()
    try:
        state = next(generator)
        while True:
            ready = yield state
            if not ready and (reason := check_deadline(began)) is not None:
                raise PostgreSQLHangs(reason)
            state = generator.send(ready)
    except StopIteration as done:
        return done.value


def accepts_connections(arguments: Any, options: dict[str, Any]) -> bool:
    """Does the server answer a new connection, even if only by refusing it (it is full, or starting)?"""
    try:
        psycopg.connect(*arguments, **options).close()
    except ConnectionTimeout:
        return False
    except psycopg.Error:
        return True
    return True
