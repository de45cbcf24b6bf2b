"""The base class of adapters that keep their index in the application's own database.

There are two tables beside the posts: one with the normal form of every post (computed in Python: SQL
cannot do NFKC), and a queue of posts to index. Triggers in pure SQL put each written post into the
queue, also when a database shell writes it, and remove a deleted post from the index at once. Our own
transactions index what they queued just before COMMIT, so that a post is found in the very next
request; the worker indexes what was queued from outside.
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
from microblog.i18n import _
from microblog.outages import ends_the_transaction
from microblog.paging import Bounds, Cursor
from microblog.search import records
from microblog.search.embedded import comparing
from microblog.search.embedded.pending import INDEXES_ITSELF, NEXT, PENDING, Pending
from microblog.search.embedded.rebuilding import RETIRED, Rebuild
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
NOT_BUILT = "Search is not ready yet: the operator makes it with `microblog search rebuild`."
DAMAGED = _("Search does not work at the moment: the operator repairs it with `microblog search rebuild`.")
TOO_SLOW = _("This search took too long and was stopped. Use more words, or rarer ones.")


@implementer(ISearch, ISearchSettings, ISearchIndex, ISearchFeed)
class SideTableSearch:
    """Keeps no session and no connection; a subclass holds the SQL of its database.

    The names of all tables begin with `prefix`, and those of an index that a rebuild fills with
    `{prefix}_next`; `with_suffix` returns an adapter for these.
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
        self.queue: Pending = PENDING[self.dialect](self.prefix, "")

    def check(self, settings: Settings, database: Database) -> None:
        """A subclass raises ValueError when it cannot work."""

    def with_suffix(self, suffix: str) -> Self:
        """The same adapter for tables that have this suffix behind the prefix."""
        other = copy.copy(self)
        other.queue = PENDING[self.dialect](self.prefix, suffix)
        return other

    @property
    def index(self) -> str:
        """The beginning of the names of this index's tables."""
        return self.queue.index

    @property
    def texts(self) -> str:
        """The table with `post_id` and `digest` of each post in the index."""
        return f"{self.index}_texts"

    @property
    def pending(self) -> str:
        """The table of the queue."""
        return self.queue.table

    # To be implemented by a subclass

    def create(self, session: orm.Session) -> None:
        """Make the table of texts, and the index; harmless when they exist."""
        raise NotImplementedError

    def drop(self, session: orm.Session) -> None:
        """Remove them; harmless when they are gone, or damaged."""
        raise NotImplementedError

    def rename(self, session: orm.Session, other: Self) -> None:
        """Rename them to the names of the other index."""
        raise NotImplementedError

    def keep(self, session: orm.Session, posts: list[dict[str, Any]]) -> None:
        """Put `id`, `body` and `language` of these posts into the index, replacing what it had of them."""
        raise NotImplementedError

    def digest(self, body: str, language: str | None) -> str:
        """The value of the column `digest` for a post with this body in this language."""
        raise NotImplementedError

    def find_hits(self, session: orm.Session, query: Query, bounds: Bounds, limit: int) -> list[int]:
        """Ids of posts that match, in the order of the bounds."""
        raise NotImplementedError

    def find_best(self, session: orm.Session, query: Query, limit: int) -> list[int]:
        """Ids of the posts that match best among the newest that match."""
        raise NotImplementedError

    def limit_time(self, session: orm.Session) -> AbstractContextManager[None]:
        """Inside, a query that takes longer than `seconds_for_a_query` raises `TooSlow`."""
        raise NotImplementedError

    # Optional in a subclass, to keep the steps of a rebuild short

    def prepare_to_fill(self, session: orm.Session) -> None:
        """Called before a rebuild adds many posts to an index that nobody searches yet."""

    def settle(self, session: orm.Session) -> bool:
        """Called a few times while it holds few posts: do one step of what is cheap then; is there more?"""
        return False

    def tidy(self, session: orm.Session, *, at_the_end: bool) -> bool:
        """Do one step of optimizing the filled index; is there more to do?"""
        return False

    def prepare_to_serve(self, session: orm.Session) -> None:
        """Called when it is filled, just before it takes the name of the index that serves."""

    def shrink(self, session: orm.Session) -> bool:
        """Remove a part of tables that are no longer used; is there more to do?"""
        return False

    # Optional in a subclass

    def has_room(self, session: orm.Session) -> bool:
        """Called before the posts of a transaction are indexed; if False, they wait for the worker."""
        return True

    def narrow(self, session: orm.Session, query: Query) -> Query:
        """Called first inside `limit_time`: the query, without forms in languages that no post is in."""
        return query

    # The same for all

    def install(self, session: orm.Session) -> None:
        self.remove_leftovers(session)
        is_new = not self.is_installed(session)
        self.create(session)
        self.queue.create(session)
        if is_new:
            records.note_rule(session, self.name)
            session.execute(sa.text(f"INSERT INTO {self.pending} (post_id) SELECT id FROM posts"))

    def uninstall(self, session: orm.Session) -> None:
        self.remove_leftovers(session)
        records.forget_index(session, self.name)
        self.queue.drop(session)
        self.drop(session)

    def remove_leftovers(self, session: orm.Session) -> None:
        """Remove what a rebuild left behind; one that is running stops."""
        records.end_rebuild(session, self.name)
        for suffix in (NEXT, RETIRED):
            other = self.with_suffix(suffix)
            other.queue.drop(session)
            other.drop(session)

    def is_installed(self, session: orm.Session | sa.Connection) -> bool:
        return self.queue.exists(session)

    def after_begin(self, session: orm.Session, connection: sa.Connection) -> None:
        self.queue.after_begin(session, connection)

    def before_commit(self, session: orm.Session) -> None:
        """Index the posts of this transaction; all others are indexed by their own, or by the worker."""
        if session.info.get(INDEXES_ITSELF):
            return
        rows = self.queue.read_own(session, self.steps.most_in_their_transaction)
        if rows and not (self._has_room(session) and self._index(session, rows) is None):
            log.warning("%d posts could not be indexed with their transaction; the worker will.", len(rows))

    def _has_room(self, session: orm.Session) -> bool:
        try:
            return self.has_room(session)
        except sa.exc.DBAPIError as error:
            if ends_the_transaction(error):
                raise
            return False  # the index is damaged

    def has_pending(self, session: orm.Session) -> bool:
        pending = sa.text(f"SELECT 1 FROM {self.pending} WHERE NOT failed LIMIT 1")
        return self.is_installed(session) and session.scalar(pending) is not None

    def catch_up(self, database: Database, limit: int) -> int:
        with database.read() as session:  # usually nothing is pending, and there is no reason to lock
            if not self.has_pending(session):
                return 0
        with database.write() as session:
            session.info[INDEXES_ITSELF] = True
            return self.index_pending(session, limit)

    def index_pending(self, session: orm.Session, limit: int) -> int:
        rows = self.queue.read_batch(session, limit)
        if rows and self._index(session, rows) is not None:
            for row in rows:  # one by one, to find the one that fails
                error = self._index(session, [row])
                if error is not None:
                    log.error("Post %d cannot be indexed, and is left out.", row.id, exc_info=error)
                    failed = sa.text(f"UPDATE {self.pending} SET failed = true WHERE post_id = :id")
                    session.execute(failed, {"id": row.id})
        return len(rows)

    def _index(self, session: orm.Session, rows: Sequence[Any], *, queued: bool = True) -> Exception | None:
        """Index these posts and remove them from the queue; None when it worked.

        Otherwise the error, with the transaction as it was before. Do not keep it: its traceback holds the
        session.
        """
        savepoint = session.connection().begin_nested()
        try:
            self.keep_or_forget(session, rows)
            if queued:
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

    def keep_or_enqueue(self, session: orm.Session, rows: Sequence[Any]) -> None:
        """Put `id, body, language` of new posts into the index; queue those that it refuses."""
        if not rows or self._index(session, rows, queued=False) is None:
            return
        self.enqueue(
            session, [row.id for row in rows if self._index(session, [row], queued=False) is not None]
        )

    def enqueue(self, session: orm.Session, ids: Sequence[int]) -> None:
        """Queue these posts to be indexed, or to be removed from the index when they are deleted."""
        if ids:
            enqueue = sa.text(f"INSERT INTO {self.pending} (post_id) VALUES (:id) ON CONFLICT DO NOTHING")
            session.execute(enqueue, [{"id": post_id} for post_id in ids])

    def keep_or_forget(self, session: orm.Session, rows: Sequence[Any]) -> None:
        """Put these posts (`id, body, language`) into the index, and remove those without a body."""
        posts = [
            {"id": row.id, "body": row.body, "language": row.language} for row in rows if row.body is not None
        ]
        gone = [row.id for row in rows if row.body is None]
        if posts:
            self.keep(session, posts)
        if gone:
            self.forget(session, gone)

    def forget(self, session: orm.Session, ids: list[int]) -> None:
        """Remove these posts from the index; harmless when they are not in it."""
        forget = sa.text(f"DELETE FROM {self.texts} WHERE post_id = :id")
        session.execute(forget, [{"id": post_id} for post_id in ids])

    def search(
        self, session: orm.Session, query: Query, cursor: Cursor, limit: int, reader_id: int | None = None
    ) -> list[int]:
        """`reader_id` is not needed: each post was indexed in its own transaction."""
        bounds = Bounds.of(query, cursor)
        return self._ask(session, query, lambda query: self.find_hits(session, query, bounds, limit))

    def ranked(self, session: orm.Session, query: Query, limit: int) -> list[int]:
        if not query.terms:  # filters and exclusions fit all hits alike
            return self.search(session, query, Cursor(), limit)
        return self._ask(session, query, lambda query: self.find_best(session, query, limit))

    def _ask(self, session: orm.Session, query: Query, ask: Callable[[Query], list[int]]) -> list[int]:
        try:
            with self.limit_time(session):
                return ask(self.narrow(session, query))
        except TooSlow:
            raise SearchUnavailable(TOO_SLOW) from None
        except sa.exc.DBAPIError as error:
            if ends_the_transaction(error):
                raise
            # Checked only now: usually there is an index.
            if not self.is_installed(session):
                raise NotBuilt(NOT_BUILT) from None
            raise SearchUnavailable(DAMAGED) from error

    def rebuild(self, database: Database, progress: Callable[[int], None]) -> int:
        return Rebuild(self, database).run(progress)

    def verify(self, database: Database) -> Drift:
        with database.read() as session:
            if not self.is_installed(session):
                raise NotBuilt(NOT_BUILT)
            records.require_current_rule(session, self.name)
        drift = self.find_differences(database)
        with database.write() as session:
            records.note_verify(session, self.name, drift)
        return drift

    def find_differences(self, database: Database, *, with_refused: bool = True) -> Drift:
        """How the index differs, apart from queued posts.

        With `with_refused` posts that cannot be indexed count as differences.
        """
        return comparing.find_differences(self, database, with_refused=with_refused)

    @property
    def indexed_texts(self) -> str:
        """SQL for `post_id, digest` of all posts in the index; NULL for a digest that it has lost."""
        return f"SELECT post_id, digest FROM {self.texts}"

    def repair(self, session: orm.Session, drift: Drift) -> None:
        if drift.ghosts:
            # Not ids that a post has got meanwhile.
            forget = sa.text(
                f"DELETE FROM {self.texts} WHERE post_id = :id "
                "AND NOT EXISTS (SELECT 1 FROM posts WHERE id = :id)"
            )
            session.execute(forget, [{"id": post_id} for post_id in drift.ghosts])
        ids = [{"id": post_id} for post_id in (*drift.missing, *drift.stale)]
        if ids:
            # Not those that were deleted meanwhile.
            enqueue = (
                f"INSERT INTO {self.pending} (post_id) SELECT id FROM posts WHERE id = :id "
                "ON CONFLICT DO NOTHING"
            )
            session.execute(sa.text(enqueue), ids)

    def status(self, session: orm.Session) -> Status:
        if not self.is_installed(session):
            raise NotBuilt(NOT_BUILT)
        counts = sa.text(
            f"SELECT (SELECT count(*) FROM {self.pending} WHERE NOT failed), "
            f"(SELECT count(*) FROM {self.pending} WHERE failed)"
        )
        documents = self.count_documents(session)
        return records.complete_status(session, Status(self.name, documents, *session.execute(counts).one()))

    def count_documents(self, session: orm.Session) -> int:
        """How many posts are in the index."""
        return int(session.scalar(sa.text(f"SELECT count(*) FROM {self.texts}")) or 0)


class TooSlow(Exception):
    """The query took too long and was stopped."""


def build_filters(
    query: Query, spelling: str | None = None, *, posts: str = "p", author_id: int | None = None
) -> tuple[list[str], dict[str, Any]]:
    """SQL conditions on `posts p` (or another name), and their values; with a `spelling` of the language, on
    posts that have exactly this one. A planner that needs to know the author gets the `author_id`."""
    conditions = []
    values: dict[str, Any] = {}
    if query.author is not None and author_id is not None:
        conditions.append(f"{posts}.user_id = {author_id:d}")
    elif query.author is not None:
        conditions.append(f"{posts}.user_id = (SELECT user_id FROM nicknames WHERE key = :author)")
        values["author"] = query.author
    if query.excluded_authors:
        authors = {f"not_{number}": author for number, author in enumerate(query.excluded_authors)}
        keys = ", ".join(f":{name}" for name in authors)
        conditions.append(f"{posts}.user_id NOT IN (SELECT user_id FROM nicknames WHERE key IN ({keys}))")
        values |= authors
    if spelling is not None:
        conditions.append(f"{posts}.language = :spelling")
        values["spelling"] = spelling
    elif query.language is not None:
        spelled = f"lower({posts}.language)"
        conditions.append(f"({spelled} = :language OR {spelled} LIKE :language || '-%')")
        values["language"] = query.language
    return conditions, values
