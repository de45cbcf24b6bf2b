"""Every SQL statement about timelines: lists of posts, the newest first."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.accounts.models import User
from microblog.ids import LARGEST
from microblog.paging import Cursor, select_page
from microblog.people.queries import PersonRow, is_followed_by, select_people
from microblog.posts.models import Post
from microblog.posts.queries import COLUMNS, PostRow, list_spellings


def list_public_posts(
    session: orm.Session, cursor: Cursor, limit: int, *, language: str | None = None
) -> list[PostRow]:
    """Everybody's posts, or those in one language; see `select_page` for the order."""
    query = sa.select(*COLUMNS).join(User, User.id == Post.user_id)
    if language is not None:
        query = query.where(build_language_filter(session, language, cursor, limit))
    return list_posts(session, query, cursor, limit)


def build_language_filter(session: orm.Session, language: str, cursor: Cursor, limit: int) -> Any:
    """The posts in a language, with or without a region (`pt`, `pt-br`), in lower case.

    Of one spelling the index gives the page. Of several, the nearest of each are all that can be on it.
    """
    spellings = list_spellings(session, language)
    if len(spellings) <= 1:
        return Post.language == (spellings[0] if spellings else language)
    nearest = (
        select_page(sa.select(Post.id).where(Post.language == spelling), Post.id, cursor, limit).subquery()
        for spelling in spellings
    )
    return Post.id.in_(sa.union_all(*(sa.select(ids.c.id) for ids in nearest)))


def list_profile_posts(session: orm.Session, user_id: int, cursor: Cursor, limit: int) -> list[PostRow]:
    """The posts of one person."""
    query = sa.select(*COLUMNS).join(User, User.id == Post.user_id).where(Post.user_id == user_id)
    return list_posts(session, query, cursor, limit)


def list_posts(session: orm.Session, query: Any, cursor: Cursor, limit: int) -> list[PostRow]:
    return [PostRow(*row) for row in session.execute(select_page(query, Post.id, cursor, limit))]


# The home timeline is computed on read: first the ids, from the covering index (user_id, id), of which only
# as many are read per followed person as the page needs; then the posts. PostgreSQL does not stop early by
# itself, so the authors are limited first: only those whose nearest post is among the nearest can be on the
# page.
HOME_TIMELINE = {
    "sqlite": """
        SELECT p.id, p.body, p.language, p.user_id, u.nickname, u.email, u.display_name
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
        SELECT p.id, p.body, p.language, p.user_id, u.nickname, u.email, u.display_name
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


def list_home_posts(session: orm.Session, reader_id: int, cursor: Cursor, limit: int) -> list[PostRow]:
    """The reader's own posts and those of the people they follow."""
    after = cursor.after is not None
    bound = cursor.after if after else cursor.before
    rows = session.execute(
        HOME_STATEMENTS[session.get_bind().dialect.name, after],
        {"reader": reader_id, "bound": LARGEST if bound is None else bound, "limit": limit},
    )
    return [PostRow(*row) for row in rows]


def count_newer_posts(session: orm.Session, reader_id: int | None, after: int, limit: int) -> int:
    """How many posts are newer than this id, up to `limit`: of a reader's home timeline, or of everybody."""
    if reader_id is not None:
        return len(list_home_posts(session, reader_id, Cursor(after=after), limit))
    # In an order, or PostgreSQL reads all posts where the statistics promise that many are newer.
    newer = sa.select(Post.id).where(Post.id > after).order_by(Post.id.desc()).limit(limit).subquery()
    return session.scalar(sa.select(sa.func.count()).select_from(newer)) or 0


NEWEST_LOOKED_AT = 200  # posts, among whose authors are people to follow


def list_suggested_people(session: orm.Session, reader_id: int, limit: int) -> list[PersonRow]:
    """People whom somebody may like to follow: authors of the newest posts, most followed first."""
    newest = sa.select(Post.user_id).order_by(Post.id.desc()).limit(NEWEST_LOOKED_AT).subquery()
    query = select_people(reader_id).where(
        User.id.in_(sa.select(newest.c.user_id)), User.id != reader_id, ~is_followed_by(reader_id)
    )
    query = query.order_by(User.followers_count.desc(), User.id.desc()).limit(limit)
    return [PersonRow(*row) for row in session.execute(query)]
