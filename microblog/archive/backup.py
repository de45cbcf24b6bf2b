"""Backups, and whether they are whole: of SQLite by its online backup API, of PostgreSQL by pg_dump.

A backup is one file. That of SQLite is a database itself, that of PostgreSQL is pg_dump's custom format.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import struct
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import sqlalchemy as sa

PAGES_IN_A_STEP = 2000
SECONDS_OF_A_DAY = 86_400
SQLITE_SIGNATURE = b"SQLite format 3\0"
SQLITE_HEADER = 100  # bytes
PARTS_OF_THE_SEAL = ("application_id", "user_version")
NO_SEAL = (0, 0)
DUMP_SIGNATURE = b"PGDMP"
SQLITE, POSTGRESQL = "sqlite", "postgresql"
SUFFIXES = {SQLITE: ".sqlite3", POSTGRESQL: ".dump"}
NAME_OF_A_BACKUP = re.compile(r"microblog-\d{4}-\d\d-\d\dT\d{6}Z\.(sqlite3|dump)")
REVISION = "SELECT version_num FROM alembic_version"
PEOPLE, POSTS = "SELECT count(*) FROM users", "SELECT count(*) FROM posts"
NEEDED_IN_A_DUMP = ("alembic_version", "users", "posts")
FOR_A_TRY = "microblog_verify_"  # begins the name of a database; the second in which it was made follows
# Not as the server's other ones, which may be in another encoding.
LIKE_OURS = "TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
# Whoever owns the tables there is whoever restores them.
NO_OWNERS = ("--no-owner", "--no-privileges", "--no-password")


class BackupError(Exception):
    """It did not work, or the backup is not whole; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """What is in a backup, or in a database."""

    revision: str
    people: int
    posts: int


@contextmanager
def appearing(file: Path) -> Iterator[Path]:
    """A path to write to, readable by its owner only; what is there in the end becomes `file`.

    The file is there as a whole or not at all, also after a crash.

    :raises BackupError: when there is no such folder.
    """
    if not file.parent.is_dir():
        raise BackupError(f"There is no folder {file.parent}: make it, or name another.")
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


def kind_of(file: Path) -> str:
    """Of which database this is a backup, by how it begins.

    :raises BackupError: when it is none.
    """
    with file.open("rb") as stream:
        start = stream.read(len(SQLITE_SIGNATURE))
    if start == SQLITE_SIGNATURE:
        return SQLITE
    if start.startswith(DUMP_SIGNATURE):
        return POSTGRESQL
    raise BackupError(f"{file} is no backup that `microblog backup` made: name another file.")


def backups_in(folder: Path) -> list[Path]:
    """Those that were named by their moment, the oldest first."""
    return sorted(path for path in folder.iterdir() if NAME_OF_A_BACKUP.fullmatch(path.name))


def tidy(folder: Path, keep: int) -> list[Path]:
    """Keep the newest so many of them, and nothing of backups that were killed; what was removed."""
    yesterday = time.time() - SECONDS_OF_A_DAY
    killed = [path for path in folder.glob(".microblog-*.partial") if path.stat().st_mtime < yesterday]
    removed = [*backups_in(folder)[:-keep], *killed]
    for path in removed:
        path.unlink()
    return removed


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
    :raises BackupError: when it is damaged, or no database of microblog's.
    """
    try:
        with closing(read_only(file)) as connection:
            (problem,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            if problem != "ok":
                raise BackupError(f"{file} is damaged ({problem}): take another backup.")
            broken = connection.execute("PRAGMA foreign_key_check").fetchone()
            if broken is not None:
                raise BackupError(
                    f"{file} has a row in table {broken[0]} that refers to nothing in {broken[2]}: "
                    "take another backup."
                )
            sealed = tuple(connection.execute(f"PRAGMA {name}").fetchone()[0] for name in PARTS_OF_THE_SEAL)
            if sealed != NO_SEAL and sealed != seal_for(file):
                raise BackupError(
                    f"{file} is damaged, or was changed after it was made: take another backup."
                )
            return Inventory(
                *(connection.execute(query).fetchone()[0] for query in (REVISION, PEOPLE, POSTS))
            )
    except (sqlite3.Error, TypeError) as error:  # no row of a revision
        raise BackupError(f"{file} is damaged, or not microblog's ({error}): take another backup.") from error


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


# PostgreSQL


def dump_postgresql(engine: sa.Engine, target: Path) -> None:
    """
    :raises BackupError: when pg_dump is missing, too old, or fails.
    """
    version = version_of("pg_dump")
    with engine.connect() as connection:
        server = int((connection.dialect.server_version_info or (0,))[0])
    if version < server:
        raise BackupError(
            f"pg_dump is of version {version}, and the server of {server}: install the server's "
            f"(Debian: apt install postgresql-client-{server}) and try again."
        )
    run("pg_dump", engine, "--format=custom", *NO_OWNERS, f"--file={target}")


def load_postgresql(engine: sa.Engine, file: Path) -> None:
    """Into a database without tables; all of it, or nothing.

    :raises BackupError: when pg_restore is missing, or fails.
    """
    run("pg_restore", engine, "--single-transaction", *NO_OWNERS, str(file))


def inventory_of_dump(engine: sa.Engine, file: Path) -> Inventory | None:
    """None when the role may not make a database to restore it into: then it was only read through.

    :raises BackupError: when it is damaged, or no backup of microblog's.
    """
    contents = run("pg_restore", None, "--list", str(file))
    for table in NEEDED_IN_A_DUMP:
        if f" TABLE DATA public {table} " not in contents:
            raise BackupError(f"{file} has no table {table}: take another backup.")
    run("pg_restore", None, "--file=/dev/null", str(file))
    server = sa.create_engine(engine.url, isolation_level="AUTOCOMMIT")
    try:
        with server.connect() as connection:
            drop_left_over(connection)
            name = f"{FOR_A_TRY}{int(time.time())}_{uuid.uuid4().hex}"
            connection.exec_driver_sql(f"CREATE DATABASE {name} {LIKE_OURS}")
            try:
                return inventory_of_restored(sa.create_engine(engine.url.set(database=name)), file)
            finally:
                connection.exec_driver_sql(f"DROP DATABASE {name}")
    except (sa.exc.OperationalError, sa.exc.ProgrammingError):  # no server, or no right
        return None
    finally:
        server.dispose()


def drop_left_over(connection: sa.Connection) -> None:
    """Databases of tries that were killed: each is a whole copy of the site."""
    ours = sa.text("SELECT datname FROM pg_database WHERE pg_get_userbyid(datdba) = current_user")
    for name in connection.scalars(ours).all():
        began = re.match(rf"{FOR_A_TRY}(\d+)_", name)
        if began and int(began[1]) < time.time() - SECONDS_OF_A_DAY:
            with suppress(sa.exc.DBAPIError):  # somebody is just doing the same
                connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}")


def inventory_of_restored(engine: sa.Engine, file: Path) -> Inventory:
    try:
        load_postgresql(engine, file)
        with engine.connect() as connection:
            return Inventory(*(connection.scalar(sa.text(query)) for query in (REVISION, PEOPLE, POSTS)))
    finally:
        engine.dispose()


def run(program: str, engine: sa.Engine | None, *arguments: str) -> str:
    """Run a program of PostgreSQL, with the database of the engine; its output.

    The password is in its environment, not among its arguments, which everybody on the machine sees.

    :raises BackupError: when it is missing, or fails.
    """
    environment = dict(os.environ)
    if engine is not None:
        from psycopg.conninfo import make_conninfo

        parameters: dict[str, Any] = dict(engine.dialect.create_connect_args(engine.url)[1])
        parameters.pop("context", None)  # psycopg's own
        if "password" in parameters:
            environment["PGPASSWORD"] = parameters.pop("password")
        arguments = (f"--dbname={make_conninfo('', **parameters)}", *arguments)
    result = subprocess.run(  # noqa: S603  # our own arguments
        [path_of(program), *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if result.returncode:
        said = result.stderr.strip().splitlines() or [f"exit status {result.returncode}"]
        raise BackupError(f"{program} failed ({said[0].removeprefix(f'{program}: error: ')}).")
    return result.stdout


def version_of(program: str) -> int:
    """Its major version."""
    match = re.search(r"\) (\d+)", run(program, None, "--version"))
    return int(match[1]) if match else 0


def path_of(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise BackupError(
            f"{program} is not installed: install PostgreSQL's programs "
            "(Debian: apt install postgresql-client) and try again."
        )
    return path
