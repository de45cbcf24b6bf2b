"""What the adapters share that keep their index in the application's own database.

Two tables beside the posts: one with the normal form of every post (made by Python: NFKC cannot be
done in SQL), and one with marks. Triggers in pure SQL set a mark for whoever writes a post, also a
database shell, and drop the entry of a deleted one at once. Our own transactions index their marks
just before COMMIT, so that a post is found in the very next request; the worker indexes the marks
that came from outside.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.db import Database
from microblog.posts.ids import LARGEST, first_id_at
from microblog.posts.paging import Cursor
from microblog.search.interfaces import Drift, NotBuilt, SearchUnavailable, Status
from microblog.search.language import Query

log = logging.getLogger(__name__)

BATCH = 2000
# Set in the info of a session that indexes by itself, and counts what it did.
COUNTED = "microblog.search.counted"
NOT_BUILT = "Search is not ready yet: the operator makes it with `microblog search rebuild`."
DAMAGED = "Search does not work at the moment: the operator mends it with `microblog search rebuild`."
TOO_SLOW = "This search took too long and was stopped. Use more words, or rarer ones."


class SideTableSearch:
    """Keeps no session and no connection; a subclass brings the SQL of its database.

    `texts` and `pending` are the names of the two tables.
    """

    name: str
    texts: str
    pending: str
    seconds_for_a_query = 1.0

    # What a subclass brings

    def create(self, session: orm.Session) -> None:
        """Make tables, triggers and index; harmless when they are there."""
        raise NotImplementedError

    def drop(self, session: orm.Session) -> None:
        """Remove them; harmless when they are gone."""
        raise NotImplementedError

    def exists(self, session: orm.Session | sa.Connection) -> bool:
        raise NotImplementedError

    def own_marks(self, session: orm.Session) -> Sequence[Any]:
        """`id, body` of the posts that this transaction marked; no body for one that is gone."""
        raise NotImplementedError

    def pending_posts(self) -> sa.TextClause:
        """The same of up to `:limit` posts that have a mark, the newest first, locked."""
        raise NotImplementedError

    def keep(self, session: orm.Session, posts: list[dict[str, Any]]) -> None:
        """Put `id` and `body` of these posts into the index, in place of what was there."""
        raise NotImplementedError

    def digest(self, body: str) -> str:
        """What the column `digest` of the texts says about a post with this body."""
        raise NotImplementedError

    def hits(self, session: orm.Session, query: Query, bounds: Bounds, limit: int) -> list[int]:
        """Ids of posts that match, in the order that the bounds ask for."""
        raise NotImplementedError

    def best(self, session: orm.Session, query: Query, limit: int) -> list[int]:
        """Ids of the posts that match best among the newest that match."""
        raise NotImplementedError

    def cut_off(self, session: orm.Session) -> AbstractContextManager[None]:
        """Inside, a query that takes longer than a second raises `TooSlow`."""
        raise NotImplementedError

    # What is the same everywhere

    def install(self, session: orm.Session) -> None:
        is_new = not self.is_installed(session)
        self.create(session)
        if is_new:
            session.execute(sa.text(f"INSERT INTO {self.pending} (post_id) SELECT id FROM posts"))  # noqa: S608

    def uninstall(self, session: orm.Session) -> None:
        self.drop(session)

    def is_installed(self, session: orm.Session | sa.Connection) -> bool:
        """Asked every time: a command of another process may make or remove it at any moment."""
        return self.exists(session)

    def after_begin(self, session: orm.Session, connection: sa.Connection) -> None:
        """Nothing to remember, unless a subclass does."""

    def before_commit(self, session: orm.Session) -> None:
        """Index the posts of this transaction; those of others are their own business, or the worker's."""
        if session.info.get(COUNTED) or not self.is_installed(session):
            return
        rows = self.own_marks(session)
        if rows and self._index(session, rows) is not None:
            log.warning("%d posts could not be indexed with their transaction; the worker will.", len(rows))

    def has_pending(self, session: orm.Session) -> bool:
        waits = sa.text(f"SELECT 1 FROM {self.pending} WHERE NOT failed LIMIT 1")  # noqa: S608
        return self.is_installed(session) and session.scalar(waits) is not None

    def catch_up(self, database: Database, limit: int) -> int:
        with database.read() as session:  # most times there is nothing, and no reason to lock
            if not self.has_pending(session):
                return 0
        with database.write() as session:
            session.info[COUNTED] = True
            return self.index_pending(session, limit)

    def waiting(self, session: orm.Session, author_id: int) -> list[int]:
        return []  # a post is indexed in its own transaction

    def index_pending(self, session: orm.Session, limit: int) -> int:
        rows = session.execute(self.pending_posts(), {"limit": limit}).all()
        if rows and self._index(session, rows) is not None:
            for row in rows:  # one by one, so that it is known which
                error = self._index(session, [row])
                if error is not None:
                    log.error("Post %d cannot be indexed, and is set aside.", row.id, exc_info=error)
                    failed = sa.text(f"UPDATE {self.pending} SET failed = true WHERE post_id = :id")  # noqa: S608
                    session.execute(failed, {"id": row.id})
        return len(rows)

    def _index(self, session: orm.Session, rows: Sequence[Any]) -> Exception | None:
        """None when it worked; else why not, and the transaction is as it was before.

        The error is not kept: its trace holds the session.
        """
        savepoint = session.connection().begin_nested()
        try:
            posts = [{"id": row.id, "body": row.body} for row in rows if row.body is not None]
            if posts:
                self.keep(session, posts)
            forget = sa.text(f"DELETE FROM {self.pending} WHERE post_id = :id")  # noqa: S608
            session.execute(forget, [{"id": row.id} for row in rows])
        except Exception as error:
            savepoint.rollback()
            return error
        savepoint.commit()
        return None

    def search(self, session: orm.Session, query: Query, cursor: Cursor, limit: int) -> list[int]:
        return self._ask(session, lambda: self.hits(session, query, Bounds.of(query, cursor), limit))

    def ranked(self, session: orm.Session, query: Query, limit: int) -> list[int]:
        if not query.terms:  # filters and exclusions fit all hits alike
            return self.search(session, query, Cursor(), limit)
        return self._ask(session, lambda: self.best(session, query, limit))

    def _ask(self, session: orm.Session, ask: Callable[[], list[int]]) -> list[int]:
        if not self.is_installed(session):
            raise NotBuilt(NOT_BUILT)
        try:
            with self.cut_off(session):
                return ask()
        except TooSlow:
            raise SearchUnavailable(TOO_SLOW) from None

    def rebuild(self, database: Database, progress: Callable[[int], None]) -> int:
        with database.write() as session:
            session.info[COUNTED] = True
            self.uninstall(session)
            self.install(session)
        count = 0
        while True:
            with database.write() as session:
                session.info[COUNTED] = True
                done = self.index_pending(session, BATCH)
            if not done:
                return count
            count += done
            progress(done)

    def verify(self, database: Database) -> Drift:
        missing, stale, ghosts = [], [], []
        with database.snapshot() as session:
            if not self.is_installed(session):
                raise NotBuilt(NOT_BUILT)
            for post_id, body, digest in self.pairs(session):
                if digest is None:
                    missing.append(post_id)
                elif body is None:
                    ghosts.append(post_id)
                elif self.digest(body) != digest:
                    stale.append(post_id)
        return Drift(tuple(missing), tuple(stale), tuple(ghosts))

    def pairs(self, session: orm.Session) -> Iterator[tuple[int, str | None, str | None]]:
        """(id, body, digest) of posts and entries merged by id; None on the side that lacks it."""
        posts = batches(session, "SELECT id, body FROM posts WHERE id > :last ORDER BY id LIMIT :limit")
        texts = batches(
            session,
            f"SELECT post_id, digest FROM {self.texts} "  # noqa: S608
            "WHERE post_id > :last ORDER BY post_id LIMIT :limit",
        )
        end = (LARGEST + 1, "")
        post, text = next(posts, end), next(texts, end)
        while (first := min(post[0], text[0])) <= LARGEST:
            yield (
                first,
                post[1] if post[0] == first else None,
                text[1] if text[0] == first else None,
            )
            post, text = (
                next(posts, end) if post[0] == first else post,
                next(texts, end) if text[0] == first else text,
            )

    def repair(self, session: orm.Session, drift: Drift) -> None:
        if drift.ghosts:
            # Not those that were written meanwhile.
            forget = sa.text(
                f"DELETE FROM {self.texts} WHERE post_id = :id "  # noqa: S608
                "AND NOT EXISTS (SELECT 1 FROM posts WHERE id = :id)"
            )
            session.execute(forget, [{"id": post_id} for post_id in drift.ghosts])
        marks = [{"id": post_id} for post_id in (*drift.missing, *drift.stale)]
        if marks:
            # Not those that were deleted meanwhile.
            mark = (
                f"INSERT INTO {self.pending} (post_id) SELECT id FROM posts WHERE id = :id "  # noqa: S608
                "ON CONFLICT DO NOTHING"
            )
            session.execute(sa.text(mark), marks)

    def status(self, session: orm.Session) -> Status:
        if not self.is_installed(session):
            raise NotBuilt(NOT_BUILT)
        counts = sa.text(
            f"SELECT (SELECT count(*) FROM {self.texts}), "  # noqa: S608
            f"(SELECT count(*) FROM {self.pending} WHERE NOT failed), "
            f"(SELECT count(*) FROM {self.pending} WHERE failed)"
        )
        return Status(self.name, *session.execute(counts).one())


class TooSlow(Exception):
    """The query was stopped."""


class Bounds:
    """Between which ids a search looks, from which end, and the SQL that says so."""

    def __init__(self, above: int, below: int, *, oldest_first: bool = False) -> None:
        self.above = above
        self.below = below
        self.oldest_first = oldest_first

    @classmethod
    def of(cls, query: Query, cursor: Cursor) -> Bounds:
        # Days of the far future have ids that no post can have, and no database can hold.
        above = -1 if query.since is None else min(first_id_at(query.since), LARGEST) - 1
        below = LARGEST if query.until is None else min(first_id_at(query.until), LARGEST)
        if cursor.after is not None:
            return cls(max(above, cursor.after), below, oldest_first=True)
        return cls(above, below if cursor.before is None else min(below, cursor.before))

    @property
    def order(self) -> str:
        return "ASC" if self.oldest_first else "DESC"

    def conditions(self, column: str) -> list[str]:
        return [f"{column} > :above", f"{column} < :below"]

    def values(self, limit: int) -> dict[str, Any]:
        return {"above": self.above, "below": self.below, "limit": limit}


def filters(query: Query) -> tuple[list[str], dict[str, Any]]:
    """SQL conditions on `posts p`, and their values."""
    conditions = []
    values: dict[str, Any] = {}
    if query.author is not None:
        conditions.append("p.user_id = (SELECT user_id FROM nicknames WHERE key = :author)")
        values["author"] = query.author
    if query.language is not None:
        conditions.append("(lower(p.language) = :language OR lower(p.language) LIKE :language || '-%')")
        values["language"] = query.language
    return conditions, values


def batches(session: orm.Session, sql: str) -> Iterator[tuple[int, str]]:
    """Rows by id, in constant memory."""
    last = -1
    while rows := session.execute(sa.text(sql), {"last": last, "limit": BATCH}).all():
        for row in rows:
            yield row[0], row[1]
        last = rows[-1][0]
