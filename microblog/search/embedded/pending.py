"""The table of marks beside an index inside the database, and the triggers that set them.

A mark is the id of a post that the index does not know as it is. There may be two indexes at a time,
hence two tables of marks: the one that serves, and one that a rebuild fills. The serving index forgets
a deleted post at once, by the trigger. The one that is filled gets a mark for it: only the rebuild
writes there, and it may just be holding the words of that post.
"""

# ruff: noqa: S608  # names of tables are constants; values are bound
from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.db import Database
from microblog.outages import DatabaseUnavailable
from microblog.search.interfaces import SearchUnavailable

# In the info of a session that indexes by itself, and counts what it did.
COUNTED = "microblog.search.counted"
# In the info of a session on SQLite: the last mark that others made before its transaction began.
MARK_BEFORE = "microblog.search.mark"
BESIDE = "_next"  # what the names of the index that is filled have behind the prefix
SECONDS_BETWEEN_LOOKS = 0.02
SOMEBODY_WRITES = (
    "Somebody has been writing posts in one transaction for more than a minute; "
    "wait until it has ended, and run this again."
)


class Pending:
    """Marks for the index whose tables begin with `prefix`; a subclass brings the SQL of its database.

    `suffix` is empty for the index that serves.
    """

    def __init__(self, prefix: str, suffix: str) -> None:
        self.prefix = prefix
        self.suffix = suffix
        self.index = f"{prefix}{suffix}"
        self.table = f"{self.index}_pending"

    def create(self, session: orm.Session) -> None:
        """The table and what fills it; harmless when it is there."""
        raise NotImplementedError

    def drop(self, session: orm.Session) -> None:
        """Harmless when it is gone. Triggers go with the last table that needs them."""
        raise NotImplementedError

    def exists(self, session: orm.Session | sa.Connection) -> bool:
        raise NotImplementedError

    def after_begin(self, session: orm.Session, connection: sa.Connection) -> None:
        """Called at the beginning of every write transaction."""

    def own(self, session: orm.Session, limit: int) -> Sequence[Any]:
        """`id, body` of the newest posts that this transaction marked; no body for one that is gone.

        Does not fail when another process has removed the table.
        """
        raise NotImplementedError

    def some(self, session: orm.Session, limit: int) -> Sequence[Any]:
        """The same of posts that have a mark, the newest first, locked."""
        raise NotImplementedError

    def step_aside(self, session: orm.Session) -> None:
        """Make room for another table; what still waits is in that one too."""
        raise NotImplementedError

    def replace(self, session: orm.Session, other: Pending) -> None:
        """Take the place of the other table, which has stepped aside."""
        raise NotImplementedError

    def wait_for_writers(
        self, database: Database, seconds: float, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Return when no transaction is left that began before the table, and may not mark in it."""

    def lock(self, session: orm.Session) -> None:
        """Let nobody mark until the end of this transaction."""


class SQLitePending(Pending):
    """A mark is made anew for each change, so that its number tells whose transaction it belongs to."""

    def create(self, session: orm.Session) -> None:
        if not self.suffix:
            session.info.setdefault(MARK_BEFORE, 0)
        run(
            session,
            f"""CREATE TABLE IF NOT EXISTS {self.table} (
                mark INTEGER PRIMARY KEY AUTOINCREMENT,
                post_id INTEGER NOT NULL UNIQUE,
                failed BOOLEAN NOT NULL DEFAULT 0)""",
        )
        for name, body in self._triggers().items():
            run(session, f"CREATE TRIGGER IF NOT EXISTS {self.index}_post_{name} {body}")

    def _triggers(self) -> dict[str, str]:
        forget = f"DELETE FROM {self.table} WHERE post_id"
        # Not OR REPLACE: inside a trigger the conflict policy of the outer statement wins.
        mark = f"INSERT INTO {self.table} (post_id) SELECT"
        if self.suffix:
            moved, gone = f"{mark} old.id WHERE old.id <> new.id", f"{mark} old.id"
        else:
            moved = f"DELETE FROM {self.index}_texts WHERE post_id = old.id AND old.id <> new.id"
            gone = f"DELETE FROM {self.index}_texts WHERE post_id = old.id"
        return {
            "inserted": f"AFTER INSERT ON posts BEGIN {forget} = new.id; {mark} new.id; END",
            "updated": f"""AFTER UPDATE OF id, body ON posts BEGIN
                {forget} IN (old.id, new.id); {moved}; {mark} new.id; END""",
            "deleted": f"AFTER DELETE ON posts BEGIN {forget} = old.id; {gone}; END",
        }

    def drop(self, session: orm.Session) -> None:
        if not self.suffix:
            session.info.pop(MARK_BEFORE, None)
        for name in self._triggers():
            run(session, f"DROP TRIGGER IF EXISTS {self.index}_post_{name}")
        run(session, f"DROP TABLE IF EXISTS {self.table}")

    def exists(self, session: orm.Session | sa.Connection) -> bool:
        found = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = :name"
        return session.scalar(sa.text(found), {"name": self.table}) is not None

    def after_begin(self, session: orm.Session, connection: sa.Connection) -> None:
        """One writer at a time: marks that come after the newest of now are its own."""
        newest = sa.text(f"SELECT coalesce(max(mark), 0) FROM {self.table}")
        try:
            session.info[MARK_BEFORE] = connection.scalar(newest)
        except DatabaseUnavailable:
            raise
        except sa.exc.OperationalError:  # there is none; the transaction goes on
            session.info.pop(MARK_BEFORE, None)

    def own(self, session: orm.Session, limit: int) -> Sequence[Any]:
        if MARK_BEFORE not in session.info:
            return []
        return self._rows(
            session, "m.mark > :last", "m.mark", {"last": session.info[MARK_BEFORE], "limit": limit}
        )

    def some(self, session: orm.Session, limit: int) -> Sequence[Any]:
        return self._rows(session, "NOT m.failed", "m.post_id", {"limit": limit})

    def _rows(
        self, session: orm.Session, condition: str, order: str, values: dict[str, int]
    ) -> Sequence[Any]:
        sql = (
            f"SELECT m.post_id AS id, p.body FROM {self.table} m LEFT JOIN posts p ON p.id = m.post_id "
            f"WHERE {condition} ORDER BY {order} DESC LIMIT :limit"
        )
        return session.execute(sa.text(sql), values).all()

    def step_aside(self, session: orm.Session) -> None:
        self.drop(session)

    def replace(self, session: orm.Session, other: Pending) -> None:
        for name in self._triggers():
            run(session, f"DROP TRIGGER {self.index}_post_{name}")
        run(session, f"ALTER TABLE {self.table} RENAME TO {other.table}")
        other.create(session)


class PostgreSQLPending(Pending):
    """One trigger for both tables of marks.

    It stays when a rebuild comes and goes: to make or drop a trigger waits for everybody who reads
    posts, or writes them. It tells its transaction that there are marks, so that the others, which are most,
    need not look into the table, and do not even need to know that there is one.
    """

    MARKED = "microblog.search_marked"

    def create(self, session: orm.Session) -> None:
        run(
            session,
            f"""CREATE TABLE IF NOT EXISTS {self.table} (
                post_id bigint PRIMARY KEY,
                txid bigint NOT NULL DEFAULT txid_current(),
                failed boolean NOT NULL DEFAULT false)""",
        )
        if not self.suffix:
            self._note_own(session, "yes")
        run(session, self._function())
        has_trigger = sa.text("SELECT 1 FROM pg_trigger WHERE tgname = :name AND NOT tgisinternal")
        if session.scalar(has_trigger, {"name": f"{self.prefix}_post_changed"}) is None:
            run(
                session,
                f"""CREATE TRIGGER {self.prefix}_post_changed
                    AFTER INSERT OR DELETE OR UPDATE OF id, body ON posts
                    FOR EACH ROW EXECUTE FUNCTION {self.prefix}_changed()""",
            )

    def _note_own(self, session: orm.Session, value: str) -> None:
        session.execute(sa.text(f"SELECT set_config('{self.MARKED}', :value, true)"), {"value": value})

    def _function(self) -> str:
        """First the index that is filled: who waits there for the end of the rebuild, marks only in
        the one that has taken its place."""

        def mark(table: str, row: str) -> str:
            return f"""INSERT INTO {table} (post_id) VALUES ({row}.id)
                ON CONFLICT (post_id) DO UPDATE SET txid = txid_current(), failed = false;"""

        serving, filled = f"{self.prefix}_pending", f"{self.prefix}{BESIDE}_pending"
        return f"""CREATE OR REPLACE FUNCTION {self.prefix}_changed() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE
                is_gone boolean := TG_OP = 'DELETE' OR (TG_OP = 'UPDATE' AND OLD.id <> NEW.id);
            BEGIN
                IF to_regclass('{filled}') IS NOT NULL THEN
                    BEGIN
                        IF is_gone THEN {mark(filled, "OLD")} END IF;
                        IF TG_OP <> 'DELETE' THEN {mark(filled, "NEW")} END IF;
                    EXCEPTION WHEN undefined_table THEN
                        NULL;  -- the rebuild ended just now
                    END;
                END IF;
                IF to_regclass('{serving}') IS NOT NULL THEN
                    IF is_gone THEN
                        DELETE FROM {serving} WHERE post_id = OLD.id;
                        DELETE FROM {self.prefix}_texts WHERE post_id = OLD.id;
                    END IF;
                    IF TG_OP <> 'DELETE' THEN
                        {mark(serving, "NEW")}
                        PERFORM set_config('{self.MARKED}', 'yes', true);
                    END IF;
                END IF;
                RETURN NULL;
            END $$"""

    def drop(self, session: orm.Session) -> None:
        if not self.suffix:
            self._note_own(session, "")
            run(session, f"DROP TRIGGER IF EXISTS {self.prefix}_post_changed ON posts")
            run(session, f"DROP FUNCTION IF EXISTS {self.prefix}_changed()")
        run(session, f"DROP TABLE IF EXISTS {self.table}")

    def exists(self, session: orm.Session | sa.Connection) -> bool:
        return session.scalar(sa.text("SELECT to_regclass(:name)"), {"name": self.table}) is not None

    def own(self, session: orm.Session, limit: int) -> Sequence[Any]:
        # A transaction that has marked holds the table: it cannot be gone.
        if session.scalar(sa.text(f"SELECT current_setting('{self.MARKED}', true)")) != "yes":
            return []
        sql = (
            f"SELECT p.id, p.body FROM {self.table} m JOIN posts p ON p.id = m.post_id "
            "WHERE m.txid = txid_current() ORDER BY p.id DESC LIMIT :limit"
        )
        return session.execute(sa.text(sql), {"limit": limit}).all()

    def some(self, session: orm.Session, limit: int) -> Sequence[Any]:
        # Somebody who writes the post, or indexes it, at this moment will see to it themselves.
        there = (
            f"SELECT p.id, p.body FROM {self.table} m JOIN posts p ON p.id = m.post_id "
            "WHERE NOT m.failed ORDER BY m.post_id DESC LIMIT :limit "
            "FOR UPDATE OF m SKIP LOCKED FOR SHARE OF p SKIP LOCKED"
        )
        rows = list(session.execute(sa.text(there), {"limit": limit}))
        if len(rows) < limit:
            gone = (
                f"SELECT m.post_id AS id, NULL AS body FROM {self.table} m "
                "WHERE NOT m.failed AND NOT EXISTS (SELECT 1 FROM posts p WHERE p.id = m.post_id) "
                "LIMIT :limit FOR UPDATE OF m SKIP LOCKED"
            )
            rows += session.execute(sa.text(gone), {"limit": limit - len(rows)})
        return rows

    def step_aside(self, session: orm.Session) -> None:
        run(session, f"DROP TABLE IF EXISTS {self.table}")

    def replace(self, session: orm.Session, other: Pending) -> None:
        run(session, f"ALTER TABLE {self.table} RENAME TO {other.table}")
        run(session, f"ALTER INDEX {self.table}_pkey RENAME TO {other.table}_pkey")

    def wait_for_writers(
        self, database: Database, seconds: float, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        until = time.monotonic() + seconds
        earlier = self._writers(database)
        while earlier:
            if time.monotonic() > until:
                raise SearchUnavailable(SOMEBODY_WRITES)
            sleep(SECONDS_BETWEEN_LOOKS)
            earlier &= self._writers(database)

    def _writers(self, database: Database) -> set[str]:
        """The transactions that hold `posts` for writing."""
        sql = sa.text("""SELECT virtualtransaction FROM pg_locks
            WHERE relation = 'posts'::regclass AND mode = 'RowExclusiveLock' AND granted
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())""")
        with database.read() as session:
            return set(session.scalars(sql))

    def lock(self, session: orm.Session) -> None:
        # In the order in which the trigger takes them.
        for table in (self.table, f"{self.prefix}_pending", f"{self.prefix}_texts"):
            if session.scalar(sa.text("SELECT to_regclass(:name)"), {"name": table}) is not None:
                run(session, f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")


PENDING: dict[str, type[Pending]] = {"sqlite": SQLitePending, "postgresql": PostgreSQLPending}


def run(session: orm.Session, statement: str) -> int:
    """A statement without values, mostly DDL; how many rows it changed."""
    return session.connection().exec_driver_sql(statement).rowcount
