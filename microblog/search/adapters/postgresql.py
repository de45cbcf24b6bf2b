"""Search inside PostgreSQL (GIN on tsvector), in the transaction of the post.

`search_postgresql_texts` holds a tsvector of every post, which is made here and not by
`to_tsvector`: words are then the same on every adapter, whatever the server's locale says about
letters. `search_postgresql_pending` holds the marks; see `side_table.py`.

The planner knows nothing of how words and time go together (FOUNDATION 3): for a rare word it may
walk all posts backwards, and for a common one it may collect half a million hits to sort them. So
we choose ourselves: first a look at the newest posts alone, which fills a page of common words;
then, only for words that are rarer than that, the index.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm
from zope.interface import implementer

from microblog.db import Database
from microblog.posts.paging import Cursor
from microblog.search.adapters.side_table import (
    DAMAGED,
    Bounds,
    SideTableSearch,
    TooSlow,
    filters,
)
from microblog.search.interfaces import RANKED_HITS, ISearch, SearchUnavailable
from microblog.search.language import Query, Term
from microblog.search.text import words_of

POSTS_LOOKED_AT_FIRST = 2000
LARGEST_POSITION = 16_383  # tsvector's own limit; later words count as standing there
LONGEST_WORD_BYTES = 2_000  # tsvector's own limit is 2,046
QUERY_CANCELED = "57014"

CREATE = (
    """CREATE TABLE IF NOT EXISTS search_postgresql_texts (
        post_id bigint PRIMARY KEY, digest text NOT NULL, vector tsvector NOT NULL)""",
    """CREATE INDEX IF NOT EXISTS search_postgresql_vector
        ON search_postgresql_texts USING gin (vector)""",
    """CREATE TABLE IF NOT EXISTS search_postgresql_pending (
        post_id bigint PRIMARY KEY,
        txid bigint NOT NULL DEFAULT txid_current(),
        failed boolean NOT NULL DEFAULT false)""",
    """CREATE OR REPLACE FUNCTION search_postgresql_changed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' OR (TG_OP = 'UPDATE' AND OLD.id <> NEW.id) THEN
            DELETE FROM search_postgresql_texts WHERE post_id = OLD.id;
            DELETE FROM search_postgresql_pending WHERE post_id = OLD.id;
        END IF;
        IF TG_OP <> 'DELETE' THEN
            INSERT INTO search_postgresql_pending (post_id) VALUES (NEW.id)
                ON CONFLICT (post_id) DO UPDATE SET txid = txid_current(), failed = false;
        END IF;
        RETURN NULL;
    END $$""",
    """CREATE OR REPLACE TRIGGER search_postgresql_post_changed
        AFTER INSERT OR DELETE OR UPDATE OF id, body ON posts
        FOR EACH ROW EXECUTE FUNCTION search_postgresql_changed()""",
)
DROP = (
    "DROP TRIGGER IF EXISTS search_postgresql_post_changed ON posts",
    "DROP FUNCTION IF EXISTS search_postgresql_changed()",
    "DROP TABLE IF EXISTS search_postgresql_pending",
    "DROP TABLE IF EXISTS search_postgresql_texts",
)
EXISTS = sa.text("SELECT to_regclass('search_postgresql_pending') IS NOT NULL")
# Somebody who writes the post, or indexes it, at this moment will see to it themselves.
PENDING = sa.text("""SELECT p.id, p.body FROM search_postgresql_pending m JOIN posts p ON p.id = m.post_id
    WHERE NOT m.failed
    ORDER BY m.post_id DESC LIMIT :limit FOR UPDATE OF m SKIP LOCKED FOR SHARE OF p SKIP LOCKED""")
# TRUNCATE calls no row trigger.
FORGET_GONE = sa.text("""DELETE FROM search_postgresql_pending m
    WHERE NOT EXISTS (SELECT 1 FROM posts p WHERE p.id = m.post_id)""")
OWN = sa.text("""SELECT p.id, p.body FROM search_postgresql_pending m JOIN posts p ON p.id = m.post_id
    WHERE m.txid = txid_current()""")
KEEP_TEXT = sa.text("""INSERT INTO search_postgresql_texts (post_id, digest, vector)
    VALUES (:id, :digest, CAST(:vector AS tsvector))
    ON CONFLICT (post_id) DO UPDATE SET digest = excluded.digest, vector = excluded.vector""")
BEST = sa.text("""SELECT post_id FROM search_postgresql_texts WHERE post_id = ANY(:hits)
    ORDER BY ts_rank(vector, CAST(:match AS tsquery)) DESC, post_id DESC LIMIT :limit""")


@implementer(ISearch)
class PostgreSQLSearch(SideTableSearch):
    """`microblog.search = postgresql`"""

    name = "postgresql"
    texts = "search_postgresql_texts"
    pending = "search_postgresql_pending"

    def check(self, settings: Any, database: Database) -> None:
        if database.dialect != "postgresql":
            raise ValueError("postgresql lives inside PostgreSQL; on SQLite choose fts5.")

    def create(self, session: orm.Session) -> None:
        for statement in CREATE:
            session.execute(sa.text(statement))

    def drop(self, session: orm.Session) -> None:
        for statement in DROP:
            session.execute(sa.text(statement))

    def exists(self, session: orm.Session | sa.Connection) -> bool:
        return bool(session.scalar(EXISTS))

    def own_marks(self, session: orm.Session) -> Sequence[Any]:
        return session.execute(OWN).all()

    def index_pending(self, session: orm.Session, limit: int) -> int:
        return super().index_pending(session, limit) or self._forget_gone(session)

    def _forget_gone(self, session: orm.Session) -> int:
        """Marks of posts that went without a trigger; nothing, so that nobody waits for more."""
        session.execute(FORGET_GONE)
        return 0

    def pending_posts(self) -> sa.TextClause:
        return PENDING

    def keep(self, session: orm.Session, posts: list[dict[str, Any]]) -> None:
        rows = [
            {
                "id": post["id"],
                "digest": self.digest(post["body"]),
                "vector": vector_of(post["body"]),
            }
            for post in posts
        ]
        session.execute(KEEP_TEXT, rows)

    def digest(self, body: str) -> str:
        return hashlib.sha256(vector_of(body).encode()).hexdigest()[:32]

    def hits(self, session: orm.Session, query: Query, bounds: Bounds, limit: int) -> list[int]:
        conditions, values = filters(query)
        values |= bounds.values(limit)
        if not query.terms:
            return self._without_terms(session, query, bounds, conditions, values)
        values["match"] = match_of(query)
        found = self._run(session, newest(bounds, conditions), values)
        return found if len(found) == limit else self._run(session, by_index(bounds, conditions), values)

    def _without_terms(
        self,
        session: orm.Session,
        query: Query,
        bounds: Bounds,
        conditions: list[str],
        values: dict[str, Any],
    ) -> list[int]:
        source = "posts p"
        if query.excluded:
            source += " JOIN search_postgresql_texts t ON t.post_id = p.id"
            conditions = [*conditions, "t.vector @@ CAST(:match AS tsquery)"]
            values["match"] = f"!({any_of(query.excluded)})"
        conditions = [*conditions, *bounds.conditions("p.id")]
        return self._run(
            session,
            f"SELECT p.id FROM {source} WHERE {' AND '.join(conditions)} "  # noqa: S608  # constants
            f"ORDER BY p.id {bounds.order} LIMIT :limit",
            values,
        )

    def _run(self, session: orm.Session, sql: str, values: dict[str, Any]) -> list[int]:
        return list(session.scalars(sa.text(sql), values))

    def best(self, session: orm.Session, query: Query, limit: int) -> list[int]:
        newest_hits = self.hits(session, query, Bounds.of(query, Cursor()), RANKED_HITS)
        values = {"hits": newest_hits, "match": all_of(query.terms), "limit": limit}
        return list(session.scalars(BEST, values))

    @contextmanager
    def cut_off(self, session: orm.Session) -> Iterator[None]:
        savepoint = session.begin_nested()  # the request goes on after a query that was stopped
        milliseconds = max(1, int(self.seconds_for_a_query * 1000))  # 0 would be no limit
        session.execute(sa.text(f"SET LOCAL statement_timeout = {milliseconds}"))
        try:
            yield
        except sa.exc.DBAPIError as error:
            savepoint.rollback()
            if getattr(error.orig, "sqlstate", None) == QUERY_CANCELED:
                raise TooSlow from None
            raise SearchUnavailable(DAMAGED) from error
        savepoint.rollback()  # takes the timeout back; nothing was written


def newest(bounds: Bounds, conditions: list[str]) -> str:
    """Among the posts nearest to the bound alone."""
    inner = " AND ".join(bounds.conditions("post_id"))
    more = "".join(f" AND {condition}" for condition in conditions)
    join = "JOIN posts p ON p.id = t.post_id" if conditions else ""
    return (
        f"SELECT t.post_id FROM (SELECT post_id, vector FROM search_postgresql_texts WHERE {inner} "  # noqa: S608
        f"ORDER BY post_id {bounds.order} LIMIT {POSTS_LOOKED_AT_FIRST}) t {join} "
        f"WHERE t.vector @@ CAST(:match AS tsquery){more} ORDER BY t.post_id {bounds.order} LIMIT :limit"
    )


def by_index(bounds: Bounds, conditions: list[str]) -> str:
    """All that match, from the GIN index, then sorted."""
    inner = " AND ".join(bounds.conditions("post_id"))
    more = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    join = "JOIN posts p ON p.id = t.post_id" if conditions else ""
    return (
        "WITH t AS MATERIALIZED (SELECT post_id FROM search_postgresql_texts "  # noqa: S608
        f"WHERE vector @@ CAST(:match AS tsquery) AND {inner}) "
        f"SELECT t.post_id FROM t {join} {more} ORDER BY t.post_id {bounds.order} LIMIT :limit"
    )


def quoted(word: str) -> str:
    """A word as tsvector and tsquery spell it; in normal form it holds neither ' nor \\."""
    return f"'{word.encode()[:LONGEST_WORD_BYTES].decode(errors='ignore')}'"


def vector_of(body: str) -> str:
    """The words of a post with their places, as the text of a tsvector."""
    return " ".join(
        f"{quoted(word)}:{min(place, LARGEST_POSITION)}" for place, word in enumerate(words_of(body), 1)
    )


def match_of(query: Query) -> str:
    """The query as the text of a tsquery."""
    wanted = all_of(query.terms)
    return f"({wanted}) & !({any_of(query.excluded)})" if query.excluded else wanted


def all_of(terms: tuple[Term, ...]) -> str:
    return " & ".join(tsquery_term(term) for term in terms)


def any_of(terms: tuple[Term, ...]) -> str:
    return " | ".join(tsquery_term(term) for term in terms)


def tsquery_term(term: Term) -> str:
    words = [quoted(word) for word in term.words]
    if term.is_prefix:
        words[-1] += ":*"
    return f"({' <-> '.join(words)})"
