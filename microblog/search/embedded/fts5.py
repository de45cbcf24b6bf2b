"""Search inside SQLite (FTS5), in the transaction of the post: found in the very next request.

`search_fts5_texts` holds the normal form of every post, `search_fts5` is the FTS5 index over it
(external content), and `search_fts5_pending` is the queue; see `side_table.py`.
"""

# ruff: noqa: S608  # names of tables are constants; values are bound
from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy import orm
from zope.interface import implementer

from microblog.db import Database
from microblog.paging import Bounds, Cursor
from microblog.search.embedded.fts5_queries import build_conditions, build_match, select
from microblog.search.embedded.merging import (
    FILLING,
    SERVING,
    configure,
    count_segments,
    is_configured,
    merge,
    merge_in_steps,
)
from microblog.search.embedded.pending import run
from microblog.search.embedded.ranking import rank_best_first
from microblog.search.embedded.side_table import SideTableSearch, TooSlow
from microblog.search.embedded.windows import Sizes, build_filter_window, look_through, search_each_spelling
from microblog.search.interfaces import RANKED_HITS, Drift, ISearchMaintenance, Status
from microblog.search.language import Query
from microblog.search.stemming import index_post
from microblog.settings import Settings

STEPS_BETWEEN_LOOKS_AT_THE_CLOCK = 10_000

# The text is in normal form already, so words are separated by spaces, in any script: the tokenizer that
# knows only ASCII takes all other characters as parts of words. Windows rely on this.
TOKENS = "ascii"
# FTS5's own tables. We write there in one case only: the rows of a retired index are deleted in steps,
# since dropping a million of them at once holds the lock for half a second.
SHADOWS = ("data", "idx", "docsize", "config")
LAST_OF_ITS_OWN_ROWS = 10
# In the name of a trigger that indexes made by an older version have.
FORMER_TRIGGER = "inserted"


@implementer(ISearchMaintenance)
class FTS5Search(SideTableSearch):
    """`microblog.search = fts5`

    `_segments_left` is how many segments were left when there was nothing to merge.
    """

    name = "fts5"
    prefix = "search_fts5"
    dialect = "sqlite"
    windows = Sizes(first=2000, largest=32_000)
    hits_of_a_common_word = 5_000
    _segments_left = 0

    def check(self, settings: Settings, database: Database) -> None:
        if database.dialect != "sqlite":
            raise ValueError("fts5 lives inside SQLite; on PostgreSQL choose postgresql.")

    def create(self, session: orm.Session) -> None:
        is_new = not self._has(session, self.index)
        texts = "(post_id INTEGER PRIMARY KEY, digest TEXT NOT NULL)"
        run(session, f"CREATE TABLE IF NOT EXISTS {self.texts} {texts}")
        # `content` names the table as it will be called after the switch: filling the index does not read it.
        run(
            session,
            f"""CREATE VIRTUAL TABLE IF NOT EXISTS {self.index} USING fts5(
                digest, content='{self.prefix}_texts', content_rowid='post_id', prefix='2 3',
                tokenize="{TOKENS}")""",
        )
        if self.queue.suffix:  # a rebuild does without triggers
            return
        if is_new:
            configure(session, self.index, SERVING)
        self._create_triggers(session)

    def _create_triggers(self, session: orm.Session) -> None:
        run(session, f"DROP TRIGGER IF EXISTS {self.index}_text_{FORMER_TRIGGER}")
        for name, body in self._build_triggers().items():
            run(session, f"CREATE TRIGGER IF NOT EXISTS {self.index}_text_{name} {body}")

    def _build_triggers(self) -> dict[str, str]:
        index, texts = self.index, self.texts
        return {
            "added": f"""AFTER INSERT ON {texts}
                WHEN NOT EXISTS (SELECT 1 FROM {index}_docsize WHERE id = new.post_id) BEGIN
                INSERT INTO {index}(rowid, digest) VALUES (new.post_id, new.digest); END""",
            "deleted": f"""AFTER DELETE ON {texts} BEGIN
                INSERT INTO {index}({index}, rowid, digest)
                    VALUES ('delete', old.post_id, old.digest); END""",
        }

    def drop(self, session: orm.Session) -> None:
        self._drop_triggers(session)
        self._drop_index(session)
        run(session, f"DROP TABLE IF EXISTS {self.texts}")

    def _drop_triggers(self, session: orm.Session) -> None:
        for name in (*self._build_triggers(), FORMER_TRIGGER):
            run(session, f"DROP TRIGGER IF EXISTS {self.index}_text_{name}")

    def _drop_index(self, session: orm.Session) -> None:
        if self._has(session, self.index) and not self._can_be_opened(session):
            self._forget_index(session)
        run(session, f"DROP TABLE IF EXISTS {self.index}")

    def _can_be_opened(self, session: orm.Session) -> bool:
        savepoint = session.connection().begin_nested()
        try:
            run(session, f"SELECT 1 FROM {self.index} LIMIT 0")
        except sa.exc.DatabaseError:
            savepoint.rollback()
            return False
        savepoint.commit()
        return True

    def _forget_index(self, session: orm.Session) -> None:
        """FTS5 cannot drop an index that it cannot open: delete it from the schema, and drop its tables."""
        run(session, "PRAGMA writable_schema = ON")
        try:
            forget = "DELETE FROM sqlite_master WHERE type = 'table' AND name = :name"
            session.execute(sa.text(forget), {"name": self.index})
        finally:
            run(session, "PRAGMA writable_schema = RESET")
        for name in SHADOWS:
            run(session, f"DROP TABLE IF EXISTS {self.index}_{name}")

    def _is_whole(self, session: orm.Session) -> bool:
        """Can the index be renamed? FTS5 renames each of its tables."""
        tables = (self.index, *(f"{self.index}_{name}" for name in SHADOWS))
        return all(self._has(session, table) for table in tables) and self._can_be_opened(session)

    def _has(self, session: orm.Session, name: str, kind: str = "table") -> bool:
        found = sa.text("SELECT 1 FROM sqlite_master WHERE type = :kind AND name = :name")
        return session.scalar(found, {"kind": kind, "name": name}) is not None

    def _is_current(self, session: orm.Session) -> bool:
        """Has the index what this version gives it?"""
        return self._has(session, f"{self.index}_text_added", "trigger") and is_configured(
            session, self.index, SERVING
        )

    def maintain(self, database: Database) -> bool:
        with database.read() as session:
            if not self._is_whole(session):
                return False
            is_current = self._is_current(session)
            if is_current and count_segments(session, self.index) == self._segments_left:
                return False
        if not is_current:
            self._bring_up_to_date(database)
        if merge_in_steps(database, self.index, self._is_whole, self.steps):
            return True
        with database.read() as session:
            self._segments_left = count_segments(session, self.index) if self._is_whole(session) else 0
        return False

    def _bring_up_to_date(self, database: Database) -> None:
        with database.write() as session:
            if self._is_whole(session):
                self._create_triggers(session)
                configure(session, self.index, SERVING)

    def has_room(self, session: orm.Session) -> bool:
        """Usually the worker keeps the segments few; without it, each transaction merges a little."""
        segments = count_segments(session, self.index)
        if segments >= self.steps.segments_until_posts_merge:
            merge(session, self.index, self.steps.pages_merged_by_a_post)
        return segments < self.steps.most_segments

    def rename(self, session: orm.Session, other: Self) -> None:
        self._drop_triggers(session)
        if not self._is_whole(session):
            self._drop_index(session)
        for name, new_name in ((self.texts, other.texts), (self.index, other.index)):
            if self._has(session, name):
                run(session, f"ALTER TABLE {name} RENAME TO {new_name}")
        if other.index == self.prefix:
            other.create(session)  # its triggers

    def prepare_to_fill(self, session: orm.Session) -> None:
        configure(session, self.index, FILLING)

    def settle(self, session: orm.Session) -> bool:
        # A merge of everything ends on a level above all others.
        return merge(session, self.index, -self.steps.pages_merged_at_once)

    def tidy(self, session: orm.Session, *, at_the_end: bool) -> bool:
        return (
            self.settle(session)
            if at_the_end
            else merge(session, self.index, self.steps.pages_merged_at_once)
        )

    def prepare_to_serve(self, session: orm.Session) -> None:
        configure(session, self.index, SERVING)

    def shrink(self, session: orm.Session) -> bool:
        self._drop_triggers(session)
        for name, rows in self.steps.rows_removed_at_once:
            table, key = f"{self.index}_{name}", "post_id" if name == "texts" else "id"
            some = f"SELECT {key} FROM {table} WHERE {key} > {LAST_OF_ITS_OWN_ROWS} LIMIT {rows}"
            if self._has(session, table) and run(session, f"DELETE FROM {table} WHERE {key} IN ({some})"):
                return True
        return False

    def keep(self, session: orm.Session, posts: list[dict[str, Any]]) -> None:
        # Sorted, since FTS5 begins a segment whenever an id is below the last one.
        rows = sorted((post["id"], self.digest(post["body"], post["language"])) for post in posts)
        self.forget(session, [post_id for post_id, _ in rows])
        connection = session.connection()
        # The trigger would make a segment of each row; it leaves out what the index has.
        is_many = len(rows) > 1 and self._has(session, f"{self.index}_text_added", "trigger")
        if self.queue.suffix or is_many:
            connection.exec_driver_sql(f"INSERT INTO {self.index} (rowid, digest) VALUES (?, ?)", rows)
        connection.exec_driver_sql(f"INSERT INTO {self.texts} (post_id, digest) VALUES (?, ?)", rows)
        if not self.queue.suffix and len(rows) >= self.steps.posts_that_merge:
            merge(session, self.index, max(1, len(rows) // self.steps.posts_for_a_merged_page))

    def forget(self, session: orm.Session, ids: list[int]) -> None:
        if self.queue.suffix:
            known = [tuple(row) for row in self._get_texts(session, ids)]
            if not known:  # the usual case while it is filled
                return
            gone = f"INSERT INTO {self.index} ({self.index}, rowid, digest) VALUES ('delete', ?, ?)"
            session.connection().exec_driver_sql(gone, known)
        super().forget(session, ids)

    def _get_texts(self, session: orm.Session, ids: list[int]) -> Sequence[Any]:
        placeholders = ",".join("?" * len(ids))
        sql = f"SELECT post_id, digest FROM {self.texts} WHERE post_id IN ({placeholders})"
        return session.connection().exec_driver_sql(sql, tuple(ids)).all()

    @property
    def indexed_texts(self) -> str:
        """FTS5 has a row in its own table for each post that it knows; without it the digest is NULL."""
        return (
            f"SELECT t.post_id, CASE WHEN d.id IS NOT NULL THEN t.digest END AS digest FROM {self.texts} t "
            f"LEFT JOIN {self.index}_docsize d ON d.id = t.post_id"
        )

    def count_documents(self, session: orm.Session) -> int:
        """By FTS5's own rows, which are small: of the texts it would read all, a million in 80 ms."""
        return int(session.scalar(sa.text(f"SELECT count(*) FROM {self.index}_docsize")) or 0)

    def repair(self, session: orm.Session, drift: Drift) -> None:
        known = [{"id": post_id} for post_id in (*drift.stale, *drift.ghosts)]
        if known:
            # Index again what FTS5 has lost: it cannot delete words that it does not have.
            lost = (
                f"INSERT INTO {self.index} (rowid, digest) SELECT post_id, digest FROM {self.texts} "
                f"WHERE post_id = :id AND NOT EXISTS (SELECT 1 FROM {self.index}_docsize WHERE id = :id)"
            )
            session.execute(sa.text(lost), known)
        super().repair(session, drift)

    def status(self, session: orm.Session) -> Status:
        status = super().status(session)
        if not self._has(session, f"{self.index}_idx"):
            return status
        return replace(status, segments=count_segments(session, self.index))

    def digest(self, body: str, language: str | None) -> str:
        """The whole text that is indexed: FTS5 needs it to delete a post."""
        return index_post(body, language)

    def find_hits(self, session: orm.Session, query: Query, bounds: Bounds, limit: int) -> list[int]:
        find = partial(self._look, session, query, bounds, limit)
        found = search_each_spelling(session, query, bounds, limit, find)
        return self._ask_index(session, query, bounds, limit) if found is None else found

    def _look(
        self, session: orm.Session, query: Query, bounds: Bounds, limit: int, spelling: str | None
    ) -> list[int] | None:
        if query.terms and query.author is None and spelling is None:
            return None  # the index returns exactly these, the newest first
        if query.terms or query.excluded:
            hit, words = build_conditions(query)
            window, values = build_filter_window(query, spelling, self.texts, hit, is_made_first=False)
            choose_size = partial(self._choose_size, session, query)
            found = look_through(session, window, values | words, bounds, limit, self.windows, choose_size)
            if found is not None or query.terms:
                return found
        return self._ask_index(session, query, bounds, limit, spelling)

    def _choose_size(self, session: orm.Session, query: Query) -> int:
        """The largest window for common words; of others the index reads what it has."""
        if not query.terms:  # the index would list what is excluded
            return self.windows.largest
        hits = sa.text(f"SELECT 1 FROM {self.prefix} WHERE {self.prefix} MATCH :match LIMIT 1 OFFSET :many")
        values = {"match": build_match(query), "many": self.hits_of_a_common_word}
        return 0 if session.scalar(hits, values) is None else self.windows.largest

    def _ask_index(
        self, session: orm.Session, query: Query, bounds: Bounds, limit: int, spelling: str | None = None
    ) -> list[int]:
        sql, values = select(query, bounds, spelling)
        return list(session.scalars(sa.text(sql), {**values, **bounds.get_values(limit)}))

    def find_best(self, session: orm.Session, query: Query, limit: int) -> list[int]:
        newest = self.find_hits(session, query, Bounds.of(query, Cursor()), RANKED_HITS)
        # Not FTS5's own rank: it reads every hit there is, half a million of a common word.
        return rank_best_first(query.terms, [tuple(row) for row in self._get_texts(session, newest)])[:limit]

    @contextmanager
    def limit_time(self, session: orm.Session) -> Iterator[None]:
        driver: Any = session.connection().connection.driver_connection
        end = time.monotonic() + self.seconds_for_a_query
        driver.set_progress_handler(lambda: time.monotonic() > end, STEPS_BETWEEN_LOOKS_AT_THE_CLOCK)
        try:
            yield
        except sa.exc.DBAPIError as error:
            if "interrupted" in str(error.orig):
                raise TooSlow from None
            raise
        finally:
            driver.set_progress_handler(None, 0)
