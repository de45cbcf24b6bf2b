"""What the adapters share that keep their index in the application's own database.

Two tables beside the posts: one with the normal form of every post (made by Python: NFKC cannot be
done in SQL), and one with marks. Triggers in pure SQL set a mark for whoever writes a post, also a
database shell, and drop the entry of a deleted one at once. Our own transactions index their marks
just before COMMIT, so that a post is found in the very next request; the worker indexes the marks
that came from outside.
"""

# ruff: noqa: S608  # names of tables are constants; values are bound
from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy import orm
from zope.interface import implementer

from microblog.db import Database
from microblog.ids import LARGEST
from microblog.outages import ends_the_transaction
from microblog.paging import Bounds, Cursor
from microblog.search import records
from microblog.search.embedded.pending import BESIDE, COUNTED, PENDING, Pending
from microblog.search.embedded.rebuilding import ASIDE, Rebuild
from microblog.search.embedded.steps import USUAL_STEPS, Steps
from microblog.search.interfaces import (
    Drift,
    ISearch,
    ISearchFeed,
    ISearchIndex,
    ISearchSettings,
    NotBuilt,
    SearchUnavailable,
    Status,
)
from microblog.search.language import Query
from microblog.settings import Setting, Settings

log = logging.getLogger(__name__)

SECONDS_FOR_A_QUERY = 1.0
PART = "WHERE {id} > :last ORDER BY {id} LIMIT :limit"
NOT_BUILT = "Search is not ready yet: the operator makes it with `microblog search rebuild`."
DAMAGED = "Search does not work at the moment: the operator repairs it with `microblog search rebuild`."
TOO_SLOW = "This search took too long and was stopped. Use more words, or rarer ones."


@implementer(ISearch, ISearchSettings, ISearchIndex, ISearchFeed)
class SideTableSearch:
    """Keeps no session and no connection; a subclass brings the SQL of its database.

    The names of all tables begin with `prefix`, and those of an index that a rebuild fills with
    `{prefix}_next`: `beside` gives an adapter for these.
    """

    name: str
    prefix: str
    dialect: str
    SETTINGS: tuple[Setting[Any], ...] = ()

    def __init__(
        self, *, seconds_for_a_query: float = SECONDS_FOR_A_QUERY, steps: Steps = USUAL_STEPS
    ) -> None:
        self.seconds_for_a_query = seconds_for_a_query
        self.steps = steps
        self.marks: Pending = PENDING[self.dialect](self.prefix, "")

    def check(self, settings: Settings, database: Database) -> None:
        """A subclass says when it cannot work."""

    def beside(self, suffix: str) -> Self:
        """The same adapter for tables whose names have this behind the prefix."""
        other = copy.copy(self)
        other.marks = PENDING[self.dialect](self.prefix, suffix)
        return other

    @property
    def index(self) -> str:
        """What the names of this index' tables begin with."""
        return self.marks.index

    @property
    def texts(self) -> str:
        """The table with `post_id` and `digest` of each post in the index."""
        return f"{self.index}_texts"

    @property
    def pending(self) -> str:
        """The table of marks."""
        return self.marks.table

    # What a subclass brings

    def create(self, session: orm.Session) -> None:
        """Make the table of texts, and the index; harmless when they are there."""
        raise NotImplementedError

    def drop(self, session: orm.Session) -> None:
        """Remove them; harmless when they are gone, or damaged."""
        raise NotImplementedError

    def rename(self, session: orm.Session, other: Self) -> None:
        """Give them the names that they have in the other one."""
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

    # What it may bring, for a rebuild whose steps take no longer than a blink

    def prepare_to_fill(self, session: orm.Session) -> None:
        """Many posts come now, and nobody searches yet."""

    def tidy(self, session: orm.Session, *, at_the_end: bool) -> bool:
        """A step of putting in order what was filled in; is there more to do?"""
        return False

    def shrink(self, session: orm.Session) -> bool:
        """Remove a part of the tables, which nobody uses any more; is there more to do?"""
        return False

    # What is the same everywhere

    def install(self, session: orm.Session) -> None:
        self.remove_remains(session)
        is_new = not self.is_installed(session)
        self.create(session)
        self.marks.create(session)
        if is_new:
            session.execute(sa.text(f"INSERT INTO {self.pending} (post_id) SELECT id FROM posts"))

    def uninstall(self, session: orm.Session) -> None:
        self.remove_remains(session)
        records.forget(session, self.name)
        self.marks.drop(session)
        self.drop(session)

    def remove_remains(self, session: orm.Session) -> None:
        """What a rebuild left over; one that is running ends."""
        records.end_rebuild(session, self.name)
        for suffix in (BESIDE, ASIDE):
            other = self.beside(suffix)
            other.marks.drop(session)
            other.drop(session)

    def is_installed(self, session: orm.Session | sa.Connection) -> bool:
        return self.marks.exists(session)

    def after_begin(self, session: orm.Session, connection: sa.Connection) -> None:
        self.marks.after_begin(session, connection)

    def before_commit(self, session: orm.Session) -> None:
        """Index the posts of this transaction; those of others are their own business, or the worker's."""
        if session.info.get(COUNTED):
            return
        rows = self.marks.own(session, self.steps.most_in_their_transaction)
        if rows and self._index(session, rows) is not None:
            log.warning("%d posts could not be indexed with their transaction; the worker will.", len(rows))

    def has_pending(self, session: orm.Session) -> bool:
        waits = sa.text(f"SELECT 1 FROM {self.pending} WHERE NOT failed LIMIT 1")
        return self.is_installed(session) and session.scalar(waits) is not None

    def catch_up(self, database: Database, limit: int) -> int:
        with database.read() as session:  # usually there is nothing, and no reason to lock
            if not self.has_pending(session):
                return 0
        with database.write() as session:
            session.info[COUNTED] = True
            return self.index_pending(session, limit)

    def index_pending(self, session: orm.Session, limit: int) -> int:
        rows = self.marks.some(session, limit)
        if rows and self._index(session, rows) is not None:
            for row in rows:  # one by one, so that it is known which
                error = self._index(session, [row])
                if error is not None:
                    log.error("Post %d cannot be indexed, and is left out.", row.id, exc_info=error)
                    failed = sa.text(f"UPDATE {self.pending} SET failed = true WHERE post_id = :id")
                    session.execute(failed, {"id": row.id})
        return len(rows)

    def _index(self, session: orm.Session, rows: Sequence[Any], *, marked: bool = True) -> Exception | None:
        """None when it worked, and marks are gone; else why not, and the transaction is as it was before.

        The error is not kept: its trace holds the session.
        """
        savepoint = session.connection().begin_nested()
        try:
            self.keep_or_forget(session, rows)
            if marked:
                forget = sa.text(f"DELETE FROM {self.pending} WHERE post_id = :id")
                session.execute(forget, [{"id": row.id} for row in rows])
        except Exception as error:
            if ends_the_transaction(error):
                raise
            try:
                savepoint.rollback()
            except sa.exc.DBAPIError:  # the whole transaction is gone: the disk is full
                raise error from None
            return error
        savepoint.commit()
        return None

    def keep_what_can_be(self, session: orm.Session, rows: Sequence[Any]) -> None:
        """Put `id, body` of new posts into the index; what it refuses gets a mark, to be tried again."""
        if not rows or self._index(session, rows, marked=False) is None:
            return
        self.mark(session, [row.id for row in rows if self._index(session, [row], marked=False) is not None])

    def mark(self, session: orm.Session, ids: Sequence[int]) -> None:
        """Let these posts be indexed, or forgotten when they are gone."""
        if ids:
            mark = sa.text(f"INSERT INTO {self.pending} (post_id) VALUES (:id) ON CONFLICT DO NOTHING")
            session.execute(mark, [{"id": post_id} for post_id in ids])

    def keep_or_forget(self, session: orm.Session, rows: Sequence[Any]) -> None:
        """Bring these posts (`id, body`) to the index; those without a body go."""
        posts = [{"id": row.id, "body": row.body} for row in rows if row.body is not None]
        gone = [row.id for row in rows if row.body is None]
        if posts:
            self.keep(session, posts)
        if gone:
            self.forget(session, gone)

    def forget(self, session: orm.Session, ids: list[int]) -> None:
        """Remove these posts from the index, where they may be."""
        forget = sa.text(f"DELETE FROM {self.texts} WHERE post_id = :id")
        session.execute(forget, [{"id": post_id} for post_id in ids])

    def search(
        self,
        session: orm.Session,
        query: Query,
        cursor: Cursor,
        limit: int,
        reader_id: int | None = None,
    ) -> list[int]:
        """Readers find their own posts: each was indexed in its own transaction."""
        return self._ask(session, lambda: self.hits(session, query, Bounds.of(query, cursor), limit))

    def ranked(self, session: orm.Session, query: Query, limit: int) -> list[int]:
        if not query.terms:  # filters and exclusions fit all hits alike
            return self.search(session, query, Cursor(), limit)
        return self._ask(session, lambda: self.best(session, query, limit))

    def _ask(self, session: orm.Session, ask: Callable[[], list[int]]) -> list[int]:
        try:
            with self.cut_off(session):
                return ask()
        except TooSlow:
            raise SearchUnavailable(TOO_SLOW) from None
        except sa.exc.DBAPIError as error:
            if ends_the_transaction(error):
                raise
            # Asked only now: usually there is an index.
            if not self.is_installed(session):
                raise NotBuilt(NOT_BUILT) from None
            raise SearchUnavailable(DAMAGED) from error

    def rebuild(self, database: Database, progress: Callable[[int], None]) -> int:
        return Rebuild(self, database).run(progress)

    def verify(self, database: Database) -> Drift:
        with database.read() as session:
            if not self.is_installed(session):
                raise NotBuilt(NOT_BUILT)
        drift = self.differences(database)
        with database.write() as session:
            records.note_verify(session, self.name, drift)
        return drift

    def differences(self, database: Database, *, with_refused: bool = True) -> Drift:
        """What differs now and waits for nobody, in constant memory and in short transactions.

        With `with_refused` also what cannot be indexed.
        """
        missing: list[int] = []
        stale: list[int] = []
        ghosts: list[int] = []
        last = -1
        while last < LARGEST:
            with database.snapshot() as session:
                batch = self.steps.compared_at_once
                posts = part(session, f"SELECT id, body FROM posts {PART.format(id='id')}", last, batch)
                texts = part(session, f"{self.indexed_texts} {PART.format(id='post_id')}", last, batch)
                # Up to here both are whole.
                upto = min((max(ids) for ids in (posts, texts) if len(ids) == batch), default=LARGEST)
                marks = sa.text(
                    f"SELECT post_id FROM {self.pending} WHERE post_id > :last AND post_id <= :upto"
                    + (" AND NOT failed" if with_refused else "")
                )
                marked = set(session.scalars(marks, {"last": last, "upto": upto}))
            for post_id in sorted((posts.keys() | texts.keys()) - marked):
                if post_id > upto:
                    break
                if post_id not in texts:
                    missing.append(post_id)
                elif post_id not in posts:
                    ghosts.append(post_id)
                elif self.digest(posts[post_id]) != texts[post_id]:
                    stale.append(post_id)
            last = upto
        return Drift(tuple(missing), tuple(stale), tuple(ghosts))

    @property
    def indexed_texts(self) -> str:
        """SQL for `post_id, digest` of what is in the index; NULL for a digest that it has lost."""
        return f"SELECT post_id, digest FROM {self.texts}"

    def repair(self, session: orm.Session, drift: Drift) -> None:
        if drift.ghosts:
            # Not those that were written meanwhile.
            forget = sa.text(
                f"DELETE FROM {self.texts} WHERE post_id = :id "
                "AND NOT EXISTS (SELECT 1 FROM posts WHERE id = :id)"
            )
            session.execute(forget, [{"id": post_id} for post_id in drift.ghosts])
        marks = [{"id": post_id} for post_id in (*drift.missing, *drift.stale)]
        if marks:
            # Not those that were deleted meanwhile.
            mark = (
                f"INSERT INTO {self.pending} (post_id) SELECT id FROM posts WHERE id = :id "
                "ON CONFLICT DO NOTHING"
            )
            session.execute(sa.text(mark), marks)

    def status(self, session: orm.Session) -> Status:
        if not self.is_installed(session):
            raise NotBuilt(NOT_BUILT)
        counts = sa.text(
            f"SELECT (SELECT count(*) FROM {self.texts}), "
            f"(SELECT count(*) FROM {self.pending} WHERE NOT failed), "
            f"(SELECT count(*) FROM {self.pending} WHERE failed)"
        )
        return records.remembered(session, Status(self.name, *session.execute(counts).one()))


class TooSlow(Exception):
    """The query was stopped."""


def filters(
    query: Query, spelling: str | None = None, *, posts: str = "p"
) -> tuple[list[str], dict[str, Any]]:
    """SQL conditions on `posts p` (or another name), and their values; with a spelling, on the posts of that
    language alone."""
    conditions = []
    values: dict[str, Any] = {}
    if query.author is not None:
        conditions.append(f"{posts}.user_id = (SELECT user_id FROM nicknames WHERE key = :author)")
        values["author"] = query.author
    if spelling is not None:
        conditions.append(f"{posts}.language = :spelling")
        values["spelling"] = spelling
    elif query.language is not None:
        spelled = f"lower({posts}.language)"
        conditions.append(f"({spelled} = :language OR {spelled} LIKE :language || '-%')")
        values["language"] = query.language
    return conditions, values


def part(session: orm.Session, sql: str, last: int, limit: int) -> dict[int, str]:
    """Up to so many rows (id, text) behind an id."""
    return {row[0]: row[1] for row in session.execute(sa.text(sql), {"last": last, "limit": limit})}
