"""Times every SQL statement of the application's engine, including fetching and COMMIT.

SQLAlchemy's events `do_execute…` let a listener execute the statement itself, and time it. What has no event
is timed in subclasses of the driver's classes: fetching, since SQLite and PostgreSQL's server-side cursors
compute their rows while they are fetched, and COMMIT, since its only event comes before it (ADR 0030). The
times go to the observation of the current request, task or command; what took too long goes to a `Reporter`,
also outside of these.

BEGIN, PRAGMA, SET and savepoints are not counted as statements. One that takes too long is reported
nevertheless, since BEGIN waits for the write lock of SQLite.
"""

from __future__ import annotations

import math
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy import event

from microblog.call_sites import CallSite, find_call_site
from microblog.observing import Observation, Recorded, get_current_observation
from microblog.slow_queries.parameters import format_parameters

IS_CALL_SITE = False  # microblog/call_sites.py

UNCOUNTED = ("BEGIN", "PRAGMA", "SET ", "SAVEPOINT", "RELEASE", "ROLLBACK")
COMMIT = "COMMIT"
NEVER = math.inf


@dataclass(slots=True, eq=False)
class Run:
    """A statement that took too long; more of its rows may still be fetched.

    `values` are the driver's parameters, including secrets: use them only for EXPLAIN.
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
    """Receives slow and repeated statements. Its methods must not raise."""

    def note_slow(self, run: Run) -> bool:
        """The statement has just become slow. Does the reporter keep the run, and report it later itself?

        If not, `report` is called when the statement's cursor is closed or its transaction ends.
        """

    def report(self, run: Run) -> None:
        """The statement has ended: no more rows are fetched."""

    def note_repeated(self, observation: Observation, statement: str, where: CallSite) -> None:
        """The statement has just run more often than it should."""


class Timed:
    """What a timed cursor knows about the statement that it executed last."""

    connection: Any
    statement: str
    parameters: Any
    context: Callable[[], Any]  # weak: a result that is abandoned half read must be collected
    observation: Observation | None = None
    entry: list[int] | None = None  # of the observation's counts
    recorded: tuple[list[Recorded], int] | None = None  # the observation's list, and the index in it
    run: Run | None = None  # once it is slow
    ns: int = 0
    counted_ns: int = 0  # the part of `ns` that the observation has counted already
    limit: float = NEVER  # in nanoseconds, from which on `Timer.note_exceeded` is called


class Timer:
    """Counts and times what the cursors and connections of one engine do.

    A task may run for hours with statements that have numbers in their text, so only the first
    `most_statements` different ones are counted separately.
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

    def build_listener(self, execute: Callable[..., None]) -> Callable[..., bool]:
        """A listener that executes the statement instead of the dialect, and returns True to say so."""
        clock, count_execution = self.clock, self.count_execution

        def listener(cursor: Any, statement: str, parameters: Any, context: sa.ExecutionContext) -> bool:
            if not isinstance(cursor, Timed):  # SQLAlchemy prepares the connection
                return False
            began = clock()
            try:
                execute(cursor, statement, parameters, context)
            finally:
                count_execution(cursor, statement, parameters, context, clock() - began)
            return True

        return listener

    def count_execution(self, cursor: Timed, statement: str, parameters: Any, context: Any, ns: int) -> None:
        """Count an executed statement; the time of fetching is added later."""
        self.end_statement(cursor)  # SQLAlchemy inserts many rows with one cursor
        limit = self._slow_ns
        entry = recorded = None
        observation = get_current_observation()
        if observation is not None:
            entry = observation.counts.get(statement) or self._new_entry(observation, statement)
            if entry is not None:
                entry[0] += 1
                entry[1] += ns
                observation.statements += 1
                observation.sql_ns += ns
                if entry[0] == self._too_often:
                    self._reporter.note_repeated(observation, statement, find_call_site())
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
            self.note_exceeded(cursor)

    def _new_entry(self, observation: Observation, statement: str) -> list[int] | None:
        """[executions, nanoseconds] of a new statement; None if it is not counted."""
        if statement.lstrip()[:10].upper().startswith(UNCOUNTED):
            return None
        entry = [0, 0]
        if len(observation.counts) < self._most_statements:
            observation.counts[statement] = entry
        return entry

    def count_fetching(self, cursor: Timed) -> None:
        """Add the time of fetching since the last call to the observation."""
        ns, cursor.counted_ns = cursor.ns - cursor.counted_ns, cursor.ns
        if cursor.entry is not None and cursor.observation is not None:
            cursor.entry[1] += ns
            cursor.observation.sql_ns += ns
        if cursor.ns >= cursor.limit:
            self.note_exceeded(cursor)

    def note_exceeded(self, cursor: Timed) -> None:
        """Note more time of a statement that is slow or recorded."""
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
            if not self._reporter.note_slow(run):
                cursor.connection.unreported.append(run)

    def end_statement(self, cursor: Timed) -> None:
        """Report the cursor's statement if it was slow: no more of its rows are fetched."""
        if cursor.ns != cursor.counted_ns:
            self.count_fetching(cursor)
        run, cursor.run = cursor.run, None
        if run is not None and run in cursor.connection.unreported:
            cursor.connection.unreported.remove(run)
            self._reporter.report(run)

    def end_transaction(self, connection: Any) -> None:
        """Report the slow statements of a transaction that is over, whose rows were not all fetched."""
        unreported, connection.unreported = connection.unreported, []
        for run in unreported:
            self._reporter.report(run)

    def count_commit(self, connection: Any, ns: int) -> None:
        """Add the time of a COMMIT, which is not counted as a statement."""
        observation = get_current_observation()
        if observation is not None:
            observation.sql_ns += ns
            if observation.recorded is not None:
                observation.recorded.append(Recorded(COMMIT, "", ns / 1e9, str(find_call_site())))
        if ns >= self._slow_ns and not getattr(connection, "hangs", False):
            run = Run(COMMIT, "", (), ns, find_call_site(), observation)
            if not self._reporter.note_slow(run):
                connection.unreported.append(run)
        self.end_transaction(connection)


def make_cursor_class(base: Any, timer: Timer) -> Any:
    """A timed subclass of a driver's cursor that has all rows once it has executed a statement."""
    close = base.close

    class TimedCursor(base, Timed):
        def close(self) -> None:
            close(self)
            timer.end_statement(self)

    return TimedCursor


def make_fetching_cursor_class(base: Any, timer: Timer) -> Any:
    """A subclass of a driver's cursor that fetches from the database, whose fetching is timed, too."""
    fetchone, fetchmany, fetchall = base.fetchone, base.fetchmany, base.fetchall
    clock, count = timer.clock, timer.count_fetching

    class TimedFetchingCursor(make_cursor_class(base, timer)):  # type: ignore[misc]
        ns: int

        def fetchone(self) -> Any:
            # Called for each row: unless it is slow, the time is counted when the statement ends.
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


def make_connection_class(base: Any, timer: Timer) -> Any:
    """A subclass of a driver's connection that times COMMIT and notices the end of transactions."""
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
                timer.count_commit(self, clock() - began)

        def rollback(self) -> None:
            rollback(self)
            timer.end_transaction(self)

    return TimedConnection


def make_sqlite_class(base: Any, timer: Timer) -> Any:
    """A timed subclass of a connection to SQLite, whose cursors are timed."""

    class SQLiteConnection(make_connection_class(base, timer)):  # type: ignore[misc]
        cursor_class = make_fetching_cursor_class(base.cursor_class, timer)

    return SQLiteConnection


def install(engine: sa.Engine, timer: Timer) -> None:
    """Time the statements of all new connections of this engine, which was made by `engine.py`.

    What SQLAlchemy itself executes on a new connection is not timed.
    """
    dialect: Any = engine.dialect
    if dialect.name == "sqlite":
        dialect.connection_class = make_sqlite_class(dialect.connection_class, timer)
    else:
        import psycopg

        dialect.connection_class = make_connection_class(dialect.connection_class, timer)
        cursor_class = make_cursor_class(psycopg.Cursor, timer)
        server_cursor_class = make_fetching_cursor_class(psycopg.ServerCursor, timer)

        def prepare(dbapi: Any, record: Any) -> None:
            dbapi.cursor_factory = cursor_class
            dbapi.server_cursor_factory = server_cursor_class

        event.listen(engine, "connect", prepare)
    event.listen(engine, "do_execute", timer.build_listener(dialect.do_execute))
    event.listen(engine, "do_executemany", timer.build_listener(dialect.do_executemany))
    plain = timer.build_listener(
        lambda cursor, statement, _, ctx: dialect.do_execute_no_params(cursor, statement, ctx)
    )
    event.listen(engine, "do_execute_no_params", lambda cursor, text, ctx: plain(cursor, text, (), ctx))
