"""Every SQL statement about likes, boosts and bookmarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.accounts.models import User
from microblog.db import INSERTS
from microblog.ids import new_id
from microblog.paging import Cursor, Found, look_through, select_page
from microblog.people.queries import PersonRow, select_people
from microblog.people.visibility import is_blocked
from microblog.posts.models import Post
from microblog.posts.queries import PostRow, read_rows, select_posts
from microblog.reactions.models import Bookmark, Boost, Like

Table = type[Like] | type[Boost] | type[Bookmark]


@dataclass(frozen=True, slots=True)
class PostToReactTo:
    """`is_blocked` when its author or who reacts has blocked the other."""

    id: int
    is_blocked: bool


def lock_post(session: orm.Session, post_id: int, user_id: int) -> PostToReactTo | None:
    """Lock the post, whose counts this transaction is going to change; None when it was deleted, or its
    author is gone.

    Before the row of the reaction: a deletion of the post locks them in this order, too.
    """
    row = session.execute(LOCKED_POST, {"user": user_id, "post": post_id}).one_or_none()
    return None if row is None else PostToReactTo(*row)


def add(session: orm.Session, table: Table, user_id: int, post_id: int) -> bool:
    """Lock a post, as `lock_post` does, and add a row; True if it is new.

    It is not when there was one, and for the reasons that `lock_post` tells: no statement asks for these
    first, since they are rare.
    """
    insert = ADD[table][session.get_bind().dialect.name]
    return session.scalar(insert, {"user": user_id, "post": post_id, "id": new_id()}) is not None


def remove(session: orm.Session, table: Table, user_id: int, post_id: int) -> bool:
    """Delete a row, of a post that is locked; True if there was one."""
    result: Any = session.execute(REMOVE[table], {"user": user_id, "post": post_id})
    return bool(result.rowcount)


THE_USER, THE_POST, THE_ID = (sa.bindparam(name, type_=sa.BigInteger) for name in ("user", "post", "id"))
IS_BLOCKED = is_blocked(THE_USER, Post.user_id)


def select_locked(*columns: Any) -> Any:
    """A query for a post that is there, which it locks."""
    query = sa.select(*columns).select_from(Post).join(User, User.id == Post.user_id)
    query = query.where(Post.id == THE_POST, Post.hidden.is_(None), sa.not_(User.is_gone))
    return query.with_for_update(key_share=True, of=Post)


def make_insert(insert: Any, table: Any) -> Any:
    source = select_locked(THE_USER, Post.id, THE_ID).where(sa.not_(IS_BLOCKED))
    columns = [table.user_id, table.post_id, table.id]
    added = insert(table.__table__).from_select(columns, source, include_defaults=False)
    return added.on_conflict_do_nothing(index_elements=columns[:2]).returning(table.id)


def make_delete(table: Any) -> Any:
    return sa.delete(table.__table__).where(table.user_id == THE_USER, table.post_id == THE_POST)


# Made once: to make one costs more than to run it.
LOCKED_POST = select_locked(Post.id, IS_BLOCKED.label("is_blocked"))
TABLES: tuple[Table, ...] = (Like, Boost, Bookmark)
ADD = {table: {name: make_insert(insert, table) for name, insert in INSERTS.items()} for table in TABLES}
REMOVE = {table: make_delete(table) for table in TABLES}


@dataclass(frozen=True, slots=True)
class Mine:
    """What the reader has done with a post."""

    liked: bool = False
    boosted: bool = False
    bookmarked: bool = False


NOTHING = Mine()


def find_mine(session: orm.Session, reader_id: int | None, posts: Sequence[PostRow]) -> dict[int, Mine]:
    """What the reader has done with these posts, by their ids; nothing for a visitor."""
    if reader_id is None:
        return {}
    ids = [post.id for post in posts]
    rows = session.execute(MINE, {"reader": reader_id, "ids": ids})
    found: dict[int, dict[str, bool]] = {}
    for post_id, what in rows:
        found.setdefault(post_id, {})[what] = True
    return {post_id: Mine(**found[post_id]) if post_id in found else NOTHING for post_id in ids}


def select_mine(table: Table, what: str) -> Any:
    return sa.select(table.post_id, sa.literal_column(f"'{what}'")).where(
        table.user_id == sa.bindparam("reader"), table.post_id.in_(sa.bindparam("ids", expanding=True))
    )


MINE = sa.union_all(
    select_mine(Like, "liked"), select_mine(Boost, "boosted"), select_mine(Bookmark, "bookmarked")
)


def list_people_who(
    session: orm.Session, table: Table, post_id: int, cursor: Cursor, limit: int, *, reader_id: int | None
) -> list[PersonRow]:
    """Who likes or boosts this post, the latest first; `since` is the id of the like or the boost."""
    query = select_people(reader_id, table.id).join(table, User.id == table.user_id)
    page = select_page(query.where(table.post_id == post_id), table.id, cursor, limit)
    return [PersonRow(*row) for row in session.execute(page)]


@dataclass(frozen=True, slots=True)
class ReactedPost:
    """A post of a list of mine: `since` is the id of the like or the bookmark."""

    post: PostRow
    since: int


def list_my_posts(
    session: orm.Session, table: Table, user_id: int, cursor: Cursor, limit: int
) -> Found[ReactedPost]:
    """The posts that somebody likes or has bookmarked, the latest first."""
    query = select_posts(user_id, with_muted=True).add_columns(table.id)
    query = query.join(table, table.post_id == Post.id).where(table.user_id == user_id)

    def read(candidates: int) -> list[ReactedPost]:
        rows = read_rows(session, select_page(query, table.id, cursor, candidates), user_id)
        return [ReactedPost(PostRow(*row[:-1]), row[-1]) for row in rows]

    def choose(rows: Sequence[ReactedPost]) -> list[ReactedPost]:
        return [row for row in rows if row.post.is_shown]

    return look_through(read, choose, lambda row: row.since, limit)
