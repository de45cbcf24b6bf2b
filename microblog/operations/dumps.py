"""Makes, verifies and restores backups of PostgreSQL by pg_dump and pg_restore."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

import sqlalchemy as sa

from microblog.errors import OperatorError
from microblog.operations.backup import (
    PEOPLE,
    POSTS,
    REVISION,
    Inventory,
    NotWhole,
    format_origin,
)

SECONDS_OF_A_DAY = 86_400
NEEDED_IN_A_DUMP = ("alembic_version", "users", "posts")
# How pg_restore writes a table.
COPY = re.compile(
    rb"COPY public\.(?P<table>alembic_version|users|posts) \((?P<columns>[a-z_, ]+)\) FROM stdin;$"
)
END_OF_COPY = b"\\.\n"
OF_A_NEWER_PROGRAM = "unsupported version"
NO_RIGHT = "42501"
TEST_DATABASE = "microblog_verify_"  # the beginning of a name, before the time in seconds
# Not the server's defaults, which may be another encoding.
LIKE_OURS = "TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
# The role that restores the tables owns them.
NO_OWNERS = ("--no-owner", "--no-privileges", "--no-password")


def dump_postgresql(engine: sa.Engine, target: Path) -> None:
    """
    :raises OperatorError: when pg_dump is missing, too old, or fails.
    """
    version = get_major_version("pg_dump")
    with engine.connect() as connection:
        server = int((connection.dialect.server_version_info or (0,))[0])
    if version < server:
        raise OperatorError(
            f"pg_dump has version {version}, and the server {server}: install the server's version "
            f"(Debian: apt install postgresql-client-{server}) and try again."
        )
    run("pg_dump", engine, "--format=custom", *NO_OWNERS, f"--file={target}")


def load_postgresql(engine: sa.Engine, file: Path) -> None:
    """Restore into a database without tables; everything, or nothing.

    :raises OperatorError: when pg_restore is missing, or fails.
    """
    run("pg_restore", engine, "--single-transaction", *NO_OWNERS, str(file))


def read_dump_inventory(file: Path) -> Inventory:
    """Read the whole dump, and count its rows; this needs no server.

    :raises NotWhole: when it is damaged, or not a backup of microblog.
    :raises OperatorError: when pg_restore is missing, or older than the dump.
    """
    command = [find_program("pg_restore"), "--file=-", str(file)]
    with tempfile.TemporaryFile() as errors:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as process:  # noqa: S603
            tables = read_tables(cast(IO[bytes], process.stdout))
        errors.seek(0)
        said = get_first_line(errors.read().decode("utf-8", "replace"), "pg_restore", process.returncode)
    if process.returncode:
        if OF_A_NEWER_PROGRAM in said or process.returncode < 0:
            raise OperatorError(f"{file} cannot be read: pg_restore failed ({said}).")
        raise NotWhole(file, f"is damaged (pg_restore: {said})")
    for name in NEEDED_IN_A_DUMP:
        if name not in tables:
            raise NotWhole(file, f"has no table {name}")
    if not tables["alembic_version"].rows:
        raise NotWhole(file, "has no revision")
    first = tables["users"].smallest
    return Inventory(
        tables["alembic_version"].last["version_num"],
        tables["users"].rows,
        tables["posts"].rows,
        origin=format_origin(first["id"], first["member_since"]) if first else "",
    )


def read_rows(file: Path, table: str, columns: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """These columns of the rows of a table in a dump, in constant memory: texts in which nothing is quoted.

    :raises OperatorError: when pg_restore is missing, or fails.
    """
    command = [find_program("pg_restore"), "--data-only", f"--table={table}", "--file=-", str(file)]
    start = re.compile(rf"COPY public\.{table} \((?P<columns>[a-z_, ]+)\) FROM stdin;$".encode())
    positions: list[int] | None = None
    with tempfile.TemporaryFile() as errors:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as process:  # noqa: S603
            for line in cast(IO[bytes], process.stdout):
                match = start.match(line)
                if match:
                    names = match["columns"].decode().split(", ")
                    positions = [names.index(column) for column in columns]
                elif line == END_OF_COPY:
                    positions = None
                elif positions is not None:
                    values = line.decode().rstrip("\n").split("\t")
                    yield tuple(values[position] for position in positions)
        errors.seek(0)
        said = get_first_line(errors.read().decode("utf-8", "replace"), "pg_restore", process.returncode)
    if process.returncode:
        raise OperatorError(f"{file} cannot be read: pg_restore failed ({said}).")


@dataclass(slots=True)
class Table:
    """What a dump has of a table: the number of rows, the last one, and the one with the smallest id."""

    columns: list[str]
    rows: int = 0
    last: dict[str, str] = field(default_factory=dict)
    smallest: dict[str, str] = field(default_factory=dict)


def read_tables(stream: IO[bytes]) -> dict[str, Table]:
    """The tables that we count, by name. In a dump each row is one line, whatever it contains."""
    tables: dict[str, Table] = {}
    table: Table | None = None
    for line in stream:
        if table is None:
            start = COPY.match(line)
            if start:
                table = Table(start["columns"].decode().split(", "))
                tables[start["table"].decode()] = table
        elif line == END_OF_COPY:
            table = None
        else:
            table.rows += 1
            if "body" not in table.columns:  # there are many posts, and they are only counted
                note_row(table, line.decode("utf-8", "replace"))
    return tables


def note_row(table: Table, line: str) -> None:
    table.last = dict(zip(table.columns, line.rstrip("\n").split("\t"), strict=False))
    number = table.last.get("id", "")
    if number.isdigit() and (not table.smallest or int(number) < int(table.smallest["id"])):
        table.smallest = table.last


def try_restore(engine: sa.Engine, file: Path) -> Inventory | None:
    """Restore the dump into a database of its own, which is dropped again.

    None when there is no server, or the role may not create databases.

    :raises OperatorError: when it cannot be restored.
    """
    server = sa.create_engine(engine.url, isolation_level="AUTOCOMMIT")
    try:
        try:
            connection = server.connect()
        except sa.exc.OperationalError:
            return None
        with connection:
            drop_leftovers(connection)
            name = f"{TEST_DATABASE}{int(time.time())}_{uuid.uuid4().hex}"
            connection.exec_driver_sql(f"CREATE DATABASE {name} {LIKE_OURS}")
            try:
                return read_restored_inventory(sa.create_engine(engine.url.set(database=name)), file)
            finally:
                connection.exec_driver_sql(f"DROP DATABASE {name}")
    except sa.exc.DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == NO_RIGHT:
            return None
        reason = " ".join(str(error.orig).split())
        raise OperatorError(
            f"{file} could not be test-restored, and may be damaged ({reason}): check the server's log, "
            "and try again."
        ) from error
    finally:
        server.dispose()


def drop_leftovers(connection: sa.Connection) -> None:
    """Drop the databases of killed test restores: each is a whole copy of the site."""
    ours = sa.text("SELECT datname FROM pg_database WHERE pg_get_userbyid(datdba) = current_user")
    for name in connection.scalars(ours).all():
        began = re.match(rf"{TEST_DATABASE}(\d+)_", name)
        if began and int(began[1]) < time.time() - SECONDS_OF_A_DAY:
            with suppress(sa.exc.DBAPIError):  # another process may be dropping it, too
                connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}")


def read_restored_inventory(engine: sa.Engine, file: Path) -> Inventory:
    try:
        load_postgresql(engine, file)
        with engine.connect() as connection:
            revision, people, posts = (
                connection.scalar(sa.text(query)) for query in (REVISION, PEOPLE, POSTS)
            )
            return Inventory(str(revision), int(people), int(posts), "")
    finally:
        engine.dispose()


def run(program: str, engine: sa.Engine | None, *arguments: str) -> str:
    """Run a program of PostgreSQL on the database of the engine; return its output.

    The password is in its environment and not in its arguments, which everybody on the machine can see.

    :raises OperatorError: when it is missing, or fails.
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
        [find_program(program), *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise OperatorError(
            f"{program} failed ({get_first_line(result.stderr, program, result.returncode)})."
        )
    return result.stdout


def get_first_line(said: str, program: str, status: int) -> str:
    """The first line of a program's errors, without its name; else its exit status."""
    lines = said.strip().splitlines() or [f"exit status {status}"]
    return lines[0].removeprefix(f"{program}: error: ")


def get_major_version(program: str) -> int:
    """The major version of a program."""
    match = re.search(r"\) (\d+)", run(program, None, "--version"))
    return int(match[1]) if match else 0


def find_program(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise OperatorError(
            f"{program} is not installed: install PostgreSQL's programs "
            "(Debian: apt install postgresql-client) and try again."
        )
    return path
