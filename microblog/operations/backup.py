"""Makes and verifies backups of SQLite by its online backup API; and what all backups have in common.

A backup is one file. For SQLite it is a database itself, for PostgreSQL (dumps.py) a file in pg_dump's custom
format.
"""

from __future__ import annotations

import os
import sqlite3
import struct
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

from microblog.errors import OperatorError

PAGES_IN_A_STEP = 2000
SQLITE_SIGNATURE = b"SQLite format 3\0"
SQLITE_HEADER = 100  # bytes
PARTS_OF_THE_SEAL = ("application_id", "user_version")
NO_SEAL = (0, 0)
DUMP_SIGNATURE = b"PGDMP"
SQLITE, POSTGRESQL = "sqlite", "postgresql"
SUFFIXES = {SQLITE: ".sqlite3", POSTGRESQL: ".dump"}
FIRST_PERSON = "SELECT id, member_since FROM users ORDER BY id LIMIT 1"
REVISION = "SELECT version_num FROM alembic_version"
PEOPLE, POSTS = "SELECT count(*) FROM users", "SELECT count(*) FROM posts"


class NotWhole(OperatorError):
    """A file is damaged, or not a backup of microblog; `reason` is the end of a sentence about it."""

    def __init__(self, file: Path, reason: str, what_to_do: str = "take another backup") -> None:
        self.reason = " ".join(reason.split())
        super().__init__(f"{file} {self.reason}: {what_to_do}.")


@dataclass(frozen=True, slots=True)
class Inventory:
    """What is in a backup or a database.

    `origin` is the same for all backups of one site: its first person, and since when; "" without people.
    """

    revision: str
    people: int
    posts: int
    origin: str


@contextmanager
def write_atomically(file: Path) -> Iterator[Path]:
    """Inside, write to the given path, which only its owner can read; afterwards it is renamed to `file`.

    The file exists as a whole or not at all, also after a crash.
    """
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".partial", dir=file.parent)
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        sync(partial)
        partial.replace(file)
        sync(file.parent)
    finally:
        partial.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Flush a file or folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def detect_kind(file: Path) -> str:
    """The kind of database of which this is a backup, by its first bytes.

    :raises OperatorError: when it is not a backup.
    """
    with file.open("rb") as stream:
        start = stream.read(len(SQLITE_SIGNATURE))
    if start == SQLITE_SIGNATURE:
        return SQLITE
    if start.startswith(DUMP_SIGNATURE):
        return POSTGRESQL
    raise NotWhole(file, "was not made by `microblog backup`", "name another file")


def format_origin(number: object, member_since: str) -> str:
    """The same string for both databases; the timestamps of SQLite are in UTC."""
    timestamp = datetime.fromisoformat(member_since)
    return f"{number} {timestamp.replace(tzinfo=timestamp.tzinfo or UTC).astimezone(UTC).isoformat()}"


# SQLite


def open_read_only(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)


def copy_sqlite(source: Path, target: Path, progress: Callable[[int, int], None]) -> None:
    """Copy the current content of `source`; `progress(pages, total)` is called after each step.

    The site may go on writing. The transaction holds a snapshot: without it the copy would start again with
    every write, and on a busy site never end.
    """
    with (
        closing(open_read_only(source)) as old,
        closing(sqlite3.connect(target, isolation_level=None)) as new,
    ):
        old.execute("BEGIN")
        old.execute("SELECT count(*) FROM sqlite_master").fetchone()
        old.backup(
            new,
            pages=PAGES_IN_A_STEP,
            progress=lambda status, remaining, total: progress(total - remaining, total),
        )
        # A single file, which can be read in a folder that is not writable.
        new.execute("PRAGMA journal_mode=DELETE")


def seal(file: Path) -> None:
    """Make damage detectable that SQLite does not notice, such as in the text of a post.

    Writes a hash of everything behind the header to two values of the header that applications may use.
    """
    write_seal(file, compute_seal(file))


def unseal(file: Path) -> None:
    """Remove the seal, since the file becomes a database that is written to."""
    write_seal(file, NO_SEAL)


def compute_seal(file: Path) -> tuple[int, ...]:
    digest = blake2b(digest_size=8)
    with file.open("rb") as stream:
        stream.seek(SQLITE_HEADER)
        while piece := stream.read(1 << 20):
            digest.update(piece)
    return struct.unpack(">ii", digest.digest())


def write_seal(file: Path, values: tuple[int, ...]) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for name, number in zip(PARTS_OF_THE_SEAL, values, strict=True):
            connection.execute(f"PRAGMA {name}={number}")


def read_sqlite_inventory(file: Path) -> Inventory:
    """
    :raises NotWhole: when it is damaged, or not a database of microblog.
    """
    try:
        with closing(open_read_only(file)) as connection:
            (problem,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            if problem != "ok":
                raise NotWhole(file, f"is damaged ({problem})")
            broken = connection.execute("PRAGMA foreign_key_check").fetchone()
            if broken is not None:
                raise NotWhole(file, f"has a row in table {broken[0]} that refers to nothing in {broken[2]}")
            sealed = tuple(connection.execute(f"PRAGMA {name}").fetchone()[0] for name in PARTS_OF_THE_SEAL)
            if sealed != NO_SEAL and sealed != compute_seal(file):
                raise NotWhole(file, "is damaged, or was changed after it was made")
            first = connection.execute(FIRST_PERSON).fetchone()
            revision, people, posts = (
                connection.execute(query).fetchone()[0] for query in (REVISION, PEOPLE, POSTS)
            )
            return Inventory(revision, people, posts, "" if first is None else format_origin(*first))
    except (sqlite3.Error, TypeError) as error:  # a TypeError: there is no row with a revision
        raise NotWhole(file, f"is damaged, or not microblog's ({error})") from error


def is_empty(file: Path) -> bool:
    """Is there neither a person nor a post in this SQLite database?"""
    with closing(open_read_only(file)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        if not tables:
            return True
        return {("users",), ("posts",)} <= set(tables) and not any(
            connection.execute(query).fetchone()[0] for query in (PEOPLE, POSTS)
        )


def close_sqlite(file: Path) -> bool:
    """Write the WAL into the file; False when another process has it open, or it cannot be written."""
    with closing(sqlite3.connect(file, timeout=1, isolation_level=None)) as connection:
        try:
            connection.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.OperationalError:
            return False
    return True
