"""The queue of posts that an index inside the database has yet to index, and the triggers that fill it.

A queue is a table of ids of posts whose current text is not indexed. There may be two indexes at a
time, hence two queues: of the index that serves, and of one that a rebuild fills. A trigger removes a
deleted post from the serving index at once. For the other index it is queued instead: only the rebuild
writes there, and it may be adding the words of that post right now.
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

# In the info of a session that indexes explicitly, so that `before_commit` has nothing to do.
INDEXES_ITSELF = "microblog.search.indexes_itself"
# In the info of a session on SQLite: the newest change that was queued before its transaction began.
LAST_FOREIGN_CHANGE = "microblog.search.last_foreign_change"
NEXT = "_next"  # in the names of the index that is filled, behind the prefix
SECONDS_BETWEEN_LOOKS = 0.02
SOMEBODY_WRITES = (
    "A transaction has been writing posts for more than a minute; "
    "wait until it has ended, and run this again."
)


class Pending:
    """The queue of the index whose tables begin with `prefix`; subclasses hold the SQL of their database.

    `suffix` is empty for the index that serves.
    """

    def __init__(self, prefix: str, suffix: str) -> None:
        self.prefix = prefix
        self.suffix = suffix
        self.index = f"{prefix}{suffix}"
        self.table = f"{self.index}_pending"

    def create(self, session: orm.Session) -> None:
        """Create the table and its triggers; harmless when they exist."""
        raise NotImplementedError

    def drop(self, session: orm.Session) -> None:
        """Drop the table, and the triggers when no other table needs them; harmless when they are gone."""
        raise NotImplementedError

    def exists(self, session: orm.Session | sa.Connection) -> bool:
        raise NotImplementedError

    def after_begin(self, session: orm.Session, connection: sa.Connection) -> None:
        """Called at the beginning of every write transaction."""

    def read_own(self, session: orm.Session, limit: int) -> Sequence[Any]:
        """`id, body, language` of the newest posts that this transaction queued.

        The body of a deleted post is None.

        Does not fail when another process has removed the table.
        """
        raise NotImplementedError

    def read_batch(self, session: orm.Session, limit: int) -> Sequence[Any]:
        """`id, body, language` of up to `limit` queued posts, the newest first, locked."""
        raise NotImplementedError

    def retire(self, session: orm.Session) -> None:
        """Make room for the queue of the new index, which holds all that still waits here."""
        raise NotImplementedError

    def replace(self, session: orm.Session, other: Pending) -> None:
        """Take over the name of the other queue, which is retired."""
        raise NotImplementedError

    def wait_for_writers(
        self, database: Database, seconds: float, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Wait for the transactions that began before the table existed: they may not fill the queue."""

    def lock(self, session: orm.Session) -> None:
        """Let no other transaction queue anything until this one ends."""


class SQLitePending(Pending):
    """Each change gets a new row, whose number (`mark`) says which transaction it belongs to."""

    def create(self, session: orm.Session) -> None:
        if not self.suffix:
            session.info.setdefault(LAST_FOREIGN_CHANGE, 0)
        run(
            session,
            f"""CREATE TABLE IF NOT EXISTS {self.table} (
                mark INTEGER PRIMARY KEY AUTOINCREMENT,
                post_id INTEGER NOT NULL UNIQUE,
                failed BOOLEAN NOT NULL DEFAULT 0)""",
        )
        for name, body in self._build_triggers().items():
            run(session, f"CREATE TRIGGER IF NOT EXISTS {self.index}_post_{name} {body}")

    def _build_triggers(self) -> dict[str, str]:
        forget = f"DELETE FROM {self.table} WHERE post_id"
        # Not OR REPLACE: inside a trigger the conflict policy of the outer statement wins.
        enqueue = f"INSERT INTO {self.table} (post_id) SELECT"
        if self.suffix:
            moved, gone = f"{enqueue} old.id WHERE old.id <> new.id", f"{enqueue} old.id"
        else:
            moved = f"DELETE FROM {self.index}_texts WHERE post_id = old.id AND old.id <> new.id"
            gone = f"DELETE FROM {self.index}_texts WHERE post_id = old.id"
        return {
            "inserted": f"AFTER INSERT ON posts BEGIN {forget} = new.id; {enqueue} new.id; END",
            "updated": f"""AFTER UPDATE OF id, body, language ON posts BEGIN
                {forget} IN (old.id, new.id); {moved}; {enqueue} new.id; END""",
            "deleted": f"AFTER DELETE ON posts BEGIN {forget} = old.id; {gone}; END",
        }

    def drop(self, session: orm.Session) -> None:
        if not self.suffix:
            session.info.pop(LAST_FOREIGN_CHANGE, None)
        for name in self._build_triggers():
            run(session, f"DROP TRIGGER IF EXISTS {self.index}_post_{name}")
        run(session, f"DROP TABLE IF EXISTS {self.table}")

    def exists(self, session: orm.Session | sa.Connection) -> bool:
        found = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = :name"
        return session.scalar(sa.text(found), {"name": self.table}) is not None

    def after_begin(self, session: orm.Session, connection: sa.Connection) -> None:
        """SQLite has one writer at a time, so all rows after the newest one now are its own."""
        newest = sa.text(f"SELECT coalesce(max(mark), 0) FROM {self.table}")
        try:
            session.info[LAST_FOREIGN_CHANGE] = connection.scalar(newest)
        except DatabaseUnavailable:
            raise
        except sa.exc.OperationalError:  # there is no such table; the transaction goes on
            session.info.pop(LAST_FOREIGN_CHANGE, None)

    def read_own(self, session: orm.Session, limit: int) -> Sequence[Any]:
        if LAST_FOREIGN_CHANGE not in session.info:
            return []
        return self._read_rows(
            session, "m.mark > :last", "m.mark", {"last": session.info[LAST_FOREIGN_CHANGE], "limit": limit}
        )

    def read_batch(self, session: orm.Session, limit: int) -> Sequence[Any]:
        return self._read_rows(session, "NOT m.failed", "m.post_id", {"limit": limit})

    def _read_rows(
        self, session: orm.Session, condition: str, order: str, values: dict[str, int]
    ) -> Sequence[Any]:
        sql = (
            f"SELECT m.post_id AS id, p.body, p.language FROM {self.table} m "
            f"LEFT JOIN posts p ON p.id = m.post_id WHERE {condition} ORDER BY {order} DESC LIMIT :limit"
        )
        return session.execute(sa.text(sql), values).all()

    def retire(self, session: orm.Session) -> None:
        self.drop(session)

    def replace(self, session: orm.Session, other: Pending) -> None:
        for name in self._build_triggers():
            run(session, f"DROP TRIGGER {self.index}_post_{name}")
        run(session, f"ALTER TABLE {self.table} RENAME TO {other.table}")
        other.create(session)


class PostgreSQLPending(Pending):
    """One trigger for both queues.

    It stays during and after a rebuild, because creating or dropping a trigger waits for all readers and
    writers of posts. It sets a variable in its transaction, so that the many other transactions need not
    look into the table, nor even know whether it exists.
    """

    QUEUED_VARIABLE = "microblog.search_marked"

    def create(self, session: orm.Session) -> None:
        run(
            session,
            f"""CREATE TABLE IF NOT EXISTS {self.table} (
                post_id bigint PRIMARY KEY,
                txid bigint NOT NULL DEFAULT txid_current(),
                failed boolean NOT NULL DEFAULT false)""",
        )
        if not self.suffix:
            self._set_queued(session, "yes")
        run(session, self._build_function())
        # Waits for writers of posts, so only when it is needed: there is none, or that of an older version.
        has_trigger = sa.text(
            "SELECT 1 FROM pg_trigger WHERE tgname = :name AND NOT tgisinternal "
            "AND pg_get_triggerdef(oid) LIKE '%language%'"
        )
        if session.scalar(has_trigger, {"name": f"{self.prefix}_post_changed"}) is None:
            run(
                session,
                f"""CREATE OR REPLACE TRIGGER {self.prefix}_post_changed
                    AFTER INSERT OR DELETE OR UPDATE OF id, body, language ON posts
                    FOR EACH ROW EXECUTE FUNCTION {self.prefix}_changed()""",
            )

    def _set_queued(self, session: orm.Session, value: str) -> None:
        session.execute(
            sa.text(f"SELECT set_config('{self.QUEUED_VARIABLE}', :value, true)"), {"value": value}
        )

    def _build_function(self) -> str:
        """First the queue of the index that is filled: a transaction that waits there until the rebuild ends
        then writes only to the queue that has replaced it."""

        def enqueue(table: str, row: str) -> str:
            return f"""INSERT INTO {table} (post_id) VALUES ({row}.id)
                ON CONFLICT (post_id) DO UPDATE SET txid = txid_current(), failed = false;"""

        serving, filled = f"{self.prefix}_pending", f"{self.prefix}{NEXT}_pending"
        return f"""CREATE OR REPLACE FUNCTION {self.prefix}_changed() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE
                is_gone boolean := TG_OP = 'DELETE' OR (TG_OP = 'UPDATE' AND OLD.id <> NEW.id);
            BEGIN
                IF to_regclass('{filled}') IS NOT NULL THEN
                    BEGIN
                        IF is_gone THEN {enqueue(filled, "OLD")} END IF;
                        IF TG_OP <> 'DELETE' THEN {enqueue(filled, "NEW")} END IF;
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
                        {enqueue(serving, "NEW")}
                        PERFORM set_config('{self.QUEUED_VARIABLE}', 'yes', true);
                    END IF;
                END IF;
                RETURN NULL;
            END $$"""

    def drop(self, session: orm.Session) -> None:
        if not self.suffix:
            self._set_queued(session, "")
            run(session, f"DROP TRIGGER IF EXISTS {self.prefix}_post_changed ON posts")
            run(session, f"DROP FUNCTION IF EXISTS {self.prefix}_changed()")
        run(session, f"DROP TABLE IF EXISTS {self.table}")

    def exists(self, session: orm.Session | sa.Connection) -> bool:
        return session.scalar(sa.text("SELECT to_regclass(:name)"), {"name": self.table}) is not None

    def read_own(self, session: orm.Session, limit: int) -> Sequence[Any]:
        # A transaction that has queued something holds a lock on the table: it cannot be gone.
        if session.scalar(sa.text(f"SELECT current_setting('{self.QUEUED_VARIABLE}', true)")) != "yes":
            return []
        sql = (
            f"SELECT p.id, p.body, p.language FROM {self.table} m JOIN posts p ON p.id = m.post_id "
            "WHERE m.txid = txid_current() ORDER BY p.id DESC LIMIT :limit"
        )
        return session.execute(sa.text(sql), {"limit": limit}).all()

    def read_batch(self, session: orm.Session, limit: int) -> Sequence[Any]:
        # Skip posts that another transaction is writing or indexing right now: it indexes them itself.
        written = (
            f"SELECT p.id, p.body, p.language FROM {self.table} m JOIN posts p ON p.id = m.post_id "
            "WHERE NOT m.failed ORDER BY m.post_id DESC LIMIT :limit "
            "FOR UPDATE OF m SKIP LOCKED FOR SHARE OF p SKIP LOCKED"
        )
        rows = list(session.execute(sa.text(written), {"limit": limit}))
        if len(rows) < limit:
            deleted = (
                f"SELECT m.post_id AS id, NULL AS body, NULL AS language FROM {self.table} m "
                "WHERE NOT m.failed AND NOT EXISTS (SELECT 1 FROM posts p WHERE p.id = m.post_id) "
                "LIMIT :limit FOR UPDATE OF m SKIP LOCKED"
            )
            rows += session.execute(sa.text(deleted), {"limit": limit - len(rows)})
        return rows

    def retire(self, session: orm.Session) -> None:
        run(session, f"DROP TABLE IF EXISTS {self.table}")

    def replace(self, session: orm.Session, other: Pending) -> None:
        run(session, f"ALTER TABLE {self.table} RENAME TO {other.table}")
        run(session, f"ALTER INDEX {self.table}_pkey RENAME TO {other.table}_pkey")

    def wait_for_writers(
        self, database: Database, seconds: float, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        until = time.monotonic() + seconds
        earlier = self._find_writers(database)
        while earlier:
            if time.monotonic() > until:
                raise SearchUnavailable(SOMEBODY_WRITES)
            sleep(SECONDS_BETWEEN_LOOKS)
            earlier &= self._find_writers(database)

    def _find_writers(self, database: Database) -> set[str]:
        """The transactions that are writing to `posts`."""
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
    """Run a statement without values, mostly DDL; return how many rows it changed."""
    return session.connection().exec_driver_sql(statement).rowcount
