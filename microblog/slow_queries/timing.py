"""Times every SQL statement of the application's engine, its fetching and its COMMIT included.

SQLite steps its rows while they are fetched, and nobody tells of a COMMIT after it was done, so the
times are taken in subclasses of the driver's cursor and connection (ADR 0031). What they
see goes to the observation of the present request, task or command; what took too long goes to a
`Reporter` also without one.

BEGIN, PRAGMA, SET and savepoints are the machinery of others: they count as no statement. One that
takes too long is reported nevertheless, since waiting for the write lock of SQLite happens in BEGIN.
"""

from __future__ import annotations

import math
import sqlite3
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter_ns as now
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy import event

from microblog.call_sites import Place, place
from microblog.observing import Observation, Recorded, present
from microblog.slow_queries.parameters import shown

UNCOUNTED = ("BEGIN", "PRAGMA", "SET ", "SAVEPOINT", "RELEASE", "ROLLBACK")
COMMIT = "COMMIT"
# A task may run for hours, with statements that have numbers in their text.
MOST_DIFFERENT_STATEMENTS = 1000
NEVER = math.inf


@dataclass(slots=True, eq=False)
class Run:
    """A statement that ran and took too long; more rows may still be fetched from it.

    `values` are the driver's parameters, secrets included: for EXPLAIN, and for nothing else.
    `observation` is None outside of requests, tasks and commands.
    """

    statement: str
    parameters: str
    values: Any
    ns: int
    place: Place
    observation: Observation | None

    @property
    def seconds(self) -> float:
        return self.ns / 1e9


class Reporter(Protocol):
    """Who wants to know. Nothing that it raises may get out."""

    def slow(self, run: Run) -> bool:
        """The statement has just become slow; does the reporter keep the run until all is over?

        If not, `finished` is called when its cursor is closed, or its transaction ends.
        """

    def finished(self, run: Run) -> None:
        """Nothing more is fetched from it."""

    def repeated(self, observation: Observation, statement: str, where: Place) -> None:
        """The statement has just run more often than it should."""


class Timer:
    """What the cursors and connections of one engine tell their times to."""

    def __init__(self, reporter: Reporter, *, threshold: float, repeats: int) -> None:
        self._reporter = reporter
        self._slow_ns = threshold * 1e9 if threshold else NEVER
        self._too_often = repeats + 1 if repeats else 0

    def ran(self, cursor: Any, statement: Any, arguments: Sequence[Any], ns: int) -> None:
        """The cursor has executed it; what is fetched comes later, by `cursor.spent`."""
        if cursor.ns != cursor.told:  # it is used again
            cursor.tell()
        if cursor.run is not None:
            self.closed(cursor)
        if not isinstance(statement, str):  # psycopg takes bytes and compositions too
            statement = statement.decode() if isinstance(statement, bytes) else repr(statement)
        limit = self._slow_ns
        entry = recorded = None
        observation = present()
        if observation is not None:
            entry = observation.counts.get(statement) or new_entry(observation, statement)
            if entry is not None:
                entry[0] += 1
                entry[1] += ns
                observation.statements += 1
                observation.sql_ns += ns
                if entry[0] == self._too_often:
                    self._reporter.repeated(observation, statement, place())
                recorded = observation.recorded
        cursor.observation, cursor.entry = observation, entry
        cursor.ns = cursor.told = ns
        cursor.statement, cursor.arguments, cursor.recorded = statement, arguments, None
        if recorded is not None:
            cursor.recorded = recorded, len(recorded)
            parameters = shown(statement, values_of(arguments), context_of(cursor))
            recorded.append(Recorded(statement, parameters, ns / 1e9, str(place())))
            limit = 0
        cursor.limit = limit
        if ns >= limit:
            self.exceeded(cursor)

    def exceeded(self, cursor: Any) -> None:
        """The cursor's statement is slow, or recorded, and took more time just now."""
        ns = cursor.ns
        if cursor.recorded is not None:
            recorded, index = cursor.recorded
            recorded[index] = replace(recorded[index], seconds=ns / 1e9)
        if cursor.run is not None:
            cursor.run.ns = ns
        elif ns >= self._slow_ns and not getattr(cursor.connection, "hangs", False):
            values = values_of(cursor.arguments)
            parameters = shown(cursor.statement, values, context_of(cursor))
            run = Run(cursor.statement, parameters, values, ns, place(), cursor.observation)
            cursor.run = run
            if not self._reporter.slow(run):
                cursor.connection.unreported.append(run)

    def closed(self, cursor: Any) -> None:
        """Nothing more is fetched from the cursor's slow statement."""
        unreported = cursor.connection.unreported
        if cursor.run in unreported:
            unreported.remove(cursor.run)
            self._reporter.finished(cursor.run)
        cursor.run = None

    def ended(self, connection: Any) -> None:
        """A transaction is over: slow statements whose rows nobody fetched to the end are reported."""
        unreported, connection.unreported = connection.unreported, []
        for run in unreported:
            self._reporter.finished(run)

    def committed(self, connection: Any, ns: int) -> None:
        """A COMMIT is no statement of anybody, but its time counts."""
        observation = present()
        if observation is not None:
            observation.sql_ns += ns
            if observation.recorded is not None:
                observation.recorded.append(Recorded(COMMIT, "", ns / 1e9, str(place())))
        if ns >= self._slow_ns and not getattr(connection, "hangs", False):
            run = Run(COMMIT, "", (), ns, place(), observation)
            if not self._reporter.slow(run):
                connection.unreported.append(run)
        if connection.unreported:
            self.ended(connection)


def new_entry(observation: Observation, statement: str) -> list[int] | None:
    """[times, nanoseconds] of a statement that was not there before; None if it does not count."""
    if statement.lstrip()[:10].upper().startswith(UNCOUNTED):
        return None
    entry = [0, 0]
    if len(observation.counts) < MOST_DIFFERENT_STATEMENTS:
        observation.counts[statement] = entry
    return entry


def values_of(arguments: Sequence[Any]) -> Any:
    """The parameters among a cursor's arguments."""
    return arguments[0] if arguments and arguments[0] is not None else ()


def context_of(cursor: Any) -> Any:
    """SQLAlchemy's execution context, which knows what the parameters are called."""
    return None if cursor.context is None else cursor.context()


def telling_context(base: Any) -> Any:
    """A subclass of a dialect's execution context, which the cursor then knows.

    The event `before_cursor_execute` would tell the same, and cost as much as all the rest.
    """
    pre_exec = base.pre_exec

    class TellingContext(base):
        def pre_exec(self) -> None:
            pre_exec(self)
            try:  # noqa: SIM105  # suppress() costs more than the rest of this method
                # Weak: it holds the cursor, and a result that was left half read must end with its rows.
                self.cursor.context = weakref.ref(self)
            except AttributeError:
                pass  # a connection from before the timing

    return TellingContext


def timed_cursor(base: Any, timer: Timer) -> Any:
    """A subclass of a driver's cursor that tells the timer what it executes."""
    execute, executemany, close = base.execute, base.executemany, base.close
    ran = timer.ran

    class TimedCursor(base):
        context: Any = None
        observation: Any = None
        entry: Any = None
        recorded: Any = None
        run: Any = None
        ns: int = 0
        told: int = 0
        limit: float = NEVER

        def execute(self, statement: Any, *arguments: Any, **options: Any) -> Any:
            began = now()
            try:
                return execute(self, statement, *arguments, **options)
            finally:
                ran(self, statement, arguments, now() - began)

        def executemany(self, statement: Any, *arguments: Any, **options: Any) -> Any:
            began = now()
            try:
                return executemany(self, statement, *arguments, **options)
            finally:
                ran(self, statement, arguments, now() - began)

        def spent(self, ns: int) -> None:
            self.ns += ns
            self.tell()

        def tell(self) -> None:
            """Tell the observation what was fetched since it was told last."""
            ns, self.told = self.ns - self.told, self.ns
            if self.entry is not None:
                self.entry[1] += ns
                self.observation.sql_ns += ns
            if self.ns >= self.limit:
                timer.exceeded(self)

        def close(self) -> None:
            close(self)
            if self.ns != self.told:
                self.tell()
            if self.run is not None:
                timer.closed(self)

    return TimedCursor


def timed_fetching_cursor(base: Any, timer: Timer) -> Any:
    """A subclass of a driver's cursor that fetches from the database: that time counts too."""
    timed: Any = timed_cursor(base, timer)
    fetchone, fetchmany, fetchall = base.fetchone, base.fetchmany, base.fetchall

    class TimedFetchingCursor(timed):
        ns: int

        def fetchone(self) -> Any:
            # Once a row: what is not slow yet is told when there are no more of them.
            began = now()
            try:
                return fetchone(self)
            finally:
                total: int = self.ns + now() - began
                self.ns = total
                if total >= self.limit:
                    self.tell()

        def fetchmany(self, *arguments: Any, **options: Any) -> Any:
            began = now()
            try:
                return fetchmany(self, *arguments, **options)
            finally:
                self.spent(now() - began)

        def fetchall(self) -> Any:
            began = now()
            try:
                return fetchall(self)
            finally:
                self.spent(now() - began)

    return TimedFetchingCursor


def timed_connection(base: Any, timer: Timer) -> Any:
    """A subclass of a driver's connection that tells the timer of the ends of its transactions."""
    commit, rollback = base.commit, base.rollback

    class TimedConnection(base):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.unreported: list[Run] = []
            self.is_prepared = False

        def commit(self) -> None:
            began = now()
            try:
                commit(self)
            finally:
                timer.committed(self, now() - began)

        def rollback(self) -> None:
            rollback(self)
            if self.unreported:
                timer.ended(self)

    return TimedConnection


def timed_sqlite(base: Any, timer: Timer) -> Any:
    """The class of connections to SQLite; while one is being prepared, its cursors are the driver's."""
    timed: Any = timed_fetching_cursor(sqlite3.Cursor, timer)

    class SQLiteCursor(timed):
        def executescript(self, script: str) -> Any:
            began = now()
            try:
                return sqlite3.Cursor.executescript(self, script)
            finally:
                timer.ran(self, script, (), now() - began)

        def __next__(self) -> Any:
            began = now()
            try:
                return sqlite3.Cursor.__next__(self)
            finally:
                self.spent(now() - began)

    class SQLiteConnection(timed_connection(base, timer)):  # type: ignore[misc]
        def cursor(self, factory: Any = None) -> Any:
            if factory is None:
                factory = SQLiteCursor if self.is_prepared else sqlite3.Cursor
            return sqlite3.Connection.cursor(self, factory)

        # The driver's own methods make a cursor without asking for `cursor`.

        def execute(self, *arguments: Any) -> Any:
            return self.cursor().execute(*arguments)

        def executemany(self, *arguments: Any) -> Any:
            return self.cursor().executemany(*arguments)

        def executescript(self, script: str) -> Any:
            return self.cursor().executescript(script)

    return SQLiteConnection


def install(engine: sa.Engine, timer: Timer) -> None:
    """Time what connections of this engine do, from the next one on; it was made by `engine`.

    What SQLAlchemy and we ask a new connection, before anybody gets it, is not timed.
    """
    dialect: Any = engine.dialect
    if dialect.name == "sqlite":
        dialect.connection_class = timed_sqlite(dialect.connection_class, timer)

        def prepare(dbapi: Any, record: Any) -> None:
            dbapi.is_prepared = True

    else:
        import psycopg

        dialect.connection_class = timed_connection(dialect.connection_class, timer)
        # All rows are there once a statement was executed, unless the cursor is the server's.
        cursor_class = timed_cursor(psycopg.Cursor, timer)
        server_cursor_class = timed_fetching_cursor(psycopg.ServerCursor, timer)

        def prepare(dbapi: Any, record: Any) -> None:
            dbapi.cursor_factory = cursor_class
            dbapi.server_cursor_factory = server_cursor_class

    event.listen(engine, "connect", prepare)
    dialect.execution_ctx_cls = telling_context(dialect.execution_ctx_cls)
