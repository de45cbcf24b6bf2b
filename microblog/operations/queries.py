"""SQL about the database itself: its revision, server and faults."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.ids import get_timestamp
from microblog.posts.models import Post

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


def get_newest_post_time(session: orm.Session) -> datetime | None:
    """When the newest post was written, or will be published, by its id; None without posts."""
    newest = session.scalar(sa.select(sa.func.max(Post.id)))
    return None if newest is None else get_timestamp(newest)


def find_file_faults(session: orm.Session) -> list[str]:
    """What is wrong with the file of an SQLite database, which is read completely."""
    broken = session.execute(sa.text("PRAGMA foreign_key_check")).all()
    return [
        *(row[0] for row in session.execute(sa.text("PRAGMA integrity_check")) if row[0] != "ok"),
        *(f"a row in table {row[0]} refers to nothing in {row[2]}" for row in broken),
    ]


@dataclass(frozen=True, slots=True)
class Count:
    """A column that triggers keep: `column` of the table has the number of the rows of `counted`."""

    table: str
    name: str
    counted: str

    @property
    def column(self) -> str:
        return f"{self.table}.{self.name}"

    @property
    def right(self) -> str:
        return f"(SELECT count(*) FROM {self.counted} = {self.table}.id)"  # noqa: S608  # of constants

    @property
    def repair(self) -> str:
        """The statement that corrects it."""
        wrong = f"{self.name} <> {self.right}"
        return f"UPDATE {self.table} SET {self.name} = {self.right} WHERE {wrong};"  # noqa: S608  # as above


COUNTS = (
    Count("users", "posts_count", "posts p WHERE p.hidden IS NULL AND p.user_id"),
    Count("users", "followers_count", "follows f WHERE f.followee_id"),
    Count("users", "following_count", "follows f WHERE f.follower_id"),
    Count("posts", "replies_count", "posts p WHERE p.hidden IS NULL AND p.reply_to"),
    Count("posts", "likes_count", "likes l WHERE l.post_id"),
    Count("posts", "boosts_count", "boosts b WHERE b.post_id"),
)


@dataclass(frozen=True, slots=True)
class WrongCounts:
    """How many rows have a wrong count, and the smallest id of them."""

    rows: int
    first: int | None


def find_wrong_counts(session: orm.Session, count: Count) -> WrongCounts:
    """Read the whole table, and look up in an index what each row counts."""
    wrong = sa.text(f"{count.name} <> {count.right}")
    query: Any = sa.select(sa.func.count(), sa.func.min(sa.column("id"))).select_from(sa.table(count.table))
    return WrongCounts(*session.execute(query.where(wrong)).one())
