"""The engine: how connections are made, for how long anybody waits for them, and what their errors mean.

Requests wait for two seconds and a little, on both databases; the worker for longer; a command for as long as
the server answers anybody at all. Who waits how long is a matter of the context (`Patience`), since all share
one pool. What keeps the database from being used is an outage (outages.py).
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
    SQLITE_BUSY,
    SQLITE_CANTOPEN,
    SQLITE_LOCKED,
    DatabaseUnavailable,
    Outage,
    Outages,
    find_outage,
    is_disk_full,
    one_line,
)

SQLITE_BUSY_SECONDS = 5.0
# While somebody keeps the lock for long, nobody else waits long for it.
SQLITE_BUSY_SECONDS_WHILE_LOCKED = 0.1
# So many waits for the lock in a row, in which nobody got it, are no queue of writers any more.
WAITS_UNTIL_LOCKED = 2.5
TRANSIENT_SQLSTATE_CLASS = "40"  # serialization failure, deadlock
# PostgreSQL itself ends what takes too long; only when it does not, it hangs.
SECONDS_AFTER_THE_SERVERS_OWN_LIMIT = 0.25
# Whoever waits for a server that hangs for somebody else already waits no longer than that.
SECONDS_AFTER_OTHERS_HAVE_GIVEN_UP = 0.3
# Our statements take milliseconds; compiling one of them takes PostgreSQL twenty.
WITHOUT_COMPILING = "-c jit=off"


class Patience(Enum):
    """For how long a statement may take."""

    REQUEST = "request"  # somebody looks at a browser
    BACKGROUND = "background"  # the worker
    UNLIMITED = "unlimited"  # commands: migrations, imports, rebuilds take what they take


_patience: ContextVar[Patience | None] = ContextVar("microblog_patience", default=None)
_is_probing: ContextVar[bool] = ContextVar("microblog_is_probing", default=False)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds."""

    connect: int = 2
    statement: float = 2.0
    background: float = 30.0


@contextmanager
def patience(patience: Patience) -> Iterator[None]:
    token = _patience.set(patience)
    try:
        yield
    finally:
        _patience.reset(token)


@contextmanager
def probing() -> Iterator[None]:
    """The one who asks while everybody else is refused; as impatient as a request."""
    token = _is_probing.set(True)
    try:
        with patience(Patience.REQUEST):
            yield
    finally:
        _is_probing.reset(token)


class EngineOfSite:
    """Makes the engine, and answers its events.

    With `serves_requests`, connections of the pool have a request's limits from the beginning.
    """

    def __init__(self, url: sa.URL, file: Path | None, timeouts: Timeouts, outages: Outages) -> None:
        self.timeouts = timeouts
        self.outages = outages
        self.serves_requests = False
        self._is_postgresql = url.get_backend_name() == "postgresql"
        self._file = file
        self._known: tuple[int, int] | None = None  # device and inode of the file
        self._connect_arguments: tuple[Any, dict[str, Any]] = ((), {})
        # Since when nobody of this process has got the write lock of SQLite, as far as somebody waited.
        self._blocked_since: float | None = None
        options: dict[str, Any] = {}
        if self._is_postgresql:
            options["connect_args"] = {"client_encoding": "utf8", "connect_timeout": timeouts.connect}
        if self._is_postgresql or self._file is not None:
            options |= {"poolclass": guarded_pool(outages), "pool_timeout": timeouts.connect}
        # An error in the log tells no e-mail address and no hash.
        self.engine = sa.create_engine(url, hide_parameters=True, **options)
        self._listen()

    def _listen(self) -> None:
        engine = self.engine
        dialect: Any = engine.dialect
        if self._is_postgresql:
            from microblog.deadlines import bounded_connection

            # The timing makes a subclass of it.
            dialect.connection_class = bounded_connection(self.look)
            event.listen(engine, "do_connect", self.connect_postgresql)
            event.listen(engine, "connect", lambda dbapi, record: prepare(dbapi, require_unicode))
            event.listen(engine, "begin", self.begin_postgresql)
        else:
            dialect.connection_class = sqlite3.Connection
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
        """The same for a transaction that does not say it."""
        if self.serves_requests:
            return self.timeouts.statement
        return self.get_seconds(Patience.BACKGROUND if self.outages.is_guarded else Patience.UNLIMITED)

    def look(self, began: float) -> str | None:
        """Why not to wait any longer for PostgreSQL; None to go on waiting."""
        waited = time.monotonic() - began
        stopping = self.outages.stopping
        if stopping is not None and not _is_probing.get() and stopping.outage is AWAY:
            others = time.monotonic() - stopping.began
            if min(waited, others) > SECONDS_AFTER_OTHERS_HAVE_GIVEN_UP:
                return f"it did not answer others either, {waited:.1f} seconds"
        limit = self.get_seconds(self.patience)
        if limit:
            limit += SECONDS_AFTER_THE_SERVERS_OWN_LIMIT
            return None if waited < limit else f"it did not answer within {limit:g} seconds"
        return self._look_at_the_server(waited)

    def _look_at_the_server(self, waited: float) -> str | None:
        """What may take for ever is waited for as long as the server lets others in."""
        period = self.timeouts.background
        # Called about ten times a second: once in each period.
        if waited < period or waited % period >= 0.5:
            return None
        from microblog.deadlines import lets_others_in

        if lets_others_in(*self._connect_arguments):
            return None
        return f"it has not answered for {waited:.0f} seconds, and lets nobody in"

    # PostgreSQL

    def connect_postgresql(self, dialect: Any, record: Any, arguments: Any, options: dict[str, Any]) -> Any:
        self._connect_arguments = (arguments, dict(options))
        milliseconds = int(self.seconds_of_connections * 1000)
        own = options.get("options", "")  # what the URL says is stronger
        limits = f"{WITHOUT_COMPILING} -c statement_timeout={milliseconds} {own}".strip()
        connection = dialect.connection_class.connect(*arguments, **{**options, "options": limits})
        connection.statement_seconds = self.seconds_of_connections
        return connection

    def begin_postgresql(self, connection: sa.Connection) -> None:
        """Give a transaction of the worker its own time, where the pool's is that of requests."""
        seconds = self.get_seconds(self.patience)
        driver: Any = connection.connection.driver_connection
        if seconds != driver.statement_seconds:
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(seconds * 1000)}")

    # SQLite

    def connect_sqlite(self, dialect: Any, record: Any, arguments: Any, options: dict[str, Any]) -> Any:
        if self._known is not None and self._file is not None and not self._file.exists():
            # SQLite would make a new one, which is empty.
            error = sqlite3.OperationalError(f"{self._file} is gone")
            error.sqlite_errorcode = SQLITE_CANTOPEN
            raise error
        connection = sqlite3.connect(*arguments, **options, factory=dialect.connection_class)
        # Here and not in a "connect" listener: SQLAlchemy's own comes first, and fails on a damaged file.
        prepare(connection, prepare_sqlite)
        self._known = get_file_identity(self._file)
        return connection

    def require_same_file(self, dbapi: Any, record: Any, proxy: Any) -> None:
        """Whoever writes on into a file that was removed loses everything; the pool connects anew then."""
        if self._known is not None and get_file_identity(self._file) != self._known:
            raise sa.exc.InvalidatePoolError("The file is another one.")

    def begin_sqlite(self, connection: sa.Connection) -> None:
        mode = connection.get_execution_options().get("sqlite_begin", "IMMEDIATE")
        # Set each time: they stick to the pooled connection.
        connection.exec_driver_sql(f"PRAGMA query_only={'ON' if mode == 'DEFERRED' else 'OFF'}")
        if mode == "IMMEDIATE":
            connection.exec_driver_sql(f"PRAGMA busy_timeout={int(self.seconds_for_the_lock * 1000)}")
        connection.exec_driver_sql(f"BEGIN {mode}")
        if mode == "IMMEDIATE":
            self._blocked_since = None

    @property
    def seconds_for_the_lock(self) -> float:
        if self.patience is not Patience.REQUEST:
            return SQLITE_BUSY_SECONDS
        if self.outages.is_going_on(LOCKED):
            return SQLITE_BUSY_SECONDS_WHILE_LOCKED
        return min(self.timeouts.statement, SQLITE_BUSY_SECONDS)

    # Errors

    def handle_error(self, context: sa.ExceptionContext) -> BaseException | None:
        """The error as an outage, if it is one; else it is marked when another attempt may succeed."""
        error = context.original_exception
        outage = self._outage(context, error)
        if outage is None:
            mark_transient(context)
            return None
        reason = one_line(error)
        self.outages.noticed(outage, reason)
        return DatabaseUnavailable(outage, reason, error)

    def _outage(self, context: sa.ExceptionContext, error: BaseException) -> Outage | None:
        connection = context.connection
        options = {} if connection is None else connection.get_execution_options()
        is_reading = bool(options.get("postgresql_readonly")) or options.get("sqlite_begin") == "DEFERRED"
        outage = find_outage(error, is_connecting=connection is None, is_writing=not is_reading)
        if outage in (DAMAGED, MISSING) and self._file is not None and is_disk_full(self._file):
            return FULL  # SQLite says "disk I/O error" when its index of the log cannot grow
        is_waiting_for_the_lock = (context.statement or "").startswith("BEGIN") and is_busy(error)
        if is_waiting_for_the_lock and self.patience is Patience.REQUEST and self._is_locked():
            return LOCKED
        return outage

    def _is_locked(self) -> bool:
        """Somebody has waited in vain for the lock of SQLite: does a process keep it?

        If it was just not their turn, as happens among many who write, the request tries again.
        """
        if self.outages.is_present(LOCKED):
            return True
        now, wait = time.monotonic(), self.seconds_for_the_lock
        since = self._blocked_since
        if since is None:
            since = self._blocked_since = now - wait
        return now - since >= WAITS_UNTIL_LOCKED * wait

    @property
    def is_disk_full(self) -> bool:
        return self._file is not None and is_disk_full(self._file)


def guarded_pool(outages: Outages) -> type[QueuePool]:
    class GuardedPool(QueuePool):
        def connect(self) -> Any:
            if not _is_probing.get():
                outages.require()
            try:
                return super().connect()
            except sa.exc.TimeoutError as error:
                reason = one_line(error)
                outages.noticed(OVERLOADED, reason)
                raise DatabaseUnavailable(OVERLOADED, reason, error) from error

    GuardedPool.__module__ = QueuePool.__module__  # the name under which it logs
    return GuardedPool


def get_file_identity(file: Path | None) -> tuple[int, int] | None:
    """Device and inode; None when it is not there."""
    try:
        status = None if file is None else file.stat()
    except OSError:
        return None
    return None if status is None else (status.st_dev, status.st_ino)


def prepare(dbapi: Any, preparation: Callable[[Any], None]) -> None:
    """SQLAlchemy does not close a new connection whose preparation fails."""
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
    """Debian's server has another encoding by default where it was installed without a locale."""
    encoding = dbapi.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        from psycopg import OperationalError

        raise OperationalError(
            f"it is in {encoding} and cannot hold all texts; make one with "
            "`createdb --owner=ROLE --encoding=UTF8 --template=template0 NAME`"
        )


def leave_transaction(dbapi: Any, record: Any) -> None:
    """A COMMIT that failed may leave the transaction open, and SQLAlchemy takes it for ended.

    On a damaged file the rollback fails as well. An error here would keep the connection out of the pool.
    """
    if dbapi is not None and dbapi.in_transaction:
        try:
            dbapi.rollback()
        except sqlite3.Error as error:
            record.invalidate(error)


def mark_transient(context: sa.ExceptionContext) -> None:
    error = context.sqlalchemy_exception
    # After a disconnect the pool is emptied, and the next attempt connects anew.
    if error is not None and (context.is_disconnect or is_transient(context.original_exception)):
        mark_error_retryable(error)


def is_busy(error: BaseException) -> bool:
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in (SQLITE_BUSY, SQLITE_LOCKED)


def is_transient(error: BaseException) -> bool:
    """Would the same request succeed in a moment? (SQLite busy, PostgreSQL class 40.)

    These are the driver's errors; `zope.sqlalchemy` knows neither the former, nor the latter when
    they are raised by COMMIT.
    """
    return is_busy(error) or (getattr(error, "sqlstate", None) or "").startswith(TRANSIENT_SQLSTATE_CLASS)
