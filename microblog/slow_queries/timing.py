"""Times every SQL statement of the application's engine, its fetching and its COMMIT included.

SQLAlchemy's events `do_execute…` let a listener execute the statement, which then has the clock before and
after it. What no event sees is timed in subclasses of the driver's classes: fetching, since SQLite and
cursors of PostgreSQL's server step their rows while they are fetched, and COMMIT, since the only event
comes before it (ADR 0030). The times go to the observation of the present request, task or command; what
took too long goes to a `Reporter`, also outside of these.

BEGIN, PRAGMA, SET and savepoints are not counted as statements. One that takes too long is reported
nevertheless, since waiting for the write lock of SQLite happens in BEGIN.
"""

from __future__ import annotations

import math
import sqlite3
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy import event

from microblog.call_sites import CallSite, find_call_site
from microblog.observing import Observation, Recorded, present
from microblog.slow_queries.parameters import format_parameters

UNCOUNTED = ("BEGIN", "PRAGMA", "SET ", "SAVEPOINT", "RELEASE", "ROLLBACK")
COMMIT = "COMMIT"
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
    call_site: CallSite
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

    def repeated(self, observation: Observation, statement: str, where: CallSite) -> None:
        """The statement has just run more often than it should."""


class Timed:
    """What a timed cursor knows of the statement that it executed last."""

    connection: Any
    statement: str
    parameters: Any
    context: Callable[[], Any]  # weak: a result that was left half read must end with its rows
    observation: Observation | None = None
    entry: list[int] | None = None  # of the observation's counts
    recorded: tuple[list[Recorded], int] | None = None  # the observation's list, and the index in it
    run: Run | None = None  # once it is slow
    ns: int = 0
    counted_ns: int = 0  # of these, what the observation knows of
    limit: float = NEVER  # in nanoseconds, from which on `Timer.exceeded` is called


class Timer:
    """Counts and times what the cursors and connections of one engine do.

    A task may run for hours, with statements that have numbers in their text: only the first
    `most_statements` different ones are counted one by one.
    """

    def __init__(
        self,
        reporter: Reporter,
        *,
        threshold: float,
        repeats: int,
        most_statements: int = 1000,
        clock: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        self.clock = clock
        self._reporter = reporter
        self._slow_ns = threshold * 1e9 if threshold else NEVER
        self._too_often = repeats + 1 if repeats else 0
        self._most_statements = most_statements

    def timed(self, execute: Callable[..., None]) -> Callable[..., bool]:
        """A listener that does what the dialect's method would do, and says that it is done."""
        clock, executed = self.clock, self.executed

        def listener(cursor: Any, statement: str, parameters: Any, context: sa.ExecutionContext) -> bool:
            if not isinstance(cursor, Timed):  # SQLAlchemy prepares the connection
                return False
            began = clock()
            try:
                execute(cursor, statement, parameters, context)
            finally:
                executed(cursor, statement, parameters, context, clock() - began)
            return True

        return listener

    def executed(self, cursor: Timed, statement: str, parameters: Any, context: Any, ns: int) -> None:
        """The cursor has executed it; the time of fetching is added later."""
        self.fetched(cursor)  # SQLAlchemy inserts many rows with one cursor
        limit = self._slow_ns
        entry = recorded = None
        observation = present()
        if observation is not None:
            entry = observation.counts.get(statement) or self._new_entry(observation, statement)
            if entry is not None:
                entry[0] += 1
                entry[1] += ns
                observation.statements += 1
                observation.sql_ns += ns
                if entry[0] == self._too_often:
                    self._reporter.repeated(observation, statement, find_call_site())
                recorded = observation.recorded
        cursor.observation, cursor.entry = observation, entry
        cursor.ns = cursor.counted_ns = ns
        cursor.statement, cursor.parameters, cursor.recorded = statement, parameters, None
        cursor.context = weakref.ref(context)
        if recorded is not None:
            cursor.recorded = recorded, len(recorded)
            text = format_parameters(statement, parameters, context)
            recorded.append(Recorded(statement, text, ns / 1e9, str(find_call_site())))
            limit = 0
        cursor.limit = limit
        if ns >= limit:
            self.exceeded(cursor)

    def _new_entry(self, observation: Observation, statement: str) -> list[int] | None:
        """[times, nanoseconds] of a statement that was not there before; None if it does not count."""
        if statement.lstrip()[:10].upper().startswith(UNCOUNTED):
            return None
        entry = [0, 0]
        if len(observation.counts) < self._most_statements:
            observation.counts[statement] = entry
        return entry

    def count_fetching(self, cursor: Timed) -> None:
        """Add what was fetched since the last time to the observation."""
        ns, cursor.counted_ns = cursor.ns - cursor.counted_ns, cursor.ns
        if cursor.entry is not None and cursor.observation is not None:
            cursor.entry[1] += ns
            cursor.observation.sql_ns += ns
        if cursor.ns >= cursor.limit:
            self.exceeded(cursor)

    def exceeded(self, cursor: Timed) -> None:
        """The cursor's statement is slow, or recorded, and took more time just now."""
        ns = cursor.ns
        if cursor.recorded is not None:
            recorded, index = cursor.recorded
            recorded[index] = replace(recorded[index], seconds=ns / 1e9)
        if cursor.run is not None:
            cursor.run.ns = ns
        elif ns >= self._slow_ns and not getattr(cursor.connection, "hangs", False):
            parameters = format_parameters(cursor.statement, cursor.parameters, cursor.context())
            run = Run(
                cursor.statement, parameters, cursor.parameters, ns, find_call_site(), cursor.observation
            )
            cursor.run = run
            if not self._reporter.slow(run):
                cursor.connection.unreported.append(run)

    def fetched(self, cursor: Timed) -> None:
        """Nothing more is fetched from the cursor's statement."""
        if cursor.ns != cursor.counted_ns:
            self.count_fetching(cursor)
        run, cursor.run = cursor.run, None
        if run is not None and run in cursor.connection.unreported:
            cursor.connection.unreported.remove(run)
            self._reporter.finished(run)

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
                observation.recorded.append(Recorded(COMMIT, "", ns / 1e9, str(find_call_site())))
        if ns >= self._slow_ns and not getattr(connection, "hangs", False):
            run = Run(COMMIT, "", (), ns, find_call_site(), observation)
            if not self._reporter.slow(run):
                connection.unreported.append(run)
        self.ended(connection)


def timed_cursor(base: Any, timer: Timer) -> Any:
    """A subclass of a driver's cursor, which has all rows once it has executed a statement."""
    close = base.close

    class TimedCursor(base, Timed):
        def close(self) -> None:
            close(self)
            timer.fetched(self)

    return TimedCursor


def timed_fetching_cursor(base: Any, timer: Timer) -> Any:
    """A subclass of a driver's cursor that fetches from the database: that time counts too."""
    fetchone, fetchmany, fetchall = base.fetchone, base.fetchmany, base.fetchall
    clock, count = timer.clock, timer.count_fetching

    class TimedFetchingCursor(timed_cursor(base, timer)):  # type: ignore[misc]
        ns: int

        def fetchone(self) -> Any:
            # Once a row: what is not slow yet is counted when there are no more of them.
            began = clock()
            try:
                return fetchone(self)
            finally:
                self.ns = total = self.ns + clock() - began
                if total >= self.limit:
                    count(self)

        def fetchmany(self, *arguments: Any) -> Any:
            began = clock()
            try:
                return fetchmany(self, *arguments)
            finally:
                self.ns += clock() - began
                count(self)

        def fetchall(self) -> Any:
            began = clock()
            try:
                return fetchall(self)
            finally:
                self.ns += clock() - began
                count(self)

    return TimedFetchingCursor


def timed_connection(base: Any, timer: Timer) -> Any:
    """A subclass of a driver's connection: COMMIT is timed, and the ends of transactions are known."""
    commit, rollback, clock = base.commit, base.rollback, timer.clock

    class TimedConnection(base):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.unreported: list[Run] = []

        def commit(self) -> None:
            began = clock()
            try:
                commit(self)
            finally:
                timer.committed(self, clock() - began)

        def rollback(self) -> None:
            rollback(self)
            timer.ended(self)

    return TimedConnection


def timed_sqlite(base: Any, timer: Timer) -> Any:
    """The class of connections to SQLite: whoever asks for a cursor gets one that is timed."""
    cursor_class = timed_fetching_cursor(sqlite3.Cursor, timer)

    class SQLiteConnection(timed_connection(base, timer)):  # type: ignore[misc]
        def cursor(self, factory: Any = cursor_class) -> Any:
            return sqlite3.Connection.cursor(self, factory)

    return SQLiteConnection


def install(engine: sa.Engine, timer: Timer) -> None:
    """Time what connections of this engine do, from the next one on; it was made by `engine.py`.

    What SQLAlchemy asks a new connection, before anybody gets it, is not timed.
    """
    dialect: Any = engine.dialect
    if dialect.name == "sqlite":
        dialect.connection_class = timed_sqlite(dialect.connection_class, timer)
    else:
        import psycopg

        dialect.connection_class = timed_connection(dialect.connection_class, timer)
        cursor_class = timed_cursor(psycopg.Cursor, timer)
        server_cursor_class = timed_fetching_cursor(psycopg.ServerCursor, timer)

        def prepare(dbapi: Any, record: Any) -> None:
            dbapi.cursor_factory = cursor_class
            dbapi.server_cursor_factory = server_cursor_class

        event.listen(engine, "connect", prepare)
    event.listen(engine, "do_execute", timer.timed(dialect.do_execute))
    event.listen(engine, "do_executemany", timer.timed(dialect.do_executemany))
    plain = timer.timed(
        lambda cursor, statement, _, ctx: dialect.do_execute_no_params(cursor, statement, ctx)
    )
    event.listen(engine, "do_execute_no_params", lambda cursor, text, ctx: plain(cursor, text, (), ctx))
