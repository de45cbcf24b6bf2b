"""Search inside SQLite (FTS5), in the transaction of the post: found in the very next request.

Three tables of its own: `search_fts5_texts` holds the normal form of every post (made by Python:
NFKC cannot be done in SQL), `search_fts5` is the FTS5 index over it, and `search_fts5_pending`
holds marks. Triggers in pure SQL set a mark for whoever writes a post, also a database shell, and
drop the entry of a deleted one. Our own transactions index their marks just before COMMIT; the
worker does it for those that came from outside.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm
from zope.interface import implementer

from microblog.db import Database
from microblog.posts.ids import LARGEST, first_id_at
from microblog.posts.paging import Cursor
from microblog.search.interfaces import Drift, ISearch, NotBuilt, Status
from microblog.search.language import Query, Term
from microblog.search.text import index_text

log = logging.getLogger(__name__)

# A request indexes its own posts; a flood from outside is the worker's.
MOST_IN_A_REQUEST = 1000
BATCH = 2000
# Set in the info of a session that indexes by itself, and counts what it did.
COUNTED = "microblog.search.counted"
NOT_BUILT = "Search is not ready yet: the operator makes it with `microblog search rebuild`."

TABLES = (
    "CREATE TABLE IF NOT EXISTS search_fts5_texts (post_id INTEGER PRIMARY KEY, text TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS search_fts5_pending (post_id INTEGER PRIMARY KEY)",
    # The text is in normal form already: words are what we say they are, marks of Indic scripts too.
    """CREATE VIRTUAL TABLE IF NOT EXISTS search_fts5 USING fts5(
        text, content='search_fts5_texts', content_rowid='post_id', prefix='2 3',
        tokenize="unicode61 remove_diacritics 0 categories 'L* N* M* Co'")""",
)
# Not OR IGNORE: inside a trigger the conflict policy of the outer statement wins.
TRIGGERS = {
    "search_fts5_post_inserted": """AFTER INSERT ON posts BEGIN
        INSERT INTO search_fts5_pending SELECT new.id
            WHERE NOT EXISTS (SELECT 1 FROM search_fts5_pending WHERE post_id = new.id); END""",
    "search_fts5_post_updated": """AFTER UPDATE OF id, body ON posts BEGIN
        DELETE FROM search_fts5_texts WHERE post_id = old.id AND old.id <> new.id;
        INSERT INTO search_fts5_pending SELECT new.id
            WHERE NOT EXISTS (SELECT 1 FROM search_fts5_pending WHERE post_id = new.id); END""",
    "search_fts5_post_deleted": """AFTER DELETE ON posts BEGIN
        DELETE FROM search_fts5_texts WHERE post_id = old.id;
        DELETE FROM search_fts5_pending WHERE post_id = old.id; END""",
    "search_fts5_text_inserted": """AFTER INSERT ON search_fts5_texts BEGIN
        INSERT INTO search_fts5(rowid, text) VALUES (new.post_id, new.text); END""",
    "search_fts5_text_deleted": """AFTER DELETE ON search_fts5_texts BEGIN
        INSERT INTO search_fts5(search_fts5, rowid, text) VALUES ('delete', old.post_id, old.text); END""",
}
EXISTS = sa.text("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'search_fts5_pending'")
ANY_PENDING = sa.text("SELECT 1 FROM search_fts5_pending LIMIT 1")
PENDING = sa.text("""SELECT m.post_id, p.body FROM search_fts5_pending m JOIN posts p ON p.id = m.post_id
    ORDER BY m.post_id DESC LIMIT :limit""")
FORGET_TEXT = sa.text("DELETE FROM search_fts5_texts WHERE post_id = :id")
KEEP_TEXT = sa.text("INSERT INTO search_fts5_texts (post_id, text) VALUES (:id, :text)")
SET_MARK = sa.text("INSERT INTO search_fts5_pending (post_id) VALUES (:id) ON CONFLICT DO NOTHING")
FORGET_MARK = sa.text("DELETE FROM search_fts5_pending WHERE post_id = :id")


@implementer(ISearch)
class FTS5Search:
    """Keeps no session and no connection."""

    name = "fts5"

    def __init__(self) -> None:
        self._installed = False

    def check(self, settings: Any, database: Database) -> None:
        if database.dialect != "sqlite":
            raise ValueError("fts5 lives inside SQLite; choose another adapter for PostgreSQL.")

    def install(self, session: orm.Session) -> None:
        is_new = not self.is_installed(session)
        for statement in TABLES:
            session.execute(sa.text(statement))
        for name, body in TRIGGERS.items():
            session.execute(sa.text(f"CREATE TRIGGER IF NOT EXISTS {name} {body}"))
        if is_new:
            session.execute(sa.text("INSERT INTO search_fts5_pending SELECT id FROM posts"))

    def uninstall(self, session: orm.Session) -> None:
        for name in TRIGGERS:
            session.execute(sa.text(f"DROP TRIGGER IF EXISTS {name}"))
        for name in ("search_fts5", "search_fts5_pending", "search_fts5_texts"):
            session.execute(sa.text(f"DROP TABLE IF EXISTS {name}"))
        self._installed = False

    def is_installed(self, session: orm.Session) -> bool:
        """Asked until it is: migrations may run while the server does."""
        if not self._installed:
            self._installed = session.scalar(EXISTS) is not None
        return self._installed

    def before_commit(self, session: orm.Session) -> None:
        if self.is_installed(session) and not session.info.get(COUNTED):
            self.index_pending(session, MOST_IN_A_REQUEST)

    def has_pending(self, session: orm.Session) -> bool:
        return self.is_installed(session) and session.scalar(ANY_PENDING) is not None

    def index_pending(self, session: orm.Session, limit: int) -> int:
        rows = session.execute(PENDING, {"limit": limit}).all()
        if rows:
            marks = [{"id": row.post_id} for row in rows]
            session.execute(FORGET_TEXT, marks)
            session.execute(KEEP_TEXT, [{"id": row.post_id, "text": index_text(row.body)} for row in rows])
            session.execute(FORGET_MARK, marks)
        return len(rows)

    def search(self, session: orm.Session, query: Query, cursor: Cursor, limit: int) -> list[int]:
        if not self.is_installed(session):
            raise NotBuilt(NOT_BUILT)
        conditions, values = filters(query)
        source, id_ = "posts p", "p.id"
        if query.terms:
            source, id_ = "search_fts5 f", "f.rowid"
            conditions.insert(0, "search_fts5 MATCH :match")
            values["match"] = match_of(query)
            if query.author is not None or query.language is not None:
                source += " JOIN posts p ON p.id = f.rowid"
        elif query.excluded:
            conditions.append("p.id NOT IN (SELECT rowid FROM search_fts5 WHERE search_fts5 MATCH :match)")
            values["match"] = " OR ".join(fts5_term(term) for term in query.excluded)
        after = cursor.after is not None
        conditions.append(f"{id_} {'>' if after else '<'} :bound")
        bound = cursor.after if after else LARGEST if cursor.before is None else cursor.before
        if query.since is not None:
            conditions.append(f"{id_} >= :since")
        if query.until is not None:
            conditions.append(f"{id_} < :until")
        sql = (
            f"SELECT {id_} FROM {source} WHERE {' AND '.join(conditions)} "  # noqa: S608  # constants
            f"ORDER BY {id_} {'' if after else 'DESC'} LIMIT :limit"
        )
        return list(session.scalars(sa.text(sql), {**values, "bound": bound, "limit": limit}))

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
        with database.read() as session:
            if not self.is_installed(session):
                raise NotBuilt(NOT_BUILT)
            posts = batches(session, "SELECT id, body FROM posts WHERE id > :last ORDER BY id LIMIT :limit")
            texts = batches(
                session,
                "SELECT post_id, text FROM search_fts5_texts WHERE post_id > :last "
                "ORDER BY post_id LIMIT :limit",
            )
            post, text = next(posts, None), next(texts, None)
            while post is not None or text is not None:
                if text is None or (post is not None and post[0] < text[0]):
                    missing.append(post[0])  # type: ignore[index]
                    post = next(posts, None)
                elif post is None or text[0] < post[0]:
                    ghosts.append(text[0])
                    text = next(texts, None)
                else:
                    if index_text(post[1]) != text[1]:
                        stale.append(post[0])
                    post, text = next(posts, None), next(texts, None)
        return Drift(tuple(missing), tuple(stale), tuple(ghosts))

    def repair(self, session: orm.Session, drift: Drift) -> None:
        if drift.ghosts:
            session.execute(FORGET_TEXT, [{"id": post_id} for post_id in drift.ghosts])
        if drift.missing or drift.stale:
            session.execute(SET_MARK, [{"id": post_id} for post_id in (*drift.missing, *drift.stale)])

    def status(self, session: orm.Session) -> Status:
        if not self.is_installed(session):
            raise NotBuilt(NOT_BUILT)
        return Status(
            self.name,
            session.scalar(sa.text("SELECT count(*) FROM search_fts5_texts")) or 0,
            session.scalar(sa.text("SELECT count(*) FROM search_fts5_pending")) or 0,
        )


def filters(query: Query) -> tuple[list[str], dict[str, Any]]:
    conditions = []
    values: dict[str, Any] = {}
    if query.author is not None:
        conditions.append("p.user_id = (SELECT user_id FROM nicknames WHERE key = :author)")
        values["author"] = query.author
    if query.language is not None:
        conditions.append("(lower(p.language) = :language OR lower(p.language) LIKE :language || '-%')")
        values["language"] = query.language
    if query.since is not None:
        values["since"] = first_id_at(query.since)
    if query.until is not None:
        values["until"] = first_id_at(query.until)
    return conditions, values


def match_of(query: Query) -> str:
    """The query in FTS5's language; the words are in normal form and hold no quotes."""
    wanted = " AND ".join(fts5_term(term) for term in query.terms)
    if not query.excluded:
        return wanted
    return f"({wanted}) NOT ({' OR '.join(fts5_term(term) for term in query.excluded)})"


def fts5_term(term: Term) -> str:
    return f'"{" ".join(term.words)}"{" *" if term.is_prefix else ""}'


def batches(session: orm.Session, sql: str) -> Iterator[tuple[int, str]]:
    """Rows by id, in constant memory."""
    last = -1
    while rows := session.execute(sa.text(sql), {"last": last, "limit": BATCH}).all():
        for row in rows:
            yield row[0], row[1]
        last = rows[-1][0]
