"""Backups of PostgreSQL by pg_dump, and whether they are whole."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
import uuid
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
FOR_A_TRY = "microblog_verify_"  # begins the name of a database; the second in which it was made follows
# Not as the server's other ones, which may be in another encoding.
LIKE_OURS = "TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
# Whoever owns the tables there is whoever restores them.
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
            f"pg_dump is of version {version}, and the server of {server}: install the server's "
            f"(Debian: apt install postgresql-client-{server}) and try again."
        )
    run("pg_dump", engine, "--format=custom", *NO_OWNERS, f"--file={target}")


def load_postgresql(engine: sa.Engine, file: Path) -> None:
    """Into a database without tables; all of it, or nothing.

    :raises OperatorError: when pg_restore is missing, or fails.
    """
    run("pg_restore", engine, "--single-transaction", *NO_OWNERS, str(file))


def inventory_of_dump(file: Path) -> Inventory:
    """Reads the dump from its beginning to its end, and counts; no server is needed.

    :raises NotWhole: when it is damaged, or no backup of microblog's.
    :raises OperatorError: when pg_restore is missing, or older than the dump.
    """
    command = [find_program("pg_restore"), "--file=-", str(file)]
    with tempfile.TemporaryFile() as errors:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as process:  # noqa: S603
            tables = read_tables(cast(IO[bytes], process.stdout))
        errors.seek(0)
        said = first_line(errors.read().decode("utf-8", "replace"), "pg_restore", process.returncode)
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


@dataclass(slots=True)
class Table:
    """What a dump says of a table: how many rows, and of those with an id that with the smallest."""

    columns: list[str]
    rows: int = 0
    last: dict[str, str] = field(default_factory=dict)
    smallest: dict[str, str] = field(default_factory=dict)


def read_tables(stream: IO[bytes]) -> dict[str, Table]:
    """Those that we count, by name. In a dump a row is a line, whatever is in it."""
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
            if "body" not in table.columns:  # of posts there are many, and we only count them
                note_row(table, line.decode("utf-8", "replace"))
    return tables


def note_row(table: Table, line: str) -> None:
    table.last = dict(zip(table.columns, line.rstrip("\n").split("\t"), strict=False))
    number = table.last.get("id", "")
    if number.isdigit() and (not table.smallest or int(number) < int(table.smallest["id"])):
        table.smallest = table.last


def try_dump(engine: sa.Engine, file: Path) -> Inventory | None:
    """Restore it into a database of its own, which is dropped again.

    None when there is no server, or the role may not make databases.

    :raises OperatorError: when it cannot be restored.
    """
    server = sa.create_engine(engine.url, isolation_level="AUTOCOMMIT")
    try:
        try:
            connection = server.connect()
        except sa.exc.OperationalError:
            return None
        with connection:
            drop_left_over(connection)
            name = f"{FOR_A_TRY}{int(time.time())}_{uuid.uuid4().hex}"
            connection.exec_driver_sql(f"CREATE DATABASE {name} {LIKE_OURS}")
            try:
                return inventory_of_restored(sa.create_engine(engine.url.set(database=name)), file)
            finally:
                connection.exec_driver_sql(f"DROP DATABASE {name}")
    except sa.exc.DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == NO_RIGHT:
            return None
        reason = " ".join(str(error.orig).split())
        raise OperatorError(
            f"{file} could not be test-restored, and may be damaged ({reason}): look what the server "
            "logs, and try again."
        ) from error
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
            revision, people, posts = (
                connection.scalar(sa.text(query)) for query in (REVISION, PEOPLE, POSTS)
            )
            return Inventory(str(revision), int(people), int(posts), "")
    finally:
        engine.dispose()


def run(program: str, engine: sa.Engine | None, *arguments: str) -> str:
    """Run a program of PostgreSQL, with the database of the engine; its output.

    The password is in its environment, not among its arguments, which everybody on the machine sees.

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
        raise OperatorError(f"{program} failed ({first_line(result.stderr, program, result.returncode)}).")
    return result.stdout


def first_line(said: str, program: str, status: int) -> str:
    """Of what it said before it ended with this status."""
    lines = said.strip().splitlines() or [f"exit status {status}"]
    return lines[0].removeprefix(f"{program}: error: ")


def get_major_version(program: str) -> int:
    """Its major version."""
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
