"""What keeps the database from being used: noticed by whoever meets it, told once, and told when it is over.

While the database is away nobody waits for it: everybody is refused at once, and one thread asks it again
every second (a circuit breaker). What keeps only writers away, such as a full disk, refuses nobody
beforehand; the same thread finds out when writing works again.
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

log = logging.getLogger(__name__)

THREADS = itertools.count(1)
SECONDS_BETWEEN_PROBES = 1.0
SECONDS_TO_END = 5.0
REASON_CHARACTERS = 300
# A post takes a few pages of SQLite's log.
LEAST_FREE_BYTES = 100_000

SQLITE_BUSY, SQLITE_LOCKED, SQLITE_READONLY, SQLITE_IOERR = 5, 6, 8, 10
SQLITE_CORRUPT_VTAB = 267  # an index of search, which can be made again
SQLITE_CORRUPT, SQLITE_FULL, SQLITE_CANTOPEN, SQLITE_NOTADB = 11, 13, 14, 26

TRY_AGAIN = "Please try again in a minute."
KEEP_IT = "Nothing can be saved on this site at the moment: keep what you wrote, and try again later."


@dataclass(frozen=True, slots=True)
class Outage:
    """One kind. `name` is its group among the alerts, `problem` what `/health/ready` says.

    With `stops_everything` everybody is refused until the database answers. It is over when nobody has
    met it for `quiet_seconds`: what comes and goes is told once.
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
    f"The database of this site does not answer at the moment. {TRY_AGAIN}",
    "Look whether it runs, whether its machine can be reached, and what its own log says; start it. The site "
    "asks it every second, and goes on by itself.",
    stops_everything=True,
)
OVERLOADED = Outage(
    "overloaded",
    "No connection to the database is free",
    "no connection to it is free",
    f"Too many people are here at this moment. {TRY_AGAIN}",
    "All connections of this process are in use, for longer than a request may wait. Look what the database "
    "is busy with (PostgreSQL: the view pg_stat_activity), and for slow queries in the log.",
    stops_everything=True,
    quiet_seconds=10.0,
)
MISSING = Outage(
    "missing",
    "The file of the database cannot be opened",
    "its file cannot be opened; the log says why",
    f"The database of this site cannot be reached at the moment. {TRY_AGAIN}",
    "Put the file back, or restore a backup; give its folder to the user of the site. The site looks every "
    "second, and goes on by itself.",
    stops_everything=True,
)
LOCKED = Outage(
    "locked",
    "The database is locked",
    "somebody keeps its write lock",
    "Too many people write at this moment, and nothing was changed. Please try again.",
    "Some process keeps the write lock of the file: look which one has it open (`fuser`), and end it.",
    quiet_seconds=10.0,
)
FULL = Outage(
    "full",
    "The disk of the database is full",
    "its disk is full: nothing can be saved",
    KEEP_IT,
    "People can read, and nobody can write. Make room; the site tries every second, and goes on by itself.",
    quiet_seconds=10.0,
)
READ_ONLY = Outage(
    "read-only",
    "The database is read-only",
    "it is read-only: nothing can be saved",
    KEEP_IT,
    "People can read, and nobody can write. SQLite: give the file and its folder to the user of the site, or "
    "mount the disk so that it can be written. PostgreSQL: this may be a standby; name the primary server.",
    quiet_seconds=10.0,
)
DAMAGED = Outage(
    "damaged",
    "The database is damaged",
    "it is damaged, or its disk fails; the log says more",
    "The database of this site is out of order. Whoever runs it has been told; please come back later.",
    "Stop the site, copy the database as it is, look at the disk (`dmesg`), and restore a backup; "
    "`microblog doctor --full` reads all of it.",
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
    """The database cannot be used now, by nobody's fault here; `outage` says why."""

    def __init__(self, outage: Outage, reason: str, cause: BaseException | None = None) -> None:
        super().__init__(None, None, cause or Exception(reason), hide_parameters=True)
        self.outage = outage
        self.reason = reason


def ends_the_transaction(error: BaseException) -> bool:
    """Is it no use to go on in this transaction, whatever the statement was about? It has to be raised then.

    Damage may be of one table alone: search can be out of order while people write.
    """
    if isinstance(error, DatabaseUnavailable):
        return error.outage is not DAMAGED
    return isinstance(error, DBAPIError) and error.connection_invalidated


def one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:REASON_CHARACTERS]


def find_outage(error: BaseException, *, is_connecting: bool, is_writing: bool) -> Outage | None:
    """Which outage the driver's error is; None for any other error.

    That a session which only reads may not write is a fault of ours, and no outage.
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
    """By its name: there are several drivers, and none has to be installed."""
    return any(base.__name__ == "OperationalError" for base in type(error).__mro__)


class DeadlinePassed(Exception):
    """PostgreSQL has not answered in time, and its connection is closed; the driver's error is one, too."""


def is_disk_full(file: Path, least: int = LEAST_FREE_BYTES) -> bool:
    """Is there no room for another post? A file that is not there is nobody's question here."""
    try:
        return shutil.disk_usage(file.parent).free < least
    except OSError as error:
        return error.errno == errno.ENOSPC


@dataclass(slots=True)
class Present:
    """An outage from its beginning on; moments are of `time.monotonic`."""

    outage: Outage
    reason: str
    began: float
    well_since: float | None = None
    times: int = 0
    is_stopping: bool = False


Teller = Callable[[Outage, str, bool], None]
"""Called with the outage, what is known about it, and whether it is over."""


@dataclass(slots=True, eq=False)
class Outages:
    """Those that are present in this process.

    Without `guard` it only refuses what cannot work; commands say it in a sentence and end. `probe(writing)`
    asks the database and raises when it cannot be used.
    """

    probe: Callable[[bool], None]
    tellers: list[Teller] = field(default_factory=list)
    seconds_between_probes: float = SECONDS_BETWEEN_PROBES
    thread_name: str = field(default_factory=lambda: f"microblog-database-probe-{next(THREADS)}")
    _present: dict[str, Present] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _is_guarded: bool = False
    _stopping: Present | None = None
    _wake: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def guard(self) -> None:
        """For servers and workers, which go on: log, alert, refuse, and find out when it is over."""
        self._is_guarded = True

    @property
    def is_guarded(self) -> bool:
        return self._is_guarded

    @property
    def stopping(self) -> Present | None:
        """That for which everybody is refused now."""
        return self._stopping

    def present(self) -> list[Outage]:
        with self._lock:
            return [present.outage for present in self._present.values()]

    def is_present(self, outage: Outage) -> bool:
        return outage.name in self._present

    def is_going_on(self, outage: Outage) -> bool:
        """Is it present, and has nobody found since that it is over?"""
        present = self._present.get(outage.name)
        return present is not None and present.well_since is None

    def require(self) -> None:
        """:raises DatabaseUnavailable: while everybody is refused."""
        stopping = self._stopping
        if stopping is not None:
            with self._lock:
                stopping.times += 1
            raise DatabaseUnavailable(stopping.outage, stopping.reason)

    def noticed(self, outage: Outage, reason: str) -> None:
        """Somebody has met it."""
        if not self._is_guarded:
            return
        now = time.monotonic()
        with self._lock:
            present = self._present.get(outage.name)
            is_new = present is None
            if is_new and outage is LOCKED and threading.current_thread() is self._thread:
                return  # it has met somebody who writes
            if present is None:
                present = self._present[outage.name] = Present(outage, reason, now)
            present.well_since = None
            present.times += threading.current_thread() is not self._thread
            if outage.stops_everything and not present.is_stopping:
                present.is_stopping = True
                self._stopping = present
            self._start()
        if is_new:
            what = "Requests are refused" if outage.stops_everything else "What cannot be done is refused"
            log.error("%s (%s). %s with a 503 until it is over.", outage.title, reason, what)
            self._tell(outage, reason, is_over=False)

    def forget(self) -> None:
        """Begin anew, as if nothing had been noticed; the thread ends."""
        with self._lock:
            thread = self._thread
            self._wake.set()
        # It ends before the rest is forgotten: what its last probe meets would start another thread.
        if thread is not None and thread is not threading.current_thread():
            thread.join(SECONDS_TO_END)
        with self._lock:
            self._present.clear()
            self._stopping = None
            self._thread = None
            self._wake = threading.Event()

    def _tell(self, outage: Outage, reason: str, *, is_over: bool) -> None:
        for teller in self.tellers:
            teller(outage, reason, is_over)

    # The thread

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._run, args=(self._wake,), name=self.thread_name, daemon=True
            )
            self._thread.start()

    def _run(self, ended: threading.Event) -> None:
        while not ended.is_set() and self._look():
            ended.wait(self.seconds_between_probes)

    def _look(self) -> bool:
        """Ask once; is there anything left to wait for?"""
        is_readable, is_writable = self._asked()
        over = []
        now = time.monotonic()
        with self._lock:
            for present in list(self._present.values()):
                if not (is_readable if present.outage.stops_everything else is_writable):
                    continue
                present.is_stopping = False
                if present.well_since is None:
                    present.well_since = now
                if now - present.well_since >= present.outage.quiet_seconds:
                    over.append(self._present.pop(present.outage.name))
            stopping = [present for present in self._present.values() if present.is_stopping]
            self._stopping = stopping[0] if stopping else None
            is_more = bool(self._present)
            if not is_more and self._thread is threading.current_thread():
                self._thread = None
        for present in over:
            seconds = (present.well_since or now) - present.began
            told = f"it was met {present.times:,} times in {seconds:,.0f} seconds"
            log.warning("The database works again: “%s” is over; %s.", present.outage.title, told)
            self._tell(present.outage, told, is_over=True)
        return is_more

    def _asked(self) -> tuple[bool, bool]:
        """Can it be read, and written? Writing is only tried when somebody could not."""
        with self._lock:
            writing = any(not present.outage.stops_everything for present in self._present.values())
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
