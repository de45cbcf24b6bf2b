"""Connections to PostgreSQL that do not wait for ever.

A server that hangs (its processes are stopped, its disk does not answer, its machine lost its network) keeps
its connections open, and none of its own limits ends anything. So the client looks at the clock while it
waits. Whoever has waited too long closes the connection: a rollback would wait for the same server.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import Any

import psycopg
from psycopg.errors import ConnectionTimeout

from microblog.outages import DeadlinePassed


class PostgreSQLHangs(psycopg.OperationalError, DeadlinePassed):
    """It has not answered in time; the connection is closed."""


Look = Callable[[float], str | None]
"""Called ten times a second with the moment when the wait began (`time.monotonic`): why to stop waiting."""


def bounded_connection(look: Look) -> Any:
    """The class of connections on which nobody waits for longer than `look` lets them."""

    class BoundedConnection(psycopg.Connection[Any]):
        hangs = False

        def wait(self, gen: Any, *arguments: Any, **options: Any) -> Any:
            try:
                return super().wait(watched(gen, look), *arguments, **options)
            except PostgreSQLHangs:
                self.hangs = True
                self.close()
                raise

    return BoundedConnection


def watched(generator: Any, look: Look) -> Generator[Any, Any, Any]:
    """The driver's generator, which gets nothing (0) each time when nothing has come."""
    began = time.monotonic()
    try:
        state = next(generator)
        while True:
            ready = yield state
            if not ready and (reason := look(began)) is not None:
                raise PostgreSQLHangs(reason)
            state = generator.send(ready)
    except StopIteration as done:
        return done.value


def lets_others_in(arguments: Any, options: dict[str, Any]) -> bool:
    """Does the server answer a new connection? One that is full or starting says so, which is an answer."""
    try:
        psycopg.connect(*arguments, **options).close()
    except ConnectionTimeout:
        return False
    except psycopg.Error:
        return True
    return True
