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
from microblog.posts.queries import ALL_SPELLINGS
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
from microblog.search.stemming import LENGTH_OF_A_BEGINNING, MARK, list_forms
from microblog.search.tags import list_tag_words
from microblog.search.text import split_words
from microblog.settings import Settings

HIT = "vector @@ CAST(:match AS tsquery)"
LARGEST_POSITION = 16_383  # tsvector's own limit; later words get this position
LONGEST_WORD_BYTES = 2_000  # tsvector's own limit is 2,046
DOUBT_OF_A_GUESS = 4  # posts with several words are taken to be so many times fewer
LARGEST_SHARE_OF_THE_UNKNOWN = 0.005  # of all posts, for a word of which the planner knows nothing
# What the planner knows: how many posts there are (-1: it does not know), and which share of them has the
# rarest word that it remembers. Behind the shares of all words it keeps the least and the greatest of them.
STATISTICS = """SELECT c.reltuples AS posts,
        s.most_common_elem_freqs[cardinality(s.most_common_elem_freqs) - 1] AS rarest
    FROM pg_class c LEFT JOIN pg_stats s
    ON s.tablename = c.relname AND s.schemaname = CAST(c.relnamespace AS regnamespace)::text
    AND s.attname = 'vector' WHERE c.oid = CAST(:table AS regclass)"""
BEGIN = "SELECT set_config('statement_timeout', :timeout, true), NULL AS languages"
BEGIN_WITH_LANGUAGES = (
    f"SELECT set_config('statement_timeout', :timeout, true), ARRAY({ALL_SPELLINGS}) AS languages"
)
# How many posts it expects to have the words as they are, and how many to have their stems. Not both at once:
# as a rule these are the same posts, and it takes them for others.
EXPECTED = """EXPLAIN (FORMAT JSON)
    WITH words AS MATERIALIZED (SELECT 1 FROM {texts} WHERE vector @@ CAST(:words AS tsquery)),
    stems AS MATERIALIZED (SELECT 1 FROM {texts} WHERE vector @@ CAST(:stems AS tsquery))
    SELECT 1 FROM words, stems"""
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
            vector = build_vector(post["body"], post["language"])
            rows.append({"id": post["id"], "digest": compute_digest(vector), "vector": vector})
        session.execute(keep, rows)

    def digest(self, body: str, language: str | None) -> str:
        return compute_digest(build_vector(body, language))

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
        expect = sa.text(EXPECTED.format(texts=self.texts))
        matches = {"words": build_match(query.keep_forms([])), "stems": build_stems_match(query)}
        plans = session.scalar(expect, matches)[0]["Plan"]["Plans"]
        words, stems = (plan["Plan Rows"] for plan in plans if "Subplan Name" in plan)
        posts, rarest = session.execute(sa.text(STATISTICS), {"table": self.texts}).one()
        if len(query.terms) > 1 or len(query.terms[0].words) > 1:
            hits = max(words, stems) // DOUBT_OF_A_GUESS
        else:
            # Of what it does not know, such as most stems, it expects half of the rarest.
            share = min(LARGEST_SHARE_OF_THE_UNKNOWN, (rarest or 0) / 2)
            hits = max(words, stems - int(len(group_forms(query.terms[0])) * share * posts))
        return sizes.choose(max(1, hits), int(posts), limit)

    def _estimate_posts(self, session: orm.Session) -> int:
        """As many as the planner knows of; -1 when it knows of none."""
        return int(session.execute(sa.text(STATISTICS), {"table": self.texts}).one().posts)

    def count_documents(self, session: orm.Session) -> int:
        """Of many posts an estimate: PostgreSQL counts one by one, a million in 90 ms, for each look at the
        metrics."""
        estimate = self._estimate_posts(session)
        return super().count_documents(session) if estimate < self.many_documents else estimate

    def _ask_index(
        self, session: orm.Session, query: Query, bounds: Bounds, limit: int, author_id: int | None
    ) -> list[int]:
        conditions, values = build_filters(query, author_id=author_id)
        hit, matches = build_loose_conditions(query)
        if query.has_forms:
            # `IS TRUE`, so that it is not looked for in the index.
            hit.append(f"({HIT}) IS TRUE")
            matches["match"] = build_match(query)
        values |= {**bounds.get_values(limit), **matches}
        return self._run(session, build_index_query(bounds, hit, conditions), values)

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
        ranks = build_ranks(query.terms)
        order = ", ".join(f"ts_rank(vector, CAST(:{name} AS tsquery)) DESC" for name in ranks)
        best = sa.text(f"""SELECT post_id FROM {self.texts} WHERE post_id = ANY(:hits)
            ORDER BY {order}, post_id DESC LIMIT :limit""")
        return list(session.scalars(best, {"hits": newest_hits, "limit": limit, **ranks}))

    def narrow(self, session: orm.Session, query: Query) -> Query:
        """By the statement that limits the time, so that it costs none: see `limit_time`."""
        milliseconds = max(1, int(self.seconds_for_a_query * 1000))  # 0 would be no limit
        begin = sa.text(BEGIN_WITH_LANGUAGES if query.has_forms else BEGIN)
        languages = session.execute(begin, {"timeout": str(milliseconds)}).one().languages
        return query.keep_forms(languages) if query.has_forms else query

    @contextmanager
    def limit_time(self, session: orm.Session) -> Iterator[None]:
        savepoint = session.begin_nested()  # the request goes on after a query that was stopped
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


def build_index_query(bounds: Bounds, hit: list[str], conditions: list[str]) -> str:
    """The statement that collects all hits from the GIN index, sorts them, and filters them until there are
    enough. Not by a join, for which the planner may read all posts of an author."""
    inner = " AND ".join([*hit, *bounds.list_conditions("post_id")])
    filters = (
        f"WHERE (SELECT {' AND '.join(conditions)} FROM posts p WHERE p.id = t.post_id)" if conditions else ""
    )
    return (
        "WITH t AS MATERIALIZED (SELECT post_id FROM search_postgresql_texts "
        f"WHERE {inner} ORDER BY post_id {bounds.order}) "
        f"SELECT t.post_id FROM t {filters} LIMIT :limit"
    )


def compute_digest(vector: str) -> str:
    return hashlib.sha256(vector.encode()).hexdigest()[:32]


def quote(word: str) -> str:
    """A word as tsvector and tsquery spell it; in normal form it holds neither ' nor \\."""
    return f"'{word.encode()[:LONGEST_WORD_BYTES].decode(errors='ignore')}'"


def build_vector(body: str, language: str | None) -> str:
    """The words of a post with their positions, as the text of a tsvector; without, its tags, the stems of
    its forms and the language that they are in."""
    words = (
        f"{quote(word)}:{min(position, LARGEST_POSITION)}"
        for position, word in enumerate(split_words(body), 1)
    )
    forms = [split_form(form) for form in list_forms(body, language)]
    stems = [stem for _, stem in forms]
    tags = list_tag_words(body)
    languages = dict.fromkeys(code for code, _ in forms)
    return " ".join([*words, *map(quote, [*tags, *languages, *stems])])


def split_form(form: str) -> tuple[str, str]:
    """The lexemes of a form: its language and its stem, `§§en` and `§run`. The stems of a word are the same
    in most languages, so the index looks for few of them."""
    return f"{MARK}{form[:LENGTH_OF_A_BEGINNING]}", f"{MARK}{form[LENGTH_OF_A_BEGINNING:]}"


def build_match(query: Query) -> str:
    """The query as the text of a tsquery."""
    wanted = " & ".join(build_term(term) for term in query.terms)
    return f"({wanted}) & !({require_any(query.excluded)})" if query.excluded else wanted


def build_loose_conditions(query: Query) -> tuple[list[str], dict[str, str]]:
    """The same for the index, and somewhat more: a stem may be in any language. The index takes time for each
    lexeme of a tsquery with every hit, so there are few, in a tsquery for each term."""
    wanted = [f"{' | '.join([build_words(term), *map(quote, group_forms(term))])}" for term in query.terms]
    wanted[0] = leave_out(wanted[0], query)
    values = {f"match_{number}": match for number, match in enumerate(wanted)}
    return [f"vector @@ CAST(:{name} AS tsquery)" for name in values], values


def build_stems_match(query: Query) -> str:
    """The same with the stems of each word, in whatever language, and not the word as it is."""
    wanted = (f"({' | '.join(map(quote, group_forms(term))) or build_words(term)})" for term in query.terms)
    return leave_out(" & ".join(wanted), query)


def leave_out(wanted: str, query: Query) -> str:
    """What is excluded as it is: in another language, its stem may be that of another word."""
    return f"({wanted}) & !({' | '.join(map(build_words, query.excluded))})" if query.excluded else wanted


def build_ranks(terms: tuple[Term, ...]) -> dict[str, str]:
    """The tsqueries, by names, that order hits: by all words, and where some are there only in other forms,
    by the rest. Not by forms: a post in a known language that has a word has a form of it, too."""
    words = [f"({build_words(term)})" for term in terms]
    return {"every": " & ".join(words)} | ({"some": " | ".join(words)} if len(words) > 1 else {})


def require_any(terms: tuple[Term, ...]) -> str:
    return " | ".join(build_term(term) for term in terms)


def build_term(term: Term) -> str:
    forms = (
        f"{quote(stem)} & ({' | '.join(map(quote, languages))})"
        for stem, languages in group_forms(term).items()
    )
    return f"({' | '.join([build_words(term), *forms])})"


def build_words(term: Term) -> str:
    words = [quote(word) for word in term.words]
    if term.is_prefix:
        words[-1] += ":*"
    return " <-> ".join(words)


def group_forms(term: Term) -> dict[str, list[str]]:
    """The stems of the term, each with the languages in which the word has it."""
    grouped: dict[str, list[str]] = {}
    for language, stem in map(split_form, term.forms):
        grouped.setdefault(stem, []).append(language)
    return grouped
