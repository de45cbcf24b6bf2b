"""What another transaction does during a request: its real statements, on a connection
of its own, run by an event of the engine just before the statement in question."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, orm

from microblog.db import Database

LOCK_NOT_AVAILABLE = "55P03"


class Competition:
    """Runs an action so many times, but never while it runs."""

    def __init__(self, action: Callable[[], object], times: int) -> None:
        self._action = action
        self._is_on = False
        self.left = times

    def __call__(self) -> None:
        if self.left and not self._is_on:
            self._is_on = True
            self._action()
            self._is_on = False
            self.left -= 1


@contextmanager
def before_the_next_write(
    database: Database, action: Callable[[], object], *, times: int = 1
) -> Iterator[None]:
    """Run `action` just before the next transaction that writes begins: what was read until then, such
    as who sends a request, may have changed since. With `times` before the ones after it, too."""
    competition = Competition(action, times)

    def begin_postgresql(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("sqlite_begin") == "IMMEDIATE":
            competition()

    def begin_sqlite(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if statement == "BEGIN IMMEDIATE":
            competition()

    # SQLite takes its lock before the event "begin" comes to us.
    event_and_listener: tuple[str, Callable[..., None]] = (
        ("before_cursor_execute", begin_sqlite)
        if database.dialect == "sqlite"
        else ("begin", begin_postgresql)
    )
    event.listen(database.engine, *event_and_listener)
    try:
        yield
    finally:
        event.remove(database.engine, *event_and_listener)
    assert not competition.left, "Nothing was written."


@contextmanager
def before_the_statement(
    engine: Any, part: str, action: Callable[[], object], *, times: int = 1
) -> Iterator[None]:
    """Run `action` just before the next statement (the next ones) that holds this text; `sa.Engine` is all
    engines."""
    competition = Competition(action, times)

    def execute(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if part in statement:
            competition()

    event.listen(engine, "before_cursor_execute", execute)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", execute)
    assert not competition.left, f"There was no statement with {part!r}."


def has_to_wait(database: Database, write: Callable[[orm.Session], object]) -> bool:
    """PostgreSQL: would this transaction wait for another one? If so it is given up, else committed."""
    try:
        with database.write() as session:
            session.execute(sa.text("SET LOCAL lock_timeout = '50ms'"))
            write(session)
    except sa.exc.OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise
        return True
    return False
