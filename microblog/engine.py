"""The engine: how connections are made, how long to wait for the database, and what its errors mean.

A request waits for a little more than two seconds, on both databases; the worker waits longer; a command
waits for as long as the server accepts connections at all. All of them share one pool, so the limit is that
of the context (`Patience`). An error that keeps the database from being used is an outage (outages.py).
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pyramid_retry import mark_error_retryable
from sqlalchemy import event
from sqlalchemy.pool import QueuePool

from microblog.outages import (
    AWAY,
    DAMAGED,
    FULL,
    LOCKED,
    MISSING,
    OVERLOADED,
    SQLITE_CANTOPEN,
    DatabaseUnavailable,
    Outage,
    Outages,
    find_outage,
    format_reason,
    is_disk_full,
)
from microblog.write_lock import SQLITE_BUSY_SECONDS, Turns, WaitingConnection, is_busy

IS_CALL_SITE = False  # microblog/call_sites.py

# While the database is locked (`LOCKED`), nobody waits long for the lock.
SQLITE_BUSY_SECONDS_WHILE_LOCKED = 0.1
# When nobody has got the lock for so many waits in a row, this is no queue of writers but a held lock.
WAITS_UNTIL_LOCKED = 2.5
TRANSIENT_SQLSTATE_CLASS = "40"  # serialization failure, deadlock
# PostgreSQL itself cancels a statement that takes too long. When it does not, it hangs.
SECONDS_AFTER_THE_SERVERS_OWN_LIMIT = 0.25
# When the server is known to hang, other waits end after this.
SECONDS_AFTER_OTHERS_HAVE_GIVEN_UP = 0.3
# Our statements take milliseconds; to compile one takes PostgreSQL twenty.
WITHOUT_COMPILING = "-c jit=off"


class Patience(Enum):
    """Whose time limit a statement has."""

    REQUEST = "request"  # a person waits for a page
    BACKGROUND = "background"  # the worker
    UNLIMITED = "unlimited"  # commands: migrations, imports and rebuilds take as long as they need


_patience: ContextVar[Patience | None] = ContextVar("microblog_patience", default=None)
_is_probing: ContextVar[bool] = ContextVar("microblog_is_probing", default=False)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds."""

    connect: int = 2
    statement: float = 2.0
    background: float = 30.0


@contextmanager
def use_patience(patience: Patience) -> Iterator[None]:
    token = _patience.set(patience)
    try:
        yield
    finally:
        _patience.reset(token)


@contextmanager
def probing() -> Iterator[None]:
    """A probe: it gets a connection while everybody else is refused. It has the time limit of a request."""
    token = _is_probing.set(True)
    try:
        with use_patience(Patience.REQUEST):
            yield
    finally:
        _is_probing.reset(token)


class SiteEngine:
    """Makes the engine, and listens to its events.

    With `serves_requests`, connections of the pool have the limits of a request from the beginning.
    """

    def __init__(self, url: sa.URL, file: Path | None, timeouts: Timeouts, outages: Outages) -> None:
        self.timeouts = timeouts
        self.outages = outages
        self.serves_requests = False
        self._is_postgresql = url.get_backend_name() == "postgresql"
        self._file = file
        self._known: tuple[int, int] | None = None  # device and inode of the file
        self._connect_arguments: tuple[Any, dict[str, Any]] = ((), {})
        # Since when nobody in this process has got the write lock of SQLite; None when nobody waits in vain.
        self._blocked_since: float | None = None
        self._turns = Turns()
        options: dict[str, Any] = {}
        if self._is_postgresql:
            options["connect_args"] = {"client_encoding": "utf8", "connect_timeout": timeouts.connect}
        if self._is_postgresql or self._file is not None:
            options |= {"poolclass": make_guarded_pool(outages), "pool_timeout": timeouts.connect}
        # Errors in the log must not show e-mail addresses and hashes.
        self.engine = sa.create_engine(url, hide_parameters=True, **options)
        self._listen()

    def _listen(self) -> None:
        engine = self.engine
        dialect: Any = engine.dialect
        if self._is_postgresql:
            from microblog.deadlines import make_connection_class

            # `slow_queries/timing.py` makes a subclass of it.
            dialect.connection_class = make_connection_class(self.check_deadline)
            event.listen(engine, "do_connect", self.connect_postgresql)
            event.listen(engine, "connect", lambda dbapi, record: prepare(dbapi, require_unicode))
            event.listen(engine, "begin", self.begin_postgresql)
        else:
            dialect.connection_class = WaitingConnection
            event.listen(engine, "do_connect", self.connect_sqlite)
            event.listen(engine, "begin", self.begin_sqlite)
            event.listen(engine, "checkin", leave_transaction)
            event.listen(engine, "checkout", self.require_same_file)
        event.listen(engine, "handle_error", self.handle_error)
        event.listen(engine, "engine_disposed", lambda engine: self.outages.forget())

    # How long to wait

    @property
    def patience(self) -> Patience:
        chosen = _patience.get()
        if chosen is not None:
            return chosen
        return Patience.BACKGROUND if self.outages.is_guarded else Patience.UNLIMITED

    def get_seconds(self, patience: Patience) -> float:
        """For how long PostgreSQL lets a statement run; 0 is no limit."""
        if patience is Patience.UNLIMITED:
            return 0
        return self.timeouts.statement if patience is Patience.REQUEST else self.timeouts.background

    @property
    def seconds_of_connections(self) -> float:
        """The limit of a connection, until a transaction sets its own."""
        if self.serves_requests:
            return self.timeouts.statement
        return self.get_seconds(Patience.BACKGROUND if self.outages.is_guarded else Patience.UNLIMITED)

    def check_deadline(self, began: float) -> str | None:
        """The reason to stop waiting for PostgreSQL; None to keep waiting."""
        waited = time.monotonic() - began
        stopping = self.outages.stopping
        if stopping is not None and not _is_probing.get() and stopping.outage is AWAY:
            others = time.monotonic() - stopping.began
            if min(waited, others) > SECONDS_AFTER_OTHERS_HAVE_GIVEN_UP:
                return f"it did not answer others either, for {waited:.1f} seconds"
        limit = self.get_seconds(self.patience)
        if limit:
            limit += SECONDS_AFTER_THE_SERVERS_OWN_LIMIT
            return None if waited < limit else f"it did not answer within {limit:g} seconds"
        return self._check_server(waited)

    def _check_server(self, waited: float) -> str | None:
        """A statement without a limit is waited for while the server accepts new connections."""
        period = self.timeouts.background
        # Called about ten times a second: once in each period.
        if waited < period or waited % period >= 0.5:
            return None
        from microblog.deadlines import accepts_connections

        if accepts_connections(*self._connect_arguments):
            return None
        return f"it has not answered for {waited:.0f} seconds, and accepts no connection"

    # PostgreSQL

    def connect_postgresql(self, dialect: Any, record: Any, arguments: Any, options: dict[str, Any]) -> Any:
        self._connect_arguments = (arguments, dict(options))
        milliseconds = int(self.seconds_of_connections * 1000)
        own = options.get("options", "")  # the URL has precedence
        limits = f"{WITHOUT_COMPILING} -c statement_timeout={milliseconds} {own}".strip()
        connection = dialect.connection_class.connect(*arguments, **{**options, "options": limits})
        connection.statement_seconds = self.seconds_of_connections
        return connection

    def begin_postgresql(self, connection: sa.Connection) -> None:
        """Set the limit of this transaction, where it is not that of the connection."""
        seconds = self.get_seconds(self.patience)
        driver: Any = connection.connection.driver_connection
        if seconds != driver.statement_seconds:
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(seconds * 1000)}")

    # SQLite

    def connect_sqlite(self, dialect: Any, record: Any, arguments: Any, options: dict[str, Any]) -> Any:
        if self._known is not None and self._file is not None and not self._file.exists():
            # SQLite would create a new, empty file.
            error = sqlite3.OperationalError(f"{self._file} is gone")
            error.sqlite_errorcode = SQLITE_CANTOPEN
            raise error
        connection = sqlite3.connect(*arguments, **options, factory=dialect.connection_class)
        connection.turns = self._turns
        # Here and not in a "connect" listener: SQLAlchemy's own comes first, and fails on a damaged file.
        prepare(connection, prepare_sqlite)
        self._known = get_file_identity(self._file)
        return connection

    def require_same_file(self, dbapi: Any, record: Any, proxy: Any) -> None:
        """What is written to a file that was replaced is lost, so the pool has to reconnect."""
        if self._known is not None and get_file_identity(self._file) != self._known:
            raise sa.exc.InvalidatePoolError("The file was replaced.")

    def begin_sqlite(self, connection: sa.Connection) -> None:
        mode = connection.get_execution_options().get("sqlite_begin", "IMMEDIATE")
        # Set each time: they stick to the pooled connection.
        connection.exec_driver_sql(f"PRAGMA query_only={'ON' if mode == 'DEFERRED' else 'OFF'}")
        if mode == "IMMEDIATE":
            driver: Any = connection.connection.driver_connection
            driver.seconds_for_the_lock = self.seconds_for_the_lock
        connection.exec_driver_sql(f"BEGIN {mode}")
        if mode == "IMMEDIATE":
            self._blocked_since = None

    @property
    def seconds_for_the_lock(self) -> float:
        if self.patience is not Patience.REQUEST:
            return SQLITE_BUSY_SECONDS
        if self.outages.has_not_recovered(LOCKED):
            return SQLITE_BUSY_SECONDS_WHILE_LOCKED
        return min(self.timeouts.statement, SQLITE_BUSY_SECONDS)

    # Errors

    def handle_error(self, context: sa.ExceptionContext) -> BaseException | None:
        """Turn the error into an outage, if it is one; else mark it as retryable, if another attempt may
        succeed.
        """
        error = context.original_exception
        outage = self._find_outage(context, error)
        if outage is None:
            mark_transient(context)
            return None
        reason = format_reason(error)
        self.outages.report(outage, reason)
        return DatabaseUnavailable(outage, reason, error)

    def _find_outage(self, context: sa.ExceptionContext, error: BaseException) -> Outage | None:
        connection = context.connection
        options = {} if connection is None else connection.get_execution_options()
        is_reading = bool(options.get("postgresql_readonly")) or options.get("sqlite_begin") == "DEFERRED"
        outage = find_outage(error, is_connecting=connection is None, is_writing=not is_reading)
        if outage in (DAMAGED, MISSING) and self._file is not None and is_disk_full(self._file):
            return FULL  # SQLite reports "disk I/O error" when its -shm file cannot grow
        is_waiting_for_the_lock = (context.statement or "").startswith("BEGIN") and is_busy(error)
        if is_waiting_for_the_lock and self.patience is Patience.REQUEST and self._is_locked():
            return LOCKED
        return outage

    def _is_locked(self) -> bool:
        """A wait for the lock of SQLite has failed: does some process hold it?

        If not, there were only many writers, and the request is tried again.
        """
        if self.outages.is_ongoing(LOCKED):
            return True
        now, wait = time.monotonic(), self.seconds_for_the_lock
        since = self._blocked_since
        if since is None:
            since = self._blocked_since = now - wait
        return now - since >= WAITS_UNTIL_LOCKED * wait

    @property
    def is_disk_full(self) -> bool:
        return self._file is not None and is_disk_full(self._file)


def make_guarded_pool(outages: Outages) -> type[QueuePool]:
    class GuardedPool(QueuePool):
        def connect(self) -> Any:
            if not _is_probing.get():
                outages.require()
            try:
                return super().connect()
            except sa.exc.TimeoutError as error:
                reason = format_reason(error)
                outages.report(OVERLOADED, reason)
                raise DatabaseUnavailable(OVERLOADED, reason, error) from error

    GuardedPool.__module__ = QueuePool.__module__  # the name of its logger
    return GuardedPool


def get_file_identity(file: Path | None) -> tuple[int, int] | None:
    """Device and inode; None when there is no such file."""
    try:
        status = None if file is None else file.stat()
    except OSError:
        return None
    return None if status is None else (status.st_dev, status.st_ino)


def prepare(dbapi: Any, preparation: Callable[[Any], None]) -> None:
    """Prepare a new connection, and close it when that fails: SQLAlchemy would not."""
    try:
        preparation(dbapi)
    except BaseException:
        dbapi.close()
        raise


def prepare_sqlite(dbapi: Any) -> None:
    dbapi.isolation_level = None  # we emit BEGIN; the driver's own comes too late
    for pragma in (
        f"busy_timeout={int(SQLITE_BUSY_SECONDS * 1000)}",
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "recursive_triggers=ON",  # without it, INSERT OR REPLACE skips our delete triggers
    ):
        dbapi.execute(f"PRAGMA {pragma}")


def require_unicode(dbapi: Any) -> None:
    """Debian's server does not default to UTF-8 when it was installed without a locale."""
    encoding = dbapi.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        from psycopg import OperationalError

        raise OperationalError(
            f"its encoding is {encoding}, which cannot hold every text; create a database with "
            "`createdb --owner=ROLE --encoding=UTF8 --template=template0 NAME`"
        )


def leave_transaction(dbapi: Any, record: Any) -> None:
    """Roll back what a failed COMMIT left open: SQLAlchemy takes the transaction for ended.

    On a damaged file the rollback fails as well. An error here would keep the connection out of the pool.
    """
    if dbapi is not None and dbapi.in_transaction:
        try:
            dbapi.rollback()
        except sqlite3.Error as error:
            record.invalidate(error)


def mark_transient(context: sa.ExceptionContext) -> None:
    error = context.sqlalchemy_exception
    # After a disconnect the pool is emptied, and the next attempt reconnects.
    if error is not None and (context.is_disconnect or is_transient(context.original_exception)):
        mark_error_retryable(error)


def is_transient(error: BaseException) -> bool:
    """May the same request succeed when it is tried again? (SQLite busy, PostgreSQL class 40.)

    Takes errors of the driver. `zope.sqlalchemy` does not know SQLite's, nor PostgreSQL's when COMMIT
    raises them.
    """
    return is_busy(error) or (getattr(error, "sqlstate", None) or "").startswith(TRANSIENT_SQLSTATE_CLASS)
