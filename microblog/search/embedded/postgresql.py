"""Search inside PostgreSQL (GIN on tsvector), in the transaction of the post.

`search_postgresql_texts` holds a tsvector of every post, which is made here and not by
`to_tsvector`, so that words are the same with every adapter, whatever the server's locale says about
letters. `search_postgresql_pending` is the queue; see `side_table.py`.

The planner does not know how words are spread over time: for a rare word it may scan all posts
backwards, and for a common one it may collect half a million hits to sort them. So we choose
ourselves: first a scan of the newest posts, or those of the author or the language, which fills a
page for common words. What it does not fill, the planner decides after all, by the one thing that it knows
well, how many posts have the words: for many a scan that goes further back, for few the index.
"""

# ruff: noqa: S608  # names of tables are constants; values are bound
from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.db import Database
from microblog.paging import Bounds, Cursor
from microblog.search.embedded.pending import run
from microblog.search.embedded.side_table import (
    SideTableSearch,
    TooSlow,
    build_filters,
)
from microblog.search.embedded.windows import (
    Sizes,
    Window,
    build_filter_window,
    look_through,
    search_each_spelling,
)
from microblog.search.interfaces import RANKED_HITS
from microblog.search.language import Query, Term
from microblog.search.text import split_words
from microblog.settings import Settings

HIT = "vector @@ CAST(:match AS tsquery)"
LARGEST_POSITION = 16_383  # tsvector's own limit; later words get this position
LONGEST_WORD_BYTES = 2_000  # tsvector's own limit is 2,046
DOUBT_OF_A_GUESS = 4  # posts with several words are taken to be so many times fewer
QUERY_CANCELED = "57014"
MEMORY_FOR_THE_INDEX = "256MB"


class PostgreSQLSearch(SideTableSearch):
    """`microblog.search = postgresql`"""

    name = "postgresql"
    prefix = "search_postgresql"
    dialect = "postgresql"
    many_documents = 100_000
    # A post costs 0.3 µs in a row of the newest and 2 µs when it is fetched; a hit in the index 4 to 7 µs.
    # Of a word that is none of the commonest, the planner guesses up to some thousand hits.
    windows = Sizes(first=2000, largest=1_024_000, per_hit=10, fewest_hits=3_000)
    windows_of_filters = Sizes(first=2000, largest=128_000, per_hit=2, fewest_hits=3_000)

    def check(self, settings: Settings, database: Database) -> None:
        if database.dialect != "postgresql":
            raise ValueError("postgresql lives inside PostgreSQL; on SQLite choose fts5.")

    def create(self, session: orm.Session) -> None:
        run(
            session,
            f"""CREATE TABLE IF NOT EXISTS {self.texts} (
                post_id bigint PRIMARY KEY, digest text NOT NULL, vector tsvector NOT NULL)""",
        )
        if not self.queue.suffix:
            self._create_index(session)

    def _create_index(self, session: orm.Session) -> None:
        # With a list of pending posts, every search would read all of it, and now and then a post would wait
        # until it is merged; writing takes no longer without.
        run(
            session,
            f"CREATE INDEX IF NOT EXISTS {self.index}_vector ON {self.texts} USING gin (vector) "
            "WITH (fastupdate = off)",
        )

    def drop(self, session: orm.Session) -> None:
        run(session, f"DROP TABLE IF EXISTS {self.texts}")

    def rename(self, session: orm.Session, other: Self) -> None:
        run(session, f"ALTER TABLE IF EXISTS {self.texts} RENAME TO {other.texts}")
        run(session, f"ALTER INDEX IF EXISTS {self.texts}_pkey RENAME TO {other.texts}_pkey")
        run(session, f"ALTER INDEX IF EXISTS {self.index}_vector RENAME TO {other.index}_vector")

    def tidy(self, session: orm.Session, *, at_the_end: bool) -> bool:
        if at_the_end:
            # Takes a third of the time of updating the index with each post. Only the rebuild writes here, so
            # nobody waits.
            run(session, f"SET LOCAL maintenance_work_mem = '{MEMORY_FOR_THE_INDEX}'")
            self._create_index(session)
            run(session, f"ANALYZE {self.texts}")
        return False

    def keep(self, session: orm.Session, posts: list[dict[str, Any]]) -> None:
        keep = sa.text(f"""INSERT INTO {self.texts} (post_id, digest, vector)
            VALUES (:id, :digest, CAST(:vector AS tsvector))
            ON CONFLICT (post_id) DO UPDATE SET digest = excluded.digest, vector = excluded.vector""")
        rows = []
        for post in posts:
            vector = build_vector(post["body"])
            rows.append({"id": post["id"], "digest": compute_digest(vector), "vector": vector})
        session.execute(keep, rows)

    def digest(self, body: str) -> str:
        return compute_digest(build_vector(body))

    def find_hits(self, session: orm.Session, query: Query, bounds: Bounds, limit: int) -> list[int]:
        author_id = None
        if query.author is not None:
            # For somebody whom it does not know, the planner expects few posts, and reads and sorts them all.
            known = sa.text("SELECT user_id FROM nicknames WHERE key = :author")
            author_id = session.scalar(known, {"author": query.author})
            if author_id is None:
                return []
        find = partial(self._look, session, query, bounds, limit, author_id)
        found = search_each_spelling(session, query, bounds, limit, find)
        return self._ask_index(session, query, bounds, limit, author_id) if found is None else found

    def _look(
        self,
        session: orm.Session,
        query: Query,
        bounds: Bounds,
        limit: int,
        author_id: int | None,
        spelling: str | None,
    ) -> list[int] | None:
        values: dict[str, Any]
        if not query.terms:
            conditions, values = build_filters(query, spelling, author_id=author_id)
            return self._search_without_terms(session, query, bounds, limit, conditions, values)
        if query.author is None and not query.excluded_authors and spelling is None:
            sizes, window = self.windows, build_newest_window(self.texts)
            values = {}
        else:
            sizes = self.windows_of_filters
            window, values = build_filter_window(
                query, spelling, self.texts, [f"t.{HIT}"], is_made_first=True, author_id=author_id
            )
        values["match"] = build_match(query)
        choose_size = partial(self._choose_size, session, query, sizes, limit)
        return look_through(session, window, values, bounds, limit, sizes, choose_size)

    def _choose_size(self, session: orm.Session, query: Query, sizes: Sizes, limit: int) -> int:
        """How far back it takes less time to look than to ask the index.

        The planner knows how common a word is; of several it takes for granted that they meet by chance.
        """
        expect = sa.text(f"EXPLAIN (FORMAT JSON) SELECT FROM {self.texts} WHERE {HIT}")
        hits = session.scalar(expect, {"match": build_match(query)})[0]["Plan"]["Plan Rows"]
        if len(query.terms) > 1 or len(query.terms[0].words) > 1:
            hits //= DOUBT_OF_A_GUESS
        return sizes.choose(hits, self._estimate_posts(session), limit)

    def _estimate_posts(self, session: orm.Session) -> int:
        """As many as the planner knows of; -1 when it knows of none."""
        known = sa.text("SELECT reltuples FROM pg_class WHERE oid = CAST(:table AS regclass)")
        return int(session.scalar(known, {"table": self.texts}))

    def count_documents(self, session: orm.Session) -> int:
        """Of many posts an estimate: PostgreSQL counts one by one, a million in 90 ms, for each look at the
        metrics."""
        estimate = self._estimate_posts(session)
        return super().count_documents(session) if estimate < self.many_documents else estimate

    def _ask_index(
        self, session: orm.Session, query: Query, bounds: Bounds, limit: int, author_id: int | None
    ) -> list[int]:
        conditions, values = build_filters(query, author_id=author_id)
        values |= {**bounds.get_values(limit), "match": build_match(query)}
        return self._run(session, build_index_query(bounds, conditions), values)

    def _search_without_terms(
        self,
        session: orm.Session,
        query: Query,
        bounds: Bounds,
        limit: int,
        conditions: list[str],
        values: dict[str, Any],
    ) -> list[int]:
        values |= bounds.get_values(limit)
        conditions += bounds.list_conditions("p.id")
        if query.excluded:
            # Not as a join, for which the planner may read all texts.
            conditions.append(f"(SELECT t.{HIT} FROM {self.texts} t WHERE t.post_id = p.id)")
            values["match"] = f"!({require_any(query.excluded)})"
        return self._run(
            session,
            f"SELECT p.id FROM posts p WHERE {' AND '.join(conditions)} "
            f"ORDER BY p.id {bounds.order} LIMIT :limit",
            values,
        )

    def _run(self, session: orm.Session, sql: str, values: dict[str, Any]) -> list[int]:
        return list(session.scalars(sa.text(sql), values))

    def find_best(self, session: orm.Session, query: Query, limit: int) -> list[int]:
        newest_hits = self.find_hits(session, query, Bounds.of(query, Cursor()), RANKED_HITS)
        values = {"hits": newest_hits, "match": require_all(query.terms), "limit": limit}
        best = sa.text(f"""SELECT post_id FROM {self.texts} WHERE post_id = ANY(:hits)
            ORDER BY ts_rank(vector, CAST(:match AS tsquery)) DESC, post_id DESC LIMIT :limit""")
        return list(session.scalars(best, values))

    @contextmanager
    def limit_time(self, session: orm.Session) -> Iterator[None]:
        savepoint = session.begin_nested()  # the request goes on after a query that was stopped
        milliseconds = max(1, int(self.seconds_for_a_query * 1000))  # 0 would be no limit
        session.execute(sa.text(f"SET LOCAL statement_timeout = {milliseconds}"))
        try:
            yield
        except sa.exc.DBAPIError as error:
            savepoint.rollback()
            if getattr(error.orig, "sqlstate", None) == QUERY_CANCELED:
                raise TooSlow from None
            raise
        savepoint.rollback()  # resets the timeout; nothing was written


def build_newest_window(texts: str) -> Window:
    """A window of the posts nearest to the bound, without a filter."""
    return Window(texts, "post_id", ", w.vector", hit=(f"w.{HIT}",), is_made_first=True)


def build_index_query(bounds: Bounds, conditions: list[str]) -> str:
    """The statement that collects all hits from the GIN index, sorts them, and filters them until there are
    enough. Not by a join, for which the planner may read all posts of an author."""
    inner = " AND ".join(bounds.list_conditions("post_id"))
    filters = (
        f"WHERE (SELECT {' AND '.join(conditions)} FROM posts p WHERE p.id = t.post_id)" if conditions else ""
    )
    return (
        "WITH t AS MATERIALIZED (SELECT post_id FROM search_postgresql_texts "
        f"WHERE {HIT} AND {inner} ORDER BY post_id {bounds.order}) "
        f"SELECT t.post_id FROM t {filters} LIMIT :limit"
    )


def compute_digest(vector: str) -> str:
    return hashlib.sha256(vector.encode()).hexdigest()[:32]


def quote(word: str) -> str:
    """A word as tsvector and tsquery spell it; in normal form it holds neither ' nor \\."""
    return f"'{word.encode()[:LONGEST_WORD_BYTES].decode(errors='ignore')}'"


def build_vector(body: str) -> str:
    """The words of a post with their positions, as the text of a tsvector."""
    return " ".join(
        f"{quote(word)}:{min(position, LARGEST_POSITION)}"
        for position, word in enumerate(split_words(body), 1)
    )


def build_match(query: Query) -> str:
    """The query as the text of a tsquery."""
    wanted = require_all(query.terms)
    return f"({wanted}) & !({require_any(query.excluded)})" if query.excluded else wanted


def require_all(terms: tuple[Term, ...]) -> str:
    return " & ".join(build_term(term) for term in terms)


def require_any(terms: tuple[Term, ...]) -> str:
    return " | ".join(build_term(term) for term in terms)


def build_term(term: Term) -> str:
    words = [quote(word) for word in term.words]
    if term.is_prefix:
        words[-1] += ":*"
    return f"({' <-> '.join(words)})"
