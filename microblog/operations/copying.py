"""Copies everything from one database to another, and compares the two.

Everything is written in one transaction of the target, and compared before its COMMIT: when the copy is
interrupted, or differs, nothing is left of it. The source is read as a snapshot.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.db import Base
from microblog.errors import OperatorError
from microblog.operations.migrating import ADAPTERS_PREFIX
from microblog.operations.queries import VERSIONS
from microblog.outbox.models import Entry
from microblog.search.adapters import uninstall_others

ROWS_IN_A_BATCH = 1000
DIGEST_BYTES = 16
LOCK_TIMEOUT = "10s"  # when others use the target, the copy fails instead of waiting
OUTBOX: Any = Entry.__table__


@dataclass(slots=True)
class Content:
    """What is in a table: the number of its rows, and the sum of their hashes.

    A sum, since two databases may order texts differently. A row is hashed as the values that the
    application sees: timestamps in UTC, booleans, numbers, texts.
    """

    rows: int = 0
    digest: int = 0

    def add(self, rows: Sequence[Sequence[Any]]) -> None:
        for row in rows:
            text = json.dumps([*row], default=str, sort_keys=True).encode()
            number = int.from_bytes(blake2b(text, digest_size=DIGEST_BYTES).digest())
            self.digest = (self.digest + number) % (1 << 8 * DIGEST_BYTES)
        self.rows += len(rows)


@dataclass(slots=True)
class Copied:
    """What was copied, by the name of the table, and how many of the outbox entries wait."""

    contents: dict[str, Content] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return sum(content.rows for content in self.contents.values())

    @property
    def waiting(self) -> int:
        return self.contents[OUTBOX.name].rows


def list_tables() -> list[sa.Table]:
    """All tables of the models; one that refers to another comes after it."""
    return list(Base.metadata.sorted_tables)


def list_unknown_tables(session: orm.Session) -> list[str]:
    """Tables without a model: foreign ones, or those of a package that is not included here."""
    names = sa.inspect(session.connection()).get_table_names()
    known = {VERSIONS.name, *Base.metadata.tables}
    return sorted(name for name in names if name not in known and not name.startswith(ADAPTERS_PREFIX))


def list_copied_tables() -> list[sa.Table]:
    """The tables whose rows are copied: all but those with `"copied": False` in their `info`."""
    return [table for table in list_tables() if table.info.get("copied", True)]


def select_rows(table: sa.Table, derived: Collection[str]) -> sa.Select[Any]:
    """The rows of a table that are copied: all but outbox entries of the `derived` kinds.

    Those are derived again from the copy; every other entry is a mail that somebody waits for.
    """
    query = sa.select(table).order_by(*table.primary_key)
    return query.where(OUTBOX.c.kind.not_in(derived)) if table is OUTBOX else query


@contextmanager
def open_batches(
    session: orm.Session, table: sa.Table, derived: Collection[str]
) -> Iterator[Iterator[Sequence[sa.Row[Any]]]]:
    """All rows of a table that are copied, in constant memory."""
    options = {"yield_per": ROWS_IN_A_BATCH}
    with explain_unreadable(table):
        result = session.connection().execute(select_rows(table, derived), execution_options=options)
    with result:
        yield read_batches(result, table)


def read_batches(result: sa.CursorResult[Any], table: sa.Table) -> Iterator[Sequence[sa.Row[Any]]]:
    with explain_unreadable(table):
        yield from result.partitions()


@contextmanager
def explain_unreadable(table: sa.Table) -> Iterator[None]:
    """
    :raises OperatorError: where a shell wrote a value into SQLite that is not of the column's type.
    """
    try:
        yield
    except (TypeError, ValueError, sa.exc.OperationalError) as error:
        # Without the error's message, which contains values of the row.
        raise OperatorError(
            f"A row of table {table.name} cannot be read ({type(error).__name__}): correct it where it comes "
            "from. Nothing was kept."
        ) from error


def read_content(
    session: orm.Session, table: sa.Table, derived: Collection[str], read: Callable[[int], None]
) -> Content:
    """Count and hash the rows of a table; `read(rows)` is called after each batch."""
    content = Content()
    with open_batches(session, table, derived) as pieces:
        for rows in pieces:
            content.add(rows)
            read(len(rows))
    return content


def count_rows(session: orm.Session, derived: Collection[str]) -> int:
    """The number of rows to copy, of all tables together."""
    return sum(
        session.scalar(sa.select(sa.func.count()).select_from(select_rows(table, derived).subquery())) or 0
        for table in list_copied_tables()
    )


def find_table_with_rows(session: orm.Session) -> str | None:
    """The name of a table that is not empty; None when all are empty."""
    for table in list_copied_tables():
        if session.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first():
            return table.name
    return None


def copy(
    reading: orm.Session,
    writing: orm.Session,
    derived: Collection[str],
    copied: Callable[[int], None],
    compared: Callable[[int], None],
) -> Copied:
    """Copy everything from one session to the other, replacing what is there, and compare.

    All but outbox entries of the `derived` kinds.

    `copied(rows)` and `compared(rows)` are called after each batch. The search index of the target is
    removed, since it is of other posts; the caller commits.

    :raises OperatorError: when a row cannot be written, or differs when it is read again.
    """
    result = Copied()
    if get_dialect(writing) == "postgresql":
        writing.execute(sa.text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
    uninstall_others(writing, "none")
    with disable_triggers(writing):
        delete_rows(writing)
        for table in list_copied_tables():
            result.contents[table.name] = copy_table(reading, writing, table, derived, copied)
            set_last_id(writing, table, max(get_last_id(reading, table), get_last_id(writing, table)))
    for table in list_copied_tables():
        written = read_content(writing, table, derived, compared)
        if written != result.contents[table.name]:
            raise OperatorError(
                f"Table {table.name} differs: {result.contents[table.name].rows:,} rows were read and "
                f"{written.rows:,} are there, or their values differ. Nothing was kept."
            )
    if get_dialect(writing) == "postgresql":
        writing.execute(sa.text("ANALYZE"))  # the first pages need not wait for autovacuum
    return result


def copy_table(
    reading: orm.Session,
    writing: orm.Session,
    table: sa.Table,
    derived: Collection[str],
    copied: Callable[[int], None],
) -> Content:
    content = Content()
    with open_batches(reading, table, derived) as pieces:
        for rows in pieces:
            try:
                writing.connection().execute(sa.insert(table), [dict(row._mapping) for row in rows])
            except (sa.exc.DataError, sa.exc.IntegrityError) as error:
                # Only the first line: the others contain values of the row.
                reason = str(error.orig).splitlines()[0]
                raise OperatorError(
                    f"A row of table {table.name} cannot be written there ({reason}): correct it where "
                    "it comes from. Nothing was kept."
                ) from error
            content.add(rows)
            copied(len(rows))
    return content


def delete_rows(session: orm.Session) -> None:
    for table in reversed(list_tables()):
        session.execute(sa.delete(table))


@contextmanager
def disable_triggers(session: orm.Session) -> Iterator[None]:
    """Inside, no triggers run: the counts of posts and followers are copied with their people."""
    if get_dialect(session) == "postgresql":
        for table in list_tables():
            session.execute(sa.text(f'ALTER TABLE "{table.name}" DISABLE TRIGGER USER'))
        yield
        for table in list_tables():
            session.execute(sa.text(f'ALTER TABLE "{table.name}" ENABLE TRIGGER USER'))
        return
    connection = session.connection()
    triggers = connection.execute(sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")).all()
    for trigger in triggers:
        connection.exec_driver_sql(f'DROP TRIGGER "{trigger.name}"')
    yield
    for trigger in triggers:
        connection.exec_driver_sql(trigger.sql)


def get_dialect(session: orm.Session) -> str:
    return session.get_bind().dialect.name


# Ids that were used are never used again, not even those of deleted rows: an outbox entry's id is the version
# of its document in Elasticsearch.


def get_last_id(session: orm.Session, table: sa.Table) -> int:
    """The highest id that the database ever generated for a row; 0 for a table without generated ids."""
    column = table.autoincrement_column
    if column is None:
        return 0
    given = 0
    if get_dialect(session) == "postgresql":
        name = session.scalar(select_sequence(table, column))
        row = session.execute(sa.text(f"SELECT last_value, is_called FROM {name}")).one()  # noqa: S608
        given = row.last_value if row.is_called else 0
    else:
        query = sa.text("SELECT seq FROM sqlite_sequence WHERE name = :name")
        given = session.scalar(query, {"name": table.name}) or 0
    return max(given, session.scalar(sa.select(sa.func.max(column))) or 0)


def set_last_id(session: orm.Session, table: sa.Table, value: int) -> None:
    """Make the next row get an id above this one."""
    column = table.autoincrement_column
    if column is None or not value:
        return
    if get_dialect(session) == "postgresql":
        session.execute(sa.select(sa.func.setval(select_sequence(table, column).scalar_subquery(), value)))
    else:
        session.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": table.name})
        session.execute(
            sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :value)"),
            {"name": table.name, "value": value},
        )


def select_sequence(table: sa.Table, column: sa.Column[Any]) -> sa.Select[Any]:
    return sa.select(sa.func.pg_get_serial_sequence(table.name, column.name))
