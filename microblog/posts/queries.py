"""Every SQL statement about posts. Lists are read as rows, not entities: they cost a tenth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql, sqlite

from microblog.accounts.models import User
from microblog.db import written
from microblog.ids import LARGEST, moment_of, new_id
from microblog.paging import Cursor
from microblog.posts.models import Post


@dataclass(frozen=True, slots=True)
class PostRow:
    """A post as pages show it."""

    id: int
    body: str
    language: str | None
    author_id: int
    author: str
    author_email: str | None

    @property
    def created(self) -> datetime:
        return moment_of(self.id)


COLUMNS = (Post.id, Post.body, Post.language, Post.user_id, User.nickname, User.email)


def post_of(session: orm.Session, post_id: int) -> PostRow | None:
    row = session.execute(
        sa.select(*COLUMNS).join(User, User.id == Post.user_id).where(Post.id == post_id)
    ).one_or_none()
    return None if row is None else PostRow(*row)


def posts_by_id(session: orm.Session, ids: Iterable[int]) -> list[PostRow]:
    """Those of them that are still there, in the given order."""
    wanted = list(ids)
    if not wanted:
        return []
    rows = session.execute(sa.select(*COLUMNS).join(User, User.id == Post.user_id).where(Post.id.in_(wanted)))
    found = {row.id: PostRow(*row) for row in rows}
    return [found[post_id] for post_id in wanted if post_id in found]


def everybodys_posts(session: orm.Session, cursor: Cursor, limit: int) -> list[PostRow]:
    """The public timeline; see `page_of_posts` for the order."""
    return page_of(session, sa.select(*COLUMNS).join(User, User.id == Post.user_id), cursor, limit)


def posts_of(session: orm.Session, user_id: int, cursor: Cursor, limit: int) -> list[PostRow]:
    """The timeline of a profile."""
    query = sa.select(*COLUMNS).join(User, User.id == Post.user_id).where(Post.user_id == user_id)
    return page_of(session, query, cursor, limit)


def page_of(session: orm.Session, query: Any, cursor: Cursor, limit: int) -> list[PostRow]:
    if cursor.after is not None:
        query = query.where(Post.id > cursor.after).order_by(Post.id)
    else:
        query = query.where(Post.id < bound(cursor)).order_by(Post.id.desc())
    return [PostRow(*row) for row in session.execute(query.limit(limit))]


def bound(cursor: Cursor) -> int:
    return LARGEST if cursor.before is None else cursor.before


# The home timeline, on read: first the ids, from the covering index (user_id, id),
# where each followed person's are read only as far as the page needs; then the posts. PostgreSQL does
# not stop early by itself: a page's posts are by those whose nearest post is among the page's nearest.
HOME_TIMELINE = {
    "sqlite": """
        SELECT p.id, p.body, p.language, p.user_id, u.nickname, u.email
        FROM posts p JOIN users u ON u.id = p.user_id
        WHERE p.id IN (
            SELECT id FROM (
                SELECT * FROM (
                    SELECT p.id AS id
                    FROM follows f CROSS JOIN posts p INDEXED BY ix_posts_user_id_id
                    WHERE f.follower_id = :reader AND p.user_id = f.followee_id AND p.id {operator} :bound
                    ORDER BY p.id {order} LIMIT :limit)
                UNION ALL
                SELECT * FROM (
                    SELECT p.id AS id FROM posts p INDEXED BY ix_posts_user_id_id
                    WHERE p.user_id = :reader AND p.id {operator} :bound
                    ORDER BY p.id {order} LIMIT :limit))
            ORDER BY id {order} LIMIT :limit)
        ORDER BY p.id {order}""",
    "postgresql": """
        SELECT p.id, p.body, p.language, p.user_id, u.nickname, u.email
        FROM posts p JOIN users u ON u.id = p.user_id
        WHERE p.id = ANY(ARRAY(
            SELECT id FROM (
                (SELECT newest.id
                 FROM (
                    SELECT f.followee_id
                    FROM follows f CROSS JOIN LATERAL (
                        SELECT x.id FROM posts x
                        WHERE x.user_id = f.followee_id AND x.id {operator} :bound
                        ORDER BY x.id {order} LIMIT 1) head
                    WHERE f.follower_id = :reader
                    ORDER BY head.id {order} LIMIT :limit) heads
                 CROSS JOIN LATERAL (
                    SELECT x.id FROM posts x
                    WHERE x.user_id = heads.followee_id AND x.id {operator} :bound
                    ORDER BY x.id {order} LIMIT :limit) newest
                 ORDER BY newest.id {order} LIMIT :limit)
                UNION ALL
                (SELECT x.id FROM posts x
                 WHERE x.user_id = :reader AND x.id {operator} :bound
                 ORDER BY x.id {order} LIMIT :limit)) both_of_them
            ORDER BY id {order} LIMIT :limit))
        ORDER BY p.id {order}""",
}
BEFORE = {"operator": "<", "order": "DESC"}
AFTER = {"operator": ">", "order": "ASC"}
HOME_STATEMENTS = {
    (dialect, after): sa.text(sql.format(**(AFTER if after else BEFORE)))
    for dialect, sql in HOME_TIMELINE.items()
    for after in (False, True)
}


def home_timeline(session: orm.Session, reader_id: int, cursor: Cursor, limit: int) -> list[PostRow]:
    """The reader's own posts and those of the people they follow."""
    after = cursor.after is not None
    rows = session.execute(
        HOME_STATEMENTS[session.get_bind().dialect.name, after],
        {"reader": reader_id, "bound": cursor.after if after else bound(cursor), "limit": limit},
    )
    return [PostRow(*row) for row in rows]


def add_post(session: orm.Session, user_id: int, body: str, *, language: str | None = None) -> int:
    """The id of a new post."""
    insert: Any = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    while True:
        values = {"id": new_id(), "user_id": user_id, "body": body, "language": language}
        post_id = session.scalar(insert(Post).values(**values).on_conflict_do_nothing().returning(Post.id))
        if post_id is not None:
            return int(post_id)
        # Another process made the same id in this millisecond; the next one is free.


def delete_post(session: orm.Session, post_id: int) -> None:
    session.execute(sa.delete(Post).where(Post.id == post_id))


def delete_own_post(session: orm.Session, post_id: int, author_id: int) -> None:
    """:raises StaleData: when there is no such post of this author any more."""
    written(session.execute(sa.delete(Post).where(Post.id == post_id, Post.user_id == author_id)))


def add_posts(session: orm.Session, rows: Sequence[dict[str, Any]]) -> None:
    """Many at once: dictionaries of `id`, `user_id`, `body`, `language`."""
    session.execute(sa.insert(Post), rows)


def add_missing_posts(session: orm.Session, rows: Sequence[dict[str, Any]]) -> set[int]:
    """The ids of those that are new. Not added: an id that is taken, a key that its author used."""
    dialect: Any = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    insert = dialect.insert(Post.__table__).on_conflict_do_nothing()
    return set(session.scalars(insert.returning(Post.id), rows))


def documents(session: orm.Session, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """What an index keeps of these posts, by id: `id`, `author` (an id), `body`, `language`."""
    rows = session.execute(sa.select(*DOCUMENT).where(Post.id.in_(ids)))
    return {row.id: row._asdict() for row in rows}


def documents_after(session: orm.Session, last: int, limit: int) -> dict[int, dict[str, Any]]:
    """The same of the next posts above the id `last`, in the order of ids; all of them need many calls."""
    rows = session.execute(sa.select(*DOCUMENT).where(Post.id > last).order_by(Post.id).limit(limit))
    return {row.id: row._asdict() for row in rows}


def lock(session: orm.Session, ids: Sequence[int]) -> None:
    """Wait for those who change these posts now, and let nobody else until our transaction ends."""
    session.execute(
        sa.select(Post.id).where(Post.id.in_(ids)).order_by(Post.id).with_for_update(read=True)
    ).all()


def number_of_posts(session: orm.Session) -> int:
    """All of them: it reads a whole index, so this is nothing for a page."""
    return session.scalar(sa.select(sa.func.count()).select_from(Post)) or 0


DOCUMENT = (Post.id, Post.user_id.label("author"), Post.body, Post.language)
