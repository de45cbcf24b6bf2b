"""Copying everything from one database to another, and comparing the two.

All is written in one transaction of the target, and compared before its COMMIT: what was interrupted,
or differs, leaves nothing behind. The source is read as it is at one moment.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
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
from microblog.outbox.models import DERIVED_KINDS, Entry
from microblog.search.adapters import uninstall_others

ROWS_IN_A_BATCH = 1000
DIGEST_BYTES = 16
LOCK_TIMEOUT = "10s"  # somebody who uses the target is told of, not waited for
OUTBOX: Any = Entry.__table__


@dataclass(slots=True)
class Content:
    """What is in a table: the number of its rows, and the sum of their hashes.

    A sum, since two databases order texts in two ways. A row is hashed as the values that the
    application sees: moments in UTC, true and false, numbers, texts.
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
    """What was copied, by the name of its table, and how many outbox entries wait in it."""

    contents: dict[str, Content] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return sum(content.rows for content in self.contents.values())

    @property
    def waiting(self) -> int:
        return self.contents[OUTBOX.name].rows


def all_tables() -> list[sa.Table]:
    """Every table of the models; one that refers to another comes after it."""
    return list(Base.metadata.sorted_tables)


def list_unknown_tables(session: orm.Session) -> list[str]:
    """Tables that no model knows: somebody else's, or those of a package that is not included here."""
    names = sa.inspect(session.connection()).get_table_names()
    known = {VERSIONS.name, *Base.metadata.tables}
    return sorted(name for name in names if name not in known and not name.startswith(ADAPTERS_PREFIX))


def travelling_tables() -> list[sa.Table]:
    """Those whose rows are copied: all but those whose `info` says `"copied": False`."""
    return [table for table in all_tables() if table.info.get("copied", True)]


def select_rows(table: sa.Table) -> sa.Select[Any]:
    """What travels. Not the outbox entries that are made anew, as their room says (`DERIVED_KINDS`).

    All other entries do: each is a mail that somebody waits for.
    """
    query = sa.select(table).order_by(*table.primary_key)
    return query.where(OUTBOX.c.kind.not_in(DERIVED_KINDS)) if table is OUTBOX else query


@contextmanager
def batches(session: orm.Session, table: sa.Table) -> Iterator[Iterator[Sequence[sa.Row[Any]]]]:
    """All rows that travel, in constant memory."""
    options = {"yield_per": ROWS_IN_A_BATCH}
    with reading(table):
        result = session.connection().execute(select_rows(table), execution_options=options)
    with result:
        yield read_batches(result, table)


def read_batches(result: sa.CursorResult[Any], table: sa.Table) -> Iterator[Sequence[sa.Row[Any]]]:
    with reading(table):
        yield from result.partitions()


@contextmanager
def reading(table: sa.Table) -> Iterator[None]:
    """
    :raises OperatorError: where a shell wrote into SQLite what is no moment, or no text.
    """
    try:
        yield
    except (TypeError, ValueError, sa.exc.OperationalError) as error:
        # Not its words: they would tell what is in the row.
        raise OperatorError(
            f"A row of table {table.name} cannot be read ({type(error).__name__}): correct it where it comes "
            "from. Nothing was kept."
        ) from error


def read_content(session: orm.Session, table: sa.Table, read: Callable[[int], None]) -> Content:
    """`read(rows)` is called as it goes."""
    content = Content()
    with batches(session, table) as pieces:
        for rows in pieces:
            content.add(rows)
            read(len(rows))
    return content


def number_of_rows(session: orm.Session) -> int:
    """Of all tables together."""
    return sum(
        session.scalar(sa.select(sa.func.count()).select_from(select_rows(table).subquery())) or 0
        for table in travelling_tables()
    )


def first_table_with_rows(session: orm.Session) -> str | None:
    """The name of a table that is not empty; None when all are."""
    for table in travelling_tables():
        if session.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first():
            return table.name
    return None


def copy(
    reading: orm.Session, writing: orm.Session, copied: Callable[[int], None], compared: Callable[[int], None]
) -> Copied:
    """Copy everything from one session to the other, in place of what is there, and compare.

    `copied(rows)` and `compared(rows)` are called as it goes. The search index of the target is
    removed, since it would tell of other posts; the caller commits.

    :raises OperatorError: when a row cannot be written there, or is another one when it is read again.
    """
    result = Copied()
    if get_dialect(writing) == "postgresql":
        writing.execute(sa.text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
    uninstall_others(writing, "none")
    with without_triggers(writing):
        empty(writing)
        for table in travelling_tables():
            result.contents[table.name] = copy_table(reading, writing, table, copied)
            set_last_id(writing, table, max(last_id(reading, table), last_id(writing, table)))
    for table in travelling_tables():
        there = read_content(writing, table, compared)
        if there != result.contents[table.name]:
            raise OperatorError(
                f"Table {table.name} differs: {result.contents[table.name].rows:,} rows were read and "
                f"{there.rows:,} are there, or their values are others. Nothing was kept."
            )
    if get_dialect(writing) == "postgresql":
        writing.execute(sa.text("ANALYZE"))  # the first pages need not wait for autovacuum
    return result


def copy_table(
    reading: orm.Session, writing: orm.Session, table: sa.Table, copied: Callable[[int], None]
) -> Content:
    content = Content()
    with batches(reading, table) as pieces:
        for rows in pieces:
            try:
                writing.connection().execute(sa.insert(table), [dict(row._mapping) for row in rows])
            except (sa.exc.DataError, sa.exc.IntegrityError) as error:
                # The lines after the first would tell what is in the row.
                reason = str(error.orig).splitlines()[0]
                raise OperatorError(
                    f"A row of table {table.name} cannot be written there ({reason}): correct it where "
                    "it comes from. Nothing was kept."
                ) from error
            content.add(rows)
            copied(len(rows))
    return content


def empty(session: orm.Session) -> None:
    for table in reversed(all_tables()):
        session.execute(sa.delete(table))


@contextmanager
def without_triggers(session: orm.Session) -> Iterator[None]:
    """Inside, no trigger counts posts and followers: the counts are copied with their people."""
    if get_dialect(session) == "postgresql":
        for table in all_tables():
            session.execute(sa.text(f'ALTER TABLE "{table.name}" DISABLE TRIGGER USER'))
        yield
        for table in all_tables():
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


# Ids that left the database never come back, also those of rows that are gone: an outbox entry's id is the
# version of what it brings to Elasticsearch.


def last_id(session: orm.Session, table: sa.Table) -> int:
    """The highest id that the database ever gave to a row; 0 when it gives none."""
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
    """The next row gets an id above this one."""
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
