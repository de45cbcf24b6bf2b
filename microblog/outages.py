"""Outages: what keeps the database from being used. Each is reported once, and once more when it is over.

While the database is away nobody waits for it: every request is refused at once, and one thread probes the
database every second (a circuit breaker). An outage that affects only writers, such as a full disk, refuses
nobody beforehand; the same thread finds out when writing works again.
"""

from __future__ import annotations

import errno
import itertools
import logging
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.exc import DBAPIError, OperationalError

from microblog.i18n import _

log = logging.getLogger(__name__)

THREADS = itertools.count(1)
SECONDS_BETWEEN_PROBES = 1.0
SECONDS_TO_END = 5.0
REASON_CHARACTERS = 300
# A post takes a few pages of SQLite's write-ahead log.
LEAST_FREE_BYTES = 100_000

SQLITE_BUSY, SQLITE_LOCKED, SQLITE_READONLY, SQLITE_IOERR = 5, 6, 8, 10
SQLITE_CORRUPT_VTAB = 267  # a search index, which can be rebuilt
SQLITE_CORRUPT, SQLITE_FULL, SQLITE_CANTOPEN, SQLITE_NOTADB = 11, 13, 14, 26

KEEP_IT = _("Nothing can be saved on this site at the moment: keep what you wrote, and try again later.")


@dataclass(frozen=True, slots=True)
class Outage:
    """A kind of outage. `name` is its group among the alerts, `problem` what `/health/ready` says.

    With `stops_everything` every request is refused until the database answers. The outage is over when
    nobody has met it for `quiet_seconds`, so one that comes and goes is reported once.
    """

    name: str
    title: str
    problem: str
    for_people: str
    advice: str
    stops_everything: bool = False
    quiet_seconds: float = 3.0


AWAY = Outage(
    "away",
    "The database is away",
    "does not answer; the log says why",
    _("The database of this site does not answer at the moment. Please try again in a minute."),
    "Check that it runs and that its machine can be reached, and read its own log; start it. The site "
    "tries every second, and recovers by itself.",
    stops_everything=True,
)
OVERLOADED = Outage(
    "overloaded",
    "No connection to the database is free",
    "no connection to it is free",
    _("Too many people are using this site right now. Please try again in a minute."),
    "All connections of this process are in use, for longer than a request may wait. Find out what the "
    "database is busy with (PostgreSQL: the view pg_stat_activity), and look for slow queries in the log.",
    stops_everything=True,
    quiet_seconds=10.0,
)
MISSING = Outage(
    "missing",
    "The file of the database cannot be opened",
    "its file cannot be opened; the log says why",
    _("The database of this site cannot be reached at the moment. Please try again in a minute."),
    "Put the file back, or restore a backup; make its folder writable for the site's user. The site tries "
    "every second, and recovers by itself.",
    stops_everything=True,
)
LOCKED = Outage(
    "locked",
    "The database is locked",
    "somebody holds its write lock",
    _("Too many people are writing right now, and nothing was changed. Please try again."),
    "Some process holds the write lock of the file: find out which one has it open (`fuser`), and end it.",
    quiet_seconds=10.0,
)
FULL = Outage(
    "full",
    "The disk of the database is full",
    "its disk is full: nothing can be saved",
    KEEP_IT,
    "People can read, and nobody can write. Free some space; the site tries every second, and "
    "recovers by itself.",
    quiet_seconds=10.0,
)
READ_ONLY = Outage(
    "read-only",
    "The database is read-only",
    "it is read-only: nothing can be saved",
    KEEP_IT,
    "People can read, and nobody can write. SQLite: make the file and its folder writable for the site's "
    "user, or mount the disk so that it can be written. PostgreSQL: this may be a standby; name the primary "
    "server.",
    quiet_seconds=10.0,
)
DAMAGED = Outage(
    "damaged",
    "The database is damaged",
    "it is damaged, or its disk fails; the log says more",
    _("The database of this site is out of order. Its operator has been notified; please come back later."),
    "Stop the site, copy the database as it is, check the disk (`dmesg`), and restore a backup; "
    "`microblog doctor --full` reads the whole database.",
    quiet_seconds=600.0,
)
OF_SQLITE = {
    SQLITE_READONLY: READ_ONLY,
    SQLITE_IOERR: DAMAGED,
    SQLITE_CORRUPT: DAMAGED,
    SQLITE_FULL: FULL,
    SQLITE_CANTOPEN: MISSING,
    SQLITE_NOTADB: DAMAGED,
}
OF_POSTGRESQL = {
    "25006": READ_ONLY,  # read_only_sql_transaction
    "53100": FULL,  # disk_full
    "58030": DAMAGED,  # io_error
    "58P01": DAMAGED,  # undefined_file
    "XX001": DAMAGED,  # data_corrupted
    "XX002": DAMAGED,  # index_corrupted
}


class DatabaseUnavailable(OperationalError):
    """The database cannot be used now, which is no fault of the code; `outage` says why."""

    def __init__(self, outage: Outage, reason: str, cause: BaseException | None = None) -> None:
        super().__init__(None, None, cause or Exception(reason), hide_parameters=True)
        self.outage = outage
        self.reason = reason


def ends_the_transaction(error: BaseException) -> bool:
    """Is the transaction lost, so that a caller which handles other errors has to raise this one?

    Damage does not end it, as it may affect one table alone: people can write while search is out of order.
    """
    if isinstance(error, DatabaseUnavailable):
        return error.outage is not DAMAGED
    return isinstance(error, DBAPIError) and error.connection_invalidated


def format_reason(error: BaseException) -> str:
    return " ".join(str(error).split())[:REASON_CHARACTERS]


def find_outage(error: BaseException, *, is_connecting: bool, is_writing: bool) -> Outage | None:
    """The outage that the driver's error stands for; None for any other error.

    When a read-only session is refused a write, that is a fault of ours and no outage.
    """
    if isinstance(error, DeadlinePassed):
        return AWAY
    code = getattr(error, "sqlite_errorcode", None)
    if code == SQLITE_CORRUPT_VTAB:
        return None
    outage = (
        OF_POSTGRESQL.get(getattr(error, "sqlstate", None) or "")
        if code is None
        else OF_SQLITE.get(code & 0xFF)
    )
    if outage is READ_ONLY and not is_writing:
        outage = None
    if outage is None and is_connecting and code is None and is_operational(error):
        outage = AWAY
    return outage


def is_operational(error: BaseException) -> bool:
    """Compares names: there are several drivers, and none has to be installed."""
    return any(base.__name__ == "OperationalError" for base in type(error).__mro__)


class DeadlinePassed(Exception):
    """PostgreSQL has not answered in time, and the connection is closed (see `microblog.deadlines`)."""


def is_disk_full(file: Path, least: int = LEAST_FREE_BYTES) -> bool:
    """Is there no space for another post? False when the folder does not exist."""
    try:
        return shutil.disk_usage(file.parent).free < least
    except OSError as error:
        return error.errno == errno.ENOSPC


@dataclass(slots=True)
class OngoingOutage:
    """An outage that has begun and is not over; times are those of `time.monotonic`."""

    outage: Outage
    reason: str
    began: float
    well_since: float | None = None
    count: int = 0
    is_stopping: bool = False


OutageObserver = Callable[[Outage, str, bool], None]
"""Called with the outage, its reason or duration, and whether it is over."""


@dataclass(slots=True, eq=False)
class Outages:
    """The outages that this process knows of.

    Until `guard` is called none is remembered: a command shows the error and ends. `probe(writing)` raises
    when the database cannot be read, or written.
    """

    probe: Callable[[bool], None]
    observers: list[OutageObserver] = field(default_factory=list)
    seconds_between_probes: float = SECONDS_BETWEEN_PROBES
    thread_name: str = field(default_factory=lambda: f"microblog-database-probe-{next(THREADS)}")
    _ongoing: dict[str, OngoingOutage] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _is_guarded: bool = False
    _stopping: OngoingOutage | None = None
    _wake: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def guard(self) -> None:
        """For servers and workers, which keep running: log, alert, refuse, and find out when it is over."""
        self._is_guarded = True

    @property
    def is_guarded(self) -> bool:
        return self._is_guarded

    @property
    def stopping(self) -> OngoingOutage | None:
        """The outage because of which every request is refused now."""
        return self._stopping

    def list_ongoing(self) -> list[Outage]:
        with self._lock:
            return [ongoing.outage for ongoing in self._ongoing.values()]

    def is_ongoing(self, outage: Outage) -> bool:
        return outage.name in self._ongoing

    def has_not_recovered(self, outage: Outage) -> bool:
        """Is it ongoing, and has no probe succeeded since somebody last met it?"""
        ongoing = self._ongoing.get(outage.name)
        return ongoing is not None and ongoing.well_since is None

    def require(self) -> None:
        """:raises DatabaseUnavailable: while every request is refused."""
        stopping = self._stopping
        if stopping is not None:
            with self._lock:
                stopping.count += 1
            raise DatabaseUnavailable(stopping.outage, stopping.reason)

    def report(self, outage: Outage, reason: str) -> None:
        """A statement met this outage; the first report is logged and passed to the observers."""
        if not self._is_guarded:
            return
        now = time.monotonic()
        with self._lock:
            ongoing = self._ongoing.get(outage.name)
            is_new = ongoing is None
            if is_new and outage is LOCKED and threading.current_thread() is self._thread:
                return  # the probe waited for a writer, which is no outage
            if ongoing is None:
                ongoing = self._ongoing[outage.name] = OngoingOutage(outage, reason, now)
            ongoing.well_since = None
            ongoing.count += threading.current_thread() is not self._thread
            if outage.stops_everything and not ongoing.is_stopping:
                ongoing.is_stopping = True
                self._stopping = ongoing
            self._start()
        if is_new:
            what = "Requests are refused" if outage.stops_everything else "What cannot be done is refused"
            log.error("%s (%s). %s with a 503 until it is over.", outage.title, reason, what)
            self._notify_observers(outage, reason, is_over=False)

    def forget(self) -> None:
        """End the thread, and forget every outage."""
        with self._lock:
            thread = self._thread
            self._wake.set()
        # The thread ends first: an error of its last probe would start another one.
        if thread is not None and thread is not threading.current_thread():
            thread.join(SECONDS_TO_END)
        with self._lock:
            self._ongoing.clear()
            self._stopping = None
            self._thread = None
            self._wake = threading.Event()

    def _notify_observers(self, outage: Outage, reason: str, *, is_over: bool) -> None:
        for observer in self.observers:
            observer(outage, reason, is_over)

    # The thread

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._run, args=(self._wake,), name=self.thread_name, daemon=True
            )
            self._thread.start()

    def _run(self, ended: threading.Event) -> None:
        while not ended.is_set() and self._check():
            ended.wait(self.seconds_between_probes)

    def _check(self) -> bool:
        """Probe once; is any outage left?"""
        is_readable, is_writable = self._test_access()
        over = []
        now = time.monotonic()
        with self._lock:
            for ongoing in list(self._ongoing.values()):
                if not (is_readable if ongoing.outage.stops_everything else is_writable):
                    continue
                ongoing.is_stopping = False
                if ongoing.well_since is None:
                    ongoing.well_since = now
                if now - ongoing.well_since >= ongoing.outage.quiet_seconds:
                    over.append(self._ongoing.pop(ongoing.outage.name))
            stopping = [ongoing for ongoing in self._ongoing.values() if ongoing.is_stopping]
            self._stopping = stopping[0] if stopping else None
            is_more = bool(self._ongoing)
            if not is_more and self._thread is threading.current_thread():
                self._thread = None
        for ongoing in over:
            seconds = (ongoing.well_since or now) - ongoing.began
            duration = f"it was met {ongoing.count:,} times in {seconds:,.0f} seconds"
            log.warning("The database works again: “%s” is over; %s.", ongoing.outage.title, duration)
            self._notify_observers(ongoing.outage, duration, is_over=True)
        return is_more

    def _test_access(self) -> tuple[bool, bool]:
        """Can it be read, and written? Writing is only tried during an outage that affects writers."""
        with self._lock:
            writing = any(not ongoing.outage.stops_everything for ongoing in self._ongoing.values())
        try:
            self.probe(False)
        except Exception:
            return False, False
        if not writing:
            return True, False
        try:
            self.probe(True)
        except Exception:
            return True, False
        return True, True
