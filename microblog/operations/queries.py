"""SQL about the database itself: its revision, server and faults."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import orm

VERSIONS = sa.table("alembic_version", sa.column("version_num"))


@dataclass(frozen=True, slots=True)
class Server:
    """`size` in bytes; `now` by the clock of the database server, None for SQLite, which has none."""

    version: str
    size: int
    now: datetime | None


def get_revision(session: orm.Session) -> str | None:
    """The revision of the database; None when it is empty."""
    if not sa.inspect(session.connection()).has_table(VERSIONS.name):
        return None
    found: str | None = session.scalar(sa.select(VERSIONS.c.version_num))
    return found


def get_server(session: orm.Session) -> Server:
    if session.get_bind().dialect.name == "postgresql":
        row = session.execute(
            sa.text(
                "SELECT current_setting('server_version'), pg_database_size(current_database()), "
                "clock_timestamp()"
            )
        ).one()
        return Server(f"PostgreSQL {row[0]}", row[1], row[2])
    row = session.execute(
        sa.text(
            "SELECT sqlite_version(), "
            "(SELECT page_count FROM pragma_page_count) * (SELECT page_size FROM pragma_page_size)"
        )
    ).one()
    return Server(f"SQLite {row[0]}", row[1], None)


def find_file_faults(session: orm.Session) -> list[str]:
    """What is wrong with the file of an SQLite database, which is read completely."""
    broken = session.execute(sa.text("PRAGMA foreign_key_check")).all()
    return [
        *(row[0] for row in session.execute(sa.text("PRAGMA integrity_check")) if row[0] != "ok"),
        *(f"a row in table {row[0]} refers to nothing in {row[2]}" for row in broken),
    ]
