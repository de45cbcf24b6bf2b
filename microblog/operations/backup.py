"""Backups of SQLite by its online backup API, and whether they are whole; what all backups have in common.

A backup is one file. That of SQLite is a database itself, that of PostgreSQL (dumps.py) is pg_dump's custom
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
    """A file is damaged, or no backup of microblog's; `reason` is the end of a sentence about it."""

    def __init__(self, file: Path, reason: str, what_to_do: str = "take another backup") -> None:
        self.reason = " ".join(reason.split())
        super().__init__(f"{file} {self.reason}: {what_to_do}.")


@dataclass(frozen=True, slots=True)
class Inventory:
    """What is in a backup, or in a database.

    `origin` is the same for all backups of one site: who was its first person, and when; "" without people.
    """

    revision: str
    people: int
    posts: int
    origin: str


@contextmanager
def appearing(file: Path) -> Iterator[Path]:
    """A path to write to, readable by its owner only; what is there in the end becomes `file`.

    The file is there as a whole or not at all, also after a crash.

    :raises OperatorError: when there is no such folder.
    """
    if not file.parent.is_dir():
        raise OperatorError(f"There is no folder {file.parent}: make it, or name another.")
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
    """To the disk, and not only to its cache."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def detect_kind(file: Path) -> str:
    """Of which database this is a backup, by how it begins.

    :raises OperatorError: when it is none.
    """
    with file.open("rb") as stream:
        start = stream.read(len(SQLITE_SIGNATURE))
    if start == SQLITE_SIGNATURE:
        return SQLITE
    if start.startswith(DUMP_SIGNATURE):
        return POSTGRESQL
    raise NotWhole(file, "is no backup that `microblog backup` made", "name another file")


def format_origin(number: object, member_since: str) -> str:
    """As both databases write the moment; in UTC, which that of SQLite is in."""
    moment = datetime.fromisoformat(member_since)
    return f"{number} {moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC).isoformat()}"


# SQLite


def read_only(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)


def copy_sqlite(source: Path, target: Path, progress: Callable[[int, int], None]) -> None:
    """All that is in `source` now; `progress(pages, total)` is called as it goes.

    The site goes on writing. The transaction keeps the moment: without it the copy would begin anew
    with every write, and on a busy site never end.
    """
    with closing(read_only(source)) as old, closing(sqlite3.connect(target, isolation_level=None)) as new:
        old.execute("BEGIN")
        old.execute("SELECT count(*) FROM sqlite_master").fetchone()
        old.backup(
            new,
            pages=PAGES_IN_A_STEP,
            progress=lambda status, remaining, total: progress(total - remaining, total),
        )
        # One plain file, which can be read where nobody may write.
        new.execute("PRAGMA journal_mode=DELETE")


def seal(file: Path) -> None:
    """Let a damage be found that SQLite does not see, in the text of a post.

    A hash of all that is behind the header, in two numbers in the header that SQLite leaves to others.
    """
    write_seal(file, seal_for(file))


def unseal(file: Path) -> None:
    """It becomes a database that is written to."""
    write_seal(file, NO_SEAL)


def seal_for(file: Path) -> tuple[int, ...]:
    digest = blake2b(digest_size=8)
    with file.open("rb") as stream:
        stream.seek(SQLITE_HEADER)
        while piece := stream.read(1 << 20):
            digest.update(piece)
    return struct.unpack(">ii", digest.digest())


def write_seal(file: Path, numbers: tuple[int, ...]) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for name, number in zip(PARTS_OF_THE_SEAL, numbers, strict=True):
            connection.execute(f"PRAGMA {name}={number}")


def inventory_of_sqlite(file: Path) -> Inventory:
    """
    :raises NotWhole: when it is damaged, or no database of microblog's.
    """
    try:
        with closing(read_only(file)) as connection:
            (problem,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            if problem != "ok":
                raise NotWhole(file, f"is damaged ({problem})")
            broken = connection.execute("PRAGMA foreign_key_check").fetchone()
            if broken is not None:
                raise NotWhole(file, f"has a row in table {broken[0]} that refers to nothing in {broken[2]}")
            sealed = tuple(connection.execute(f"PRAGMA {name}").fetchone()[0] for name in PARTS_OF_THE_SEAL)
            if sealed != NO_SEAL and sealed != seal_for(file):
                raise NotWhole(file, "is damaged, or was changed after it was made")
            first = connection.execute(FIRST_PERSON).fetchone()
            revision, people, posts = (
                connection.execute(query).fetchone()[0] for query in (REVISION, PEOPLE, POSTS)
            )
            return Inventory(revision, people, posts, "" if first is None else format_origin(*first))
    except (sqlite3.Error, TypeError) as error:  # no row of a revision
        raise NotWhole(file, f"is damaged, or not microblog's ({error})") from error


def is_empty(file: Path) -> bool:
    """Is there neither a person nor a post in this SQLite database?"""
    with closing(read_only(file)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        if not tables:
            return True
        return {("users",), ("posts",)} <= set(tables) and not any(
            connection.execute(query).fetchone()[0] for query in (PEOPLE, POSTS)
        )


def close_sqlite(file: Path) -> bool:
    """Write its log into the file; False when somebody else has it open, or it cannot be written."""
    with closing(sqlite3.connect(file, timeout=1, isolation_level=None)) as connection:
        try:
            connection.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.OperationalError:
            return False
    return True
