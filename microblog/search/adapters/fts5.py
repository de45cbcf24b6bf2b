"""Search inside SQLite (FTS5), in the transaction of the post: found in the very next request.

`search_fts5_texts` holds the normal form of every post, `search_fts5` is the FTS5 index over it
(external content), and `search_fts5_pending` holds the marks; see `side_table.py`.
"""

from __future__ import annotations

import time
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
from microblog.search.text import index_text

STEPS_BETWEEN_LOOKS_AT_THE_CLOCK = 10_000

TABLES = (
    "CREATE TABLE IF NOT EXISTS search_fts5_texts (post_id INTEGER PRIMARY KEY, digest TEXT NOT NULL)",
    """CREATE TABLE IF NOT EXISTS search_fts5_pending (
        mark INTEGER PRIMARY KEY AUTOINCREMENT,
        post_id INTEGER NOT NULL UNIQUE,
        failed BOOLEAN NOT NULL DEFAULT 0)""",
    # The text is in normal form already: words are what we say they are, marks of Indic scripts too.
    """CREATE VIRTUAL TABLE IF NOT EXISTS search_fts5 USING fts5(
        digest, content='search_fts5_texts', content_rowid='post_id', prefix='2 3',
        tokenize="unicode61 remove_diacritics 0 categories 'L* N* M* Co'")""",
)
# A mark is made anew for each change, so that its number tells whose transaction it belongs to.
# Not OR REPLACE: inside a trigger the conflict policy of the outer statement wins.
TRIGGERS = {
    "search_fts5_post_inserted": """AFTER INSERT ON posts BEGIN
        DELETE FROM search_fts5_pending WHERE post_id = new.id;
        INSERT INTO search_fts5_pending (post_id) VALUES (new.id); END""",
    "search_fts5_post_updated": """AFTER UPDATE OF id, body ON posts BEGIN
        DELETE FROM search_fts5_texts WHERE post_id = old.id AND old.id <> new.id;
        DELETE FROM search_fts5_pending WHERE post_id IN (old.id, new.id);
        INSERT INTO search_fts5_pending (post_id) VALUES (new.id); END""",
    "search_fts5_post_deleted": """AFTER DELETE ON posts BEGIN
        DELETE FROM search_fts5_texts WHERE post_id = old.id;
        DELETE FROM search_fts5_pending WHERE post_id = old.id; END""",
    "search_fts5_text_inserted": """AFTER INSERT ON search_fts5_texts BEGIN
        INSERT INTO search_fts5(rowid, digest) VALUES (new.post_id, new.digest); END""",
    "search_fts5_text_deleted": """AFTER DELETE ON search_fts5_texts BEGIN
        INSERT INTO search_fts5(search_fts5, rowid, digest)
            VALUES ('delete', old.post_id, old.digest); END""",
}
EXISTS = sa.text("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'search_fts5_pending'")
LAST_MARK = sa.text("SELECT max(mark) FROM search_fts5_pending")
OWN = sa.text("""SELECT m.post_id AS id, p.body
    FROM search_fts5_pending m LEFT JOIN posts p ON p.id = m.post_id
    WHERE m.mark > :last""")
PENDING = sa.text("""SELECT m.post_id AS id, p.body
    FROM search_fts5_pending m LEFT JOIN posts p ON p.id = m.post_id
    WHERE NOT m.failed ORDER BY m.post_id DESC LIMIT :limit""")
# In the info of a session: the last mark that others made before its transaction began.
MARK_BEFORE = "microblog.search.fts5.mark"
FORGET_TEXT = sa.text("DELETE FROM search_fts5_texts WHERE post_id = :id")
KEEP_TEXT = sa.text("INSERT INTO search_fts5_texts (post_id, digest) VALUES (:id, :digest)")
TEXTS = sa.text("SELECT post_id, digest FROM search_fts5_texts WHERE post_id IN :hits").bindparams(
    sa.bindparam("hits", expanding=True)
)
# BM25 (Robertson, Zaragoza 2009), without the weight of rare words: a hit holds all words anyway.
SATURATION, LENGTH_WEIGHT = 1.2, 0.75


@implementer(ISearch)
class FTS5Search(SideTableSearch):
    """`microblog.search = fts5`"""

    name = "fts5"
    texts = "search_fts5_texts"
    pending = "search_fts5_pending"

    def check(self, settings: Any, database: Database) -> None:
        if database.dialect != "sqlite":
            raise ValueError("fts5 lives inside SQLite; on PostgreSQL choose postgresql.")

    def create(self, session: orm.Session) -> None:
        for statement in TABLES:
            session.execute(sa.text(statement))
        for name, body in TRIGGERS.items():
            session.execute(sa.text(f"CREATE TRIGGER IF NOT EXISTS {name} {body}"))

    def drop(self, session: orm.Session) -> None:
        for name in TRIGGERS:
            session.execute(sa.text(f"DROP TRIGGER IF EXISTS {name}"))
        for name in ("search_fts5", self.pending, self.texts):
            session.execute(sa.text(f"DROP TABLE IF EXISTS {name}"))

    def exists(self, session: orm.Session | sa.Connection) -> bool:
        return session.scalar(EXISTS) is not None

    def after_begin(self, session: orm.Session, connection: sa.Connection) -> None:
        """One writer at a time: marks that come after this one are its own."""
        if self.is_installed(connection):
            session.info[MARK_BEFORE] = connection.scalar(LAST_MARK) or 0

    def own_marks(self, session: orm.Session) -> Sequence[Any]:
        return session.execute(OWN, {"last": session.info.get(MARK_BEFORE, 0)}).all()

    def pending_posts(self) -> sa.TextClause:
        return PENDING

    def keep(self, session: orm.Session, posts: list[dict[str, Any]]) -> None:
        session.execute(FORGET_TEXT, [{"id": post["id"]} for post in posts])
        session.execute(
            KEEP_TEXT, [{"id": post["id"], "digest": self.digest(post["body"])} for post in posts]
        )

    def digest(self, body: str) -> str:
        """The whole normal form: FTS5 needs it to forget a post."""
        return index_text(body)

    def hits(self, session: orm.Session, query: Query, bounds: Bounds, limit: int) -> list[int]:
        sql, values = select(query, bounds)
        return list(session.scalars(sa.text(sql), {**values, **bounds.values(limit)}))

    def best(self, session: orm.Session, query: Query, limit: int) -> list[int]:
        bounds = Bounds.of(query, Cursor())
        sql, values = select(query, bounds)
        newest = list(session.scalars(sa.text(sql), {**values, **bounds.values(RANKED_HITS)}))
        # Not FTS5's own rank: it reads every hit there is, half a million of a common word.
        texts = session.execute(TEXTS, {"hits": newest}).all()
        return best_first(query.terms, [(row.post_id, row.digest.split()) for row in texts])[:limit]

    @contextmanager
    def cut_off(self, session: orm.Session) -> Iterator[None]:
        driver: Any = session.connection().connection.driver_connection
        end = time.monotonic() + self.seconds_for_a_query
        driver.set_progress_handler(lambda: time.monotonic() > end, STEPS_BETWEEN_LOOKS_AT_THE_CLOCK)
        try:
            yield
        except sa.exc.DBAPIError as error:
            if "interrupted" in str(error.orig):
                raise TooSlow from None
            raise SearchUnavailable(DAMAGED) from error
        finally:
            driver.set_progress_handler(None, 0)


def select(query: Query, bounds: Bounds) -> tuple[str, dict[str, Any]]:
    """The statement that finds ids, up to `:limit`, and its values."""
    conditions, values = filters(query)
    source, id_ = "posts p", "p.id"
    if query.terms:
        source, id_ = "search_fts5 f", "f.rowid"
        if conditions:
            source += " JOIN posts p ON p.id = f.rowid"
        conditions.insert(0, "search_fts5 MATCH :match")
        values["match"] = match_of(query)
    elif query.excluded:
        source += " JOIN search_fts5_texts t ON t.post_id = p.id"  # what is not indexed yet is not found
        conditions.append("p.id NOT IN (SELECT rowid FROM search_fts5 WHERE search_fts5 MATCH :match)")
        values["match"] = any_of(query.excluded)
    conditions += bounds.conditions(id_)
    sql = (
        f"SELECT {id_} FROM {source} WHERE {' AND '.join(conditions)} "  # noqa: S608  # constants
        f"ORDER BY {id_} {bounds.order} LIMIT :limit"
    )
    return sql, values


def match_of(query: Query) -> str:
    """The query in FTS5's language; the words are in normal form and hold no quotes."""
    wanted = " AND ".join(fts5_term(term) for term in query.terms)
    return f"({wanted}) NOT ({any_of(query.excluded)})" if query.excluded else wanted


def any_of(terms: tuple[Term, ...]) -> str:
    return " OR ".join(fts5_term(term) for term in terms)


def fts5_term(term: Term) -> str:
    return f'"{" ".join(term.words)}"{" *" if term.is_prefix else ""}'


def best_first(terms: tuple[Term, ...], posts: list[tuple[int, list[str]]]) -> list[int]:
    """Ids of these (id, words), the best match first, and of equal ones the newest."""
    average = sum(len(words) for _, words in posts) / max(1, len(posts)) or 1

    def score(words: list[str]) -> float:
        weight = SATURATION * (1 - LENGTH_WEIGHT + LENGTH_WEIGHT * len(words) / average)
        counts = (occurrences(term, words) for term in terms)
        return sum(count * (SATURATION + 1) / (count + weight) for count in counts)

    return [
        post_id for _, post_id in sorted(((score(words), post_id) for post_id, words in posts), reverse=True)
    ]


def occurrences(term: Term, words: list[str]) -> int:
    """How often the term stands in the words; a phrase counts by its first word."""
    if term.is_prefix and len(term.words) == 1:
        return sum(word.startswith(term.words[0]) for word in words)
    return words.count(term.words[0])
